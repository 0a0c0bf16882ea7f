//! Messages for those who are away: stored, and delivered when they come, in order, before anything newer.

use waxwing_tests::{Node, Server};

fn stored(n: u32) -> String {
    format!(
        "<message from='romeo@localhost/orchard' id='{n}'><body>{n}</body>\
         <delay xmlns='urn:xmpp:delay' stamp='*'/></message>"
    )
}

#[test]
fn stored_and_delivered_in_order() {
    let server = Server::builder().users(["romeo", "juliet"]).endless_queues().start();
    let mut romeo = server.online("romeo/orchard");
    for n in 0..300 {
        let kind = if n % 2 == 0 { "chat" } else { "normal" };
        romeo.send(format!(
            "<message to='juliet@localhost' type='{kind}' id='{n}'><body>{n}</body></message>"
        ));
    }
    romeo.expect_nothing();

    let mut juliet = server.login("juliet/balcony");
    juliet.expect_nothing();
    juliet.send("<presence/>");
    romeo.send("<message to='juliet@localhost' type='chat' id='live'><body>live</body></message>");
    let messages = (0..301).map(|_| next_message(&mut juliet)).collect::<Vec<_>>();
    // Romeo's last word may have come before she was there, or after: it is the last in any case.
    for (n, message) in messages[..300].iter().enumerate() {
        assert!(message.matches(&stored(n as u32)), "{n}: {message}");
    }
    assert_eq!(messages[300].body(), "live");
    juliet.close();

    let mut juliet = server.online("juliet/balcony");
    juliet.expect_nothing();
}

fn next_message(client: &mut waxwing_tests::Client) -> Node {
    loop {
        let node = client.next_element();
        if node.name == "message" {
            return node;
        }
    }
}

/// Whoever says by a negative priority that no messages are wanted gets none, stored or not.
#[test]
fn not_for_a_negative_priority() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = server.online("romeo/orchard");
    let mut juliet = server.login("juliet/balcony");
    juliet.send("<presence><priority>-1</priority></presence>");
    juliet.drain();
    romeo.send("<message to='juliet@localhost' type='chat' id='0'><body>0</body></message>");
    romeo.expect_nothing();
    juliet.expect_nothing();
    juliet.send("<presence><priority>0</priority></presence>");
    assert!(next_message(&mut juliet).matches(&stored(0)));
    juliet.expect_nothing();
}

#[test]
fn what_is_not_worth_storing() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = server.online("romeo/orchard");
    for message in [
        "type='headline'><body>x</body>",
        "type='chat'><body>x</body><no-store xmlns='urn:xmpp:hints'/>",
        "type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/>",
        "type='error'><error type='cancel'/>",
    ] {
        romeo.send(format!("<message to='juliet@localhost' {message}</message>"));
    }
    romeo.send(
        "<message to='juliet@localhost' type='chat' id='1'><store xmlns='urn:xmpp:hints'/>\
        <x xmlns='urn:x'/></message>",
    );
    romeo.send("<message to='juliet@localhost' type='groupchat' id='g'><body>x</body></message>");
    romeo.drain();
    let mut juliet = server.online("juliet/balcony");
    let got = juliet.drain();
    assert_eq!(got.len(), 1, "{got:#?}");
    assert!(got[0].matches("<message id='1'><x xmlns='urn:x'/><delay xmlns='urn:xmpp:delay'/></message>"));
}

/// The first session that can take messages gets them, the next one does not get them again.
#[test]
fn delivered_once() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = server.online("romeo/orchard");
    romeo.send("<message to='juliet@localhost' type='chat' id='0'><body>0</body></message>");
    romeo.expect_nothing();
    let mut first = server.login("juliet/first");
    let mut second = server.login("juliet/second");
    first.send("<presence/>");
    let got = first.drain();
    assert!(got.iter().any(|stanza| stanza.matches(&stored(0))), "{got:#?}");
    second.send("<presence/>");
    let got = second.drain();
    assert!(got.iter().all(|stanza| stanza.name == "presence"), "{got:#?}");
    first.send("<presence type='unavailable'/>");
    first.drain();
    first.send("<presence/>");
    assert!(first.drain().iter().all(|stanza| stanza.name == "presence"));
}

/// The recipient comes and goes while a sender keeps talking: each message arrives once, in order.
#[test]
fn nothing_is_lost_or_overtaken_in_between() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = server.online("romeo/orchard");
    let total = 1500;
    let talker = std::thread::spawn(move || {
        for n in 0..total {
            romeo.send(format!(
                "<message to='juliet@localhost' type='chat' id='{n}'><body>{n}</body></message>"
            ));
        }
        romeo.expect_nothing();
    });
    let mut next = 0;
    while next < total {
        let mut juliet = server.login("juliet/balcony");
        juliet.send("<presence/>");
        let enough = total.min(next + 100);
        while next < enough {
            take(&juliet.next_element(), &mut next);
        }
        // A session that is unavailable gets no more; what comes until the answer still counts.
        juliet.send("<presence type='unavailable'/>");
        for node in juliet.drain() {
            take(&node, &mut next);
        }
        juliet.close();
    }
    talker.join().expect("the talker");
}

fn take(node: &Node, next: &mut u32) {
    if node.name == "message" {
        assert_eq!(node.body(), next.to_string(), "in order, once: {node}");
        *next += 1;
    }
}
