//! Client state indication (XEP-0352): what a client that nobody looks at is spared.

use waxwing_tests::{Managed, Server};

const INACTIVE: &str = "<inactive xmlns='urn:xmpp:csi:0'/>";
const ACTIVE: &str = "<active xmlns='urn:xmpp:csi:0'/>";

fn status(text: &str) -> String {
    format!("<presence><status>{text}</status></presence>")
}

#[test]
fn presence_waits_and_messages_do_not() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = server.online("romeo/orchard");
    let mut juliet = server.online("juliet/balcony");
    server.befriend(&mut romeo, &mut juliet);
    assert!(juliet.features.child_ns("csi", "urn:xmpp:csi:0").is_some());
    juliet.send(INACTIVE);
    juliet.drain();
    for text in ["one", "two", "three"] {
        romeo.send(status(text));
    }
    romeo.send(
        "<message to='juliet@localhost' type='chat'>\
         <composing xmlns='http://jabber.org/protocol/chatstates'/></message>",
    );
    romeo.drain();
    romeo.send("<message to='juliet@localhost' type='chat'><body>hello</body></message>");
    juliet.expect("<presence from='romeo@localhost/orchard'><status>three</status></presence>");
    juliet.expect("<message from='romeo@localhost/orchard'><body>hello</body></message>");
    // Her own requests are answered, after what came before; then everything is as ever.
    for text in ["four", "five"] {
        romeo.send(status(text));
    }
    romeo.drain();
    let got = juliet.drain();
    assert!(
        matches!(&got[..], [one] if one.matches("<presence><status>five</status></presence>")),
        "{got:?}"
    );
    romeo.send(status("six"));
    romeo.drain();
    juliet.send(ACTIVE);
    juliet.expect("<presence><status>six</status></presence>");
    romeo.send(status("seven"));
    juliet.expect("<presence><status>seven</status></presence>");
    romeo.close();
    juliet.expect("<presence type='unavailable'/>");
}

/// A stream begins in the active state, also one that resumes a session.
#[test]
fn a_resumed_stream_is_active() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = server.online("romeo/orchard");
    let mut juliet = server.online("juliet/balcony");
    server.befriend(&mut romeo, &mut juliet);
    let mut juliet = Managed::enable(juliet, "resume='true'");
    juliet.client.send(INACTIVE);
    juliet.drain();
    let (id, h) = (juliet.id.clone(), juliet.h);
    juliet.reset();
    for text in ["one", "two"] {
        romeo.send(status(text));
    }
    romeo.drain();
    let (mut juliet, _) = Managed::resume(&server, "juliet", &id, h).ok().expect("resumed");
    assert!(juliet.next_stanza().matches("<presence><status>two</status></presence>"));
    romeo.send(status("three"));
    assert!(juliet.next_stanza().matches("<presence><status>three</status></presence>"));
}
