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

/// What a stranger may ask or tell an address, for which `@` stands.
const BY_A_STRANGER: &[&str] = &[
    "<iq type='get' id='1' to='@'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
    "<iq type='get' id='1' to='@'><query xmlns='http://jabber.org/protocol/disco#info' node='n'/></iq>",
    "<iq type='set' id='1' to='@'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
    "<iq type='get' id='1' to='@'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>",
    "<iq type='get' id='1' to='@'><query xmlns='http://jabber.org/protocol/disco#items' node='n'/></iq>",
    "<iq type='get' id='1' to='@'><query xmlns='http://jabber.org/protocol/disco#items' \
     node='http://jabber.org/protocol/commands'/></iq>",
    "<iq type='get' id='1' to='@'><query xmlns='http://jabber.org/protocol/disco#info' \
     node='http://jabber.org/protocol/offline'/></iq>",
    "<iq type='get' id='1' to='@'><offline xmlns='http://jabber.org/protocol/offline'><fetch/></offline></iq>",
    "<iq type='get' id='1' to='@'><ping xmlns='urn:xmpp:ping'/></iq>",
    "<iq type='get' id='1' to='@'><vCard xmlns='vcard-temp'/></iq>",
    "<iq type='set' id='1' to='@'><vCard xmlns='vcard-temp'><FN>X</FN></vCard></iq>",
    "<iq type='get' id='1' to='@'><query xmlns='jabber:iq:roster'/></iq>",
    "<iq type='set' id='1' to='@'><query xmlns='jabber:iq:roster'><item jid='a.example'/></query></iq>",
    "<iq type='get' id='1' to='@'><query xmlns='jabber:iq:private'><x xmlns='urn:x'/></query></iq>",
    "<iq type='set' id='1' to='@'><query xmlns='jabber:iq:private'><x xmlns='urn:x'/></query></iq>",
    "<iq type='get' id='1' to='@'><query xmlns='jabber:iq:last'/></iq>",
    "<iq type='get' id='1' to='@'><query xmlns='jabber:iq:version'/></iq>",
    "<iq type='get' id='1' to='@'><time xmlns='urn:xmpp:time'/></iq>",
    "<iq type='get' id='1' to='@'><query xmlns='jabber:iq:register'/></iq>",
    "<iq type='set' id='1' to='@'><query xmlns='jabber:iq:register'><remove/></query></iq>",
    "<iq type='set' id='1' to='@'><enable xmlns='urn:xmpp:carbons:2'/></iq>",
    "<iq type='set' id='1' to='@'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
    "<iq type='set' id='1' to='@'><command xmlns='http://jabber.org/protocol/commands' node='n'/></iq>",
    "<iq type='get' id='1' to='@'><anything xmlns='urn:unknown'/></iq>",
    "<iq type='set' id='1' to='@'><anything xmlns='urn:unknown'/></iq>",
    "<iq type='result' id='1' to='@'/>",
    "<iq type='get' id='1' to='@/none'><query xmlns='jabber:iq:version'/></iq>",
    "<iq type='get' id='1' to='@/none'><query xmlns='jabber:iq:last'/></iq>",
    "<message type='error' id='1' to='@'><body>x</body></message>",
    "<message type='headline' id='1' to='@'/>",
    "<message type='groupchat' id='1' to='@'><body>x</body></message>",
    "<message type='normal' id='1' to='@/none'><body>x</body></message>",
    "<message type='chat' id='1' to='@'><body>x</body><amp xmlns='http://jabber.org/protocol/amp'>\
     <rule condition='deliver' value='stored' action='notify'/></amp></message>",
    "<presence to='@'/>",
    "<presence to='@' type='probe'/>",
    "<presence to='@/none' type='probe'/>",
    "<presence to='@' type='subscribe'/>",
    "<presence to='@' type='probe'/>",
    "<presence to='@' type='subscribed'/>",
    "<presence to='@' type='unsubscribe'/>",
    "<presence to='@' type='unsubscribed'/>",
    "<presence to='@' type='unavailable'/>",
];

/// XEP-0030, section 8; RFC 6120, section 13.11; RFC 6121, section 8.5.1.
#[test]
fn strangers_hear_the_same_of_everybody_and_of_nobody() {
    let server = Server::builder().users(["romeo", "juliet", "nurse", "tybalt"]).start();
    let _available = server.online("juliet/balcony");
    let _unavailable = server.login("nurse/house");
    let mut romeo = server.online("romeo/orchard");
    let mut answers = |request: &str, user: &str| -> Vec<String> {
        let address = format!("{user}@localhost");
        romeo.send(request.replace('@', &address));
        romeo.drain().iter().map(|node| anonymous(node, &address)).collect()
    };
    for request in BY_A_STRANGER {
        let of_nobody = answers(request, "nobody");
        for user in ["juliet", "nurse", "tybalt"] {
            assert_eq!(answers(request, user), of_nobody, "{request} to {user}");
        }
    }
}

/// A stanza as text without the address that it is about, and without what counts the pushes of one's own roster.
fn anonymous(node: &Node, address: &str) -> String {
    let mut node = node.clone();
    if node.name == "iq" && node.attr("type") == Some("set") {
        node.attrs.retain(|(name, _)| name != "id");
        for query in &mut node.children {
            query.attrs.retain(|(name, _)| name != "ver");
        }
    }
    node.to_string().replace(address, "@")
}
