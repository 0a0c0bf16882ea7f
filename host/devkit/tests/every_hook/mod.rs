//! That the libraries of the languages do what their READMEs say, by a plugin that has every hook: the same in each
//! language, so that one list of expectations holds for all. `docs/plugins/javascript.md` and `python.md` are cut from it
//! (see `pages.rs`).

mod imports;

use crate::kit::engine::{JULIET, VHOST, World, event, jid, limited, spec_of};
use crate::kit::{built_once, fixture};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;
use waxwing_plugins::*;
use waxwing_xmpp::{Condition, Stanza, StanzaError};

/// The plugin in the language of a project, built in its place. Its files have this extension.
pub fn component(project: &Path, extension: &str) -> PathBuf {
    let [app, imports] = ["app", "imports"].map(|name| format!("{name}.{extension}"));
    for (from, to) in [(&*app, &*app), (&*imports, &*imports), ("world.wit", "wit/world.wit")] {
        fs::copy(fixture("every_hook").join(from), project.join(to)).unwrap();
    }
    built_once(project, "every-hook").file
}

/// Every expectation.
pub async fn check(component: &Path) {
    // Loading and compiling take as long as they take; afterwards only what is due makes the time pass.
    let world = world(component, &[]).await;
    tokio::time::pause();
    description(&world);
    imports::check(&world).await;
    stanzas(&world).await;
    sessions(&world).await;
    commands(&world).await;
    clockwork(&world).await;
    portable(&world).await;
    settings(component).await;
    one_vhost(component).await;
}

async fn world(component: &Path, settings: &[(&str, &[&str])]) -> World {
    World::with(spec(component, settings)).await
}

fn spec(component: &Path, settings: &[(&str, &[&str])]) -> PluginSpec {
    let text = |values: &[&str]| values.iter().map(ToString::to_string).collect();
    PluginSpec {
        settings: settings.iter().map(|(key, values)| (key.to_string(), text(values))).collect(),
        // A busy machine must not be taken for a busy plugin.
        limits: limited(|limits| {
            (limits.cpu, limits.call_timeout) = (Duration::from_secs(60), Duration::from_secs(60));
        }),
        ..spec_of("greeter", component.to_owned())
    }
}

/// What works for some virtual hosts only has no say in the whole server.
async fn one_vhost(component: &Path) {
    let scope = Scope::Only(BTreeSet::from([VHOST.to_owned()]));
    let world = World::with(PluginSpec { scope, ..spec(component, &[]) }).await;
    world.host.steps();
    for what in ["shunned", "shun", "stop", "restart"] {
        assert_eq!(refusal(tell(&world, what).await).condition, Condition::Forbidden, "{what}");
    }
    assert_eq!(world.host.steps(), []);
}

fn description(world: &World) {
    let plugin = &world.engine.plugins()[0];
    assert_eq!((plugin.version.as_str(), plugin.summary.as_str()), ("0.0.0", "Has every hook."));
    let mut hooks = plugin.hooks.clone();
    hooks.sort_unstable();
    let all = [
        "alarms", "commands", "filter", "incoming", "portable", "post", "pre", "process", "replies",
        "service", "sessions",
    ];
    assert_eq!(hooks, all);
    assert_eq!(world.engine.services(VHOST)[0].features, ["urn:x"]);
    assert_eq!(world.engine.stream_features(VHOST, Phase::AfterLogin, |_| true), ["<x xmlns='urn:x'/>"]);
}

fn message(ty: &str, to: &str, inner: &str) -> Stanza {
    let xml =
        format!("<message xmlns='jabber:client' type='{ty}' from='{JULIET}' to='{to}'>{inner}</message>");
    Stanza::parse(&xml).unwrap()
}

/// What asks the plugin to do something.
fn asking(what: &str) -> Stanza {
    let xml = format!(
        "<iq xmlns='jabber:client' type='set' id='1' from='{JULIET}' to='{VHOST}'><do xmlns='urn:x' what='{what}'/></iq>"
    );
    Stanza::parse(&xml).unwrap()
}

async fn tell(world: &World, what: &str) -> Outcome {
    world.show(Stage::Process, asking(what)).await
}

async fn answer(world: &World, what: &str) -> String {
    match tell(world, what).await {
        Outcome::Reply(xml) => xml,
        other => panic!("{what}: {other:?}"),
    }
}

fn refusal(outcome: Outcome) -> StanzaError {
    match outcome {
        Outcome::Reject(error) => error,
        other => panic!("{other:?}"),
    }
}

