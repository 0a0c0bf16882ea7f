//! The plugins of `plugins-src/examples`, in a server that runs them as their READMEs say.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use waxwing_tests::{Client, Example, Node};

/// How long the server may take to call the webhook again.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn word_filter_replaces_words_and_nothing_else() {
    let server = Example::new("word-filter").server().users(["romeo", "juliet"]).start();
    let mut juliet = server.online("juliet/balcony");
    let mut romeo = server.online("romeo/orchard");
    romeo.send(
        "<message to='juliet@localhost' type='chat' id='drat'><subject>drat</subject>\
         <body>Drat &amp; bl&#97;st, &lt;dratted&gt;!</body><body xml:lang='de'>drat</body>\
         <x xmlns='urn:x'><body>drat</body></x></message>",
    );
    juliet.expect(
        "<message from='romeo@localhost/orchard' type='chat' id='drat'><subject>drat</subject>\
         <body>*** &amp; ***, &lt;dratted&gt;!</body><body xml:lang='de'>***</body>\
         <x xmlns='urn:x'><body>drat</body></x></message>",
    );
    romeo.send("<message to='juliet@localhost' type='chat' id='1'><body>Dear</body></message>");
    juliet.expect("<message id='1'><body>Dear</body></message>");
    romeo.expect_nothing();
}

#[test]
fn word_filter_bounces_messages() {
    let example = Example::new("word-filter").with("'replace'", "'bounce'");
    let server = example.server().users(["romeo", "juliet"]).start();
    let mut juliet = server.online("juliet/balcony");
    let mut romeo = server.online("romeo/orchard");
    romeo.send("<message to='juliet@localhost' type='chat' id='1'><body>Blast!</body></message>");
    romeo.expect(
        "<message type='error' id='1' from='juliet@localhost'><error type='modify'>\
         <policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>\
         <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>*</text></error></message>",
    );
    juliet.expect_nothing();
}

#[test]
fn greeting_comes_once() {
    let mut server = Example::new("greeting").server().users(["juliet"]).start();
    let hello = "<message type='chat' from='localhost'><body>Good to see you, juliet</body></message>";
    let mut juliet = server.login("juliet/balcony");
    juliet.send("<presence/>");
    let greetings = |stanzas: Vec<Node>| stanzas.iter().filter(|stanza| stanza.matches(hello)).count();
    assert_eq!(greetings(juliet.drain()), 1);
    juliet.send("<presence type='unavailable'/><presence/>");
    assert_eq!(greetings(juliet.drain()), 0);
    juliet.close();

    assert!(server.stop().success());
    server.start();
    let mut juliet = server.login("juliet/chamber");
    juliet.send("<presence/>");
    assert_eq!(greetings(juliet.drain()), 0);
}

#[test]
fn answering_machine_answers() {
    let server = Example::new("answering-machine").server().users(["romeo"]).start();
    let mut romeo = server.online("romeo/orchard");
    let mut ask = |text: &str| {
        romeo.send(format!("<message to='bot.localhost' type='chat' id='1'><body>{text}</body></message>"));
        let answer = romeo.expect("<message from='bot.localhost' to='romeo@localhost/orchard' type='chat'/>");
        answer.body().to_owned()
    };
    assert_eq!(ask("echo &lt;Hello&gt; &amp; so on"), "<Hello> & so on");
    assert!(ask("help").starts_with("help: "));
    assert!(ask("TIME").starts_with("It is 20"));
    assert_eq!(ask("What is in a name?"), "I do not understand. Try: help");

    // What has no text is not answered, and neither are errors.
    romeo.send("<message to='bot.localhost' type='error' id='2'><body>echo no</body></message>");
    romeo.send(
        "<message to='bot.localhost' type='chat'><active xmlns='http://jabber.org/protocol/chatstates'/></message>",
    );
    romeo.expect_nothing();
}

