//! Services: what is addressed to a plugin's own domain below a virtual host. The plugin is `kit` of the
//! engine's own tests, whose `bot` says what it hears.

use waxwing_tests::{Client, Node, Server};

fn server() -> Server {
    Server::builder().users(["romeo", "juliet"]).guest("kit").start()
}

fn tell(client: &mut Client, body: &str) {
    client.send(format!("<message type='chat' to='bot.localhost'><body>{body}</body></message>"));
}

fn has(stanzas: &[Node], pattern: &str) -> bool {
    stanzas.iter().any(|stanza| stanza.matches(pattern))
}

#[track_caller]
fn expect_error(client: &mut Client, kind: &str, id: &str, from: &str, condition: &str) {
    let condition = format!("<{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>");
    client
        .expect(format!("<{kind} type='error' id='{id}' from='{from}'><error>{condition}</error></{kind}>"));
}

/// A session that is interested in its roster and available.
fn interested(server: &Server, who: &str) -> Client {
    let mut client = server.login(who);
    client.send("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>");
    client.send("<presence/>");
    client.drain();
    client
}

#[test]
fn messages_to_the_domain_and_to_any_address_below_it() {
    let server = server();
    let mut romeo = server.online("romeo/orchard");
    for to in ["bot.localhost", "bot.localhost/gears", "anybody@bot.localhost", "anybody@bot.localhost/x"] {
        romeo.send(format!("<message type='chat' to='{to}'><body>R&amp;J</body></message>"));
        romeo.expect(format!(
            "<message type='chat' from='{to}' to='romeo@localhost/orchard'><body>R&amp;J</body></message>"
        ));
    }
    for n in 0..100 {
        tell(&mut romeo, &n.to_string());
    }
    for n in 0..100 {
        romeo.expect(format!("<message from='bot.localhost'><body>{n}</body></message>"));
    }
    romeo.send("<message to='bot.localhost' id='1'><body>reject</body></message>");
    expect_error(&mut romeo, "message", "1", "bot.localhost", "policy-violation");
    // An error is not answered, nor what has none to answer it.
    romeo.send("<message type='error' to='bot.localhost' id='2'><body>x</body></message>");
    romeo.expect_nothing();
    romeo.send("<message to='robot.localhost' id='3'><body>x</body></message>");
    expect_error(&mut romeo, "message", "3", "robot.localhost", "remote-server-not-found");
}

#[test]
fn requests_are_answered_whatever_the_plugin_does() {
    let server = server();
    let mut romeo = server.online("romeo/orchard");
    let mut ask = |verdict: &str, to: &str| {
        romeo.send(format!("<iq type='set' id='{verdict}' to='{to}'><{verdict} xmlns='urn:test:kit'/></iq>"));
        romeo.next_element()
    };
    let reply = ask("reply", "x@bot.localhost/y");
    let expected = "<iq type='result' id='reply' from='x@bot.localhost/y' to='romeo@localhost/orchard'>\
                    <reply xmlns='urn:test:kit'>x@bot.localhost/y</reply></iq>";
    assert!(reply.matches(expected), "{reply}");
    let handled = ask("handled", "bot.localhost");
    assert!(handled.matches("<iq type='result' id='handled' from='bot.localhost'/>"), "{handled}");
    for verdict in ["drop", "next"] {
        let refused = ask(verdict, "bot.localhost");
        let expected = format!(
            "<iq type='error' id='{verdict}' from='bot.localhost'>\
             <error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
        );
        assert!(refused.matches(&expected), "{refused}");
    }
    // What nobody has asked for is dropped.
    romeo.send("<iq type='result' id='x' to='bot.localhost'/>");
    romeo.send("<iq type='error' id='x' to='bot.localhost'><error type='cancel'/></iq>");
    romeo.send("<iq type='result' id='x' to='localhost'/>");
    romeo.expect_nothing();
}

fn disco(client: &mut Client, to: &str, what: &str) -> Node {
    let ns = format!("http://jabber.org/protocol/disco#{what}");
    client.send(format!("<iq type='get' id='d' to='{to}'><query xmlns='{ns}'/></iq>"));
    let iq = client.expect(format!("<iq id='d' from='{to}'/>"));
    iq.children.first().cloned().unwrap_or_default()
}

#[test]
fn the_host_answers_service_discovery() {
    let server = server();
    let mut romeo = server.login("romeo/orchard");
    let items = disco(&mut romeo, "localhost", "items");
    assert_eq!(items.children.len(), 1, "{items}");
    assert_eq!(items.children[0].attr("jid"), Some("bot.localhost"));
    assert_eq!(items.children[0].attr("name"), Some("The kit's <bot>"));
    let info = disco(&mut romeo, "bot.localhost", "info");
    assert!(
        info.matches(
            "<query xmlns='http://jabber.org/protocol/disco#info'>\
             <identity category='component' type='bot' name=\"The kit's &lt;bot>\"/>\
             <feature var='http://jabber.org/protocol/disco#info'/><feature var='urn:test:kit'/></query>"
        ),
        "{info}"
    );
    assert!(disco(&mut romeo, "bot.localhost", "items").children.is_empty());
    romeo.send(
        "<iq type='get' id='n' to='bot.localhost'>\
         <query xmlns='http://jabber.org/protocol/disco#info' node='x'/></iq>",
    );
    expect_error(&mut romeo, "iq", "n", "bot.localhost", "item-not-found");
    romeo.send(
        "<iq type='get' id='n' to='x@bot.localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
    );
    expect_error(&mut romeo, "iq", "n", "x@bot.localhost", "service-unavailable");

    // A virtual host of that name is what answers there.
    server.command(&["vhost", "add", "bot.localhost"]);
    assert!(disco(&mut romeo, "localhost", "items").children.is_empty());
    let info = disco(&mut romeo, "bot.localhost", "info");
    assert!(info.child("identity").is_some_and(|it| it.attr("category") == Some("server")), "{info}");
    romeo.send("<message to='bot.localhost' id='m'><body>x</body></message>");
    expect_error(&mut romeo, "message", "m", "bot.localhost", "service-unavailable");
}