/// The bodies of what has been sent, once there is something.
async fn sent(world: &World) -> Vec<String> {
    loop {
        let sent = std::mem::take(&mut *world.host.sent.lock().unwrap());
        if !sent.is_empty() {
            return sent.iter().map(|stanza| stanza.text("body").unwrap_or_default()).collect();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.host.now.fetch_add(100, SeqCst);
    }
}

async fn stanzas(world: &World) {
    let romeo = "romeo@montague.example";
    let chat = message("chat", romeo, "<a xmlns='urn:x'/>");
    let Outcome::Next(seen) = world.show(Stage::Pre, chat).await else { panic!() };
    let child = seen.child_xml("{urn:x}seen").unwrap();
    assert_eq!(child, "<seen xmlns='urn:x' by='juliet@capulet.example'>chat<b/>1&lt;</seen>");
    // It asks for IQs with this payload on their way.
    let set = Stanza::parse(&asking("x").to_xml().replace("<do ", "<b ")).unwrap();
    assert!(!world.engine.matching(VHOST, Stage::Pre, &set, Facts::default).is_empty());

    assert_eq!(
        answer(world, "address").await,
        "<is>juliet capulet.example balcony capulet.example set 1970-01-01T00:00:01.000Z</is>"
    );
    let refused = refusal(tell(world, "refuse").await);
    assert_eq!((refused.condition, refused.text.as_deref()), (Condition::NotAllowed, Some("Not on Sundays")));
    let look = "{urn:x}do &lt;do xmlns=&apos;urn:x&apos; what=&apos;look&apos;/&gt;";
    assert_eq!(answer(world, "look").await, format!("<is>{look}</is>"));
    // An exception: nothing is kept of the call.
    let (_, failures, _) = world.counters();
    assert_eq!(refusal(tell(world, "throw").await).condition, Condition::InternalServerError);
    assert_eq!(world.counters().1, failures + 1);
    assert!(matches!(tell(world, "nothing").await, Outcome::Next(_)));

    let body = message("chat", romeo, "<body>Hi</body>");
    let empty = message("chat", romeo, "<active xmlns='http://jabber.org/protocol/chatstates'/>");
    assert!(matches!(world.show(Stage::Post, body.clone()).await, Outcome::Handled));
    assert!(matches!(world.show(Stage::Post, empty.clone()).await, Outcome::Next(_)));
    for (stanza, passes) in [(body, true), (empty, false)] {
        let calls = world.engine.matching(VHOST, Stage::Filter, &stanza, Facts::default);
        let outcome = world.engine.filter(calls, &event(), &jid(JULIET), stanza).await;
        assert_eq!(matches!(outcome, Outcome::Next(_)), passes);
    }

    let spam = "<spam xmlns='urn:x'/>";
    assert!(matches!(world.show(Stage::Incoming, message("chat", romeo, spam)).await, Outcome::Next(_)));
    let elsewhere = Stanza::parse(&format!(
        "<message xmlns='jabber:client' from='tybalt@other.example/a' to='{JULIET}'>{spam}</message>"
    ));
    let refused = refusal(world.show(Stage::Incoming, elsewhere.unwrap()).await);
    assert_eq!(refused.condition, Condition::PolicyViolation);

    let service = world.engine.service("bot.capulet.example").unwrap();
    let stanza = message("chat", "bot.capulet.example", "<body>R&amp;J</body>");
    assert!(matches!(world.engine.serve(&service, &event(), &stanza).await, Outcome::Handled));
    assert_eq!(sent(world).await, ["bot R&J"]);
}

async fn sessions(world: &World) {
    for (change, told) in [
        (Change::Available(-5), "available -5"),
        (Change::Unavailable(Some("bye".into())), "unavailable bye"),
        (Change::Unavailable(None), "unavailable -"),
    ] {
        world.engine.session_event(&jid(JULIET), change).await;
        assert_eq!(sent(world).await, [told]);
    }
}

async fn commands(world: &World) {
    let [hello, online] = &world.engine.commands(VHOST)[..] else { panic!() };
    assert_eq!((hello.access, &hello.component, &hello.group), (Access::LocalUser, &None, &None));
    assert_eq!(online.access, Access::VhostAdmin);
    assert_eq!((online.component.as_deref(), online.group.as_deref()), (Some("greetings"), Some("Users")));
    let component = ComponentInfo { name: "greetings".into(), label: "Greetings".into() };
    assert_eq!(world.engine.components(VHOST), [component]);

    let request = |node: &str, user: &str, answers| CommandRequest {
        node: node.into(),
        user: user.into(),
        vhost: VHOST.into(),
        action: CommandAction::Execute,
        answers,
        answers_follow: false,
        state: Vec::new(),
    };
    let run = |name: Option<&str>| {
        let answers = name.map(|name| ("name".to_owned(), vec![name.to_owned()]));
        request("hello", JULIET, answers.into_iter().collect())
    };
    let first = world.engine.run_command(&run(None)).await.unwrap();
    let CommandReply::Step { form, state, has_prev, has_next } = first else { panic!("{first:?}") };
    assert_eq!((state.as_slice(), has_prev, has_next), (b"1".as_slice(), false, false));
    assert_eq!((form.title.as_str(), form.fields.len()), ("Hello", 3));
    assert_eq!((form.fields[0].ty, form.fields[0].required), ("text-single", true));
    assert_eq!(form.fields[1].choices[1], ("Cold".into(), "cold".into()));
    let times = &form.fields[2];
    assert_eq!((times.values.as_slice(), times.range), (["1".to_owned()].as_slice(), Some((1, 9))));
    assert_eq!((times.hint.as_deref(), &times.wrong), (Some("Not too often"), &None));
    let done = |note: &str, severity| CommandReply::Done { note: Some(note.into()), severity, form: None };
    let greeted = world.engine.run_command(&run(Some("Juliet"))).await.unwrap();
    assert_eq!(greeted, done("Hello, Juliet", Severity::Info));
    let refused = world.engine.run_command(&run(Some("nobody"))).await.unwrap_err();
    assert_eq!(
        (refused.condition, refused.text.as_deref()),
        (Condition::NotAcceptable, Some("Nobody is no name"))
    );

    // What administers the server does in a command what its user may do.
    let online = |user| request("online", user, Vec::new());
    let seen = world.engine.run_command(&online(JULIET)).await.unwrap();
    let CommandReply::Done { note: None, severity: Severity::Info, form: Some(form) } = seen else {
        panic!("{seen:?}")
    };
    let columns = [("jid", "Address"), ("since", "Since")].map(|(var, label)| (var.into(), label.into()));
    let rows = vec![vec![JULIET.into(), "1970-01-01T00:00:01.000Z".into()]];
    assert_eq!(form.table, Some(Table { columns: columns.into(), rows }));
    let unseen = world.engine.run_command(&online("nurse@capulet.example/hall")).await.unwrap();
    assert_eq!(unseen, done("You may see nobody", Severity::Error));
}

async fn clockwork(world: &World) {
    world.host.now.store(1_800_000_000_000, SeqCst);
    answer(world, "remind").await;
    assert_eq!(sent(world).await, ["tea, due at 2027-01-15T08:00:01.000Z, is ready"]);

    let asked = |world: &World| world.host.sent.lock().unwrap().pop().unwrap();
    answer(world, "ask").await;
    assert!(world.engine.reply(&asked(world).iq_result("<q xmlns='urn:x'>noon</q>")).await);
    assert_eq!(sent(world).await, ["success context - noon"]);
    answer(world, "ask").await;
    assert!(world.engine.reply(&asked(world).error_reply(&Condition::Forbidden.into()).unwrap()).await);
    assert_eq!(sent(world).await, ["failure context forbidden nothing"]);
    answer(world, "ask").await;
    asked(world);
    assert_eq!(sent(world).await, ["timeout context - nothing"]);
}

async fn portable(world: &World) {
    let account = jid("juliet@capulet.example");
    let kinds: Vec<PortableKind> = world.engine.portable(VHOST).into_iter().map(|(kind, _)| kind).collect();
    let [motto, empty] = &kinds[..] else { panic!("{kinds:?}") };
    let nothing = PortablePage { elements: vec![], next: None };
    assert_eq!(world.engine.export(&account, empty, None).await.unwrap(), nothing);
    let first = world.engine.export(&account, motto, None).await.unwrap();
    assert_eq!(first, PortablePage { elements: vec![], next: Some("2".into()) });
    let last = world.engine.export(&account, motto, Some("2")).await.unwrap();
    assert_eq!(last.elements, ["<motto xmlns='urn:x'>juliet@capulet.example 2</motto>"]);
    assert_eq!(last.next, None);

    world.engine.import(&account, motto, "<motto xmlns='urn:x'>O happy dagger</motto>").await.unwrap();
    assert_eq!(sent(world).await, ["takes {urn:x}motto O happy dagger"]);
    let refused = world.engine.import(&account, motto, "<motto xmlns='urn:x'/>").await.unwrap_err();
    assert!(refused.to_string().ends_with("A motto says something"), "{refused}");
}

async fn settings(component: &Path) {
    let given: [(&str, &[&str]); 4] =
        [("text", &["b"]), ("yes-or-no", &["true"]), ("number", &["-7"]), ("list", &["y", "z"])];
    let set = world(component, &given).await;
    let json = r#"{"text":"b","yesOrNo":true,"number":-7,"list":["y","z"]}"#;
    assert_eq!(answer(&set, "settings").await, format!("<is>{}</is>", json.replace('"', "&quot;")));
    let refused = |key: &'static str, values: &'static [&'static str]| async move {
        let host = std::sync::Arc::new(crate::kit::engine::FakeHost::default());
        let spec = spec(component, &[(key, values)]);
        crate::kit::engine::engine(crate::kit::engine::options(), vec![spec], &host)
            .await
            .unwrap_err()
            .to_string()
    };
    for (key, values, sentence) in [
        ("txet", ["b"].as_slice(), "no setting txet; there are: text, yes-or-no, number, list"),
        ("text", &["b", "c"], "text must be one text"),
        ("yes-or-no", &["perhaps"], "yes-or-no must be true or false"),
        ("number", &["many"], "number must be a whole number"),
    ] {
        let error = refused(key, values).await;
        assert!(error.contains(sentence), "{error}");
    }
}
