mod grants;

use super::*;
use std::time::Duration;

fn parse(text: &str) -> Result<Settings, Error> {
    Settings::parse(text, "config.tdsl", &BTreeMap::new())
}

fn read(text: &str) -> Settings {
    parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn problem(text: &str) -> String {
    match parse(text) {
        Err(Error::At(at)) => format!("{}:{}: {}", at.line, at.column, at.message),
        other => panic!("{other:?}"),
    }
}

fn plugin(name: &str, active: bool, settings: &[(&str, &[&str])]) -> Plugin {
    let values = |values: &[&str]| values.iter().map(|value| value.to_string()).collect();
    let settings = settings.iter().map(|(key, list)| (key.to_string(), values(list))).collect();
    Plugin { active, settings, ..Plugin::new(name) }
}

fn within(outer: &str, plugin: Plugin) -> Plugin {
    Plugin { within: Some(outer.to_owned()), ..plugin }
}

#[test]
fn an_empty_file_is_the_defaults() {
    assert_eq!(read(""), Settings::default());
    assert!(Settings::default().validate().is_ok());
    assert!(Settings::default().plugins.list.is_empty());
}

#[test]
fn the_defaults_shown_are_the_defaults() {
    let mut settings = read(&Settings::reference_tdsl());
    let names: Vec<_> = settings.plugins.list.iter().map(|plugin| plugin.name.as_str()).collect();
    let bundled = [
        "amp",
        "msgoffline",
        "flexible-offline",
        "jabber:iq:last-marker",
        "jabber:iq:last",
        "message-carbons",
        "ping",
        "version",
        "time",
        "private",
        "vcard-temp",
        "jabber:iq:register",
        "vhost-man",
        "sess-man",
        "motd",
        "presence-forward",
        "message-forward",
    ];
    assert_eq!(names, bundled);
    assert_eq!(settings.admins, ["admin@localhost"]);
    settings.plugins.list.clear();
    assert_eq!(settings, Settings::default());

    // Commented lines must be right as well.
    let live: Vec<String> = Settings::reference_tdsl()
        .lines()
        .map(|line| match line.trim_start().strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') || setting.starts_with("    ") => setting.to_owned(),
            _ => line.to_owned(),
        })
        .collect();
    let mut settings = read(&live.join("\n"));
    assert_eq!(settings.plugins.list.pop(), Some(plugin("word-filter", true, &[])));
    settings.plugins.list.clear();
    assert_eq!(settings, Settings::default());
}

#[test]
fn generated_files_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (name, text) in [
        ("etc/config.tdsl", Settings::reference_tdsl()),
        ("docs/configuration.md", Settings::reference_markdown()),
    ] {
        let found = std::fs::read_to_string(root.join(name)).unwrap_or_default();
        assert!(found == text, "{name} is old: cargo run --package waxwing-config --example reference");
    }
    Settings::load(&root.join("etc/config.tdsl"), &BTreeMap::new()).unwrap();
}

#[test]
fn virtual_hosts() {
    let domains = |settings: &Settings| settings.vhosts.iter().map(|v| v.domain.clone()).collect::<Vec<_>>();
    let one = read("'default-virtual-host' = 'example.com'");
    assert_eq!((domains(&one), one.domain()), (vec!["example.com".to_owned()], "example.com"));
    let two = read(
        "'default-virtual-host' = 'a.example, b.example'\n'virtual-hosts' { b.example { register = true } c.example {} }",
    );
    assert_eq!(domains(&two), ["a.example", "b.example", "c.example"]);
    assert!(two.vhost("b.example").unwrap().register);
    assert!(!two.vhost("c.example").unwrap().register);
    let named = read("'virtual-hosts' () { 'x.example' { 'tls-required' = false, 'max-users' = '10' } }");
    assert_eq!(named.default_virtual_host, ["x.example"]);
    assert_eq!((named.vhosts[0].tls_required, named.vhosts[0].max_users), (false, 10));
    assert_eq!(domains(&read("'virtual-hosts' = [ 'x.example', 'y.example' ]")), ["x.example", "y.example"]);
}

