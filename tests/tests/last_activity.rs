//! Last activity (XEP-0012): what one plugin writes down and the other tells, and whom.

use waxwing_tests::{Client, Node, Server, ServerBuilder, eventually};

const STANZAS: &str = "urn:ietf:params:xml:ns:xmpp-stanzas";

fn builder() -> ServerBuilder {
    Server::builder().users(["romeo", "juliet", "tybalt"])
}

/// Romeo and Juliet, who see each other's presence.
fn befriended(server: &Server) -> (Client, Client) {
    let (mut romeo, mut juliet) = (server.online("romeo/orchard"), server.online("juliet/balcony"));
    server.befriend(&mut romeo, &mut juliet);
    (romeo, juliet)
}

fn ask(client: &mut Client, whom: &str) -> Node {
    client.send(format!("<iq type='get' id='l' to='{whom}'><query xmlns='jabber:iq:last'/></iq>"));
    client.next_element()
}

/// The seconds and the status of an answer.
#[track_caller]
fn told(answer: &Node) -> (u64, &str) {
    assert!(
        answer.matches("<iq type='result' id='l'><query xmlns='jabber:iq:last' seconds='*'/></iq>"),
        "{answer}"
    );
    let query = &answer.children[0];
    (query.attr("seconds").unwrap().parse().expect("a whole number"), &query.text)
}

#[track_caller]
fn refused(answer: &Node, condition: &str) {
    let error = format!("<iq type='error' id='l'><error><{condition} xmlns='{STANZAS}'/></error></iq>");
    assert!(answer.matches(&error), "{answer}");
}

/// Sections 2 to 5: the server, oneself, and contacts who are there.
#[test]
fn who_is_there() {
    let server = builder().start();
    let (mut romeo, _juliet) = befriended(&server);
    told(&ask(&mut romeo, "localhost"));
    told(&ask(&mut server.online("tybalt/street"), "localhost"));
    assert_eq!(told(&ask(&mut romeo, "romeo@localhost")), (0, ""));
    assert_eq!(told(&ask(&mut romeo, "juliet@localhost")), (0, ""));
    romeo.send(
        "<iq type='get' id='d' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
    );
    romeo.expect(
        "<iq type='result' id='d'><query xmlns='http://jabber.org/protocol/disco#info'>\
         <feature var='jabber:iq:last'/></query></iq>",
    );
}

/// Section 8: strangers learn nothing, not even who has an account.
#[test]
fn strangers() {
    let server = builder().start();
    let (mut romeo, mut juliet) = befriended(&server);
    let mut tybalt = server.online("tybalt/street");
    for whom in ["juliet@localhost", "juliet@localhost/balcony", "nobody@localhost", "nobody@localhost/x"] {
        refused(&ask(&mut tybalt, whom), "forbidden");
    }
    juliet.expect_nothing();
    juliet.send("<presence type='unavailable'><status>Heading home</status></presence>");
    juliet.close();
    romeo.expect("<presence type='unavailable'/>");
    refused(&ask(&mut tybalt, "juliet@localhost"), "forbidden");
    // A subscription that has ended gives no more answers.
    let mut juliet = server.online_again("juliet/balcony");
    juliet.send("<presence type='unsubscribed' to='romeo@localhost'/>");
    juliet.drain();
    romeo.drain();
    refused(&ask(&mut romeo, "juliet@localhost"), "forbidden");
    told(&ask(&mut juliet, "romeo@localhost"));
}

/// A question to a session is answered by its client.
#[test]
fn a_session_answers_for_itself() {
    let server = builder().start();
    let (mut romeo, mut juliet) = befriended(&server);
    romeo.send("<iq type='get' id='i' to='juliet@localhost/balcony'><query xmlns='jabber:iq:last'/></iq>");
    juliet
        .expect("<iq type='get' id='i' from='romeo@localhost/orchard'><query xmlns='jabber:iq:last'/></iq>");
    juliet.send(
        "<iq type='result' id='i' to='romeo@localhost/orchard'><query xmlns='jabber:iq:last' seconds='123'/></iq>",
    );
    romeo.expect(
        "<iq type='result' id='i' from='juliet@localhost/balcony'>\
         <query xmlns='jabber:iq:last' seconds='123'/></iq>",
    );
}

