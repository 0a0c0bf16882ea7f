//! What a plugin may do in a call, and what becomes of it.

mod common;

use common::*;
use std::sync::atomic::Ordering::SeqCst;
use waxwing_plugins::*;
use waxwing_storage::Write;
use waxwing_xmpp::{Condition, Stanza, Type};

const JULIET_BARE: &str = "juliet@capulet.example";

#[tokio::test]
async fn each_verdict_has_its_outcome() {
    let world = World::new().await;
    assert!(matches!(world.message(Stage::Pre, "next").await, Outcome::Next(_)));
    assert!(matches!(world.message(Stage::Post, "handled").await, Outcome::Handled));
    assert!(matches!(world.iq("drop").await, Outcome::Drop));
    assert_eq!(world.answer("reply").await, "yes");
    let Outcome::Reject(error) = world.iq("reject").await else { panic!() };
    assert_eq!((error.condition, error.text.as_deref()), (Condition::Forbidden, Some("no way")));
}

#[tokio::test]
async fn a_replacement_keeps_its_addresses() {
    let world = World::new().await;
    let Outcome::Next(stanza) = world.message(Stage::Pre, "replace").await else { panic!() };
    assert_eq!(stanza.text("body").as_deref(), Some("new"));
    assert_eq!(stanza.from, Some(jid(JULIET)));
    assert_eq!(stanza.to, Some(jid("romeo@montague.example")));
}

#[tokio::test]
async fn verdicts_that_make_no_sense_are_failures() {
    let world = World::new().await;
    for command in ["replace-kind", "replace-open", "reply"] {
        // Stage `pre` goes on as if the plugin were not there.
        let Outcome::Next(stanza) = world.message(Stage::Pre, command).await else { panic!("{command}") };
        assert_eq!(stanza.text("body").as_deref(), Some("x"));
    }
    assert!(is_internal_error(&world.iq("replace").await));
    assert_eq!(world.counters().1, 4);
}

#[tokio::test]
async fn no_malformed_answer_reaches_the_wire() {
    for command in ["reply-open", "reply-breakout", "reply-two"] {
        let outcome = World::new().await.iq(command).await;
        assert!(is_internal_error(&outcome), "{command}: {outcome:?}");
    }
}

#[tokio::test]
async fn the_plugin_reads_header_and_content() {
    let world = World::new().await;
    assert_eq!(
        world.answer("header").await,
        format!("{JULIET} {JULIET_BARE} Some(\"{JULIET_BARE}\") Some(\"1\") capulet.example Origin::Session")
    );
    let content = "<iq xmlns='jabber:client' type='set' id='1' from='juliet@capulet.example/balcony'>\
                   <content xmlns='urn:test'><a b='c&lt;'>text</a><d xmlns='urn:e'/></content></iq>";
    let Outcome::Reply(xml) = world.show(Stage::Process, Stanza::parse(content).unwrap()).await else {
        panic!()
    };
    let said = Stanza::parse(&format!("<iq type='result' id='1' xmlns='jabber:client'>{xml}</iq>")).unwrap();
    assert_eq!(
        said.text("{urn:test}is").unwrap(),
        "Some(\"text\") Some(\"c<\") [\"{urn:test}a\", \"{urn:e}d\"] false"
    );
}

#[tokio::test]
async fn effects_come_in_order() {
    let world = World::new().await;
    assert!(matches!(world.iq("effects").await, Outcome::Handled));
    tokio::task::yield_now().await;
    let sent = Step::Send(vec![String::new(), "delivered".into()], None);
    let steps = world.host.steps();
    assert_eq!(steps, [Step::Commit(2), Step::Mark(JULIET.into(), 0, true), sent, Step::Commit(1)]);
    assert_eq!(world.host.storage.value("hostile/table", JULIET_BARE, "key").as_deref(), Some("value"));
}

#[tokio::test]
async fn deletes_wait_for_what_was_delivered() {
    let world = World::new().await;
    world.host.streams_gone.store(true, SeqCst);
    world.iq("effects").await;
    tokio::task::yield_now().await;
    let commits = world.host.steps().iter().filter(|step| matches!(step, Step::Commit(_))).count();
    assert_eq!(commits, 1, "only the writes");
}

#[tokio::test]
async fn nothing_happens_when_the_commit_fails() {
    let world = World::new().await;
    world.host.storage.conflict.store(true, SeqCst);
    assert!(is_internal_error(&world.iq("effects").await));
    assert_eq!(world.host.steps(), []);
}

