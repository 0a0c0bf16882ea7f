//! Accounts that move between servers as files (XEP-0227): from one Waxwing to another, and from Prosody and
//! ejabberd, whose files are in `tests/portable`. `fill.py` there has made what is in those.

use std::fs;
use std::path::Path;

use waxwing_tests::{Client, Mechanism, Node, Scram, Server, password};

const BOOKMARKS: &str =
    "<storage xmlns='storage:bookmarks'><conference name='Ball' jid='ball@muc.example.org'/></storage>";

/// An exported file of another server.
fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("portable").join(name).display().to_string()
}

/// A session on any virtual host, by any mechanism.
#[track_caller]
fn login(
    server: &Server,
    domain: &str,
    user: &str,
    password: &str,
    mechanism: Mechanism,
) -> Result<Client, Node> {
    let mut client = Client::connect(server.addr(), domain);
    client.open();
    client.starttls();
    client.open();
    client.authenticate(&mut Scram::new(mechanism, user, password))?;
    client.open();
    client.bind(Some("balcony"));
    Ok(client)
}

/// The next message; presence is passed over.
#[track_caller]
fn message(client: &mut Client) -> Node {
    loop {
        let node = client.next_element();
        if node.name == "message" {
            return node;
        }
    }
}

#[track_caller]
fn roster(client: &mut Client) -> Node {
    client.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
    client.expect("<iq type='result' id='r'><query xmlns='jabber:iq:roster'/></iq>")
}

#[track_caller]
fn expect_private(client: &mut Client) {
    client.send("<iq type='get' id='p'><query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query></iq>");
    client.expect(format!(
        "<iq type='result' id='p'><query xmlns='jabber:iq:private'>{BOOKMARKS}</query></iq>"
    ));
}

#[track_caller]
fn expect_vcard(client: &mut Client) {
    client.send("<iq type='get' id='v'><vCard xmlns='vcard-temp'/></iq>");
    client.expect("<iq type='result' id='v'><vCard xmlns='vcard-temp'><FN>Juliet Capulet</FN></vCard></iq>");
}

/// Gives juliet something of everything.
fn live(server: &Server) {
    server.command(&["user", "add", "mercutio@localhost", "--password", "x"]);
    let mut juliet = server.online("juliet/balcony");
    let mut romeo = server.online("romeo/orchard");
    server.befriend(&mut juliet, &mut romeo);
    for set in [
        "<query xmlns='jabber:iq:roster'><item jid='romeo@localhost' name='R &amp; J'><group>Verona</group><group>A</group></item></query>"
            .to_owned(),
        format!("<query xmlns='jabber:iq:private'>{BOOKMARKS}</query>"),
        "<query xmlns='jabber:iq:private'><a xmlns='urn:a'>\n&lt;\t&#13;é</a></query>".to_owned(),
        "<vCard xmlns='vcard-temp'><FN>Juliet Capulet</FN></vCard>".to_owned(),
    ] {
        juliet.send(format!("<iq type='set' id='s'>{set}</iq>"));
        while juliet.next_element().attr("id") != Some("s") {}
    }
    juliet.send("<presence type='subscribe' to='mercutio@localhost'/>");
    juliet.send("<presence type='subscribed' to='nurse@localhost'/>");
    let mut tybalt = server.online("tybalt/street");
    tybalt.send("<presence type='subscribe' to='juliet@localhost'><status>It is Tybalt</status></presence>");
    tybalt.drain();
    juliet.drain();
    juliet.close();
    while !romeo.next_element().matches("<presence type='unavailable' from='juliet@localhost/balcony'/>") {}
    for n in 0..250 {
        romeo.send(format!(
            "<message to='juliet@localhost' type='chat' id='{n}' xml:lang='it'><body>{n}&amp;</body><x xmlns='urn:x' xmlns:y='urn:y' y:z='1'/></message>"
        ));
    }
    romeo.expect_nothing();
}

