//! Session events.

mod common;

use common::*;
use std::sync::atomic::Ordering::SeqCst;
use waxwing_plugins::*;
use waxwing_storage::Write;

const QUEUE: &str = "hostile/queue";
const OWNER: &str = "juliet@capulet.example";

/// A world in which this many messages wait for Juliet.
async fn with_queue(length: u32) -> World {
    let world = World::new().await;
    let appends = (1..=length).map(|n| Write::LogAppend {
        store: QUEUE.into(),
        owner: OWNER.into(),
        at: 1,
        tag: None,
        value: format!("<message xmlns='jabber:client'><body>{n}</body></message>").into(),
        expires: None,
    });
    world.host.storage.put(appends.collect());
    world
}

fn page(bodies: &[&str]) -> Step {
    Step::Send(bodies.iter().map(ToString::to_string).collect(), Some(JULIET.into()))
}

#[tokio::test]
async fn a_long_queue_goes_out_a_page_at_a_time() {
    let world = with_queue(5).await;
    world.engine.session_event(&jid(JULIET), Change::Available(1)).await;
    let deleted = || Step::Commit(1);
    let expected = [page(&["1", "2"]), deleted(), page(&["3", "4"]), deleted(), page(&["5"]), deleted()];
    assert_eq!(world.host.steps(), expected);
    assert!(world.host.storage.entries(QUEUE, OWNER).is_empty());
}

#[tokio::test]
async fn nothing_is_deleted_that_was_not_written() {
    let world = with_queue(3).await;
    world.host.streams_gone.store(true, SeqCst);
    world.engine.session_event(&jid(JULIET), Change::Priority(1)).await;
    assert_eq!(world.host.steps(), [page(&["1", "2"])], "and no second page");
    assert_eq!(world.host.storage.entries(QUEUE, OWNER).len(), 3);
}

#[tokio::test]
async fn the_last_page_is_deleted_before_the_next_event() {
    let world = with_queue(2).await;
    world.engine.session_event(&jid(JULIET), Change::Available(4)).await;
    assert_eq!(world.host.steps(), [page(&["1", "2"]), Step::Commit(1)]);
}

/// What a client acknowledges in its last moment is not there again after an orderly stop, which waits for this.
#[tokio::test]
async fn the_end_waits_until_what_was_acknowledged_is_deleted() {
    for acknowledged in [true, false] {
        let world = with_queue(1).await;
        let (acknowledge, is_acknowledged) = tokio::sync::oneshot::channel();
        *world.host.acknowledged.lock().unwrap() = Some(is_acknowledged);
        world.engine.session_event(&jid(JULIET), Change::Available(4)).await;
        let mut end = Box::pin(world.engine.deletions_made());
        assert!(futures_util::poll!(&mut end).is_pending());
        assert_eq!(world.host.storage.entries(QUEUE, OWNER).len(), 1);
        acknowledge.send(acknowledged).unwrap();
        end.await;
        assert_eq!(world.host.storage.entries(QUEUE, OWNER).is_empty(), acknowledged);
    }
}

#[tokio::test]
async fn again_for_ever_with_nothing_to_do_is_once() {
    let world = World::new().await;
    world.engine.session_event(&jid(JULIET), Change::Available(2)).await;
    assert_eq!(world.counters().0, 1);
}

#[tokio::test]
async fn a_trap_ends_the_event() {
    let world = World::new().await;
    world.engine.session_event(&jid(JULIET), Change::Available(3)).await;
    assert_eq!(world.counters(), (1, 1, 1));
    assert_eq!(world.host.steps(), []);
}

#[tokio::test]
async fn only_wanted_events_are_told() {
    let world = World::new().await;
    assert!(world.engine.wants(VHOST, SessionEvents::BOUND));
    assert!(!world.engine.wants(VHOST, SessionEvents::CLOSED));
    world.engine.session_event(&jid(JULIET), Change::Closed).await;
    world.engine.session_event(&jid(JULIET), Change::Unavailable(None)).await;
    assert_eq!(world.counters().0, 0);
    world.engine.session_event(&jid(JULIET), Change::Bound).await;
    assert_eq!(world.host.steps(), [Step::Mark(JULIET.into(), 1, true)]);
}