#[tokio::test]
async fn nothing_happens_when_the_plugin_returns_an_error() {
    let world = World::new().await;
    let Outcome::Reject(error) = world.iq("error").await else { panic!() };
    assert_eq!(error.condition, Condition::Conflict);
    assert_eq!(world.host.steps(), []);
    assert_eq!(world.counters().1, 0, "to refuse is not to fail");
}

#[tokio::test]
async fn an_account_is_removed_before_its_last_answer_and_its_sessions_end_after_it() {
    let world = World::new().await;
    assert!(matches!(world.iq("remove-account").await, Outcome::Handled));
    let steps = world.host.steps();
    let end = Step::End(JULIET_BARE.into());
    assert_eq!(steps, [Step::Remove(JULIET_BARE.into()), Step::Send(vec![String::new()], None), end]);
    let sent = world.host.sent.lock().unwrap();
    assert_eq!(sent[0].to, Some(jid(JULIET)));
}

#[tokio::test]
async fn reads_see_the_calls_own_changes() {
    let world = World::new().await;
    let (store, owner) = ("hostile/table".to_owned(), JULIET_BARE.to_owned());
    let (log, at) = ("hostile/log".to_owned(), 1);
    world.host.storage.put(vec![
        Write::TableSet {
            store: store.clone(),
            owner: owner.clone(),
            key: "stored".into(),
            value: b"0".into(),
        },
        Write::TableSet { store: store.clone(), owner: owner.clone(), key: "z".into(), value: b"9".into() },
        Write::LogAppend {
            store: log.clone(),
            owner: owner.clone(),
            at,
            tag: None,
            value: b"one".into(),
            expires: None,
        },
        Write::LogAppend { store: log, owner, at, tag: None, value: b"two".into(), expires: None },
    ]);
    assert_eq!(
        world.answer("overlay").await,
        "Some(\"1\") NoneNone [\"b\", \"c\", \"z\"] Err(\"conflict\") Ok(()) \
         [\"one\", \"two\", \"new\"] [\"new\"] [\"two\", \"new\"] 2 [] 0"
    );
    let storage = &world.host.storage;
    assert_eq!(storage.value("hostile/table", JULIET_BARE, "b").as_deref(), Some("2"));
    assert_eq!(storage.value("hostile/table", JULIET_BARE, "c").as_deref(), Some("5"));
    assert_eq!(storage.value("hostile/table", JULIET_BARE, "stored"), None);
    assert_eq!(storage.entries("hostile/log", JULIET_BARE), [""; 0]);
}

#[tokio::test]
async fn what_a_plugin_knows_of_the_server() {
    assert_eq!(World::new().await.answer("server").await, "500 true false");
}

#[tokio::test]
async fn compare_and_set() {
    let world = World::new().await;
    assert_eq!(world.answer("increment").await, "1");
    assert_eq!(world.answer("increment").await, "2");
    assert_eq!(world.host.storage.value("hostile/table", JULIET_BARE, "count").as_deref(), Some("2"));
}

#[tokio::test]
async fn owners_are_accounts_or_hosts_of_this_server() {
    let denied = "Err(\"denied\")";
    let answer = World::new().await.answer("owners").await;
    assert_eq!(answer, format!("[{denied}, {denied}, {denied}, Ok(()), {denied}, {denied}]"));
}

#[tokio::test]
async fn sends_are_checked() {
    let world = World::new().await;
    assert_eq!(world.answer("send-foreign").await, "Err(\"denied\")");
    assert_eq!(world.answer("deliver-foreign").await, "Err(\"denied\")");
    for command in ["send-malformed", "send-two", "send-nobody"] {
        assert_eq!(world.answer(command).await, "Err(\"malformed\")", "{command}");
    }
    assert_eq!(world.host.steps(), []);
}

#[tokio::test]
async fn marks_have_names_for_plugins_and_numbers_for_the_host() {
    let world = World::new().await;
    let (unknown, nobody) = ("Err(\"unknown-mark\")", "Err(\"no-such-session\")");
    assert_eq!(world.answer("mark").await, format!("{unknown} {nobody}"));
    assert_eq!(world.host.steps(), [Step::Mark(JULIET.into(), 0, true)]);
    assert_eq!(world.answer("sessions").await, format!("[(\"{JULIET}\", 5, [\"on\", \"other\"])]"));
}

