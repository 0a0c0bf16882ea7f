//! What a plugin may do.

use super::{problem, read};
use crate::{OnFailure, Plugin, PluginGrants, Settings};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The only plugin of the file.
fn only(text: &str) -> Plugin {
    let [plugin] = read(text).plugins.list.try_into().unwrap();
    plugin
}

#[test]
fn every_grant_is_read() {
    let plugin = only(
        "'sess-man' {
            'word-filter' () {
                grants {
                    allow = [ 'pre', 'stanzas' ]       # a comment
                    stores { seen = 1024 * 1024 }
                    vhosts = [ 'a.example' ]
                    services = [ 'bot' ]
                    http = [ 'hooks.example.org', 'localhost:8080', '[::1]:80' ]
                    'on-failure' = 'pass'
                    cpu = '10ms'  timeout = '2s'  memory = 32 * 1024 * 1024  'outbox-stanzas' = 10  'outbox-bytes' = 4 * 1024  'account-data' = 7  alarms = 8  instances = 2  calls = 100
                    fresh = true
                }
                'on-vhost' { 'b.example' { words = [ 'x' ] } }
                words = [ 'a' ]
            }
        }",
    );
    let text = |list: &[&str]| list.iter().map(|item| item.to_string()).collect::<Vec<_>>();
    let grants = PluginGrants {
        allow: text(&["pre", "stanzas"]),
        stores: vec![("seen".to_owned(), 1_048_576)],
        vhosts: text(&["a.example"]),
        services: text(&["bot"]),
        http: text(&["hooks.example.org", "localhost:8080", "[::1]:80"]),
        on_failure: Some(OnFailure::Pass),
        cpu: Some(Duration::from_millis(10)),
        call_timeout: Some(Duration::from_secs(2)),
        memory: Some(32 * 1024 * 1024),
        outbox_stanzas: Some(10),
        outbox_bytes: Some(4096),
        account_data: Some(7),
        alarms: Some(8),
        instances: Some(2),
        retire_after: Some(100),
        fresh: true,
    };
    assert_eq!(
        plugin,
        Plugin {
            settings: vec![("words".to_owned(), text(&["a"]))],
            grants,
            on_vhost: vec![("b.example".to_owned(), vec![("words".to_owned(), text(&["x"]))])],
            ..Plugin::new("word-filter")
        }
    );
    assert!(plugin.grants.allows("pre") && plugin.grants.allows("types"));
    assert!(!plugin.grants.allows("storage"));
    assert!(plugin.grants.serves("a.example") && !plugin.grants.serves("b.example"));
}

#[test]
fn nothing_is_granted_by_default() {
    for text in ["'sess-man' { ping () {} }", "'sess-man' { ping () { grants {} } }"] {
        let grants = only(text).grants;
        assert_eq!(grants, PluginGrants::default());
        assert!(grants.allow.is_empty() && grants.stores.is_empty());
        assert!(grants.services.is_empty() && grants.http.is_empty());
        assert!(grants.allows("lifecycle") && !grants.allows("process"));
        assert_eq!(grants.store_limit("seen"), None);
        assert!(grants.serves("any.example") && grants.on_failure.is_none() && !grants.fresh);
    }
    // The general settings are meant where a plugin's own are null.
    let nulls = only("'sess-man' { ping () { grants { cpu = null, memory = null, 'on-failure' = null } } }");
    assert_eq!(nulls.grants, PluginGrants::default());
    let general = read("'sess-man' { 'plugin-trial-calls' = 3, 'plugin-file-bytes' = 1024 }").plugins;
    assert_eq!((general.trial_calls, general.file_bytes), (3, 1024));
    let general = read("").plugins;
    assert_eq!((general.trial_calls, general.file_bytes), (20, 64 * 1024 * 1024));
}

#[test]
fn a_star_is_any_store_that_is_not_named() {
    let grants = only("'sess-man' { archive () { grants { stores { log = 5, '*' = 0 } } } }").grants;
    assert_eq!((grants.store_limit("log"), grants.store_limit("other")), (Some(5), Some(0)));
}

