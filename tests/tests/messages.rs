//! Who gets a message (RFC 6121, section 8.5), in which order, and copies of it (XEP-0280).

use waxwing_tests::{Client, Server};

fn with_priority(server: &Server, who: &str, priority: i8) -> Client {
    let mut client = server.login(who);
    client.send(format!("<presence><priority>{priority}</priority></presence>"));
    client.drain();
    client
}

fn unavailable(client: &mut Client, id: &str) {
    client.expect(format!(
        "<message type='error' id='{id}'><error type='cancel'>\
         <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
    ));
}

#[test]
fn a_message_arrives_as_it_was_sent() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut juliet = server.online("juliet/balcony");
    let mut romeo = server.online("romeo/orchard");
    romeo.send(
        "<message to='juliet@localhost/balcony' type='chat' id='m&amp;1' xml:lang='it'>\
        <thread parent='a'>t</thread>\
         <body>O &lt;Romeo&gt; &#x1F339;</body><x:html xmlns:x='urn:x' x:a='1' b=\"'\"><x:p/>\
         <q xmlns='urn:q'/></x:html></message>",
    );
    let got = juliet.expect(
        "<message from='romeo@localhost/orchard' to='juliet@localhost/balcony' type='chat' id='m&amp;1' xml:lang='it'>\
         <thread parent='a'>t</thread><body>O &lt;Romeo&gt; \u{1F339}</body>\
         <html xmlns='urn:x' b='&apos;'><p/><q xmlns='urn:q'/></html></message>",
    );
    assert_eq!(got.children.len(), 3, "{got}");
}

#[test]
fn to_an_account_with_many_sessions() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut best = with_priority(&server, "juliet/best", 10);
    let mut silent = with_priority(&server, "juliet/silent", -1);
    let mut bound = server.login("juliet/bound");
    best.drain();
    let mut romeo = server.online("romeo/orchard");
    for kind in ["chat", "normal"] {
        romeo.send(format!(
            "<message to='juliet@localhost' type='{kind}' id='{kind}'><body>x</body></message>"
        ));
        best.expect(format!("<message id='{kind}' from='romeo@localhost/orchard' to='juliet@localhost'/>"));
        silent.expect_nothing();
        bound.expect_nothing();
    }
    // A headline goes to everyone who is not silent (8.5.2.1.1).
    let mut second = with_priority(&server, "juliet/second", 0);
    best.drain();
    silent.drain();
    romeo.send("<message to='juliet@localhost' type='headline' id='h'><body>News</body></message>");
    best.expect("<message id='h' type='headline'/>");
    second.expect("<message id='h' type='headline'/>");
    silent.expect_nothing();
    // To one of them in particular: only there, silent or not.
    romeo.send("<message to='juliet@localhost/silent' type='chat' id='f'><body>x</body></message>");
    silent.expect("<message id='f' to='juliet@localhost/silent'/>");
    best.expect_nothing();
    // A room's message does not belong to an account.
    romeo.send("<message to='juliet@localhost' type='groupchat' id='g'><body>x</body></message>");
    unavailable(&mut romeo, "g");
    best.expect_nothing();
}

#[test]
fn to_a_session_that_is_gone() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut juliet = server.online("juliet/balcony");
    let mut romeo = server.online("romeo/orchard");
    // Chat is meant for the person (8.5.3.2.1).
    romeo.send("<message to='juliet@localhost/elsewhere' type='chat' id='c'><body>x</body></message>");
    juliet.expect("<message id='c' to='juliet@localhost/elsewhere'/>");
    romeo.expect_nothing();
    romeo.send("<message to='juliet@localhost/elsewhere' type='groupchat' id='g'><body>x</body></message>");
    unavailable(&mut romeo, "g");
    romeo.send(
        "<message to='juliet@localhost/elsewhere' type='error' id='e'><error type='cancel'/></message>",
    );
    romeo.expect_nothing();
    juliet.expect_nothing();
}

#[test]
fn to_nobody_to_the_server_and_to_elsewhere() {
    let server = Server::builder().users(["romeo"]).start();
    let mut romeo = server.online("romeo/orchard");
    romeo.send("<message to='nobody@localhost' type='chat' id='1'><body>x</body></message>");
    unavailable(&mut romeo, "1");
    romeo.send("<message to='nobody@elsewhere.example' type='chat' id='2'><body>x</body></message>");
    romeo.expect(
        "<message type='error' id='2' from='nobody@elsewhere.example'><error type='cancel'>\
         <remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
    );
    // Without an address it is to one's own account (RFC 6120, section 10.3.1).
    romeo.send("<message type='chat' id='3'><body>Memo</body></message>");
    romeo.expect("<message id='3' from='romeo@localhost/orchard'/>");
    romeo.send("<message to='localhost' id='4'><body>Hello, server</body></message>");
    let got = romeo.drain();
    assert!(got.iter().all(|stanza| stanza.matches("<message type='error' id='4'/>")), "{got:#?}");
}

