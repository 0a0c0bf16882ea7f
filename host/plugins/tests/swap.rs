//! Plugins that come, change and go while stanzas pass, and versions that fail in their first calls.

mod common;

use common::*;
use std::collections::BTreeSet;
use std::sync::Arc;
use waxwing_plugins::*;

async fn nobody() -> (Arc<Engine>, Arc<FakeHost>) {
    let host = Arc::new(FakeHost::default());
    (engine(options(), Vec::new(), &host).await.unwrap(), host)
}

/// The clockwork with this mood, for these virtual hosts.
fn clockwork(mood: &str, scope: Scope) -> PluginSpec {
    PluginSpec { settings: vec![("mood".into(), vec![mood.into()])], scope, ..spec("clockwork") }
}

fn only(domain: &str) -> Scope {
    Scope::Only(BTreeSet::from([domain.to_owned()]))
}

/// What the plugin of a virtual host says to a command; `None` if there is none.
async fn ask(engine: &Engine, vhost: &str, command: &str) -> Option<Outcome> {
    let xml = format!(
        "<iq xmlns='jabber:client' type='get' id='1' from='{JULIET}' to='{vhost}'><{command} xmlns='urn:clock'/></iq>"
    );
    let stanza = waxwing_xmpp::Stanza::parse(&xml).unwrap();
    let facts = Facts { targets: Target::SERVER, ..Facts::default() };
    let calls = engine.matching(vhost, Stage::Process, &stanza, || facts);
    match calls.is_empty() {
        true => None,
        false => Some(engine.call(calls, &event(), stanza).await),
    }
}

async fn mood(engine: &Engine, vhost: &str) -> String {
    match ask(engine, vhost, "mood").await {
        Some(Outcome::Reply(xml)) => {
            xml.trim_start_matches("<is xmlns='urn:test'>").trim_end_matches("</is>").to_owned()
        }
        None => "nobody".into(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn plugins_come_change_and_go() {
    let (engine, _host) = nobody().await;
    assert_eq!(mood(&engine, VHOST).await, "nobody");
    let before = engine.generation();
    engine.put(clockwork("good", Scope::Everywhere)).await.unwrap();
    assert_eq!(mood(&engine, VHOST).await, "good");
    engine.put(clockwork("better", Scope::Everywhere)).await.unwrap();
    assert_eq!((mood(&engine, VHOST).await, engine.plugins().len()), ("better".into(), 1));
    assert!(engine.remove("clockwork", &Scope::Everywhere));
    assert!(!engine.remove("clockwork", &Scope::Everywhere));
    assert_eq!(mood(&engine, VHOST).await, "nobody");
    assert_eq!(engine.generation(), before + 4, "every change is one, also that which changes nothing");
}

#[tokio::test]
async fn one_that_cannot_be_loaded_changes_nothing() {
    let (engine, _host) = nobody().await;
    engine.put(clockwork("good", Scope::Everywhere)).await.unwrap();
    let mut forbidden = clockwork("better", Scope::Everywhere);
    forbidden.grants.allow = Interfaces::NONE;
    assert!(engine.put(forbidden).await.is_err());
    assert!(engine.try_out(&clockwork("better", Scope::Everywhere)).await.is_ok());
    assert_eq!(mood(&engine, VHOST).await, "good");
}

#[tokio::test]
async fn calls_that_are_under_way_finish_on_the_version_they_began_with() {
    let (engine, _host) = nobody().await;
    engine.put(clockwork("good", Scope::Everywhere)).await.unwrap();
    let stanza = iq("x").with_inner("<mood xmlns='urn:clock'/>").unwrap();
    let facts = Facts { targets: Target::SERVER, ..Facts::default() };
    let calls = engine.matching(VHOST, Stage::Process, &stanza, || facts);
    engine.put(clockwork("better", Scope::Everywhere)).await.unwrap();
    engine.remove("clockwork", &Scope::Everywhere);
    let Outcome::Reply(xml) = engine.call(calls, &event(), stanza).await else { panic!() };
    assert!(xml.contains("good"), "{xml}");
}

#[tokio::test]
async fn a_virtual_host_can_have_its_own() {
    let (engine, _host) = nobody().await;
    engine.put(clockwork("good", Scope::Everywhere)).await.unwrap();
    engine.put(clockwork("special", only("montague.example"))).await.unwrap();
    assert_eq!(mood(&engine, VHOST).await, "good");
    assert_eq!(mood(&engine, "montague.example").await, "special");
    assert_eq!(engine.plugins().len(), 2);
    engine.remove("clockwork", &Scope::Everywhere);
    assert_eq!(mood(&engine, VHOST).await, "nobody");
    assert_eq!(mood(&engine, "montague.example").await, "special");
    assert!(engine.services(VHOST).is_empty());
    assert_eq!(engine.services("montague.example").len(), 1);
}

#[tokio::test]
async fn a_version_that_fails_is_rolled_back_and_no_call_is_lost() {
    let (engine, _host) = nobody().await;
    engine.put(clockwork("good", Scope::Everywhere)).await.unwrap();
    engine.put(clockwork("bad", Scope::Everywhere)).await.unwrap();
    assert_eq!(engine.plugins()[0].trial, Some(20));
    for _ in 0..5 {
        assert_eq!(mood(&engine, VHOST).await, "good", "the version before it stands by");
    }
    let failed = engine.next_rollbacks().await;
    assert_eq!((failed.len(), failed[0].counters.failures), (1, 3));
    assert_eq!(engine.plugins()[0].trial, None);
    assert_eq!(engine.plugins()[0].counters.calls, 5);
}

#[tokio::test]
async fn a_version_that_has_proved_itself_stays() {
    let (engine, _host) = nobody().await;
    engine.put(clockwork("good", Scope::Everywhere)).await.unwrap();
    engine.put(clockwork("bad", Scope::Everywhere)).await.unwrap();
    for _ in 0..20 {
        assert!(matches!(ask(&engine, VHOST, "contacts").await, Some(Outcome::Reply(_))));
    }
    assert_eq!(engine.plugins()[0].trial, None);
    assert!(matches!(ask(&engine, VHOST, "mood").await, Some(Outcome::Reject(_))));
}

#[tokio::test]
async fn no_two_plugins_own_one_name() {
    let (engine, _host) = nobody().await;
    let mut ungranted = clockwork("good", Scope::Everywhere);
    ungranted.grants.services.clear();
    let error = engine.put(ungranted).await.unwrap_err();
    assert!(matches!(error.reason, Reason::ServiceNotGranted(_)));
    assert!(error.to_string().contains("\"clock\""), "{error}");
}
