//! One call of one hook, of which nothing comes to be.

mod components;

use components::{bundled, guest, options};
use std::path::Path;
use waxwing_devkit::run::{Args, Ran, call, run};
use waxwing_plugins::{Grant, Input, TraceAnswer, TraceStanza, TraceWrite};

fn args(component: &Path, stanza: &str) -> (Args, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stanza.xml");
    std::fs::write(&file, stanza).unwrap();
    let (file, stanza) = (component.to_owned(), file);
    (Args { file, stanza, hook: None, set: Vec::new(), session: Vec::new(), json: false }, folder)
}

async fn ran(component: &Path, stanza: &str, change: impl FnOnce(&mut Args)) -> anyhow::Result<Ran> {
    let (mut args, _folder) = args(component, stanza);
    change(&mut args);
    call(&args, &options()).await
}

const PING: &str = "<?xml version='1.0'?>
<!-- Juliet asks the server. -->
<iq type='get' id='1' from='juliet@capulet.example/balcony' to='capulet.example'><ping xmlns='urn:xmpp:ping'/></iq>";

#[tokio::test]
async fn ping_answers() {
    let ran = ran(&bundled("ping"), PING, |_| {}).await.unwrap();
    assert_eq!(ran.plugin, "ping");
    let Input::Process(shown) = &ran.input else { panic!("{:?}", ran.input) };
    assert_eq!(shown.vhost, "capulet.example");
    assert_eq!(ran.trace.answer, TraceAnswer::Reply(String::new()));
    assert!(ran.trace.outbox.is_empty() && ran.trace.writes.is_empty());
    let json = serde_json::to_value(&ran).unwrap();
    assert_eq!((&json["input"]["hook"], &json["trace"]["answer"]["reply"]), (&"process".into(), &"".into()));
}

#[tokio::test]
async fn private_would_write() {
    let stanza = "<iq type='set' id='1'><query xmlns='jabber:iq:private'><a xmlns='urn:a'>b</a></query></iq>";
    let ran = ran(&bundled("private"), stanza, |_| {}).await.unwrap();
    let [TraceWrite::TableSet { owner, key, value, .. }] = &ran.trace.writes[..] else {
        panic!("{:?}", ran.trace)
    };
    assert_eq!((owner.as_str(), key.as_str()), ("juliet@example.org", "{urn:a}a"));
    assert!(String::from_utf8_lossy(&value.0).contains(">b</a>"));
}

#[tokio::test]
async fn sessions_are_there_if_told() {
    let hello = "<message type='chat' from='juliet@example.org/balcony' to='romeo@example.org'><body>Hi</body></message>";
    let kept = ran(&bundled("msgoffline"), hello, |_| {}).await.unwrap();
    assert!(matches!(&kept.input, Input::Post(_)));
    assert!(matches!(&kept.trace.writes[..], [TraceWrite::LogAppend { .. }]), "{:?}", kept.trace);

    let told = |args: &mut Args| {
        args.session = vec!["romeo@example.org/garden".into()];
        args.hook = Some(Grant::Pre);
    };
    let ran = ran(&bundled("message-carbons"), hello, told).await.unwrap();
    assert_eq!(ran.trace.answer, TraceAnswer::Next);
    // Nobody has asked for copies.
    assert!(ran.trace.outbox.is_empty());
}

#[tokio::test]
async fn stanzas_stand_for_other_things_too() {
    let told = |hook: Grant| move |args: &mut Args| args.hook = Some(hook);
    let presence = "<presence from='romeo@example.org/garden'><priority>5</priority></presence>";
    let come = ran(&bundled("msgoffline"), presence, told(Grant::Sessions)).await.unwrap();
    assert_eq!(come.trace.answer, TraceAnswer::Done);

    let clockwork = guest("clockwork");
    let command = "<iq type='set' id='1' to='example.org'><command xmlns='http://jabber.org/protocol/commands' \
                   node='hello'><x xmlns='jabber:x:data' type='submit'><field var='name'><value>Juliet</value></field></x>\
                   </command></iq>";
    let said = ran(&clockwork, command, told(Grant::Commands)).await.unwrap();
    assert!(serde_json::to_string(&said.trace.answer).unwrap().contains("Hello, Juliet"), "{:?}", said.trace);

    let to_service = "<message type='chat' to='clock.example.org'><body>tock</body></message>";
    let ticked = ran(&clockwork, to_service, |_| {}).await.unwrap();
    let (Input::Service(shown), [TraceStanza::Route(xml)]) = (&ticked.input, &ticked.trace.outbox[..]) else {
        panic!("{ticked:?}")
    };
    assert_eq!(shown.vhost, "example.org");
    assert!(xml.contains("tick tock") && xml.contains("to='juliet@example.org/balcony'"), "{xml}");
}

#[tokio::test]
async fn settings_and_failures_are_shown() {
    let mood = "<iq type='get' id='1' to='example.org'><mood xmlns='urn:clock'/></iq>";
    let bad = |args: &mut Args| args.set = vec!["mood=bad".into()];
    let failed = ran(&guest("clockwork"), mood, bad).await.unwrap();
    assert!(
        matches!(&failed.trace.answer, TraceAnswer::Failed(failure) if failure.kind == "trap"),
        "{:?}",
        failed.trace
    );
    let (mut args, _folder) = args(&guest("clockwork"), mood);
    bad(&mut args);
    // It has a runtime of its own.
    let ended = tokio::task::spawn_blocking(move || run(&args)).await.unwrap();
    assert_eq!(ended.unwrap_err().to_string(), "the call has failed");
}

#[tokio::test]
async fn other_hooks_are_named() {
    let hello = "<message to='romeo@example.org'><reply xmlns='urn:test'/></message>";
    let ran = ran(&guest("hostile"), hello, |_| {}).await.unwrap();
    assert!(matches!(ran.input, Input::Pre(_)));
    assert_eq!(ran.others, ["post", "filter"]);
}

#[tokio::test]
async fn what_cannot_be_run_is_said() {
    let error = async |stanza: &str, change: fn(&mut Args)| {
        ran(&bundled("ping"), stanza, change).await.map(|ran| ran.input).unwrap_err().to_string()
    };
    let hello = "<message to='romeo@example.org'><body>Hi</body></message>";
    let none = error(hello, |_| {}).await;
    assert!(
        none.starts_with("the plugin has no interest in this stanza. It is shown IQs of type get"),
        "{none}"
    );
    assert!(error(hello, |args| args.hook = Some(Grant::Pre)).await.contains("it has no hook `pre`"));
    assert!(error("<hello/>", |_| {}).await.contains("is not one stanza"));
    assert!(error(PING, |args| args.set = vec!["x".into()]).await.contains("a setting is written KEY=VALUE"));
    assert!(
        error(PING, |args| args.session = vec!["romeo".into()])
            .await
            .contains("a session is user@domain/resource")
    );
}