#[test]
fn a_nested_plugin_has_its_own_grants() {
    let text = "'sess-man' {
        amp () {
            grants { allow = [ 'pre' ] }
            msgoffline () { grants { allow = [ 'post' ], stores { offline = 7 } }, limit = 1 }
            'jabber:iq:last' (active: false) { deeper () { grants { fresh = true } } }
        }
    }";
    let list = read(text).plugins.list;
    let names: Vec<_> = list.iter().map(|plugin| (plugin.name.as_str(), plugin.active)).collect();
    assert_eq!(names, [("amp", true), ("msgoffline", true), ("jabber:iq:last", false), ("deeper", false)]);
    assert_eq!(list[0].grants, PluginGrants { allow: vec!["pre".to_owned()], ..Default::default() });
    assert_eq!(list[1].grants.allow, ["post"]);
    assert_eq!(list[1].grants.store_limit("offline"), Some(7));
    assert_eq!(list[1].settings, [("limit".to_owned(), vec!["1".to_owned()])]);
    assert_eq!(list[2].grants, PluginGrants::default());
    assert!(list[3].grants.fresh);
}

#[test]
fn a_repeated_block_changes_what_it_says_and_nothing_else() {
    let list = read(
        "'sess-man' {
            filter () { grants { allow = [ 'pre' ], fresh = true }, 'on-vhost' { a.example { x = 1, y = 1 } } }
            outer () {
                filter () {
                    grants { cpu = '1s', fresh = false }
                    'on-vhost' { a.example { x = 2 }, b.example { x = 3 } }
                }
            }
        }
        'sess-man' { filter () { grants { instances = 3 } } }",
    )
    .plugins
    .list;
    assert_eq!(list.len(), 2);
    let grants = PluginGrants {
        allow: vec!["pre".to_owned()],
        cpu: Some(Duration::from_secs(1)),
        instances: Some(3),
        ..Default::default()
    };
    assert_eq!(list[0].grants, grants);
    let setting = |key: &str, value: &str| (key.to_owned(), vec![value.to_owned()]);
    assert_eq!(
        list[0].on_vhost,
        [
            ("a.example".to_owned(), vec![setting("y", "1"), setting("x", "2")]),
            ("b.example".to_owned(), vec![setting("x", "3")]),
        ]
    );
}

#[test]
fn problems_of_grants_are_found_where_they_are() {
    for (text, expected) in [
        ("grants {\n  alow = [ 'pre' ] }", "3:3: unknown key 'alow', did you mean 'allow'?"),
        (
            "grants { 'outbox-stanza' = 5 }",
            "2:10: unknown key 'outbox-stanza', did you mean 'outbox-stanzas'?",
        ),
        ("grants { 'on-failure' = 'bounced' }", "2:25: unknown value 'bounced', did you mean 'bounce'?"),
        ("grants { 'on-failure' = 'x' }", "2:25: unknown value 'x', known are 'pass', 'bounce', 'drop'"),
        ("grants = [ 'pre' ]", "2:10: expected a block, found a list"),
        ("grants (active: false) {}", "2:17: this block cannot be switched off"),
        ("grants { stores = [ 'seen' ] }", "2:19: expected a block, found a list"),
        (
            "grants { stores { seen = 'all' } }",
            "2:26: expected a whole number from 0 to 18446744073709551615, found the text 'all'",
        ),
        (
            "grants { cpu = 50 }",
            "2:16: expected a duration such as '30s', '5m', '1h30m', '50ms' or 'PT15M', found 50 without a unit",
        ),
        ("grants { fresh = 'often' }", "2:18: expected true or false, found the text 'often'"),
        ("'on-vhost' = 5", "2:14: expected a block, found 5"),
        ("'on-vhost' { b.example = 5 }", "2:26: expected a block, found 5"),
        (
            "'on-vhost' { b.example { inner {} } }",
            "2:26: expected a value or a list of values, found a block",
        ),
        // What validate() finds.
        ("grants { cpu = '0s' }", "2:16: must be more than nothing; null is the general setting"),
        ("grants { vhosts = [ 'a b' ] }", "2:19: 'a b' is not a domain; '*' is all of them"),
        ("grants { services = [ 'bot/x' ] }", "2:21: 'bot/x' cannot be a name under a domain, as 'bot' is"),
        (
            "grants { http = 'http://a.example' }",
            "2:17: 'http://a.example' is not a host, or host:port, as 'hooks.example.org' is",
        ),
        (
            "grants { http = 'a.example:99999' }",
            "2:17: 'a.example:99999' is not a host, or host:port, as 'hooks.example.org' is",
        ),
        ("'on-vhost' { c { a = 1 }, 'a b' { a = 1 } }", "2:27: 'a b' is not a domain"),
        ("'on-vhost' { '*' { a = 1 } }", "2:14: '*' is not a domain"),
        ("inner () { grants { calls = 0 } }", "2:29: must be more than nothing; null is the general setting"),
    ] {
        assert_eq!(problem(&format!("'sess-man' {{ ping () {{\n{text}\n}} }}")), expected, "{text}");
    }
    assert_eq!(
        problem("'sess-man' {\n grants { allow = [ 'pre' ] }\n}"),
        "2:2: 'grants' belongs into the block of a plugin"
    );
}

