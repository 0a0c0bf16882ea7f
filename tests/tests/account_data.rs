//! What plugins keep for an account: in memory while it is online, and in the database. The plugin is `kit` of
//! the engine's own tests, which keeps a note.

use waxwing_tests::{Client, Server};

fn keep(client: &mut Client, note: &str) {
    client.send(format!("<iq type='set' id='s'><note xmlns='urn:test:kit'>{note}</note></iq>"));
    client.expect("<iq type='result' id='s'/>");
}

#[track_caller]
fn expect_kept(client: &mut Client, note: &str) {
    client.send("<iq type='get' id='g'><note xmlns='urn:test:kit'/></iq>");
    client.expect(format!("<iq type='result' id='g'><note xmlns='urn:test:kit'>{note}</note></iq>"));
}

#[track_caller]
fn expect_nothing_kept(client: &mut Client) {
    client.send("<iq type='get' id='g'><note xmlns='urn:test:kit'/></iq>");
    client.expect(
        "<iq type='error' id='g'><error>\
         <item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
    );
}

#[test]
fn kept_for_each_account() {
    let mut server = Server::builder().users(["romeo", "juliet"]).guest("kit").start();
    let mut romeo = server.login("romeo/orchard");
    let mut juliet = server.login("juliet/balcony");
    expect_nothing_kept(&mut romeo);
    keep(&mut romeo, "milk");
    expect_kept(&mut server.login("romeo/street"), "milk");
    expect_nothing_kept(&mut juliet);
    keep(&mut juliet, "bread");
    expect_kept(&mut romeo, "milk");
    romeo.close();
    juliet.close();
    assert!(server.stop().success());
    server.start();
    let mut romeo = server.login("romeo/orchard");
    expect_kept(&mut romeo, "milk");
    keep(&mut romeo, "");
    expect_nothing_kept(&mut romeo);
    romeo.close();
    expect_nothing_kept(&mut server.login("romeo/orchard"));
    expect_kept(&mut server.login("juliet/balcony"), "bread");
}

/// Whoever takes the name of a removed account finds nothing of it.
#[test]
fn gone_with_the_account() {
    let mut server = Server::builder().users(["romeo"]).guest("kit").start();
    let mut romeo = server.login("romeo/orchard");
    keep(&mut romeo, "milk");
    server.command(&["user", "remove", "romeo@localhost"]);
    // His session lives on for a moment.
    romeo.expect_end();
    // A name that is online is taken; nobody is once the server has stopped.
    assert!(server.stop().success());
    server.command(&["user", "add", "romeo@localhost", "--password", "another"]);
    server.start();
    let mut other = server.connect();
    other.login("romeo", "another", Some("orchard"));
    expect_nothing_kept(&mut other);
}
