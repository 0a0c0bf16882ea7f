//! A version that runs beside the live one.

mod common;

use common::*;
use std::sync::atomic::Ordering::SeqCst;
use waxwing_plugins::*;
use waxwing_xmpp::Stanza;

const JULIET_BARE: &str = "juliet@capulet.example";

impl World {
    async fn shadow(&self, name: &str, guest_name: &str) {
        let candidate = Some(spec(guest_name));
        let info = self.engine.shadow(name, &Scope::Everywhere, candidate).await.unwrap().unwrap();
        assert_eq!(info.name, name);
    }

    fn shadow_info(&self) -> ShadowInfo {
        self.engine.plugins()[0].shadow.clone().unwrap()
    }

    /// How the shadow does once it has been asked or not asked so many calls.
    async fn shadowed(&self, calls: u64) -> ShadowInfo {
        loop {
            let info = self.shadow_info();
            if info.calls + info.skipped >= calls {
                return info;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn greet(&self) -> Outcome {
        let xml = format!(
            "<iq xmlns='jabber:client' type='get' id='1' from='{JULIET}'><greet xmlns='urn:test:greeter'/></iq>"
        );
        self.show(Stage::Process, Stanza::parse(&xml).unwrap()).await
    }
}

fn said(outcome: Outcome) -> String {
    match outcome {
        Outcome::Reply(xml) => Stanza::parse(&format!("<message>{xml}</message>"))
            .unwrap()
            .text("{urn:test:greeter}greet")
            .unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_same_version_does_the_same_and_nothing_is_done_twice() {
    let (shadowed, plain) = (World::new().await, World::new().await);
    shadowed.shadow("hostile", "hostile").await;
    let commands =
        ["sessions", "overlay", "increment", "increment", "effects", "mark", "remove-account", "trap"];
    for command in commands {
        let _ = (shadowed.iq(command).await, plain.iq(command).await);
    }
    let info = shadowed.shadowed(commands.len() as u64).await;
    assert_eq!((info.same, info.different, info.failed, info.skipped), (8, 0, 0, 0), "{info:?}");
    assert!(info.cpu_live > Default::default() && info.cpu_shadow > Default::default());
    assert!(info.p50_live <= info.p99_live && info.p50_shadow <= info.p99_shadow);
    shadowed.engine.come_to_rest().await;
    plain.engine.come_to_rest().await;
    let steps = |world: &World| {
        let mut steps: Vec<String> = world.host.steps().iter().map(|step| format!("{step:?}")).collect();
        // Deletes wait for streams, beside what comes after them.
        steps.sort();
        steps
    };
    assert_eq!(steps(&shadowed), steps(&plain));
    assert_eq!(shadowed.counters(), plain.counters());
    let count = |world: &World| world.host.storage.value("hostile/table", JULIET_BARE, "count");
    assert_eq!((count(&shadowed).as_deref(), count(&plain).as_deref()), (Some("2"), Some("2")));
}

#[tokio::test]
async fn another_version_is_compared_and_changes_nothing() {
    let world = World::with(spec("greeter")).await;
    world.shadow("greeter", "greeter-two").await;
    for _ in 0..3 {
        assert_eq!(said(world.greet().await), "Hello");
    }
    let info = world.shadowed(3).await;
    assert_eq!((info.calls, info.same, info.different, info.failed), (3, 0, 3, 0), "{info:?}");
    let [difference] = &info.differences[..] else { panic!("{info:?}") };
    assert!(difference.starts_with("process: answer: ") && !difference.contains("Hello"), "{difference}");
    assert_eq!(world.host.storage.value("greeter/counts", JULIET_BARE, "n"), None);
    assert!(world.host.steps().is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_is_left_alone_and_the_live_one_goes_on() {
    let world = World::with(spec("greeter")).await;
    world.shadow("greeter", "greeter-three").await;
    for call in 1..=20 {
        assert_eq!(said(world.greet().await), "Hello");
        world.shadowed(call).await;
    }
    let info = world.shadow_info();
    // Five failures in a minute are enough, for this sender.
    assert_eq!((info.failed, info.skipped, info.same), (5, 15, 0), "{info:?}");
    assert_eq!(world.counters().1, 0);
    assert_eq!(world.engine.plugins()[0].suspended, (false, 0));
}

#[tokio::test(start_paused = true)]
async fn so_many_run_at_a_time_and_the_rest_is_skipped() {
    let world = World::with(spec_of("greeter", guest("greeter-two"))).await;
    world.shadow("greeter", "greeter-two").await;
    world.host.storage.slow.store(true, SeqCst);
    let outcomes = futures_util::future::join_all((0..40).map(|_| world.greet())).await;
    assert!(outcomes.into_iter().all(|outcome| said(outcome).starts_with("Hello")));
    let info = world.shadowed(40).await;
    assert_eq!((info.calls, info.skipped, info.same), (16, 24, 16), "{info:?}");
}

#[tokio::test]
async fn it_goes_when_it_is_told_to_and_with_the_version_that_it_is_beside() {
    let world = World::with(spec("greeter")).await;
    let scope = Scope::Everywhere;
    world.shadow("greeter", "greeter-two").await;
    assert_eq!(world.engine.shadow("greeter", &scope, None).await.unwrap().map(|info| info.name), None);
    assert_eq!(world.engine.plugins()[0].shadow, None);
    let nobody = world.engine.shadow("nobody", &scope, Some(spec("greeter"))).await;
    assert!(matches!(nobody, Err(ShadowError::NoPlugin(_))));
    // Another plugin's component does not call itself by this name.
    let other = world.engine.shadow("greeter", &scope, Some(spec("hostile"))).await;
    assert!(matches!(other, Err(ShadowError::Load(_))));

    world.shadow("greeter", "greeter-two").await;
    world.engine.put(spec_of("greeter", guest("greeter-two"))).await.unwrap();
    assert_eq!(world.engine.plugins()[0].shadow, None);
    assert_eq!(said(world.greet().await), "Hello 1");
}