#[test]
fn order_is_kept() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut juliet = server.online("juliet/balcony");
    let mut romeo = server.online("romeo/orchard");
    let mut all = String::new();
    for n in 0..1000 {
        let to = if n % 3 == 0 { "juliet@localhost/balcony" } else { "juliet@localhost" };
        match n % 5 {
            0 => all.push_str(&format!(
                "<iq type='get' to='juliet@localhost/balcony' id='{n}'><q xmlns='urn:q'/></iq>"
            )),
            1 => all.push_str(&format!("<presence to='{to}' id='{n}'/>")),
            _ => all.push_str(&format!("<message to='{to}' id='{n}' type='chat'><body>{n}</body></message>")),
        }
    }
    romeo.send(all);
    for n in 0..1000 {
        let got = juliet.next_element();
        assert_eq!(got.attr("id"), Some(n.to_string().as_str()), "{got}");
    }
    juliet.expect_nothing();
}

/// Carbon copies (XEP-0280): one's other sessions see what is received and sent.
#[test]
fn carbons() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut juliet = server.online("juliet/balcony");
    let mut desk = with_priority(&server, "romeo/desk", 5);
    let mut phone = with_priority(&server, "romeo/phone", 0);
    let mut plain = with_priority(&server, "romeo/plain", 0);
    for client in [&mut desk, &mut phone] {
        client.drain();
        client.send("<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>");
        client.expect("<iq type='result' id='c'/>");
    }
    plain.drain();

    let copy = |kind: &str, message: &str| {
        format!(
            "<message from='romeo@localhost' type='chat'><{kind} xmlns='urn:xmpp:carbons:2'>\
             <forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' {message}</message>\
             </forwarded></{kind}></message>"
        )
    };
    juliet.send("<message to='romeo@localhost/desk' type='chat' id='1'><body>in</body></message>");
    desk.expect("<message id='1' from='juliet@localhost/balcony'/>");
    let original = "id='1' from='juliet@localhost/balcony' to='romeo@localhost/desk'><body>in</body>";
    phone.expect(copy("received", original));
    desk.send("<message to='juliet@localhost' type='chat' id='2'><body>out</body></message>");
    juliet.expect("<message id='2'/>");
    let original = "id='2' from='romeo@localhost/desk' to='juliet@localhost'><body>out</body>";
    phone.expect(copy("sent", original));
    // Not of what is private, nor of what is no chat.
    desk.send(
        "<message to='juliet@localhost' type='chat' id='3'><body>x</body>\
        <private xmlns='urn:xmpp:carbons:2'/><no-copy xmlns='urn:xmpp:hints'/></message>",
    );
    juliet.expect("<message id='3'/>");
    juliet.send("<message to='romeo@localhost/desk' type='headline' id='4'><body>x</body></message>");
    desk.expect("<message id='4'/>");
    for client in [&mut desk, &mut phone, &mut plain] {
        client.expect_nothing();
    }
    // Errors that the server sends back are copied as the message was (section 6.1), and those of clients.
    for (id, to) in [("6", "nobody@localhost"), ("7", "nobody@localhost/none"), ("8", "nowhere.example")] {
        desk.send(format!("<message to='{to}' type='chat' id='{id}'><body>out</body></message>"));
        phone.expect(copy("sent", &format!("id='{id}' to='{to}'><body>out</body>")));
        let error = desk.expect(format!("<message type='error' id='{id}' from='{to}'/>"));
        assert_eq!(error.body(), "out", "{error}");
        phone.expect(format!(
            "<message from='romeo@localhost' type='error'><received xmlns='urn:xmpp:carbons:2'>\
             <forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' type='error' id='{id}' \
             from='{to}' to='romeo@localhost/desk'><body>out</body><error/></message></forwarded></received></message>"
        ));
    }
    desk.send(
        "<message to='nobody@localhost' type='chat' id='9'><body>x</body>\
        <private xmlns='urn:xmpp:carbons:2'/></message>",
    );
    desk.expect("<message type='error' id='9'/>");
    for client in [&mut desk, &mut phone, &mut plain] {
        client.expect_nothing();
    }
    phone.send("<iq type='set' id='d'><disable xmlns='urn:xmpp:carbons:2'/></iq>");
    phone.expect("<iq type='result' id='d'/>");
    juliet.send("<message to='romeo@localhost/desk' type='chat' id='5'><body>x</body></message>");
    desk.expect("<message id='5'/>");
    phone.expect_nothing();
}