#[test]
fn answering_machine_is_found_and_refuses_what_it_does_not_know() {
    let server = Example::new("answering-machine").server().users(["romeo"]).start();
    let mut romeo = server.online("romeo/orchard");
    let items = "http://jabber.org/protocol/disco#items";
    romeo.send(format!("<iq type='get' id='1' to='localhost'><query xmlns='{items}'/></iq>"));
    romeo.expect(format!("<iq id='1'><query xmlns='{items}'><item jid='bot.localhost'/></query></iq>"));
    let info = "http://jabber.org/protocol/disco#info";
    romeo.send(format!("<iq type='get' id='2' to='bot.localhost'><query xmlns='{info}'/></iq>"));
    romeo.expect(format!(
        "<iq id='2' from='bot.localhost'><query xmlns='{info}'>\
         <identity category='client' type='bot' name='Answering machine'/></query></iq>"
    ));
    romeo.send("<iq type='get' id='3' to='bot.localhost'><query xmlns='jabber:iq:last'/></iq>");
    romeo.expect(
        "<iq type='error' id='3' from='bot.localhost'><error type='cancel'>\
         <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
    );
}

#[test]
fn answering_machine_can_be_a_contact() {
    let server = Example::new("answering-machine").server().users(["romeo"]).start();
    let mut romeo = server.online("romeo/orchard");
    romeo.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
    romeo.expect("<iq type='result' id='r'/>");
    romeo.send("<presence type='subscribe' to='bot.localhost'/>");
    romeo.expect_all([
        "<iq type='set'><query xmlns='jabber:iq:roster'>\
         <item jid='bot.localhost' subscription='none' ask='subscribe'/></query></iq>",
        "<presence type='subscribed' from='bot.localhost'/>",
        "<iq type='set'><query xmlns='jabber:iq:roster'>\
         <item jid='bot.localhost' subscription='to'/></query></iq>",
        "<presence from='bot.localhost'/>",
    ]);
    romeo.close();

    // Whoever comes back finds it online.
    let mut romeo = server.login("romeo/orchard");
    romeo.send("<presence/>");
    let found =
        |stanzas: &[Node]| stanzas.iter().any(|stanza| stanza.matches("<presence from='bot.localhost'/>"));
    let got = romeo.drain();
    if !found(&got) {
        romeo.expect("<presence from='bot.localhost'/>");
    }
}

/// Runs a step of the command `dice` and returns what is in the result.
#[track_caller]
fn dice(client: &mut Client, session: &str, form: &str) -> Node {
    client.send(format!(
        "<iq type='set' id='dice' to='localhost'><command xmlns='http://jabber.org/protocol/commands' \
         node='dice' {session}>{form}</command></iq>"
    ));
    let result = client.expect(
        "<iq type='result' id='dice' from='localhost'><command xmlns='http://jabber.org/protocol/commands' \
         node='dice' sessionid='*'><x xmlns='jabber:x:data'/></command></iq>",
    );
    result.children.into_iter().next().expect("a command")
}

fn filled_in(dice: &str, sides: &str) -> String {
    format!(
        "<x xmlns='jabber:x:data' type='submit'><field var='dice'><value>{dice}</value></field>\
         <field var='sides'><value>{sides}</value></field></x>"
    )
}

#[test]
fn dice_are_a_command_for_everybody() {
    let server = Example::new("dice").server().users(["romeo"]).start();
    let mut romeo = server.online("romeo/orchard");
    romeo.send(
        "<iq type='get' id='1' to='localhost'><query xmlns='http://jabber.org/protocol/disco#items' \
         node='http://jabber.org/protocol/commands'/></iq>",
    );
    romeo.expect(
        "<iq id='1'><query xmlns='http://jabber.org/protocol/disco#items'>\
         <item jid='localhost' node='dice' name='Roll dice'/></query></iq>",
    );

    let empty = dice(&mut romeo, "action='execute'", "");
    assert!(
        empty.matches(
            "<command xmlns='http://jabber.org/protocol/commands' status='executing'>\
         <actions execute='complete'><complete/></actions><x xmlns='jabber:x:data' type='form'>\
         <title>Roll dice</title>\
         <field var='dice' type='text-single' label='*'><required/><value>2</value></field>\
         <field var='sides' type='text-single' label='*'><required/><value>6</value></field></x></command>"
        ),
        "{empty}"
    );
    let session = format!("action='complete' sessionid='{}'", empty.attr("sessionid").unwrap());

    let again = dice(&mut romeo, &session, &filled_in("many", "6"));
    assert!(
        again.matches(
            "<command xmlns='http://jabber.org/protocol/commands' status='executing'>\
         <x xmlns='jabber:x:data' type='form'>\
         <field var='dice'><desc>A whole number from 1 to 20, please</desc><value>many</value></field>\
         <field var='sides'><value>6</value></field></x></command>"
        ),
        "{again}"
    );
    let sides = &again.child("x").unwrap().children.iter().find(|field| field.attr("var") == Some("sides"));
    assert!(sides.unwrap().child("desc").is_none(), "{again}");

    let rolled = dice(&mut romeo, &session, &filled_in("20", "1000"));
    assert!(
        rolled.matches(
            "<command xmlns='http://jabber.org/protocol/commands' status='completed'>\
         <x xmlns='jabber:x:data' type='result'><title>The dice say</title></x>\
         <note type='info'>*</note></command>"
        ),
        "{rolled}"
    );
    let value = |var: &str| {
        let fields = &rolled.child("x").unwrap().children;
        let field = fields.iter().find(|field| field.attr("var") == Some(var)).unwrap();
        field.child("value").unwrap().text.clone()
    };
    let rolls: Vec<u32> = value("rolls").split(", ").map(|roll| roll.parse().unwrap()).collect();
    assert_eq!(rolls.len(), 20);
    assert!(rolls.iter().all(|roll| (1..=1000).contains(roll)), "{rolls:?}");
    assert_eq!(value("sum"), rolls.iter().sum::<u32>().to_string());
}