#[test]
fn ports() {
    let numbers = |settings: &Settings| settings.c2s.ports.iter().map(|port| port.number).collect::<Vec<_>>();
    let text = "c2s { connections { ports = [5222, 5223] 5222 { socket = 'plain' ifc = ['127.0.0.1'] \
                'new-connections-throttling' = 200 } 5223 { socket = 'ssl' } } }";
    let settings = read(text);
    assert_eq!(numbers(&settings), [5222, 5223]);
    assert_eq!(settings.c2s.ports[0].interfaces, ["127.0.0.1"]);
    assert_eq!(settings.c2s.ports[1].socket, Socket::Ssl);
    // A block opens its port, listed or not, and the list may come after it.
    let settings = read("c2s () {\n connections () {\n 5999 () { socket = tls }\n ports = 5222\n }\n}");
    assert_eq!(numbers(&settings), [5222, 5999]);
    assert_eq!(settings.c2s.ports[1].socket, Socket::Ssl);
    assert_eq!(numbers(&read("c2s { connections { 5999 {} } }")), [5222, 5223, 5999]);
}

#[test]
fn plugins_in_the_order_of_the_file() {
    let settings = read(
        "'sess-man' {\n 'plugin-cpu' = PT0.1S\n ping () {}\n 'jabber:iq:register' (active: false) { }\n\
         'message-carbons' { a = 5L, b = [ x, 1.5 ], c = true, d = 'x,y', e = null }\n}",
    );
    assert_eq!(settings.plugins.cpu, Duration::from_millis(100));
    let carbons: &[(&str, &[&str])] =
        &[("a", &["5"]), ("b", &["x", "1.5"]), ("c", &["true"]), ("d", &["x,y"])];
    assert_eq!(
        settings.plugins.list,
        [
            plugin("ping", true, &[]),
            plugin("jabber:iq:register", false, &[]),
            plugin("message-carbons", true, carbons)
        ]
    );
    let file = settings.plugins.file_of(&settings.plugins.list[1]);
    assert_eq!(file, Path::new("plugins/jabber-iq-register.wasm"));
    let odd = settings.plugins.file_of(&Plugin::new("../x/y"));
    assert_eq!(odd, Path::new("plugins/..-x-y.wasm"));
}

#[test]
fn the_guide_can_be_pasted() {
    let nested = "'sess-man' {\n    'jabber:iq:last-marker' (active: true) {\n        message = true\n        presence = true\n\
                  persistAllToRepository = true\n        'jabber:iq:last' (active: true) {}\n    }\n}\n";
    let amp = "'sess-man' {\n    amp () {\n        'store-limit' = 200L\n        'user-store-limit-enable' = true\n\
               'quota-exceeded' = 'drop'\n        'msg-store-offline-paths' = [ '/message/received[urn:xmpp:receipts]', \
               '-/message/do-not-store' ]\n        msgoffline (active: false) {}\n    }\n}\n";
    let settings = read(&format!("'sess-man' {{ msgoffline () {{ a = 1 }} }}\n{nested}{amp}"));
    let paths: &[&str] = &["/message/received[urn:xmpp:receipts]", "-/message/do-not-store"];
    let yes: &[&str] = &["true"];
    assert_eq!(
        settings.plugins.list,
        [
            within("amp", plugin("msgoffline", false, &[("a", &["1"])])),
            plugin(
                "jabber:iq:last-marker",
                true,
                &[("message", yes), ("presence", yes), ("persistAllToRepository", yes)]
            ),
            within("jabber:iq:last-marker", plugin("jabber:iq:last", true, &[])),
            plugin(
                "amp",
                true,
                &[
                    ("store-limit", &["200"]),
                    ("user-store-limit-enable", yes),
                    ("quota-exceeded", &["drop"]),
                    ("msg-store-offline-paths", paths)
                ]
            ),
        ]
    );
    // A plugin within one that is switched off does not run.
    let off = read("'sess-man' { amp (active: false) { msgoffline () {} } }");
    assert_eq!(
        off.plugins.list,
        [plugin("amp", false, &[]), within("amp", plugin("msgoffline", false, &[]))]
    );
}

