//! Those who log in without an account (XEP-0175): they can talk, and leave nothing behind.

use waxwing_tests::{Client, Server};

const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";

fn guest(server: &Server) -> Client {
    let mut client = server.connect();
    client.open();
    client.starttls();
    client.open();
    client.send(format!("<auth xmlns='{SASL}' mechanism='ANONYMOUS'/>"));
    client.expect(format!("<success xmlns='{SASL}'/>"));
    client.open();
    client.bind(None);
    client
}

/// The message was not taken.
fn expect_back(client: &mut Client) {
    let back = client.next_element();
    let condition = back.child("error").and_then(|error| error.child("service-unavailable"));
    assert_eq!((back.attr("type"), condition.is_some()), (Some("error"), true), "{back}");
}

#[test]
fn plugins_keep_nothing_for_them() {
    let server = Server::builder().users(["romeo"]).anonymous().start();
    let mut client = guest(&server);
    for payload in [
        "<vCard xmlns='vcard-temp'><FN>Nobody</FN></vCard>",
        "<query xmlns='jabber:iq:private'><a xmlns='b'/></query>",
        "<query xmlns='jabber:iq:roster'><item jid='romeo@localhost'/></query>",
        "<query xmlns='jabber:iq:register'><username>x</username><password>y</password></query>",
    ] {
        client.send(format!("<iq type='set' id='s'>{payload}</iq>"));
        let answer = client.next_element();
        assert_eq!((answer.name.as_str(), answer.attr("type")), ("iq", Some("error")), "{payload}: {answer}");
    }
}

#[test]
fn messages_reach_them_or_go_back() {
    let server = Server::builder().users(["romeo"]).anonymous().start();
    let mut client = guest(&server);
    let mut romeo = server.online("romeo/orchard");
    let to = client.bare().to_owned();
    let message = format!("<message to='{to}' type='chat' id='m'><body>hi</body></message>");
    // It has sent no presence, and nothing is kept until it does.
    romeo.send(&message);
    expect_back(&mut romeo);
    client.available();
    romeo.send(&message);
    assert_eq!(client.next_element().body(), "hi");
    client.close();
    romeo.send(&message);
    expect_back(&mut romeo);
}

/// Somebody who misbehaves can be found, and the log has nothing to complain of in one that does not.
#[test]
fn an_administrator_sees_where_they_come_from() {
    let server =
        Server::builder().users(["admin"]).anonymous().settings("admins = [ 'admin@localhost' ]").start();
    let client = guest(&server);
    let jid = client.bare().to_owned();
    let info = server.command(&["ctl", "sess-man", "get-user-info", &format!("accountjid={jid}")]);
    assert!(info.contains("online") && info.contains("127.0.0.1"), "{info}");
    let stranger =
        server.failing_command(&["ctl", "sess-man", "get-user-info", "accountjid=nobody@localhost"]);
    assert!(stranger.contains("There is no account"), "{stranger}");
    assert!(!server.log().contains("session event failed"), "{}", server.log());
}
