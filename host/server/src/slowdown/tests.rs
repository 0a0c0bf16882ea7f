//! What one who sends notices of those who do not read: nothing of presence, pushes and answers, a little of messages.

use crate::testing::{Client, World, jid};
use futures_util::FutureExt;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;
use waxwing_config::{ClientState, Settings};

/// Longer than any test runs: what waits for somebody who does not read is never done.
const EVER: Duration = Duration::from_secs(24 * 3600);

fn patient(settings: &mut Settings) {
    settings.limits.outgoing_bytes = 1000;
    settings.limits.outgoing_bytes_limit = 50_000;
    settings.limits.slow_reader_timeout = EVER;
    settings.limits.sender_patience = EVER;
}

/// Whose queues are crowded, each for another reason.
async fn slow_clients(world: &World, account: &str) -> Vec<Client> {
    let mut clients = Vec::new();
    for resource in ["deaf", "managed", "asleep", "inactive"] {
        let client = world.online(&format!("{account}/{resource}")).await;
        match resource {
            "managed" | "asleep" => drop(world.manage(&client.session, true, None)),
            "inactive" => client.session.set_inactive(Some(&ClientState::default())),
            _ => {}
        }
        clients.push(client);
    }
    clients.iter().for_each(|client| drop(client.received()));
    let filler =
        format!("<message from='x@verona.lit' type='headline'><body>{}</body></message>", "x".repeat(1000));
    for client in &clients {
        client.session.tell(waxwing_xmpp::Stanza::parse(&filler).unwrap());
        assert!(client.session.outbound.is_crowded());
    }
    clients[2].session.detach(false);
    clients
}

fn queued(clients: &[Client]) -> usize {
    clients.iter().map(|client| client.session.outbound.bytes()).sum()
}

#[tokio::test]
async fn presence_waits_for_nobody() {
    let world = World::with(patient).await;
    let contacts = ["juliet@verona.lit", "nurse@verona.lit", "tybalt@verona.lit"];
    let mut slow = Vec::new();
    for contact in contacts {
        world.befriend("romeo@verona.lit", contact).await;
        slow.extend(slow_clients(&world, contact).await);
    }
    let before = queued(&slow);
    let romeo = world.online("romeo@verona.lit/orchard").await;
    for n in 0..500 {
        romeo.send(&format!("<presence><status>{n}</status></presence>")).await;
        romeo.send(&format!("<presence to='nurse@verona.lit'><status>{n}</status></presence>")).await;
        romeo.received();
    }
    // One presence for each.
    assert!(queued(&slow) - before < slow.len() * 150, "{}", queued(&slow) - before);
    romeo.send("<presence type='unavailable'/>").await;
    romeo.send("<presence/>").await;
    romeo.leave().await;
    assert_eq!(world.stats().ended_full.load(Ordering::Relaxed), 0);
    for client in slow.iter().filter(|client| client.session.jid.resource() == Some("deaf")) {
        let got = client.got();
        assert_eq!(got.len(), 2, "{got:?}");
        assert!(got[1].contains("type='unavailable'"), "{got:?}");
    }
}

#[tokio::test]
async fn subscriptions_pushes_and_answers_wait_for_nobody() {
    let world = World::with(patient).await;
    let _own = slow_clients(&world, "romeo@verona.lit").await;
    let _theirs = slow_clients(&world, "juliet@verona.lit").await;
    let romeo = world.online("romeo@verona.lit/orchard").await;
    for name in ["a", "b", "c"] {
        let item = format!("<item jid='juliet@verona.lit' name='{name}'/>");
        let set = format!("<iq type='set' id='s'><query xmlns='jabber:iq:roster'>{item}</query></iq>");
        assert!(romeo.ask(&set).await.contains("type='result'"));
    }
    for ty in ["subscribe", "unsubscribe", "subscribe"] {
        romeo.send(&format!("<presence to='juliet@verona.lit' type='{ty}'/>")).await;
    }
    // A second client of the account takes the name of one that does not read.
    world.online("romeo@verona.lit/deaf").await;
    assert_eq!(world.state("romeo@verona.lit", "juliet@verona.lit").await, "none+ask");
}