#[test]
fn from_one_server_to_another() {
    let old = Server::builder().users(["juliet", "romeo", "tybalt"]).endless_queues().start();
    live(&old);
    let file = old.path("all.xml");
    let said = old.command(&["export", &file]);
    assert!(said.starts_with("4 accounts exported, 5 roster items\n"), "{said}");
    assert!(said.contains("msgoffline: 250 elements"), "{said}");
    let exported = fs::read_to_string(&file).unwrap();

    // Into a server that runs, with somebody on it who notices nothing.
    let new = Server::builder().users(["watcher"]).start();
    let mut watcher = new.online("watcher/here");
    let said = new.command(&["import", &file]);
    assert!(said.starts_with("4 accounts imported, 5 roster items, 2 subscription requests\n"), "{said}");
    watcher.expect_nothing();
    watcher.close();
    new.command(&["user", "remove", "watcher@localhost"]);
    let again = new.path("again.xml");
    new.command(&["export", &again]);
    assert!(fs::read_to_string(again).unwrap() == exported, "what comes out is not what went in");

    let secret = password("juliet");
    let mut juliet = login(&new, "localhost", "juliet", &secret, Mechanism::Sha1).unwrap();
    let answer = roster(&mut juliet);
    assert!(answer.matches(
        "<iq><query xmlns='jabber:iq:roster'><item jid='mercutio@localhost' subscription='none' ask='subscribe'/>\
         <item jid='nurse@localhost' approved='true'/>\
         <item jid='romeo@localhost' subscription='both' name='R &amp; J'><group>Verona</group><group>A</group></item></query></iq>"
    ), "{answer}");
    expect_private(&mut juliet);
    expect_vcard(&mut juliet);
    juliet.send("<presence/>");
    let (mut asked, mut next) = (false, 0);
    while !asked || next < 250 {
        let node = juliet.next_element();
        match node.name.as_str() {
            "message" => {
                let stored = format!(
                    "<message from='romeo@localhost/orchard' id='{next}'><body>{next}&amp;</body>\
                     <delay xmlns='urn:xmpp:delay' from='localhost' stamp='*'/></message>"
                );
                assert!(node.matches(&stored), "{node}");
                next += 1;
            }
            _ => {
                asked |= node.matches(
                    "<presence type='subscribe' from='tybalt@localhost'><status>It is Tybalt</status></presence>",
                );
            }
        }
    }
    juliet.expect_nothing();
    juliet.close();
    // Delivered is delivered, and there is nothing left to move.
    let said = new.command(&["export", &new.path("third.xml")]);
    assert!(!said.contains("msgoffline"), "{said}");
}

#[test]
fn beside_a_stopped_server() {
    let mut server = Server::builder().users(["juliet", "romeo"]).start();
    server.stop();
    let file = server.path("all.xml");
    let said = server.command(&["export", &file, "--vhost", "localhost"]);
    assert!(said.starts_with("2 accounts exported"), "{said}");
    let said = server.failing_command(&["export", &file]);
    assert!(said.contains("is there already"), "{said}");
    server.command(&["user", "remove", "juliet@localhost"]);
    let said = server.command(&["import", &file, "--dry-run"]);
    assert!(said.contains("1 account would be imported") && said.contains("romeo@localhost"), "{said}");
    assert!(!server.command(&["user", "list"]).contains("juliet"));
    server.command(&["import", &file]);
    server.start();
    server.login("juliet/balcony").close();
}

#[test]
fn out_of_ejabberd() {
    let server = Server::builder().start();
    let said = server.command(&["import", &fixture("ejabberd/20261125-130520.xml")]);
    assert!(said.starts_with("6 accounts imported, 8 roster items, 2 subscription requests\n"), "{said}");
    assert!(said.contains("virtual hosts added: ejabberd.example, plain.example"), "{said}");
    // It had a password in clear on one domain, and keys for SCRAM-SHA-256 on the other.
    for domain in ["ejabberd.example", "plain.example"] {
        let mut juliet = login(&server, domain, "juliet", "secret", Mechanism::Sha256).unwrap();
        let answer = roster(&mut juliet);
        assert!(answer.matches(&format!(
            "<iq><query xmlns='jabber:iq:roster'><item jid='mercutio@{domain}' subscription='none' ask='subscribe'/>\
             <item jid='romeo@{domain}' subscription='both' name='Romeo &amp; only'><group>Friends</group><group>Verona</group></item></query></iq>"
        )), "{answer}");
        expect_private(&mut juliet);
        expect_vcard(&mut juliet);
        juliet.send("<presence/>");
        for body in ["Neither, fair saint", "if either thee dislike &amp; more"] {
            let message = message(&mut juliet);
            let stored = format!(
                "<message from='romeo@{domain}/fixture' type='chat'><delay xmlns='urn:xmpp:delay' from='{domain}' stamp='*'/>\
                 <body>{body}</body></message>"
            );
            assert!(message.matches(&stored), "{message}");
        }
        juliet.close();
    }
    assert!(login(&server, "ejabberd.example", "juliet", "secret", Mechanism::Sha1).is_err());
    login(&server, "plain.example", "romeo", "secret", Mechanism::Sha1).unwrap().close();
}

#[test]
fn out_of_prosody() {
    for (folder, mechanism, other) in [
        ("prosody-hashed", Mechanism::Sha1, Some(Mechanism::Sha256)),
        ("prosody-plain", Mechanism::Sha256, None),
    ] {
        let server = Server::builder().start();
        let files = ["juliet", "romeo", "tybalt"]
            .map(|user| fixture(&format!("{folder}/{user}@prosody.example.xml")));
        let said = server.command(&["import", &files[0], &files[1], &files[2]]);
        assert!(said.starts_with("3 accounts imported, 4 roster items, 1 subscription request\n"), "{said}");
        // What has become of a vCard in PEP is told.
        assert_eq!(
            said.contains("1 element {http://jabber.org/protocol/pubsub}pubsub was not imported"),
            other.is_some()
        );
        let mut juliet = login(&server, "prosody.example", "juliet", "secret", mechanism).unwrap();
        let answer = roster(&mut juliet);
        assert!(answer.matches(
            "<iq><query xmlns='jabber:iq:roster'><item jid='mercutio@prosody.example' subscription='none' ask='subscribe'/>\
             <item jid='romeo@prosody.example' subscription='both' name='Romeo &amp; only'><group>*</group><group>*</group></item></query></iq>"
        ), "{answer}");
        expect_private(&mut juliet);
        match other {
            None => expect_vcard(&mut juliet),
            Some(other) => assert!(login(&server, "prosody.example", "juliet", "secret", other).is_err()),
        }
        juliet.send("<presence/>");
        while !juliet.next_element().matches("<presence type='subscribe' from='tybalt@prosody.example'/>") {}
        juliet.close();
    }
}