#[test]
fn what_the_guide_has_and_this_version_does_not_parses_and_is_named() {
    for (key, text) in [
        (
            "logging",
            "logging {\n    java.util.logging.FileHandler {\n        count = '15'\n        limit = '20000000'\n    }\n}",
        ),
        ("debug", "debug = [ 'cluster' , 'xmpp.XMPPIOService' ]"),
        ("debug-packages", "debug-packages = [ your.com.package ]"),
        (
            "watchdog-timeout",
            "'watchdog-timeout' = 70000\n'watchdog-delay' = 60000\n'watchdog-ping-type' = 'xmpp'",
        ),
        ("bosh", "bosh {\n    'max-inactivity-time' = 600L\n    'send-node-hostname' = false\n}"),
        (
            "ws2s",
            "ws2s {\n    connections {\n        ports = [ 5290, 5291 ]\n        5290 {\n            socket = 'ssl'\n\
             type = 'accept'\n        }\n        5291 {\n            socket = 'plain'\n            type = 'accept'\n}\n}\n}",
        ),
        ("cl-comp", "cl-comp {\n    connections {\n        4250 {}\n        3540 {}\n    }\n}"),
        (
            "cl-comp",
            "'cl-comp' {\n    connections {\n        4250 {\n            ifc = [ '*' ]\n            'remote-host' = 'localhost'\n\
             connections {\n                tls {\n                    required = false\n                }\n            }\n}\n}\n}",
        ),
        ("cluster-mode", "'cluster-mode' = true"),
        ("cm-ht-traffic-throttling", "'cm-ht-traffic-throttling' = 'xmpp:25k:0:disc,bin:200m:0:disc'"),
        ("cluster-nodes", "'cluster-nodes' = [ 'serv1.xmpp-test.org:domainpass:5600' ]"),
        ("installation-id", "'installation-id' = '1TCICGG7K8AS2JSSEVMDA9QOLR4NVLJSR'"),
    ] {
        assert_eq!(
            problem(text),
            format!("1:1: '{key}' is a setting of Tigase that this version of Waxwing does not have")
        );
    }
    let watchdog = problem("c2s {\n    watchdog-delay = '1500'\n    watchdog-timeout = '3000'\n}");
    assert_eq!(watchdog, "2:5: unknown key 'watchdog-delay', known are 'connections'");
}

