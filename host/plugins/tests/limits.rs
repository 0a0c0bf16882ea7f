//! What a plugin may not do, and that nobody else is harmed by it.

mod common;

use common::*;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;
use waxwing_plugins::*;
use waxwing_xmpp::Condition;

/// The call fails, nothing of it happens, and the next is answered by another instance.
async fn is_contained(world: &World, command: &str) {
    let outcome = world.iq(command).await;
    let Outcome::Reject(error) = outcome else { panic!("{command}: {outcome:?}") };
    assert_eq!(error.condition, Condition::InternalServerError);
    assert_eq!(world.host.steps(), [], "{command}");
    assert_eq!(world.answer("calls").await, "1", "{command}");
    assert_eq!(world.counters(), (2, 1, 2), "{command}");
}

#[tokio::test]
async fn a_trap() {
    is_contained(&World::new().await, "trap").await;
}

#[tokio::test]
async fn a_stack_overflow() {
    is_contained(&World::new().await, "recurse").await;
}

#[tokio::test]
async fn memory_without_end() {
    is_contained(&World::limited(|limits| limits.memory = 16 << 20).await, "grow").await;
}

#[tokio::test]
async fn a_loop_ends_and_lets_others_run() {
    let world = World::new().await;
    let turns = Arc::new(AtomicU32::new(0));
    let counting = turns.clone();
    // On this one thread, others only run if the plugin is made to yield.
    let other = tokio::spawn(async move {
        loop {
            counting.fetch_add(1, SeqCst);
            tokio::task::yield_now().await;
        }
    });
    // It ends, or else this never does.
    is_contained(&world, "loop").await;
    other.abort();
    assert!(turns.load(SeqCst) >= 5, "{turns:?}");
}

#[tokio::test]
async fn waiting_without_end() {
    let world = World::limited(|limits| limits.call_timeout = Duration::from_millis(200)).await;
    world.host.storage.slow.store(true, SeqCst);
    is_contained(&world, "wait").await;
}

#[tokio::test]
async fn waiting_costs_no_cpu_budget() {
    let world = World::limited(|limits| limits.cpu = Duration::from_millis(20)).await;
    world.host.storage.slow.store(true, SeqCst);
    // One read and one that compares: 40 ms of waiting.
    assert_eq!(world.answer("increment").await, "1");
}

#[tokio::test]
async fn some_work_is_allowed() {
    assert!(!World::new().await.answer("compute").await.is_empty());
}

#[tokio::test]
async fn floods_stop_at_the_limit() {
    let world = World::new().await;
    assert_eq!(world.answer("flood-outbox").await, "1000 too-many");
    assert_eq!(world.host.sent.lock().unwrap().len(), 1000);
    assert_eq!(world.answer("flood-storage").await, "Err(\"over-quota\") 1000 over-quota");
    assert_eq!(world.counters().1, 0);
}

#[tokio::test]
async fn a_plugin_that_answers_itself_comes_to_an_end() {
    let world = World::new().await;
    world.host.echo.set(Arc::downgrade(&world.engine)).unwrap();
    // Each message that nobody takes sets off two more.
    assert!(matches!(world.message(Stage::Post, "echo").await, Outcome::Handled));
    let (calls, failures, _) = world.counters();
    assert!(failures > 0 && calls < 1000, "{calls} calls, {failures} failures");
}

#[tokio::test]
async fn a_flood_of_log_lines_is_cut() {
    let world = World::limited(|limits| limits.cpu = Duration::from_secs(10)).await;
    assert_eq!(world.answer("flood-log").await, "done");
}

#[tokio::test]
async fn the_policy_decides_about_the_stanza() {
    let world = World::new().await;
    assert!(matches!(world.message(Stage::Pre, "trap").await, Outcome::Next(_)));
    assert!(matches!(world.message(Stage::Post, "trap").await, Outcome::Reject(_)));
    for (policy, stage) in [(Policy::Drop, Stage::Pre), (Policy::Drop, Stage::Post)] {
        let world = World::with(PluginSpec { policy, ..spec("hostile") }).await;
        assert!(matches!(world.message(stage, "trap").await, Outcome::Drop));
    }
    let strict = World::with(PluginSpec { policy: Policy::Bounce, ..spec("hostile") }).await;
    assert!(matches!(strict.message(Stage::Pre, "trap").await, Outcome::Reject(_)));
    let lax = World::with(PluginSpec { policy: Policy::Pass, ..spec("hostile") }).await;
    assert!(matches!(lax.iq("trap").await, Outcome::Next(_)));
}

#[tokio::test]
async fn one_that_keeps_failing_is_left_alone() {
    let world = World::new().await;
    for _ in 0..5 {
        assert_eq!(world.engine.plugins()[0].suspended, (false, 0));
        world.message(Stage::Pre, "trap").await;
    }
    // By whom its failures were caused, and nobody else.
    assert_eq!(world.engine.plugins()[0].suspended, (false, 1));
    let instances = world.counters().2;
    assert!(matches!(world.message(Stage::Pre, "drop").await, Outcome::Next(_)));
    assert_eq!(world.counters().2, instances, "it was not asked");
}

#[tokio::test]
async fn instances_are_warm_and_mortal() {
    let world = World::limited(|limits| limits.retire_after = 2).await;
    let mut calls = Vec::new();
    for _ in 0..5 {
        calls.push(world.answer("calls").await);
    }
    assert_eq!(calls, ["1", "2", "1", "2", "1"]);
}

#[tokio::test]
async fn calls_wait_for_an_instance_but_not_all_of_them() {
    let world = World::limited(|limits| (limits.instances, limits.waiting) = (1, 1)).await;
    world.host.storage.slow.store(true, SeqCst);
    let (one, two, three) = tokio::join!(world.iq("increment"), world.iq("increment"), world.iq("increment"));
    assert!(matches!((one, two), (Outcome::Reply(_), Outcome::Reply(_))));
    assert!(matches!(three, Outcome::Reject(_)));
    assert_eq!(world.counters(), (3, 1, 1));
}

#[tokio::test]
async fn an_answer_counts_with_what_is_sent() {
    let world = World::limited(|limits| limits.outbox_bytes = 500).await;
    assert!(matches!(world.iq("reply").await, Outcome::Reply(_)));
    for command in ["reply-large", "reject-large"] {
        let refused = world.iq(command).await;
        assert!(
            matches!(&refused, Outcome::Reject(error) if error.condition == Condition::InternalServerError),
            "{command}: {refused:?}"
        );
    }
    // Before routing it goes on as it was.
    let Outcome::Next(stanza) = world.message(Stage::Pre, "replace-large").await else { panic!() };
    assert_eq!(stanza.text("body").as_deref(), Some("x"));
}

#[tokio::test]
async fn an_instance_that_takes_long_to_make_is_waited_for() {
    let settings = vec![("heavy".to_owned(), vec![String::new()])];
    let world = World::with(PluginSpec { settings, ..spec("hostile") }).await;
    world.host.storage.slow.store(true, SeqCst);
    let (one, two) = tokio::join!(world.iq("increment"), world.iq("increment"));
    assert!(matches!((one, two), (Outcome::Reply(_), Outcome::Reply(_))));
    assert_eq!(world.counters(), (2, 0, 1));
}
