//! Requests and answers (RFC 6120, section 8.2.3; RFC 6121, section 8.5), and service discovery (XEP-0030).

use waxwing_tests::{Client, Node, Server};

fn error(client: &mut Client, id: &str, kind: &str, condition: &str) -> Node {
    client.expect(format!(
        "<iq type='error' id='{id}'><error type='{kind}'>\
         <{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
    ))
}

#[test]
fn between_two_sessions() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut juliet = server.login("juliet/balcony");
    let mut romeo = server.login("romeo/orchard");
    romeo.send(
        "<iq type='get' id='1' to='juliet@localhost/balcony'><query xmlns='urn:x' a='b'><c/></query></iq>",
    );
    juliet.expect(
        "<iq type='get' id='1' from='romeo@localhost/orchard' to='juliet@localhost/balcony'>\
        <query xmlns='urn:x' a='b'><c/></query></iq>",
    );
    juliet
        .send("<iq type='result' id='1' to='romeo@localhost/orchard'><query xmlns='urn:x'>yes</query></iq>");
    romeo.expect(
        "<iq type='result' id='1' from='juliet@localhost/balcony'><query xmlns='urn:x'>yes</query></iq>",
    );
    romeo.send("<iq type='set' id='2' to='juliet@localhost/balcony'><query xmlns='urn:x'/></iq>");
    juliet.expect("<iq type='set' id='2'/>");
    juliet.send(
        "<iq type='error' id='2' to='romeo@localhost/orchard'><error type='cancel'>\
        <conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
    );
    error(&mut romeo, "2", "cancel", "conflict");
    juliet.expect_nothing();
}

#[test]
fn to_where_nobody_answers() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut juliet = server.online("juliet/balcony");
    let mut romeo = server.login("romeo/orchard");
    for to in [
        "nobody@localhost",
        "nobody@localhost/none",
        "juliet@localhost/none",
        "juliet@localhost",
        "localhost",
        "romeo@localhost",
    ] {
        for kind in ["get", "set"] {
            romeo.send(format!("<iq type='{kind}' id='1' to='{to}'><query xmlns='urn:unknown'/></iq>"));
            let answer = error(&mut romeo, "1", "cancel", "service-unavailable");
            // From one's own account it may be left out (RFC 6120, section 8.1.2.1).
            let own = to == "romeo@localhost" && answer.attr("from").is_none();
            assert!(own || answer.attr("from") == Some(to), "{answer}");
        }
    }
    juliet.expect_nothing();
    romeo.send("<iq type='get' id='2' to='someone@elsewhere.example'><query xmlns='urn:unknown'/></iq>");
    let answer = error(&mut romeo, "2", "cancel", "remote-server-not-found");
    assert_eq!(answer.attr("from"), Some("someone@elsewhere.example"));
    // No address means one's own account.
    romeo.send("<iq type='get' id='3'><query xmlns='urn:unknown'/></iq>");
    let answer = error(&mut romeo, "3", "cancel", "service-unavailable");
    assert!(answer.attr("from").is_none_or(|from| from == "romeo@localhost"), "{answer}");
}

fn features(info: &Node) -> Vec<&str> {
    let query = info.child("query").expect("a query");
    query
        .children
        .iter()
        .filter(|child| child.name == "feature")
        .filter_map(|child| child.attr("var"))
        .collect()
}

#[test]
fn the_server_says_what_it_is() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = server.login("romeo/orchard");
    let ask = |client: &mut Client, to: &str, what: &str| {
        client.send(format!(
            "<iq type='get' id='d' to='{to}'><query xmlns='http://jabber.org/protocol/disco#{what}'/></iq>"
        ));
        client.next_element()
    };
    let info = ask(&mut romeo, "localhost", "info");
    assert!(info.matches(
        "<iq type='result' from='localhost'><query xmlns='http://jabber.org/protocol/disco#info'>\
         <identity category='server' type='im'/></query></iq>"
    ));
    let offered = features(&info);
    for feature in [
        "http://jabber.org/protocol/disco#info",
        "http://jabber.org/protocol/disco#items",
        "urn:xmpp:ping",
        "jabber:iq:version",
        "urn:xmpp:time",
        "msgoffline",
        "urn:xmpp:carbons:2",
    ] {
        assert!(offered.contains(&feature), "{feature} is missing from {offered:?}");
    }
    let mut once = offered.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), offered.len(), "a feature twice: {offered:?}");

    let own = ask(&mut romeo, "romeo@localhost", "info");
    assert!(own.matches(
        "<iq type='result' from='romeo@localhost'><query xmlns='http://jabber.org/protocol/disco#info'>\
         <identity category='account' type='registered'/></query></iq>"
    ));
    let items = ask(&mut romeo, "localhost", "items");
    assert!(items.matches("<iq type='result'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>"));
    // Other people's accounts answer only those who see their presence (XEP-0030, section 8).
    let stranger = ask(&mut romeo, "juliet@localhost", "info");
    let nobody = ask(&mut romeo, "nobody@localhost", "info");
    assert!(stranger.matches(
        "<iq type='error'><error>\
        <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
    ));
    assert!(nobody.matches(
        "<iq type='error'><error>\
        <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
    ));
}

/// The stream features name the server's capabilities, and asking for them gets the same answer (XEP-0115).
#[test]
fn entity_capabilities() {
    let server = Server::builder().users(["romeo"]).start();
    let mut romeo = server.connect();
    romeo.login("romeo", &waxwing_tests::password("romeo"), None);
    let features = romeo.features.clone();
    let caps = features.child_ns("c", "http://jabber.org/protocol/caps").expect("capabilities");
    assert_eq!(caps.attr("hash"), Some("sha-1"));
    let node = format!("{}#{}", caps.attr("node").expect("a node"), caps.attr("ver").expect("a version"));
    romeo.send(format!(
        "<iq type='get' id='1' to='localhost'>\
        <query xmlns='http://jabber.org/protocol/disco#info' node='{node}'/></iq>"
    ));
    let info = romeo.expect(format!(
        "<iq type='result' id='1'><query xmlns='http://jabber.org/protocol/disco#info' node='{node}'/></iq>"
    ));
    assert_eq!(caps.attr("ver"), Some(waxwing_tests::caps_version(&info.children[0]).as_str()), "{info}");
}