#[tokio::test]
async fn a_message_waits_a_little_for_all_of_its_readers_together() {
    let patience = Duration::from_millis(300);
    let world = World::with(|settings| {
        patient(settings);
        settings.limits.sender_patience = patience;
        // That a session without a stream is ended is another test's matter.
        settings.limits.sessions_per_account = 50;
    })
    .await;
    let romeo = world.online("romeo@verona.lit/orchard").await;
    let mut juliets = Vec::new();
    for n in 0..20 {
        juliets.push(world.online(&format!("juliet@verona.lit/{n}")).await);
    }
    let message =
        |body: &str| format!("<message to='juliet@verona.lit' type='chat'><body>{body}</body></message>");
    juliets.iter().for_each(|juliet| drop(juliet.received()));
    tokio::time::pause();
    let start = Instant::now();
    romeo.send(&message(&"x".repeat(850))).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    for n in 1..=3 {
        romeo.send(&message(&n.to_string())).await;
        // The clock of a test stands while there is anything to do; timers have a grain of a millisecond.
        assert!(start.elapsed() <= n * (patience + Duration::from_millis(1)), "{:?}", start.elapsed());
    }
    assert_eq!(world.stats().slowed.load(Ordering::Relaxed), 3);
    // An answer of the server needs nobody else, and comes at once.
    let waited = start.elapsed();
    let disco =
        "<iq type='get' id='d' to='verona.lit'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>";
    assert!(romeo.ask(disco).await.contains("id='d'"));
    assert_eq!(start.elapsed(), waited);
    tokio::time::resume();
    for juliet in &juliets {
        let got: String = juliet.received().concat();
        let at: Vec<_> = ["1", "2", "3"].iter().map(|n| got.find(&format!(">{n}<"))).collect();
        assert!(at.iter().all(Option::is_some) && at.is_sorted(), "{got}");
    }
}

#[tokio::test]
async fn a_sender_goes_on_as_soon_as_there_is_room() {
    let world = World::with(patient).await;
    let romeo = world.online("romeo@verona.lit/orchard").await;
    let juliet = world.online("juliet@verona.lit/balcony").await;
    let long = "x".repeat(1000);
    let message = format!("<message to='{}' type='chat'><body>{long}</body></message>", juliet.session.jid);
    let mut sending = Box::pin(romeo.send(&message));
    assert!(sending.as_mut().now_or_never().is_none());
    // It is there already.
    assert_eq!(juliet.received().len(), 1);
    sending.await;
}

#[tokio::test]
async fn who_asks_without_reading_waits_for_nobody_but_itself() {
    let world = World::with(patient).await;
    let romeo = world.online("romeo@verona.lit/orchard").await;
    let disco =
        "<iq type='get' id='d' to='verona.lit'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>";
    let mut asked = 0;
    let waiting = loop {
        let mut asking = Box::pin(romeo.send(disco));
        asked += 1;
        if asking.as_mut().now_or_never().is_none() {
            break asking;
        }
    };
    assert!(romeo.session.outbound.bytes() < 2000);
    assert_eq!(romeo.received().len(), asked);
    waiting.await;
}

#[tokio::test]
async fn memory_is_bounded_whatever_comes_from_how_many() {
    let world = World::with(|settings| {
        patient(settings);
        settings.limits.outgoing_bytes = 5000;
        settings.limits.sender_patience = Duration::ZERO;
    })
    .await;
    let (readers, stanza) = (5, 2100);
    let mut slow = Vec::new();
    for n in 0..readers {
        slow.push(world.online(&format!("juliet@verona.lit/{n}")).await);
    }
    let mut senders = Vec::new();
    for n in 0..3 {
        senders.push(world.online(&format!("romeo{n}@verona.lit/x")).await);
    }
    let body = "x".repeat(2000);
    for round in 0..100 {
        for romeo in &senders {
            for to in &slow {
                let to = &to.session.jid;
                for stanza in [
                    format!("<message to='{to}' type='chat'><body>{body}</body></message>"),
                    format!("<iq to='{to}' type='get' id='i'><a xmlns='b'>{body}</a></iq>"),
                    format!("<presence to='{to}'><status>{body}{round}</status></presence>"),
                ] {
                    romeo.send(&stanza).await;
                    romeo.received();
                }
            }
        }
        let most = readers * (50_000 + 2 * stanza);
        assert!(queued(&slow) <= most, "{} of {most}", queued(&slow));
    }
    let stats = world.stats();
    assert!(stats.refused.load(Ordering::Relaxed) > 0);
    let mut back = vec![0; senders.len()];
    for client in &slow {
        client.leave().await;
        for (romeo, back) in senders.iter().zip(&mut back) {
            *back += romeo.received().iter().filter(|xml| xml.contains("recipient-unavailable")).count();
        }
    }
    assert_eq!(stats.ended_full.load(Ordering::Relaxed), readers as u64);
    // There is no plugin to keep it: what was taken comes back.
    assert!(back.iter().all(|count| *count > 0), "{back:?}");
    assert_eq!(queued(&slow), 0);
    assert!(world.directory.account(jid("juliet@verona.lit").as_str()).is_none());
}
