//! What the bundled plugins do, one by one. Messages, stored ones and carbons have files of their own.

use waxwing_tests::{Client, Server};

#[test]
fn ping() {
    let server = Server::builder().users(["romeo"]).start();
    let mut romeo = server.login("romeo/orchard");
    for to in ["to='localhost'", "to='romeo@localhost'", ""] {
        romeo.send(format!("<iq type='get' id='1' {to}><ping xmlns='urn:xmpp:ping'/></iq>"));
        let answer = romeo.expect("<iq type='result' id='1'/>");
        assert!(answer.children.is_empty(), "{answer}");
    }
}

#[test]
fn version() {
    let server = Server::builder().users(["romeo"]).start();
    let mut romeo = server.login("romeo/orchard");
    romeo.send("<iq type='get' id='1' to='localhost'><query xmlns='jabber:iq:version'/></iq>");
    romeo.expect(
        "<iq type='result' id='1'><query xmlns='jabber:iq:version'><name>Waxwing</name>\
        <version>*</version></query></iq>",
    );
}

#[test]
fn time() {
    let server = Server::builder().users(["romeo"]).start();
    let mut romeo = server.login("romeo/orchard");
    romeo.send("<iq type='get' id='1' to='localhost'><time xmlns='urn:xmpp:time'/></iq>");
    let answer = romeo.next_element();
    assert!(
        answer.matches("<iq type='result' id='1'><time xmlns='urn:xmpp:time'><tzo>*</tzo></time></iq>"),
        "{answer}"
    );
    let utc = &answer.children[0].child("utc").expect("a time").text;
    assert!(utc.len() >= 20 && utc.ends_with('Z') && &utc[10..11] == "T", "{utc}");
}

#[test]
fn private_storage() {
    let mut server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = server.login("romeo/orchard");
    let get = |client: &mut Client, ns: &str| {
        client.send(format!(
            "<iq type='get' id='g'><query xmlns='jabber:iq:private'><storage xmlns='{ns}'/></query></iq>"
        ));
        client.next_element()
    };
    let empty = get(&mut romeo, "storage:bookmarks");
    assert!(
        empty.matches(
            "<iq type='result' id='g'><query xmlns='jabber:iq:private'>\
        <storage xmlns='storage:bookmarks'/></query></iq>"
        ),
        "{empty}"
    );
    romeo.send(
        "<iq type='set' id='s'><query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'>\
         <conference jid='verona@rooms.example' name='A &amp; B'/></storage></query></iq>",
    );
    romeo.expect("<iq type='result' id='s'/>");
    server.kill();
    server.start();
    let mut romeo = server.login("romeo/orchard");
    let full = get(&mut romeo, "storage:bookmarks");
    assert!(
        full.matches(
            "<iq type='result' id='g'><query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'>\
         <conference jid='verona@rooms.example' name='A &amp; B'/></storage></query></iq>"
        ),
        "{full}"
    );
    assert!(get(&mut romeo, "storage:other").children[0].children[0].children.is_empty());
    let mut juliet = server.login("juliet/balcony");
    assert!(
        get(&mut juliet, "storage:bookmarks").children[0].children[0].children.is_empty(),
        "it is romeo's"
    );
    juliet.send(
        "<iq type='get' id='x' to='romeo@localhost'><query xmlns='jabber:iq:private'>\
        <storage xmlns='storage:bookmarks'/></query></iq>",
    );
    juliet.expect("<iq type='error' id='x'/>");
}

#[test]
fn vcard() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = server.login("romeo/orchard");
    romeo.send("<iq type='set' id='1'><vCard xmlns='vcard-temp'><FN>Romeo Montague</FN></vCard></iq>");
    romeo.expect("<iq type='result' id='1'/>");
    romeo.send("<iq type='get' id='2'><vCard xmlns='vcard-temp'/></iq>");
    romeo.expect("<iq type='result' id='2'><vCard xmlns='vcard-temp'><FN>Romeo Montague</FN></vCard></iq>");
    let mut juliet = server.login("juliet/balcony");
    juliet.send("<iq type='get' id='3' to='romeo@localhost'><vCard xmlns='vcard-temp'/></iq>");
    juliet.expect(
        "<iq type='result' id='3' from='romeo@localhost'><vCard xmlns='vcard-temp'>\
        <FN>Romeo Montague</FN></vCard></iq>",
    );
    juliet.send(
        "<iq type='set' id='4' to='romeo@localhost'><vCard xmlns='vcard-temp'><FN>Fool</FN></vCard></iq>",
    );
    juliet.expect("<iq type='error' id='4'/>");
    romeo.send("<iq type='get' id='5'><vCard xmlns='vcard-temp'/></iq>");
    romeo.expect("<iq type='result' id='5'><vCard xmlns='vcard-temp'><FN>Romeo Montague</FN></vCard></iq>");
}

