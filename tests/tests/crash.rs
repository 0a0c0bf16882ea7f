//! kill -9 at any moment: what was acknowledged is there after the restart, and the database opens. A message
//! is acknowledged when a request sent after it has been answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use waxwing_tests::{Client, Incoming, Node, Server};

/// Talks to juliet until the connection breaks: ten messages, then a request. Says how many have been
/// acknowledged.
fn talk(mut romeo: Client, first: u32, acknowledged: &AtomicU32) {
    let mut next = first;
    loop {
        for _ in 0..10 {
            romeo.send(format!(
                "<message to='juliet@localhost' type='chat' id='{next}'><body>{next}</body></message>"
            ));
            next += 1;
        }
        romeo.send(format!("<iq type='get' id='{next}' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>"));
        match romeo.read() {
            Incoming::Element(answer) if answer.attr("id") == Some(&next.to_string()) => {
                acknowledged.store(next, Ordering::SeqCst);
            }
            Incoming::Element(other) => panic!("{other}"),
            _ => return,
        }
    }
}

/// The numbers, from `first` on, of the messages that wait for juliet, up to one that is sent now. Smaller
/// ones are repeats: she has had them, but was gone before the server knew.
fn collect(server: &Server, first: u32) -> Vec<u32> {
    let mut nurse = server.online("nurse/house");
    let mut juliet = server.login("juliet/balcony");
    juliet.send("<presence/>");
    nurse.send(format!("<message to='juliet@localhost' type='chat' id='{first}'><body>end</body></message>"));
    let mut numbers = Vec::new();
    loop {
        let node: Node = juliet.next_element();
        match (node.name.as_str(), node.body()) {
            ("message", "end") if node.attr("id") == Some(&first.to_string()) => break,
            ("message", "end") => {}
            ("message", body) => numbers.push(body.parse().expect("a number")),
            _ => {}
        }
    }
    let late: Vec<_> = juliet.drain().into_iter().filter(|node| node.name == "message").collect();
    assert!(late.is_empty(), "overtaken: {late:?}");
    numbers.retain(|number| *number >= first);
    numbers
}

#[test]
fn while_storing() {
    let mut server = Server::builder().users(["romeo", "juliet", "nurse"]).endless_queues().start();
    let mut first = 0;
    for round in 1..=5 {
        let acknowledged = Arc::new(AtomicU32::new(first));
        let talker = thread::spawn({
            let (romeo, acknowledged) = (server.online("romeo/orchard"), acknowledged.clone());
            move || talk(romeo, first, &acknowledged)
        });
        // Not at a pause: whatever it is doing when this much has been acknowledged.
        while acknowledged.load(Ordering::SeqCst) < first + 70 * round {
            assert!(!talker.is_finished(), "the talker stopped by itself");
            thread::yield_now();
        }
        server.kill();
        talker.join().expect("the talker");
        let acknowledged = acknowledged.load(Ordering::SeqCst);
        server.start();
        let numbers = collect(&server, first);
        let expected: Vec<u32> = (first..).take(numbers.len()).collect();
        assert_eq!(numbers, expected, "each once, in order, without a gap");
        let stored = first + numbers.len() as u32;
        assert!(stored >= acknowledged, "{acknowledged} were acknowledged, {stored} stored");
        // Whatever the talker had sent beyond that is lost, and nobody was told otherwise.
        first = stored + 1000;
    }
}

/// Killed while it delivers: what the recipient has not received comes again; some may come twice.
#[test]
fn while_delivering() {
    let mut server = Server::builder().users(["romeo", "juliet", "nurse"]).endless_queues().start();
    let mut romeo = server.online("romeo/orchard");
    let total = 500;
    for n in 0..total {
        romeo.send(format!("<message to='juliet@localhost' type='chat' id='{n}'><body>{n}</body></message>"));
    }
    romeo.expect_nothing();
    let mut seen = 0;
    for _ in 0..3 {
        let mut juliet = server.login("juliet/balcony");
        juliet.send("<presence/>");
        let until = seen + 50;
        while seen < until {
            let node = juliet.next_element();
            if node.name == "message" {
                let n: u32 = node.body().parse().expect("a number");
                assert!(n <= seen, "{n} came, but {seen} did not");
                seen = seen.max(n + 1);
            }
        }
        server.kill();
        // What was under way to her when it was killed has reached her.
        while let Incoming::Element(node) = juliet.read() {
            if node.name == "message" {
                assert_eq!(node.body(), seen.to_string());
                seen += 1;
            }
        }
        server.start();
    }
    let rest = collect(&server, 0);
    assert!(rest.first().is_none_or(|first| *first <= seen), "{rest:?} after {seen}");
    assert_eq!(rest.last().map_or(seen, |last| last + 1), total);
    assert!(rest.windows(2).all(|pair| pair[0] + 1 == pair[1]), "in order, without a gap: {rest:?}");
}

/// Accounts, rosters and subscriptions: done is done.
#[test]
fn after_a_change() {
    let mut server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = server.online("romeo/orchard");
    let mut juliet = server.online("juliet/balcony");
    server.befriend(&mut romeo, &mut juliet);
    server.kill();
    server.start();
    let mut romeo = server.login("romeo/orchard");
    romeo.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
    romeo.expect(
        "<iq type='result' id='r'><query xmlns='jabber:iq:roster'>\
        <item jid='juliet@localhost' subscription='both'/></query></iq>",
    );
}

/// Removed is removed, the moment it is said.
#[test]
fn after_a_removal() {
    let users = ["romeo", "juliet", "nurse", "tybalt", "benvolio"];
    let mut server = Server::builder().users(users).start();
    for user in users {
        let mut client = server.login(&format!("{user}/x"));
        client.send("<iq type='set' id='r'><query xmlns='jabber:iq:register'><remove/></query></iq>");
        client.expect("<iq type='result' id='r'/>");
        server.kill();
        server.start();
        assert!(server.try_sign_in(user).is_err(), "{user} is back");
    }
}
