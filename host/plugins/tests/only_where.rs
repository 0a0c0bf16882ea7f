//! Plugins that have nothing to do unless a setting is given.

mod common;

use common::*;
use waxwing_plugins::*;

async fn choosy(everywhere: Option<&str>) -> World {
    let settings = everywhere.map(|value| ("everywhere".to_owned(), vec![value.to_owned()]));
    World::with(PluginSpec { settings: settings.into_iter().collect(), ..spec("choosy") }).await
}

/// How often it is called for a message and an event.
async fn calls(world: &World) -> u64 {
    let before = world.counters().0;
    assert!(!world.engine.wants(VHOST, SessionEvents::CLOSED));
    let stanza = message("hello");
    let matching = world.engine.matching(VHOST, Stage::Pre, &stanza, Facts::default);
    world.engine.call(matching, &event(), stanza).await;
    world.engine.session_event(&jid(JULIET), Change::Bound).await;
    let calls = world.counters().0 - before;
    assert_eq!(world.engine.wants(VHOST, SessionEvents::BOUND), calls > 0);
    calls
}

#[tokio::test]
async fn a_setting_of_the_virtual_host_decides_at_any_time() {
    let world = choosy(None).await;
    let choose = |value: &str| {
        world.host.settings.lock().unwrap().insert("choice".into(), value.into());
    };
    assert_eq!(calls(&world).await, 0);
    choose("yes");
    assert_eq!(calls(&world).await, 2);
    choose("");
    assert_eq!(calls(&world).await, 0);
    choose("false");
    assert_eq!(calls(&world).await, 0);
    world.host.settings.lock().unwrap().insert("other".into(), "yes".into());
    assert_eq!(calls(&world).await, 0);
}

#[tokio::test]
async fn so_does_its_own_setting() {
    assert_eq!(calls(&choosy(Some("true")).await).await, 2);
    assert_eq!(calls(&choosy(Some("false")).await).await, 0);
}

#[tokio::test]
async fn others_are_called_as_ever() {
    let host = std::sync::Arc::new(FakeHost::default());
    let engine = engine(options(), vec![spec("choosy"), spec("hostile")], &host).await.unwrap();
    let world = World { engine, host };
    world.engine.session_event(&jid(JULIET), Change::Bound).await;
    let counted: Vec<u64> = world.engine.plugins().iter().map(|plugin| plugin.counters.calls).collect();
    assert_eq!(counted, [0, 1]);
}