/// A fresh stream on which nobody has logged in.
fn stranger(server: &Server) -> Client {
    let mut client = server.connect();
    client.open();
    client.starttls();
    client.open();
    client
}

const REGISTER: &str = "jabber:iq:register";

fn register(client: &mut Client, user: &str, password: &str) {
    client.send(format!(
        "<iq type='set' id='r' to='localhost'><query xmlns='{REGISTER}'><username>{user}</username>\
         <password>{password}</password></query></iq>"
    ));
}

#[test]
fn accounts_from_a_client() {
    let server = Server::builder().users(["romeo"]).open_registration().start();
    let mut client = server.connect();
    client.open();
    client.starttls();
    let features = client.open();
    assert!(features.child_ns("register", "http://jabber.org/features/iq-register").is_some(), "{features}");
    client.send(format!("<iq type='get' id='f' to='localhost'><query xmlns='{REGISTER}'/></iq>"));
    client.expect(format!(
        "<iq type='result' id='f'><query xmlns='{REGISTER}'><username/><password/></query></iq>"
    ));
    register(&mut client, "romeo", "stolen");
    client.expect(
        "<iq type='error' id='r'><error type='cancel'>\
        <conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
    );
    register(&mut client, "mercutio", "a plague");
    client.expect("<iq type='result' id='r'/>");

    let mut mercutio = server.connect();
    mercutio.login("mercutio", "a plague", Some("street"));
    mercutio.send(format!(
        "<iq type='set' id='p' to='localhost'><query xmlns='{REGISTER}'><username>mercutio</username>\
         <password>on both your houses</password></query></iq>"
    ));
    mercutio.expect("<iq type='result' id='p'/>");
    let mut again = server.connect();
    again.login("mercutio", "on both your houses", Some("tomb"));

    again.send(format!("<iq type='set' id='x'><query xmlns='{REGISTER}'><remove/></query></iq>"));
    mercutio.expect_end();
    again.expect_end();
    let mut gone = stranger(&server);
    let mut scram =
        waxwing_tests::Scram::new(waxwing_tests::Mechanism::Sha256, "mercutio", "on both your houses");
    assert!(gone.authenticate(&mut scram).is_err(), "the account is gone");
}

/// As for PLAIN, a password takes TLS, whether or not the domain does.
#[test]
fn no_accounts_from_a_client_without_tls() {
    let server = Server::builder().open_registration().tls_optional().start();
    let mut client = server.connect();
    let features = client.open();
    assert!(features.child("register").is_none(), "{features}");
    register(&mut client, "mercutio", "a plague");
    client.expect(
        "<iq type='error' id='r'><error type='modify'>\
        <policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
    );
    client.starttls();
    let features = client.open();
    assert!(features.child("register").is_some(), "{features}");
    register(&mut client, "mercutio", "a plague");
    client.expect("<iq type='result' id='r'/>");
}

const ASK: &str = "<iq type='get' id='g'><query xmlns='jabber:iq:register'/></iq>";

#[test]
fn requests_before_login_are_counted_by_stream() {
    let limit = "limits { 'requests-before-login' = 12 }";
    let server = Server::builder().open_registration().settings(limit).start();
    let mut client = stranger(&server);
    for _ in 0..12 {
        client.send(ASK);
        client.expect("<iq type='result' id='g'><query xmlns='jabber:iq:register'/></iq>");
    }
    client.send(ASK);
    client.expect_stream_error("policy-violation");
}

#[test]
fn requests_before_login_are_counted_by_address() {
    let limit = "limits { 'requests-before-login-per-address' = 3 }";
    let server = Server::builder().users(["romeo"]).open_registration().settings(limit).start();
    let mut clients = [stranger(&server), stranger(&server)];
    for which in [0, 1, 0] {
        let client = &mut clients[which];
        client.send(ASK);
        client.expect("<iq type='result' id='g'><query xmlns='jabber:iq:register'/></iq>");
    }
    for client in &mut clients {
        client.send(ASK);
        client.expect(
            "<iq type='error' id='g'><error type='wait'>\
             <resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
        );
    }
    // Who has an account logs in all the same, on the same stream.
    let [mut client, _] = clients;
    let mut scram = waxwing_tests::Scram::new(
        waxwing_tests::Mechanism::Sha256,
        "romeo",
        &waxwing_tests::password("romeo"),
    );
    client.authenticate(&mut scram).expect("a login");
}

