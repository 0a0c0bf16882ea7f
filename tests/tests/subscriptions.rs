//! Presence subscriptions (RFC 6121, section 3 and appendix A).

use waxwing_tests::{Client, Node, Server};

/// A session that is interested in its roster and available.
fn interested(server: &Server, who: &str) -> Client {
    let mut client = server.login(who);
    client.send("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>");
    client.expect("<iq type='result' id='roster'/>");
    client.send("<presence/>");
    client.drain();
    client
}

/// The one item of a push among the stanzas.
fn pushed(stanzas: &[Node]) -> &Node {
    let mut pushes =
        stanzas.iter().filter(|stanza| stanza.name == "iq" && stanza.attr("type") == Some("set"));
    let push = pushes.next().unwrap_or_else(|| panic!("no push among {stanzas:#?}"));
    assert!(pushes.next().is_none(), "more than one push among {stanzas:#?}");
    &push.children[0].children[0]
}

fn has(stanzas: &[Node], pattern: &str) -> bool {
    stanzas.iter().any(|stanza| stanza.matches(pattern))
}

fn presences(stanzas: &[Node]) -> usize {
    stanzas.iter().filter(|stanza| stanza.name == "presence").count()
}

#[test]
fn asked_granted_and_taken_back() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = interested(&server, "romeo/orchard");
    let mut juliet = interested(&server, "juliet/balcony");

    // Asked (3.1.2): the request carries the bare address, and is no item of juliet's roster yet.
    romeo.send(
        "<presence type='subscribe' to='juliet@localhost/balcony' id='s1'><status>Please</status></presence>",
    );
    let got = romeo.drain();
    assert!(pushed(&got).matches(
        "<item xmlns='jabber:iq:roster' jid='juliet@localhost' subscription='none' ask='subscribe'/>"
    ));
    let got = juliet.drain();
    assert!(
        has(
            &got,
            "<presence type='subscribe' from='romeo@localhost' to='juliet@localhost'><status>Please</status>\
            </presence>"
        ),
        "{got:#?}"
    );
    assert_eq!(got.len(), 1, "no push: {got:#?}");

    // Granted (3.1.4 to 3.1.6).
    juliet.send("<presence type='subscribed' to='romeo@localhost'/>");
    let got = juliet.drain();
    assert!(
        pushed(&got).matches("<item xmlns='jabber:iq:roster' jid='romeo@localhost' subscription='from'/>")
    );
    let got = romeo.drain();
    let item = pushed(&got);
    assert!(item.matches("<item xmlns='jabber:iq:roster' jid='juliet@localhost' subscription='to'/>"));
    assert_eq!(item.attr("ask"), None);
    assert!(has(&got, "<presence type='subscribed' from='juliet@localhost'/>"), "{got:#?}");
    assert!(has(&got, "<presence from='juliet@localhost/balcony' to='romeo@localhost'/>"), "{got:#?}");

    // The other way round, which makes it both.
    juliet.send("<presence type='subscribe' to='romeo@localhost'/>");
    assert_eq!(pushed(&juliet.drain()).attr("ask"), Some("subscribe"));
    assert!(has(&romeo.drain(), "<presence type='subscribe' from='juliet@localhost'/>"));
    romeo.send("<presence type='subscribed' to='juliet@localhost'/>");
    assert_eq!(pushed(&romeo.drain()).attr("subscription"), Some("both"));
    let got = juliet.drain();
    assert_eq!(pushed(&got).attr("subscription"), Some("both"));
    assert!(has(&got, "<presence from='romeo@localhost/orchard'/>"), "{got:#?}");

    // Romeo wants no more of it (3.3).
    romeo.send("<presence type='unsubscribe' to='juliet@localhost'/>");
    let got = romeo.drain();
    assert_eq!(pushed(&got).attr("subscription"), Some("from"));
    assert!(has(&got, "<presence type='unavailable' from='juliet@localhost/balcony'/>"), "{got:#?}");
    let got = juliet.drain();
    assert_eq!(pushed(&got).attr("subscription"), Some("to"));
    assert!(has(&got, "<presence type='unsubscribe' from='romeo@localhost'/>"), "{got:#?}");

    // And lets her see him no more (3.2).
    romeo.send("<presence type='unsubscribed' to='juliet@localhost'/>");
    assert_eq!(pushed(&romeo.drain()).attr("subscription"), Some("none"));
    let got = juliet.drain();
    assert_eq!(pushed(&got).attr("subscription"), Some("none"));
    assert!(has(&got, "<presence type='unsubscribed' from='romeo@localhost'/>"), "{got:#?}");
    assert!(has(&got, "<presence type='unavailable' from='romeo@localhost/orchard'/>"), "{got:#?}");

    // They are strangers again.
    romeo.send("<presence><show>away</show></presence>");
    romeo.drain();
    juliet.expect_nothing();
}

#[test]
fn refused() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = interested(&server, "romeo/orchard");
    let mut juliet = interested(&server, "juliet/balcony");
    romeo.send("<presence type='subscribe' to='juliet@localhost'/>");
    romeo.drain();
    juliet.expect("<presence type='subscribe' from='romeo@localhost'/>");
    juliet.send("<presence type='unsubscribed' to='romeo@localhost'/>");
    juliet.expect_nothing();
    let got = romeo.drain();
    assert!(has(&got, "<presence type='unsubscribed' from='juliet@localhost'/>"), "{got:#?}");
    assert_eq!(pushed(&got).attr("ask"), None);
    assert_eq!(presences(&got), 1, "not a word of where she is: {got:#?}");
}