/// An HTTP server that answers with these statuses, one after the other, and tells what it was sent.
fn web_server(statuses: &'static [&'static str]) -> (SocketAddr, Receiver<(String, String)>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    let (sender, requests) = channel();
    thread::spawn(move || {
        for status in statuses {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut head, mut body) = (String::new(), Vec::new());
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
            read_body(&mut reader, &head, &mut body);
            write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
            sender.send((head, String::from_utf8(body).unwrap())).unwrap();
        }
    });
    (addr, requests)
}

/// The body of a request: of a given length, or in chunks.
fn read_body(reader: &mut impl BufRead, head: &str, body: &mut Vec<u8>) {
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    if let Some(length) = length {
        reader.take(length.parse().unwrap()).read_to_end(body).unwrap();
        return;
    }
    assert!(head.contains("\r\ntransfer-encoding: chunked\r\n"), "{head}");
    loop {
        let mut size = String::new();
        reader.read_line(&mut size).unwrap();
        let size = u64::from_str_radix(size.trim(), 16).unwrap();
        reader.take(size).read_to_end(body).unwrap();
        reader.read_line(&mut String::new()).unwrap();
        if size == 0 {
            break;
        }
    }
}

#[test]
fn webhook_tells_of_missed_messages_until_it_is_heard() {
    let (addr, requests) = web_server(&["500 Not Now", "204 No Content", "204 No Content"]);
    let example = Example::new("webhook").with("localhost:8080", &addr.to_string());
    let server = example.server().users(["romeo", "juliet"]).start();
    let mut romeo = server.online("romeo/orchard");
    let send = |romeo: &mut Client, id: &str| {
        romeo.send(format!(
            "<message to='juliet@localhost' type='chat' id='{id}'><body>secret</body></message>"
        ));
        romeo.expect_nothing();
    };
    send(&mut romeo, "1");
    let (head, refused) = requests.recv_timeout(PATIENCE).expect("a request");
    assert!(head.starts_with("POST /missed HTTP/1.1\r\n"), "{head}");
    assert!(head.to_ascii_lowercase().contains("\r\ncontent-type: application/json\r\n"), "{head}");
    let told = "{\"from\":\"romeo@localhost\",\"to\":\"juliet@localhost\",\"at\":\"20";
    assert!(refused.starts_with(&format!("[{told}")) && refused.ends_with("Z\"}]"), "{refused}");
    assert!(!refused.contains("secret"));

    // The second attempt is the server's own, and it is about the same.
    let (_, accepted) = requests.recv_timeout(PATIENCE).expect("another attempt");
    assert_eq!(accepted, refused);

    // What was taken is told once.
    send(&mut romeo, "2");
    let (_, next) = requests.recv_timeout(PATIENCE).expect("news");
    assert_eq!(next.matches("\"from\"").count(), 1, "{next}");
    assert_ne!(next, accepted);

    // The messages themselves were kept all the same.
    let mut juliet = server.login("juliet/balcony");
    juliet.send("<presence/>");
    let got = juliet.drain();
    for id in ["1", "2"] {
        let stored =
            format!("<message id='{id}'><body>secret</body><delay xmlns='urn:xmpp:delay'/></message>");
        assert!(got.iter().any(|stanza| stanza.matches(&stored)), "{got:#?}");
    }
}