#[test]
fn one_address_makes_only_so_many_accounts() {
    let limit = "'jabber:iq:register' { 'registrations-per-hour' = 1 }";
    let server = Server::builder().open_registration().settings(limit).start();
    let wait = |name: &str, kind: &str| {
        let condition = format!("<{name} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>");
        format!("<iq type='error' id='r'><error type='{kind}'>{condition}</error></iq>")
    };
    let mut client = stranger(&server);
    for name in ["admin", "Postmaster"] {
        register(&mut client, name, "secret");
        client.expect(wait("conflict", "cancel"));
    }
    // Letters that only look like others are no way round that.
    register(&mut client, "\u{1d41a}dmin", "secret");
    client.expect("<iq type='error' id='r'/>");
    register(&mut client, "mercutio", "a plague");
    client.expect("<iq type='result' id='r'/>");
    let mut another = stranger(&server);
    register(&mut another, "benvolio", "peace");
    another.expect(wait("resource-constraint", "wait"));
    assert_eq!(server.command(&["user", "list"]).lines().count(), 2, "the administrator and one more");
}

#[test]
fn no_accounts_from_a_client_unless_the_domain_allows_it() {
    let server = Server::builder().users(["romeo"]).start();
    let mut client = server.connect();
    client.open();
    client.starttls();
    let features = client.open();
    assert!(features.child("register").is_none(), "{features}");
    register(&mut client, "mercutio", "a plague");
    client.expect_refusal_before_login("r");
}

/// What is registered are letters as they were written, but for spellings of the same; and a name that older software
/// takes for another is that other one's.
#[test]
fn names_beyond_ascii() {
    let many = "'jabber:iq:register' { 'registrations-per-hour' = 100 }";
    let server = Server::builder().users(["romeo"]).open_registration().settings(many).start();
    let answer = |name: &str| {
        let mut client = stranger(&server);
        register(&mut client, name, "secret");
        client.next_element()
    };
    for name in ["fu\u{df}ball", "caf\u{65}\u{301}", "\u{ff4d}ercutio", "\u{5d0}\u{5d1}1"] {
        let answer = answer(name);
        assert!(answer.matches("<iq type='result' id='r'/>"), "{name}: {answer}");
    }
    let error = |condition: &str| {
        format!(
            "<iq type='error' id='r'><error><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
        )
    };
    for name in ["fussball", "FU\u{1e9e}BALL", "caf\u{e9}", "Mercutio"] {
        let answer = answer(name);
        assert!(answer.matches(&error("conflict")), "{name}: {answer}");
    }
    for name in ["\u{17f}", "\u{fb01}sh", "\u{265a}"] {
        let answer = answer(name);
        assert!(answer.matches("<iq type='error' id='r'/>"), "{name}: {answer}");
    }
    let list = server.command(&["user", "list", "localhost"]);
    for name in ["fu\u{df}ball", "caf\u{e9}", "mercutio", "\u{5d0}\u{5d1}1"] {
        assert!(list.lines().any(|line| line.contains(&format!("{name}@localhost"))), "{name}: {list}");
    }
    assert!(!list.lines().any(|line| line.starts_with("s@localhost")), "{list}");

    let mut older = server.connect();
    older.login("fussball", "secret", Some("pitch"));
    assert_eq!(older.bare(), "fu\u{df}ball@localhost");
    older.available();
    let mut romeo = server.login("romeo/orchard");
    romeo.send("<message to='fussball@localhost' type='chat'><body>goal</body></message>");
    older.expect(
        "<message from='romeo@localhost/orchard' to='fu\u{df}ball@localhost'><body>goal</body></message>",
    );
    romeo.send("<message to='FU\u{1e9e}BALL@localhost/pitch' type='chat'><body>two</body></message>");
    older.expect("<message from='romeo@localhost/orchard'><body>two</body></message>");
    // One's own name in another spelling is one's own.
    older.send(format!(
        "<iq type='set' id='p' to='localhost'><query xmlns='{REGISTER}'><username>FU\u{1e9e}BALL</username>\
         <password>other</password></query></iq>"
    ));
    older.expect("<iq type='result' id='p'/>");
    server.connect().login("fu\u{df}ball", "other", None);
}

#[test]
fn messages_for_a_name_as_older_software_writes_it_are_kept() {
    let server = Server::builder().users(["romeo", "fu\u{df}ball"]).start();
    let mut romeo = server.login("romeo/orchard");
    romeo.send("<message to='fussball@localhost' type='chat'><body>goal</body></message>");
    romeo.send("<iq type='get' id='1' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>");
    romeo.expect("<iq type='result' id='1'/>");
    let mut player = server.login("fu\u{df}ball/pitch");
    player.available();
    player.expect("<message from='romeo@localhost/orchard'><body>goal</body></message>");
}