#[test]
fn problems_are_found_where_they_are() {
    for (text, expected) in [
        (
            "c2s {\n connections {\n  prots = [ 5222 ]\n }\n}",
            "3:3: unknown key 'prots', did you mean 'ports'?",
        ),
        ("limits { stanza_bytes = 5 }", "1:10: unknown key 'stanza_bytes', did you mean 'stanza-bytes'?"),
        ("'sess-man' {\n plugin-cup = 5ms\n}", "2:2: unknown key 'plugin-cup', did you mean 'plugin-cpu'?"),
        (
            "c2s { connections { ports = [ 5222, 'x' ] } }",
            "1:37: expected a whole number from 0 to 65535, found the text 'x'",
        ),
        (
            "c2s { connections { 5222 { socket = 'sssl' } } }",
            "1:37: unknown value 'sssl', did you mean 'ssl'?",
        ),
        ("c2s = 5", "1:7: expected a block, found 5"),
        ("c2s (active: false) {}", "1:14: this block cannot be switched off"),
        ("limits { depth = [ 1 ] }", "1:18: expected a whole number from 0 to 4294967295, found a list"),
        (
            "'virtual-hosts' { x { register = 'maybe' } }",
            "1:34: expected true or false, found the text 'maybe'",
        ),
        (
            "'virtual-hosts' = 5",
            "1:19: expected a block with one block for each domain, or a list of domains, found 5",
        ),
        ("certificates = [ ]", "1:16: expected text, found a list"),
        ("'sess-man' { ping (active: maybe) {} }", "1:28: expected true or false, found the text 'maybe'"),
        // What validate() finds.
        ("admins = [ 'admin' ]", "1:10: 'admin' is not an address like 'name@localhost'"),
        ("c2s { connections { ports = [ 5222, 5222 ] } }", "1:7: port 5222 is given twice"),
        ("c2s { connections { ports = [ ] } }", "1:29: no port for clients"),
        (
            "c2s { connections { 5222 { ifc = 'nonsense' } } }",
            "1:34: 'nonsense' is not an IP address; '*' is all of them",
        ),
        (
            "dataSource { default { uri = 'jdbc:mysql://h/x' } }",
            "1:30: expected 'sqlite:' and the path of a file, or 'postgresql://USER:PASSWORD@HOST/DATABASE'",
        ),
        ("dataSource { default { pool-size = 0 } }", "1:36: must be at least 1"),
        ("dataSource { default { statement-timeout = 0 } }", "1:44: must be longer than nothing"),
        ("'virtual-hosts' { x { private-key = k } }", "1:37: a 'private-key' needs its 'certificate'"),
        ("'scram-iterations' = 1000", "1:22: must be at least 4096"),
        ("limits { 'stanza-bytes' = 5 }", "1:27: must be at least 10000 (RFC 6120, section 13.12)"),
        ("limits { 'login-timeout' = 0 }", "1:28: must be longer than nothing"),
        ("'virtual-hosts' { 'a b' {} }", "1:19: 'a b' is not a domain"),
        ("'default-virtual-host' = 'x/y'", "1:26: 'x/y' is not a domain"),
        ("'virtual-hosts' = [ a, b, A ]", "1:19: 'a' is given twice"),
        (
            "'vhost-max-users' = 5\n'virtual-hosts' { x { 'max-users' = 6 } }",
            "2:37: 'vhost-max-users' lets a domain have 5",
        ),
        (
            "'virtual-hosts' { x { 'c2s-ports' = [ 9 ] } }",
            "1:37: no client could come in, because the ports that are open are 5222, 5223",
        ),
        (
            "'vhost-reserved' = [ 'colour' ]",
            "1:20: 'colour' is no setting of a domain that changes by command",
        ),
    ] {
        assert_eq!(problem(text), expected, "{text}");
    }
}

#[test]
fn a_file_that_is_not_there() {
    let error = Settings::load(Path::new("/nowhere/config.tdsl"), &BTreeMap::new()).unwrap_err();
    assert!(error.to_string().starts_with("cannot read /nowhere/config.tdsl: "), "{error}");
}

/// Whatever spelling the file has, one is met.
#[test]
fn addresses_are_written_as_they_are_compared() {
    let text = "'default-virtual-host' = 'XN--Bcher-KVA.example'
        admins = [ 'Admin@xn--bcher-kva.example' ]
        'virtual-hosts' { 'B\u{dc}CHER.example' { 'max-users' = 3 }, 'A.Example.' {} }
        'sess-man' { ping () {
            grants { vhosts = [ 'A.example' ] }
            'on-vhost' { 'A.EXAMPLE' { a = 1 } }
            commands { node = [ 'LOCAL', 'Kim@A.example', 'A.example' ] }
        } }";
    let settings = read(text);
    let domains: Vec<_> = settings.vhosts.iter().map(|vhost| vhost.domain.as_str()).collect();
    assert_eq!(domains, ["b\u{fc}cher.example", "a.example"]);
    assert_eq!(settings.vhosts[0].max_users, 3);
    assert_eq!(settings.default_virtual_host, ["b\u{fc}cher.example"]);
    assert_eq!(settings.admins, ["admin@b\u{fc}cher.example"]);
    let plugin = &settings.plugins.list[0];
    assert_eq!(plugin.grants.vhosts, ["a.example"]);
    assert_eq!(plugin.on_vhost[0].0, "a.example");
    assert_eq!(plugin.commands[0].1, ["LOCAL", "kim@a.example", "a.example"]);
}

#[test]
fn what_is_no_virtual_host() {
    for name in [
        "127.0.0.1",
        "[::1]",
        "1.2",
        "a_b.example",
        "*.example",
        "o\u{2019}x!",
        "a,b",
        "a..b",
        "user@a.example",
    ] {
        assert!(vhost_domain(name).is_err(), "{name}");
    }
    for name in ["localhost", "a.example", "1a.example", "b\u{fc}cher.example"] {
        assert_eq!(vhost_domain(name).unwrap(), name);
    }
}