#[test]
fn every_shipped_plugin_has_grants() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../etc/config.tdsl");
    let settings = Settings::load(&path, &BTreeMap::new()).unwrap();
    assert_eq!(settings.plugins.list.len(), 17);
    for plugin in &settings.plugins.list {
        let of_use = plugin.grants.allows("stanzas") || plugin.grants.allows("commands");
        assert!(of_use, "{}", plugin.name);
        assert_eq!(plugin.grants.allows("storage"), !plugin.grants.stores.is_empty(), "{}", plugin.name);
    }
}

#[test]
fn the_operator_says_who_may_run_commands() {
    let text = "'sess-man' {
        commands { 'add-user' = [ 'DOMAIN_OWNER', 'juliet@a.example' ] }
        'vhost-man' () { commands { list = 'ALL' } }
    }
    'vhost-man' { commands { add = 'LOCAL', list = 'NONE' }, other = 1 }";
    let settings = Settings::parse(text, "config.tdsl", &BTreeMap::new()).unwrap();
    let of = |name: &str| {
        let plugin = settings.plugins.list.iter().find(|plugin| plugin.name == name).unwrap();
        let commands = plugin.commands.iter();
        commands.map(|(node, list)| format!("{node} = {}", list.join(" "))).collect::<Vec<_>>()
    };
    let plugins = &settings.plugins;
    let said = [("add-user".into(), vec!["DOMAIN_OWNER".into(), "juliet@a.example".to_owned()])];
    assert_eq!(
        (plugins.component_commands("sess-man"), plugins.component_commands("other")),
        (&said[..], &[][..])
    );
    assert_eq!(of("vhost-man"), ["list = ALL", "add = LOCAL"]);
    let wrong = "'sess-man' { 'vhost-man' () { commands { add = 'not an address' } } }";
    let why = Settings::parse(wrong, "config.tdsl", &BTreeMap::new()).unwrap_err().to_string();
    assert!(why.contains("'not an address' is none of ALL, ADMIN, LOCAL"), "{why}");
}

#[test]
fn a_plugin_knows_whose_block_it_is_in_and_a_later_block_changes_an_earlier_one() {
    let text = "amp { 'store-limit' = 5, 'other' = 1 }
    'sess-man' {
        amp () { msgoffline () { grants { allow = [ 'post' ] } }, other = 2 }
        marker (active: false) { last () {} }
    }
    'sess-man' { amp () { msgoffline (active: false) {} }, marker (active: true) { last () {} } }";
    let list = read(text).plugins.list;
    let place =
        |plugin: &Plugin| (plugin.name.clone(), plugin.within.clone().unwrap_or_default(), plugin.active);
    let places: Vec<_> = list.iter().map(place).collect();
    let expected =
        [("amp", "", true), ("msgoffline", "amp", false), ("marker", "", true), ("last", "marker", true)];
    assert_eq!(places, expected.map(|(name, within, active)| (name.to_owned(), within.to_owned(), active)));
    assert_eq!(list[1].grants.allow, ["post"]);
    let values = |value: &str| vec![value.to_owned()];
    let expected = [("other".to_owned(), values("2")), ("store-limit".to_owned(), values("5"))];
    assert_eq!(list[0].settings, expected);
}

#[test]
fn a_block_beside_sess_man_belongs_to_a_plugin() {
    assert_eq!(problem("ampp { limit = 5 }"), "1:1: 'ampp' is neither a setting nor a plugin in 'sess-man'");
}