/// Accounts with something for each plugin, all of it with a time of its own.
fn many(users: usize) -> String {
    let mut text = "<server-data xmlns='urn:xmpp:pie:0'>\n<host jid='localhost'>\n".to_owned();
    for n in 0..users {
        text += &format!(
            "<user name='user{n:04}'>\n<account xmlns='urn:waxwing:export:0' created='2020-01-01T00:00:00.000Z'/>\n\
             <scram-credentials xmlns='urn:xmpp:pie:0#scram' mechanism='SCRAM-SHA-1'><iter-count>4096</iter-count><salt>AAAA</salt>\
             <server-key>AAAAAAAAAAAAAAAAAAAAAAAAAAA=</server-key><stored-key>AAAAAAAAAAAAAAAAAAAAAAAAAAA=</stored-key></scram-credentials>\n\
             <query xmlns='jabber:iq:roster'><item jid='friend@example.org' subscription='both'/></query>\n\
             <query xmlns='jabber:iq:private'>\n<a xmlns='urn:a'>{n}</a>\n</query>\n<offline-messages>\n"
        );
        for m in 0..5 {
            text += &format!(
                "<message xmlns='jabber:client' from='friend@example.org/x' to='user{n:04}@localhost' type='chat'><body>{m}</body>\
                 <delay xmlns='urn:xmpp:delay' from='localhost' stamp='2021-01-01T00:00:0{m}.000Z'/></message>\n"
            );
        }
        text += "</offline-messages>\n<vCard xmlns='vcard-temp'><FN>x</FN></vCard>\n</user>\n";
    }
    text + "</host>\n</server-data>\n"
}

#[test]
fn killed_in_the_middle_and_repeated() {
    const USERS: usize = 400;
    let mut server = Server::builder().users(["admin"]).start();
    server.command(&["user", "remove", "admin@localhost"]);
    let file = server.write_file("many.xml", &many(USERS));
    for share in [8, 4, 2] {
        let import = server.start_command(&["import", &file]);
        let there = || server.command(&["user", "list"]).lines().count();
        while there() < USERS / share {}
        server.kill();
        let _ = import.wait_with_output().unwrap();
        server.start();
    }
    let said = server.command(&["import", &file]);
    assert!(said.contains("there already, and left as they are: "), "{said}");
    let (one, two) = (server.path("one.xml"), server.path("two.xml"));
    server.command(&["export", &one]);
    let undisturbed = Server::builder().users(["admin"]).start();
    undisturbed.command(&["user", "remove", "admin@localhost"]);
    undisturbed.command(&["import", &file]);
    undisturbed.command(&["export", &two]);
    let (one, two) = (fs::read_to_string(one).unwrap(), fs::read_to_string(two).unwrap());
    assert!(one == two, "an interrupted import leaves something else");
    assert_eq!(one.matches("<message ").count(), 5 * USERS);
}

#[test]
fn what_is_wrong_is_said() {
    let server = Server::builder().start();
    let dtd = "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>\n<server-data xmlns='urn:xmpp:pie:0'/>";
    let user = "<server-data xmlns='urn:xmpp:pie:0'><host jid='localhost'>\n<user name='@'/>\n<user name='fine' password='x'/></host></server-data>";
    let said = server.failing_command(&["import", &server.write_file("dtd.xml", dtd)]);
    assert!(said.contains("dtd.xml:1: there is a DTD"), "{said}");
    let said = server.failing_command(&["import", &server.write_file("user.xml", user)]);
    assert!(
        said.contains("user.xml:2: '@' at localhost is no address") && said.contains("1 account imported"),
        "{said}"
    );
    let said = server.failing_command(&["import", &server.path("absent.xml")]);
    assert!(said.contains("absent.xml: No such file"), "{said}");
    let said = server.failing_command(&["export", &server.path("x.xml"), "--vhost", "elsewhere.example"]);
    assert!(said.contains("'elsewhere.example' is no virtual host here"), "{said}");
    // A plugin that is not there leaves nothing behind without a word.
    let bare = Server::builder().without_plugin("private").start();
    let file = bare.write_file("many.xml", &many(2));
    let said = bare.command(&["import", &file]);
    assert!(said.contains("2 elements {jabber:iq:private}query were not imported"), "{said}");
}
