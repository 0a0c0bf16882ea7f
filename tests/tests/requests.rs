//! Requests that a plugin makes of others, and what comes of them. The plugin is `kit` of the engine's own
//! tests, whose `bot` asks what others run.

use waxwing_tests::{Client, Node, Server};

fn server() -> Server {
    Server::builder().users(["romeo", "juliet"]).guest("kit").start()
}

fn tell(client: &mut Client, body: &str) {
    client.send(format!("<message type='chat' to='bot.localhost'><body>{body}</body></message>"));
}

#[track_caller]
fn expect_said(client: &mut Client, body: &str) {
    client.expect(format!("<message from='bot.localhost'><body>{body}</body></message>"));
}

/// The bot's request, and its id.
#[track_caller]
fn asked(client: &mut Client, from: &str) -> (Node, String) {
    let pattern = format!("<iq type='get' from='{from}'><query xmlns='jabber:iq:version'/></iq>");
    let request = client.expect(pattern);
    let id = request.attr("id").unwrap_or_default().to_owned();
    (request, id)
}

const VERSION: &str = "<query xmlns='jabber:iq:version'><name>Verona</name></query>";

#[test]
fn a_result_and_an_error() {
    let server = server();
    let mut romeo = server.online("romeo/orchard");
    for (to, ask) in [("bot.localhost", "ask"), ("localhost", "ask-as-host")] {
        tell(&mut romeo, ask);
        let (_, id) = asked(&mut romeo, to);
        romeo.send(format!("<iq type='result' id='{id}' to='{to}'>{VERSION}</iq>"));
        expect_said(&mut romeo, "romeo@localhost/orchard runs Verona");
        // Once is enough.
        romeo.send(format!("<iq type='result' id='{id}' to='{to}'>{VERSION}</iq>"));
        romeo.expect_nothing();

        tell(&mut romeo, ask);
        let (_, id) = asked(&mut romeo, to);
        romeo.send(format!(
            "<iq type='error' id='{id}' to='{to}'><error type='auth'>\
             <forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
        ));
        expect_said(&mut romeo, "romeo@localhost/orchard says Condition::Forbidden");
    }
}

#[test]
fn only_who_was_asked_can_reply() {
    let server = server();
    let mut romeo = server.online("romeo/orchard");
    let mut juliet = server.online("juliet/balcony");
    tell(&mut romeo, "ask");
    let (_, id) = asked(&mut romeo, "bot.localhost");
    juliet.send(format!("<iq type='result' id='{id}' to='bot.localhost'>{VERSION}</iq>"));
    juliet.expect_nothing();
    romeo.send(format!("<iq type='result' id='{id}' to='localhost'>{VERSION}</iq>"));
    romeo.expect_nothing();
    romeo.send(format!("<iq type='result' id='{id}' to='bot.localhost'>{VERSION}</iq>"));
    expect_said(&mut romeo, "romeo@localhost/orchard runs Verona");
}

/// What the server itself answers reaches the plugin as well.
#[test]
fn nobody_there() {
    let server = server();
    let mut romeo = server.online("romeo/orchard");
    for (whom, said) in [
        ("juliet@localhost/balcony", "Condition::ServiceUnavailable"),
        ("juliet@localhost", "Condition::ServiceUnavailable"),
        ("elsewhere.example", "Condition::RemoteServerNotFound"),
        ("bot.localhost", "Condition::ServiceUnavailable"),
    ] {
        tell(&mut romeo, &format!("ask 60000 {whom}"));
        expect_said(&mut romeo, &format!("{whom} says {said}"));
    }
    tell(&mut romeo, "ask 60000 localhost");
    expect_said(&mut romeo, "localhost runs Waxwing");
}

#[test]
fn nothing_in_time() {
    let server = server();
    let mut romeo = server.online("romeo/orchard");
    tell(&mut romeo, "ask 100");
    let (_, id) = asked(&mut romeo, "bot.localhost");
    expect_said(&mut romeo, "romeo@localhost/orchard says nothing");
    romeo.send(format!("<iq type='result' id='{id}' to='bot.localhost'>{VERSION}</iq>"));
    romeo.expect_nothing();
}
