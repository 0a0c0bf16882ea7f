use super::*;
use crate::server::BindError;
use crate::testing::{Client, World, jid};
use futures_util::FutureExt;
use std::task::{Context, Waker};
use waxwing_xmpp::{Condition, StanzaError};

/// The id by which the client may resume.
fn manage(world: &World, client: &Client) -> String {
    world.manage(&client.session, true, None).unwrap().resume.unwrap().0
}

async fn resume(world: &World, account: &str, id: &str, h: u32) -> Result<u32, ResumeError> {
    world.resume(&jid(account), id, h).await.map(|resumed| resumed.handled)
}

fn bodies(received: &[String]) -> Vec<String> {
    let body = |xml: &String| Some(xml.split_once("<body>")?.1.split_once('<')?.0.to_owned());
    received.iter().filter_map(body).collect()
}

/// As the network side does: nobody drains the session until somebody resumes it, and then it is finished.
fn lose(world: &World, client: &Client) -> tokio::task::JoinHandle<bool> {
    let absence = client.session.detach(false);
    let (server, session) = (world.server.clone(), client.session.clone());
    tokio::spawn(async move {
        let over = session.sleep(absence).await;
        if over {
            server.finish(&session).await;
            server.remember(&session);
        }
        over
    })
}

#[tokio::test]
async fn what_was_not_acknowledged_is_sent_again_in_order() {
    let world = World::new().await;
    let romeo = world.online("romeo@verona.lit/a").await;
    let juliet = world.online("juliet@verona.lit/b").await;
    let id = manage(&world, &juliet);
    assert!(world.manage(&juliet.session, true, None).is_none());
    for n in 0..4 {
        romeo.send(&format!("<message to='juliet@verona.lit' type='chat'><body>{n}</body></message>")).await;
    }
    let got = juliet.received();
    assert_eq!(bodies(&got), ["0", "1", "2", "3"]);
    assert!(got[3].ends_with("<r xmlns='urn:xmpp:sm:3'/>"), "{got:?}");
    juliet.session.acknowledge(1).unwrap();
    juliet.session.count_handled();
    let waiting = lose(&world, &juliet);
    romeo.send("<message to='juliet@verona.lit' type='chat'><body>4</body></message>").await;
    assert_eq!(resume(&world, "juliet@verona.lit", &id, 2).await, Ok(1));
    assert!(!waiting.await.unwrap());
    assert_eq!(bodies(&juliet.received()), ["2", "3", "4"]);
    juliet.session.acknowledge(5).unwrap();
    let waiting = lose(&world, &juliet);
    assert_eq!(resume(&world, "juliet@verona.lit", &id, 5).await, Ok(1));
    assert!(!waiting.await.unwrap() && juliet.received().is_empty());
    assert_eq!(world.stats().resumed.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn only_by_its_owner_who_knows_the_id_and_counts_right() {
    let world = World::new().await;
    let romeo = world.online("romeo@verona.lit/a").await;
    let juliet = world.online("juliet@verona.lit/b").await;
    let (id, other) = (manage(&world, &juliet), manage(&world, &romeo));
    assert_ne!(id, other);
    let _waiting = (lose(&world, &juliet), lose(&world, &romeo));
    for (account, id) in
        [("romeo@verona.lit", &id), ("juliet@verona.lit", &other), ("nobody@verona.lit", &id)]
    {
        assert_eq!(resume(&world, account, id, 0).await, Err(ResumeError::NotFound(None)));
    }
    assert_eq!(resume(&world, "juliet@verona.lit", "", 0).await, Err(ResumeError::NotFound(None)));
    let error = ResumeError::TooHigh(TooHigh { h: 7, sent: 0 });
    assert_eq!(resume(&world, "juliet@verona.lit", &id, 7).await, Err(error));
    assert_eq!(resume(&world, "juliet@verona.lit", &id, 0).await, Ok(0));
    assert_eq!(world.stats().failed_resumptions.load(Ordering::Relaxed), 5);
}

#[tokio::test]
async fn counters_start_anywhere() {
    let world = World::new().await;
    let juliet = world.online("juliet@verona.lit/b").await;
    let id = manage(&world, &juliet);
    juliet.session.outbound.managed(|managed| managed.count_from(u32::MAX));
    for n in 0..3 {
        juliet.session.count_handled();
        juliet.send(&format!("<message type='chat'><body>{n}</body></message>")).await;
    }
    assert_eq!(bodies(&juliet.received()), ["0", "1", "2"]);
    let _waiting = lose(&world, &juliet);
    assert_eq!(resume(&world, "juliet@verona.lit", &id, 1).await, Ok(2));
    assert_eq!(bodies(&juliet.received()), ["2"]);
    assert_eq!(juliet.session.acknowledge(3), Err(TooHigh { h: 3, sent: 2 }));
    assert_eq!(juliet.session.acknowledge(2), Ok(()));
}

/// The stream that is there is told to let go, and the new one waits until what it read is processed.
#[tokio::test]
async fn the_old_stream_lets_go_first() {
    let world = World::new().await;
    let juliet = world.online("juliet@verona.lit/b").await;
    let id = manage(&world, &juliet);
    let account = jid("juliet@verona.lit");
    let mut first = Box::pin(world.resume(&account, &id, 0));
    assert!(first.as_mut().now_or_never().is_none());
    // The other of two that want it at the same time comes after it.
    let mut second = Box::pin(world.resume(&account, &id, 0));
    assert!(second.as_mut().now_or_never().is_none());
    let mut cx = Context::from_waker(Waker::noop());
    let poll = juliet.session.poll_outgoing(&mut cx, &mut Vec::new(), 100);
    assert!(matches!(poll, std::task::Poll::Ready(Err(crate::StreamEnd::Moved))));
    juliet.session.detach(true);
    assert!(first.as_mut().now_or_never().is_none());
    juliet.session.count_handled();
    juliet.session.idle();
    assert_eq!(first.await.map(|resumed| resumed.handled), Ok(1));
    assert!(second.as_mut().now_or_never().is_none());
    juliet.session.detach(false);
    assert_eq!(second.await.map(|resumed| resumed.handled), Ok(1));
    // One that gives up leaves it to others.
    drop(Box::pin(world.resume(&account, &id, 0)).as_mut().now_or_never());
    let _waiting = lose(&world, &juliet);
    assert_eq!(resume(&world, "juliet@verona.lit", &id, 0).await, Ok(1));
}

#[tokio::test]
async fn nobody_comes() {
    let world = World::new().await;
    let romeo = world.online("romeo@verona.lit/a").await;
    let away = world.online("juliet@verona.lit/away").await;
    let there = world.online("juliet@verona.lit/there").await;
    away.received();
    let id = manage(&world, &away);
    romeo.send("<message to='juliet@verona.lit/away' type='chat'><body>0</body></message>").await;
    romeo.send("<message to='juliet@verona.lit' type='chat'><body>both</body></message>").await;
    assert_eq!(bodies(&away.received()), ["0", "both"]);
    assert_eq!(bodies(&there.received()), ["both"]);
    let delay = "<delay xmlns='urn:xmpp:delay' from='verona.lit' stamp='2020-01-01T00:00:00Z'/>";
    let delayed = format!("<message to='juliet@verona.lit/away'><body>1</body>{delay}</message>");
    romeo.send(&delayed).await;
    romeo.send("<message to='juliet@verona.lit/away' type='headline'><body>news</body></message>").await;
    romeo.send("<iq to='juliet@verona.lit/away' type='get' id='q'><a xmlns='b'/></iq>").await;
    tokio::time::pause();
    assert!(lose(&world, &away).await.unwrap());
    tokio::time::resume();
    let got = there.received();
    assert_eq!(bodies(&got), ["0", "1"], "once, in order: {got:?}");
    assert!(got[0].contains("<delay xmlns='urn:xmpp:delay' from='verona.lit' stamp='"), "{got:?}");
    assert_eq!(got[1].matches("<delay").count(), 1, "{got:?}");
    assert!(got[1].contains("stamp='2020-01-01T00:00:00.000Z'"), "{got:?}");
    assert!(got[2].contains("unavailable"), "{got:?}");
    let answer = romeo.received();
    assert!(answer[0].contains("id='q'") && answer[0].contains("service-unavailable"), "{answer:?}");
    assert_eq!(world.session_count(), 2);
    assert_eq!(world.stats().rerouted.load(Ordering::Relaxed), 2);
    // It comes too late, and hears what was handled.
    assert_eq!(resume(&world, "juliet@verona.lit", &id, 0).await, Err(ResumeError::NotFound(Some(0))));
    assert_eq!(resume(&world, "romeo@verona.lit", &id, 0).await, Err(ResumeError::NotFound(None)));
}

#[tokio::test]
async fn a_queue_that_is_full_while_nobody_drains_it_ends_the_session() {
    let world = World::with(|settings| settings.limits.outgoing_bytes = 1000).await;
    let romeo = world.online("romeo@verona.lit/a").await;
    let juliet = world.online("juliet@verona.lit/b").await;
    manage(&world, &juliet);
    let waiting = lose(&world, &juliet);
    // Nobody keeps them here, so all of them come back; a stream writes while it reads.
    let (romeo, sent) = (Arc::new(romeo), Arc::new(std::sync::atomic::AtomicBool::new(false)));
    let (reader, done) = (romeo.clone(), sent.clone());
    let back = tokio::spawn(async move {
        let mut back = Vec::new();
        while !done.load(Ordering::Acquire) {
            back.extend(reader.received());
            tokio::task::yield_now().await;
        }
        back.extend(reader.received());
        back
    });
    for n in 0..50 {
        romeo
            .send(&format!("<message to='juliet@verona.lit/b' type='chat'><body>{n}</body></message>"))
            .await;
    }
    let over = waiting.await.unwrap();
    sent.store(true, Ordering::Release);
    let back = back.await.unwrap();
    assert!(over);
    let expected: Vec<_> = (0..50).map(|n| n.to_string()).collect();
    assert_eq!(bodies(&back), expected);
}

#[tokio::test]
async fn a_new_session_takes_the_name_of_one_without_a_stream() {
    let world = World::with(|settings| settings.limits.sessions_per_account = 2).await;
    let first = world.online("juliet@verona.lit/first").await;
    let waiting = (manage(&world, &first), lose(&world, &first));
    let again = world.online("juliet@verona.lit/first").await;
    assert!(waiting.1.await.unwrap());
    assert_ne!(again.session.id, first.session.id);
    // One without a stream makes room, one with does not.
    let second = world.online("juliet@verona.lit/second").await;
    let refused = world.bind(&jid("juliet@verona.lit"), Some("third")).await.err();
    assert!(matches!(
        refused,
        Some(BindError::Refused(StanzaError { condition: Condition::ResourceConstraint, .. }))
    ));
    manage(&world, &second);
    let waiting = lose(&world, &second);
    world.online("juliet@verona.lit/third").await;
    assert!(waiting.await.unwrap());
    assert_eq!(world.session_count(), 2);
}

#[tokio::test]
async fn the_time_that_a_client_asks_for() {
    let world = World::new().await;
    let juliet = world.online("juliet@verona.lit/b").await;
    let enabled = world.manage(&juliet.session, true, Some(10)).unwrap();
    assert_eq!(enabled.resume.unwrap().1, Duration::from_secs(10));
    let other = world.online("juliet@verona.lit/c").await;
    let enabled = world.manage(&other.session, true, Some(u32::MAX)).unwrap();
    assert_eq!(enabled.resume.unwrap().1, Duration::from_secs(300));
    for (resume, most) in [(false, None), (true, Some(0))] {
        let client = world.online("juliet@verona.lit/d").await;
        assert_eq!(world.manage(&client.session, resume, most).unwrap().resume, None);
        assert!(!client.session.may_sleep());
    }
}