#[tokio::test]
async fn an_interest_can_be_limited_to_marked_sessions() {
    let world = World::new().await;
    let xml = format!("<message xmlns='jabber:client' type='headline' from='{JULIET}'/>");
    let headline = Stanza::parse(&xml).unwrap();
    let matching = |sender_session| {
        world
            .engine
            .matching(VHOST, Stage::Pre, &headline, || Facts { sender_session, ..Facts::default() })
            .len()
    };
    assert_eq!((matching(0), matching(0b10), matching(0b01)), (0, 0, 1));
}

#[tokio::test]
async fn settings_reach_the_plugin() {
    let mut given = spec("hostile");
    assert_eq!(World::with(given.clone()).await.answer("setting").await, "hello");
    given.settings = vec![("greeting".into(), vec!["good day".into()])];
    assert_eq!(World::with(given).await.answer("setting").await, "good day");
}

#[tokio::test]
async fn others_are_not_there_for_a_plugin_that_does_not_work_for_them() {
    let world = World::new().await;
    let romeo = SessionInfo { jid: jid("romeo@montague.example/x"), priority: 0, available: true, marks: 0 };
    world.host.sessions.lock().unwrap().push(romeo);
    let nothing = "(0, false, Subscription::None, 0, None, Err(\"no-such-session\"))";
    assert_eq!(world.answer("others").await, nothing);
}

#[tokio::test]
async fn a_session_is_told_nothing_in_the_name_of_others() {
    let world = World::new().await;
    assert_eq!(world.answer("deliver-as").await, "[Err(\"denied\"), Ok(()), Ok(())]");
}

#[tokio::test]
async fn replies_are_for_those_who_hear_them() {
    let world = World::new().await;
    assert_eq!(world.answer("request-unheard").await, "Err(\"denied\")");
}

#[tokio::test]
async fn names_of_counters_are_a_line_of_text() {
    let world = World::new().await;
    world.answer("count-odd").await;
    assert_eq!(world.engine.plugins()[0].counters.metrics, [("a b [31m ".to_owned(), 1)]);
}

#[tokio::test]
async fn the_recipients_side_is_asked_too() {
    let world = World::new().await;
    let guarded = |what: &str| {
        let xml = format!(
            "<message xmlns='jabber:client' from='romeo@montague.example/x' to='{JULIET}'><{what} xmlns='urn:guard'/></message>"
        );
        Stanza::parse(&xml).unwrap()
    };
    assert!(matches!(world.show(Stage::Incoming, guarded("drop")).await, Outcome::Drop));
    assert!(matches!(world.show(Stage::Incoming, guarded("refuse")).await, Outcome::Reject(_)));
    let iq = Stanza::iq(Type::Get, "1", "");
    assert!(world.engine.matching(VHOST, Stage::Incoming, &iq, Facts::default).is_empty());
}

#[tokio::test]
async fn filters_are_told_for_whom() {
    let world = World::new().await;
    let stanza = message("session");
    let calls = world.engine.matching(VHOST, Stage::Filter, &stanza, Facts::default);
    let romeo = jid("romeo@capulet.example/orchard");
    let filter = async |stanza| world.engine.filter(calls.clone(), &event(), &romeo, stanza).await;
    let Outcome::Next(shown) = filter(stanza).await else { panic!("it is let through") };
    assert_eq!(shown.text("body").as_deref(), Some("romeo@capulet.example/orchard"));
    assert!(matches!(filter(message("drop")).await, Outcome::Drop));
    assert!(matches!(filter(message("reject")).await, Outcome::Reject(_)));
    assert!(matches!(filter(message("trap")).await, Outcome::Next(_)), "passed on");
}

#[tokio::test]
async fn what_plugins_advertise() {
    let world = World::new().await;
    assert_eq!(world.engine.features(VHOST), ["urn:a", "urn:test"]);
    assert_eq!(world.engine.account_features(VHOST), ["urn:test:account"]);
    let before = |allowed| {
        world.engine.stream_features(VHOST, Phase::BeforeLogin, |name| name == "register" && allowed)
    };
    assert_eq!(before(true), ["<register xmlns='urn:test'/>"]);
    assert!(before(false).is_empty());
    assert_eq!(
        world.engine.stream_features(VHOST, Phase::AfterLogin, |_| false),
        ["<hostile xmlns='urn:test'/>"]
    );
    let plugins = world.engine.plugins();
    assert_eq!(plugins[0].name, "hostile");
    assert_eq!(plugins[0].hooks, ["pre", "incoming", "process", "post", "filter", "sessions"]);
    assert_eq!(plugins[0].summary, "Obeys whoever sends it something.");
}

fn is_internal_error(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Reject(error) if error.condition == Condition::InternalServerError)
}