/// A subscription to a service is one to a contact elsewhere (RFC 6121, section 3).
#[test]
fn presence_and_subscriptions() {
    let server = server();
    let mut romeo = interested(&server, "romeo/orchard");
    let item = |subscription: &str| {
        format!(
            "<iq type='set'><query xmlns='jabber:iq:roster'>\
             <item jid='bot.localhost' subscription='{subscription}'/></query></iq>"
        )
    };
    romeo.send("<presence type='subscribe' to='bot.localhost/gears'/>");
    let got = romeo.drain();
    assert!(has(&got, &item("none").replace("'none'", "'none' ask='subscribe'")), "{got:#?}");
    assert!(has(&got, "<presence type='subscribed' from='bot.localhost' to='romeo@localhost'/>"), "{got:#?}");
    assert!(has(&got, &item("to")), "{got:#?}");
    let present = "<presence from='bot.localhost' to='romeo@localhost'/>";
    assert!(got.iter().any(|node| node.matches(present) && node.attr("type").is_none()), "{got:#?}");

    // The bot wants to see romeo, and does.
    tell(&mut romeo, "befriend");
    romeo.expect("<presence type='subscribe' from='bot.localhost' to='romeo@localhost'/>");
    romeo.send("<presence type='subscribed' to='bot.localhost'/>");
    let got = romeo.drain();
    assert!(has(&got, &item("both")), "{got:#?}");
    assert!(has(&got, "<message><body>you are subscribed</body></message>"), "{got:#?}");
    assert!(has(&got, "<message><body>you are available</body></message>"), "{got:#?}");
    romeo.send("<presence><show>away</show></presence>");
    assert!(has(&romeo.drain(), "<message><body>you are available</body></message>"));

    // Who comes online asks for the bot's presence, and shows its own.
    let mut street = server.login("romeo/street");
    street.send("<presence/>");
    let got = street.drain();
    assert!(has(&got, present), "{got:#?}");
    assert!(has(&got, "<message><body>you are available</body></message>"), "{got:#?}");
    romeo.drain();
    street.close();
    let gone = "<presence type='unavailable' from='romeo@localhost/street'/>";
    let seen = "<message><body>you are unavailable</body></message>";
    let mut got = Vec::new();
    while !(has(&got, gone) && has(&got, seen)) {
        got.push(romeo.next_element());
    }

    // Nothing is left with the item.
    romeo.send(
        "<iq type='set' id='r'><query xmlns='jabber:iq:roster'>\
         <item jid='bot.localhost' subscription='remove'/></query></iq>",
    );
    let got = romeo.drain();
    for what in ["unsubscribe", "unavailable", "unsubscribed"] {
        assert!(has(&got, &format!("<message><body>you are {what}</body></message>")), "{what}: {got:#?}");
    }
    romeo.send("<presence/>");
    let got = romeo.drain();
    assert!(!got.iter().any(|node| node.name == "message"), "{got:#?}");
}

#[test]
fn directed_presence_and_its_end() {
    let server = server();
    let mut juliet = server.online("juliet/balcony");
    juliet.send("<presence to='x@bot.localhost'/>");
    juliet.expect("<message from='x@bot.localhost'><body>you are available</body></message>");
    juliet.send("<presence type='probe' to='bot.localhost'/>");
    juliet.expect("<presence from='bot.localhost' to='juliet@localhost'/>");
    juliet.send("<presence type='error' to='bot.localhost'><error type='cancel'/></presence>");
    juliet.expect_nothing();
    // The message waits for her: she is not available when it comes.
    juliet.send("<presence type='unavailable'/>");
    juliet.send("<presence/>");
    let got = juliet.drain();
    assert!(
        has(&got, "<message from='x@bot.localhost'><body>you are unavailable</body></message>"),
        "{got:#?}"
    );
}

#[test]
fn many_recipients() {
    let server = server();
    let mut romeo = server.online("romeo/orchard");
    let mut juliet = server.online("juliet/balcony");
    tell(&mut romeo, "all juliet@localhost romeo@localhost/orchard nobody@localhost bot.localhost");
    juliet.expect("<message from='bot.localhost' to='juliet@localhost'><body>all</body></message>");
    romeo.expect("<message from='bot.localhost' to='romeo@localhost/orchard'><body>all</body></message>");
    // The bot hears itself say so, to itself, and knows better than to go on.
    romeo.expect_nothing();
}

#[test]
fn an_alarm_rings() {
    let server = server();
    let mut romeo = server.online("romeo/orchard");
    tell(&mut romeo, "in 1");
    romeo.expect("<message from='bot.localhost' to='romeo@localhost'><body>reminder</body></message>");
}