/// A request waits for somebody who is offline, and is repeated until it is answered (3.1.3).
#[test]
fn asked_while_away() {
    let mut server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = interested(&server, "romeo/orchard");
    romeo.send("<presence type='subscribe' to='juliet@localhost'><status>Please</status></presence>");
    romeo.send("<presence type='subscribe' to='juliet@localhost'><status>Please</status></presence>");
    romeo.drain();
    server.kill();
    server.start();
    for _ in 0..2 {
        let mut juliet = server.login("juliet/balcony");
        juliet.send("<presence/>");
        let got = juliet.drain();
        assert_eq!(presences(&got), 2, "her own presence and one request: {got:#?}");
        assert!(has(&got, "<presence type='subscribe' from='romeo@localhost'/>"), "{got:#?}");
        juliet.close();
    }
    let mut juliet = interested(&server, "juliet/balcony");
    juliet.send("<presence type='subscribed' to='romeo@localhost'/>");
    assert_eq!(pushed(&juliet.drain()).attr("subscription"), Some("from"));
    juliet.close();
    let mut juliet = server.login("juliet/balcony");
    juliet.send("<presence/>");
    let got = juliet.drain();
    assert!(!has(&got, "<presence type='subscribe'/>"), "it has been answered: {got:#?}");
}

/// Approval in advance (3.4): the request is granted without a question.
#[test]
fn granted_before_it_is_asked() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = interested(&server, "romeo/orchard");
    let mut juliet = interested(&server, "juliet/balcony");
    juliet.send("<presence type='subscribed' to='romeo@localhost'/>");
    let got = juliet.drain();
    assert!(pushed(&got).matches(
        "<item xmlns='jabber:iq:roster' jid='romeo@localhost' subscription='none' approved='true'/>"
    ));
    romeo.expect_nothing();

    romeo.send("<presence type='subscribe' to='juliet@localhost'/>");
    let got = romeo.drain();
    assert!(has(&got, "<presence type='subscribed' from='juliet@localhost'/>"), "{got:#?}");
    assert!(has(&got, "<presence from='juliet@localhost/balcony'/>"), "{got:#?}");
    let got = juliet.drain();
    assert_eq!(presences(&got), 0, "she is not asked: {got:#?}");
    assert_eq!(pushed(&got).attr("subscription"), Some("from"));
}

/// Removing a contact ends both directions (2.5.1).
#[test]
fn removed_from_the_roster() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = interested(&server, "romeo/orchard");
    let mut juliet = interested(&server, "juliet/balcony");
    server.befriend(&mut romeo, &mut juliet);
    romeo.send(
        "<iq type='set' id='1'><query xmlns='jabber:iq:roster'>\
         <item jid='juliet@localhost' subscription='remove'/></query></iq>",
    );
    let got = romeo.drain();
    assert_eq!(pushed(&got).attr("subscription"), Some("remove"));
    assert!(has(&got, "<presence type='unavailable' from='juliet@localhost/balcony'/>"), "{got:#?}");
    let got = juliet.drain();
    assert!(has(&got, "<presence type='unsubscribe' from='romeo@localhost'/>"), "{got:#?}");
    assert!(has(&got, "<presence type='unsubscribed' from='romeo@localhost'/>"), "{got:#?}");
    assert!(has(&got, "<presence type='unavailable' from='romeo@localhost/orchard'/>"), "{got:#?}");
    let pushes: Vec<_> = got.iter().filter(|stanza| stanza.name == "iq").collect();
    let last = &pushes.last().expect("a push").children[0].children[0];
    assert!(
        last.matches("<item xmlns='jabber:iq:roster' jid='romeo@localhost' subscription='none'/>"),
        "{last}"
    );
}

/// Answers to nothing change nothing and reach nobody (appendix A).
#[test]
fn out_of_turn() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = interested(&server, "romeo/orchard");
    let mut juliet = interested(&server, "juliet/balcony");
    for kind in ["unsubscribe", "unsubscribed"] {
        romeo.send(format!("<presence type='{kind}' to='juliet@localhost'/>"));
        romeo.expect_nothing();
        juliet.expect_nothing();
    }
    server.befriend(&mut romeo, &mut juliet);
    // Granted already: the server may answer by itself (3.1.3), nothing changes, and juliet does not hear of it.
    romeo.send("<presence type='subscribe' to='juliet@localhost'/>");
    for node in romeo.drain() {
        let item = node.child("query").and_then(|query| query.child("item"));
        let unchanged = item.is_some_and(|item| item.attr("subscription") == Some("both"));
        assert!(
            unchanged || node.attr("from").is_some_and(|from| from.starts_with("juliet@localhost")),
            "{node}"
        );
    }
    juliet.expect_nothing();
}

#[test]
fn of_nobody_and_of_elsewhere() {
    let server = Server::builder().users(["romeo"]).start();
    let mut romeo = interested(&server, "romeo/orchard");
    romeo.send("<presence type='subscribe' to='nobody@localhost'/>");
    let got = romeo.drain();
    assert_eq!(pushed(&got[..1]).attr("ask"), Some("subscribe"));
    // Whether an account exists is not to be learnt by asking (3.1.3): silence, or a refusal.
    assert!(
        got.iter().all(|stanza| stanza.name == "iq" || stanza.attr("type") == Some("unsubscribed")),
        "{got:#?}"
    );
    romeo.send("<presence to='juliet@elsewhere.example'/>");
    romeo.expect(
        "<presence type='error' from='juliet@elsewhere.example'><error>\
         <remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>",
    );
    romeo.send("<presence type='subscribe' to='juliet@elsewhere.example'/>");
    let got = romeo.drain();
    assert!(
        has(
            &got,
            "<presence type='error' from='juliet@elsewhere.example'><error>\
            <remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>"
        ),
        "{got:#?}"
    );
}