/// Section 4, and across a crash and a restart.
#[test]
fn the_last_goodbye_is_remembered() {
    let mut server = builder().start();
    let (mut romeo, mut juliet) = befriended(&server);
    juliet.send("<presence type='unavailable'><status>Heading home</status></presence>");
    juliet.expect("<presence type='unavailable' from='juliet@localhost/balcony'/>");
    romeo.expect("<presence type='unavailable' from='juliet@localhost/balcony'/>");
    // Connected and not available: gone, as far as others are concerned.
    assert_eq!(told(&ask(&mut romeo, "juliet@localhost")).1, "Heading home");
    juliet.close();
    assert_eq!(told(&ask(&mut romeo, "juliet@localhost")).1, "Heading home");
    server.kill();
    server.start();
    let mut romeo = server.online_again("romeo/orchard");
    assert_eq!(told(&ask(&mut romeo, "juliet@localhost")).1, "Heading home");
    assert!(server.stop().success());
    server.start();
    let mut romeo = server.online_again("romeo/orchard");
    assert_eq!(told(&ask(&mut romeo, "juliet@localhost")).1, "Heading home");

    // While she is there she has not been away.
    let juliet = server.online_again("juliet/balcony");
    romeo.expect("<presence from='juliet@localhost/balcony'/>");
    assert_eq!(told(&ask(&mut romeo, "juliet@localhost")), (0, ""));
    // A lost connection says nothing.
    juliet.abort();
    romeo.expect("<presence type='unavailable' from='juliet@localhost/balcony'/>");
    // Others see a session end a moment before that is written down.
    eventually("her last word is forgotten", || told(&ask(&mut romeo, "juliet@localhost")).1.is_empty());
}

/// With two sessions, the last to go is the one that counts.
#[test]
fn the_last_of_two_sessions() {
    let server = builder().start();
    let (mut romeo, mut juliet) = befriended(&server);
    let mut chamber = server.online_again("juliet/chamber");
    juliet.send("<presence type='unavailable'><status>first</status></presence>");
    juliet.drain();
    juliet.close();
    romeo.drain();
    assert_eq!(told(&ask(&mut romeo, "juliet@localhost")), (0, ""));
    chamber.send("<presence type='unavailable'><status>second</status></presence>");
    chamber.drain();
    assert_eq!(last(&mut romeo).1, "second");
}

/// The answer after what is under way to this client.
fn last(client: &mut Client) -> (u64, String) {
    client.drain();
    let answer = ask(client, "juliet@localhost");
    let (seconds, status) = told(&answer);
    (seconds, status.into())
}

/// Somebody who has not been here since the server knows of such things.
#[test]
fn nothing_is_known() {
    let server = builder().start();
    let mut juliet = server.login("juliet/balcony");
    let mut romeo = server.online("romeo/orchard");
    romeo.send("<presence type='subscribe' to='juliet@localhost'/>");
    romeo.drain();
    juliet.send("<presence type='subscribed' to='romeo@localhost'/>");
    juliet.drain();
    romeo.drain();
    refused(&ask(&mut romeo, "juliet@localhost"), "item-not-found");
}

/// How long it has been is told in seconds, to herself as to others, though she is still connected.
#[test]
fn seconds_pass() {
    let server = builder().start();
    let (mut romeo, mut juliet) = befriended(&server);
    juliet.send("<presence type='unavailable'><status>bye</status></presence>");
    juliet.drain();
    romeo.drain();
    eventually("a second has passed", || told(&ask(&mut romeo, "juliet@localhost")).0 > 0);
    let own = ask(&mut juliet, "juliet@localhost");
    let (seconds, status) = told(&own);
    assert!(seconds > 0 && status == "bye", "{own}");
    juliet.send("<presence/>");
    juliet.drain();
    assert_eq!(told(&ask(&mut juliet, "juliet@localhost")), (0, ""));
}

/// Sessions that end with their domain, or because it is switched off, are remembered as any others.
#[test]
fn a_domain_that_is_switched_off() {
    let server = builder().start();
    let (mut romeo, _juliet) = befriended(&server);
    let switch = |on: &str| {
        let enabled = format!("enabled={on}");
        server.command(&["ctl", "vhost-man", "comp-repo-item-update", "item-list=localhost", &enabled])
    };
    switch("false");
    romeo.expect_stream_error("host-gone");
    eventually("both sessions have ended", || {
        let online = ["ctl", "sess-man", "get-online-users-num", "domainjid=localhost"];
        server.command(&online).contains(": 0")
    });
    switch("true");
    let mut romeo = server.online_again("romeo/orchard");
    assert_eq!(told(&ask(&mut romeo, "juliet@localhost")).1, "");
    assert!(!server.log().contains("call failed"), "{}", server.log());
}
