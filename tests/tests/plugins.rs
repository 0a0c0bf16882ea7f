//! A feature is its plugin: with the plugin's line gone from the config, the feature is gone, with the same
//! host.

use waxwing_tests::{Client, Server};

fn offers(client: &mut Client, feature: &str) -> bool {
    client.send(
        "<iq type='get' id='d' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
    );
    let info =
        client.expect("<iq type='result' id='d'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    info.children[0].children.iter().any(|child| child.attr("var") == Some(feature))
}

#[test]
fn offline_messages_are_a_plugin() {
    let mut server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = server.online("romeo/orchard");
    assert!(offers(&mut romeo, "msgoffline"));
    romeo.send("<message to='juliet@localhost' type='chat' id='1'><body>Stay</body></message>");
    romeo.expect_nothing();
    romeo.close();
    assert!(server.stop().success());

    server.reconfigure(|options| options.without_plugin("msgoffline"));
    server.start();
    let mut romeo = server.online("romeo/orchard");
    assert!(!offers(&mut romeo, "msgoffline"));
    romeo.send("<message to='juliet@localhost' type='chat' id='2'><body>Stay</body></message>");
    romeo.expect(
        "<message type='error' id='2' from='juliet@localhost'><error type='cancel'>\
         <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
    );
    let mut juliet = server.online("juliet/balcony");
    juliet.expect_nothing();
    juliet.close();
    romeo.close();
    assert!(server.stop().success());

    // With the line back, so is what was stored.
    server.reconfigure(|options| options.plugin("msgoffline"));
    server.start();
    let mut juliet = server.login("juliet/balcony");
    juliet.send("<presence/>");
    let got = juliet.drain();
    let stored = "<message from='romeo@localhost/orchard' id='1'><body>Stay</body>\
        <delay xmlns='urn:xmpp:delay'/></message>";
    assert!(got.iter().any(|stanza| stanza.matches(stored)), "{got:#?}");
}

#[test]
fn ping_is_a_plugin() {
    let server = Server::builder().users(["romeo"]).without_plugin("ping").start();
    let mut romeo = server.login("romeo/orchard");
    assert!(!offers(&mut romeo, "urn:xmpp:ping"));
    romeo.send("<iq type='get' id='1' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>");
    romeo.expect(
        "<iq type='error' id='1'><error type='cancel'>\
         <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
    );
}

#[test]
fn carbons_are_a_plugin() {
    let server = Server::builder().users(["romeo"]).without_plugin("message-carbons").start();
    let mut romeo = server.login("romeo/orchard");
    assert!(!offers(&mut romeo, "urn:xmpp:carbons:2"));
    romeo.send("<iq type='set' id='1'><enable xmlns='urn:xmpp:carbons:2'/></iq>");
    romeo.expect(
        "<iq type='error' id='1'><error type='cancel'>\
         <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
    );
}

#[test]
fn a_plugin_that_is_not_there_is_named() {
    let mut server = Server::builder().users(["romeo"]).start();
    assert!(server.stop().success());
    server.reconfigure(|options| options.plugin("no-such-plugin"));
    let said = server.failing_command(&["check"]);
    assert!(said.contains("no-such-plugin"), "{said}");
}
