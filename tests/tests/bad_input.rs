//! What a broken or hostile client sends, what it gets for it, and that nobody else notices (RFC 6120,
//! sections 4.9.3, 6.5, 8.3.3 and 11).

use waxwing_tests::{Client, Mechanism, Scram, Server, password};

/// Two people who chat through everything that the others do.
struct Bystanders {
    romeo: Client,
    juliet: Client,
    messages: u32,
}

impl Bystanders {
    fn new(server: &Server) -> Bystanders {
        Bystanders {
            romeo: server.online("romeo/orchard"),
            juliet: server.online("juliet/balcony"),
            messages: 0,
        }
    }

    /// They can still talk, and nothing strange has reached them.
    fn are_well(&mut self) {
        self.messages += 1;
        let id = self.messages;
        self.romeo.send(format!(
            "<message to='juliet@localhost' type='chat' id='{id}'><body>Hist!</body></message>"
        ));
        self.juliet.expect(format!("<message from='romeo@localhost/orchard' type='chat' id='{id}'/>"));
        self.romeo.expect_nothing();
        self.juliet.expect_nothing();
    }
}

struct Case {
    what: &'static str,
    input: Vec<u8>,
    /// The stream errors that fit.
    conditions: &'static [&'static str],
}

fn case(what: &'static str, input: impl Into<Vec<u8>>, conditions: &'static [&'static str]) -> Case {
    Case { what, input: input.into(), conditions }
}

fn stream_errors(server: &Server, cases: &[Case], connect: impl Fn() -> Client) {
    let mut bystanders = Bystanders::new(server);
    for Case { what, input, conditions } in cases {
        println!("{what}");
        let mut client = connect();
        client.send_bytes(input);
        client.expect_stream_error_of(conditions);
        bystanders.are_well();
    }
}

const STREAM: &str = "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'";

#[test]
fn before_the_stream() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let open = |attributes: &str| format!("<?xml version='1.0'?><stream:stream {attributes}>");
    let long = open(&format!("{STREAM} to='localhost' version='1.0' x='{}'", "x".repeat(100_000)));
    let endless = format!("<stream:stream {STREAM} to='{}", "x".repeat(1_000_000));
    let cases = [
        case(
            "another protocol",
            "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            &["not-well-formed", "bad-format"],
        ),
        case("no stream", "<message xmlns='jabber:client'/>", &["bad-format", "invalid-namespace"]),
        case(
            "a document type",
            "<?xml version='1.0'?><!DOCTYPE stream [<!ENTITY a 'b'>]>",
            &["restricted-xml"],
        ),
        case("a comment", "<?xml version='1.0'?><!-- hello -->", &["restricted-xml"]),
        case("a processing instruction", "<?php echo 1 ?>", &["restricted-xml"]),
        case(
            "another encoding",
            format!(
                "<?xml version='1.0' encoding='ISO-8859-1'?><stream:stream {STREAM} to='localhost' version='1.0'>"
            ),
            &["unsupported-encoding"],
        ),
        case(
            "another namespace of the stream",
            open("xmlns='jabber:client' xmlns:stream='urn:example:streams' to='localhost' version='1.0'"),
            &["invalid-namespace"],
        ),
        case(
            "another namespace of the content",
            open(
                "xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'",
            ),
            &["invalid-namespace"],
        ),
        case(
            "an undeclared prefix",
            "<stream:stream xmlns='jabber:client' to='localhost' version='1.0'>",
            &["bad-namespace-prefix", "not-well-formed"],
        ),
        case("no version", open(&format!("{STREAM} to='localhost'")), &["unsupported-version"]),
        case("an unknown host", open(&format!("{STREAM} to='example.org' version='1.0'")), &["host-unknown"]),
        case(
            "no address at all",
            open(&format!("{STREAM} to='@' version='1.0'")),
            &["host-unknown", "improper-addressing"],
        ),
        case("a long header", long, &["policy-violation"]),
        case("an endless header", endless, &["policy-violation"]),
    ];
    stream_errors(&server, &cases, || server.connect());
}

#[test]
fn before_the_login() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let message = "<message to='juliet@localhost' type='chat'><body>Boo</body></message>";
    let cases = [
        case("a message", message, &["not-authorized"]),
        case("a presence", "<presence/>", &["not-authorized"]),
        case(
            "binding",
            "<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
            &["not-authorized"],
        ),
        case(
            "an element of no meaning",
            "<spam xmlns='urn:example'/>",
            &["unsupported-stanza-type", "not-authorized"],
        ),
    ];
    stream_errors(&server, &cases, || {
        let mut client = server.connect();
        client.open();
        client
    });
    stream_errors(&server, &cases, || secured(&server));
}

#[test]
fn in_a_session() {
    let server = Server::builder().users(["romeo", "juliet", "tybalt"]).start();
    let to = "to='juliet@localhost' type='chat'";
    let message = |inner: &str| format!("<message {to}>{inner}</message>").into_bytes();
    let bytes =
        |inner: &[u8]| [format!("<message {to}><body>").as_bytes(), inner, b"</body></message>"].concat();
    let nested = format!("{}{}", "<a xmlns='urn:x'>".repeat(200), "</a>".repeat(200));
    let attributes: String = (0..200).map(|n| format!(" a{n}='x'")).collect();
    let large = "x".repeat(400_000);
    let cases = [
        case(
            "another's address",
            "<message from='romeo@localhost/orchard' to='juliet@localhost'><body>I lie</body></message>",
            &["invalid-from"],
        ),
        case("another's resource", "<presence from='tybalt@localhost/elsewhere'/>", &["invalid-from"]),
        case(
            "the server's address",
            "<iq from='localhost' type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>",
            &["invalid-from"],
        ),
        case("tags that do not match", "<message></presence>", &["not-well-formed"]),
        case("an end without a start", "</message>", &["not-well-formed"]),
        case("an unquoted attribute", "<message to=juliet/>", &["not-well-formed"]),
        case(
            "an attribute twice",
            "<message to='juliet@localhost' to='romeo@localhost'/>",
            &["not-well-formed"],
        ),
        case("a bare ampersand", message("<body>a & b</body>"), &["not-well-formed"]),
        case("an entity of its own", message("<body>&lol;</body>"), &["restricted-xml", "not-well-formed"]),
        case("a comment", message("<!-- hello -->"), &["restricted-xml"]),
        case("a comment between stanzas", "<!-- hello -->", &["restricted-xml"]),
        case("a processing instruction", message("<?php echo 1 ?>"), &["restricted-xml"]),
        case("a document type", "<!DOCTYPE x>", &["restricted-xml"]),
        case("an undeclared prefix", message("<x:y/>"), &["bad-namespace-prefix", "not-well-formed"]),
        case(
            "an undeclared prefix of an attribute",
            message("<y x:z='1'/>"),
            &["bad-namespace-prefix", "not-well-formed"],
        ),
        case("bytes that are no UTF-8", bytes(b"\xff\xfe"), &["unsupported-encoding", "not-well-formed"]),
        case("overlong UTF-8", bytes(b"\xc0\xbc"), &["unsupported-encoding", "not-well-formed"]),
        case("a surrogate in UTF-8", bytes(b"\xed\xa0\x80"), &["unsupported-encoding", "not-well-formed"]),
        case("a null", bytes(b"\0"), &["not-well-formed"]),
        case("a control character", bytes(b"\x01"), &["not-well-formed"]),
        case("a control character as a reference", message("<body>&#1;</body>"), &["not-well-formed"]),
        case("a character that is none", message("<body>&#xFFFF;</body>"), &["not-well-formed"]),
        case("a reference to nowhere", message("<body>&#x110000;</body>"), &["not-well-formed"]),
        case("deep nesting", message(&nested), &["policy-violation"]),
        case("many attributes", message(&format!("<x{attributes}/>")), &["policy-violation"]),
        case("a large stanza", message(&format!("<body>{large}</body>")), &["policy-violation"]),
        case("a large attribute", format!("<message to='{large}'/>"), &["policy-violation"]),
        case("a large name", format!("<{large}/>"), &["policy-violation"]),
        case("a stanza that does not end", format!("<message {to}><body>{large}"), &["policy-violation"]),
        case("a tag that does not end", format!("<message {large}"), &["policy-violation"]),
        case("text between stanzas", "hello", &["bad-format", "not-well-formed"]),
        case(
            "a stanza of a server's",
            "<message xmlns='jabber:server'/>",
            &["invalid-namespace", "unsupported-stanza-type"],
        ),
        case("an element of no meaning", "<spam xmlns='urn:example'/>", &["unsupported-stanza-type"]),
        case(
            "another's address on what is wrong anyway",
            "<iq from='localhost' type='get' id='1'/>",
            &["invalid-from"],
        ),
    ];
    stream_errors(&server, &cases, || server.login("tybalt/other"));
}

/// Mistakes that cost the stanza, not the stream.
#[test]
fn stanzas_that_are_refused() {
    let server = Server::builder().users(["romeo", "juliet", "tybalt"]).start();
    let mut bystanders = Bystanders::new(&server);
    let mut client = server.online("tybalt/street");
    let cases = [
        ("<iq type='get' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>", "iq", "bad-request"),
        ("<iq type='nonsense' id='1' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>", "iq", "bad-request"),
        ("<iq id='1' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>", "iq", "bad-request"),
        ("<iq type='get' id='1' to='localhost'/>", "iq", "bad-request"),
        ("<iq type='get' id='1' to='juliet@localhost/balcony'/>", "iq", "bad-request"),
        (
            "<iq type='set' id='1' to='localhost'><a xmlns='urn:x'/><b xmlns='urn:x'/></iq>",
            "iq",
            "bad-request",
        ),
        ("<presence type='nonsense' to='juliet@localhost'/>", "presence", "bad-request"),
        ("<message to='juliet@localhost@localhost'><body>?</body></message>", "message", "jid-malformed"),
        ("<message to='@localhost'><body>?</body></message>", "message", "jid-malformed"),
        ("<message to='juliet@localhost/'><body>?</body></message>", "message", "jid-malformed"),
        ("<message to='jul&lt;iet@localhost'><body>?</body></message>", "message", "jid-malformed"),
        (
            "<iq type='get' id='1' to='a b@localhost'><ping xmlns='urn:xmpp:ping'/></iq>",
            "iq",
            "jid-malformed",
        ),
    ];
    for (xml, name, condition) in cases {
        client.send(xml);
        client.expect(format!(
            "<{name} type='error'><error type='modify'>\
             <{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></{name}>"
        ));
        client.expect_nothing();
        bystanders.are_well();
    }
    // An error is never answered, or two servers would answer each other for ever.
    for xml in [
        "<iq type='error' id='1' to='nobody@localhost'><error type='cancel'/></iq>",
        "<iq type='result' id='1' to='nobody@localhost'/>",
        "<message type='error' to='nobody@localhost'><error type='cancel'/></message>",
        "<presence type='error' to='nobody@localhost'><error type='cancel'/></presence>",
    ] {
        client.send(xml);
        client.expect_nothing();
    }
}

#[test]
fn own_addresses_are_no_lies() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = server.online("romeo/orchard");
    let mut juliet = server.online("juliet/balcony");
    for from in
        ["from='romeo@localhost'", "from='romeo@localhost/orchard'", "from='ROMEO@LocalHost/orchard'", ""]
    {
        romeo.send(format!(
            "<message {from} to='JULIET@LOCALHOST' type='chat'><body>It is I</body></message>"
        ));
        juliet.expect(
            "<message from='romeo@localhost/orchard' to='juliet@localhost' type='chat'><body>It is I</body>\
            </message>",
        );
    }
}

/// A stream after STARTTLS, not logged in.
fn secured(server: &Server) -> Client {
    let mut client = server.connect();
    client.open();
    client.starttls();
    client.open();
    client
}

#[test]
fn sasl_that_makes_no_sense() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut bystanders = Bystanders::new(&server);
    let cases = [
        ("<auth xmlns='NS' mechanism='SCRAM-SHA-256'>!no base64!</auth>", "incorrect-encoding"),
        ("<auth xmlns='NS' mechanism='PLAIN'>AHJvbWVv=AHg=</auth>", "incorrect-encoding"),
        ("<auth xmlns='NS' mechanism='X-NONE'>AHJvbWVvAHg=</auth>", "invalid-mechanism"),
        ("<auth xmlns='NS'>AHJvbWVvAHg=</auth>", "invalid-mechanism"),
        ("<auth xmlns='NS' mechanism='SCRAM-SHA-256'>aGVsbG8=</auth>", "malformed-request"),
        ("<auth xmlns='NS' mechanism='PLAIN'>aGVsbG8=</auth>", "malformed-request"),
        // "\0romeo\0wrong"
        ("<auth xmlns='NS' mechanism='PLAIN'>AHJvbWVvAHdyb25n</auth>", "not-authorized"),
    ];
    for (xml, condition) in cases {
        let mut client = secured(&server);
        client.send(xml.replace("NS", "urn:ietf:params:xml:ns:xmpp-sasl"));
        client.expect(format!("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><{condition}/></failure>"));
        bystanders.are_well();
        // The stream goes on (RFC 6120, section 6.4.5).
        client
            .authenticate(&mut Scram::new(Mechanism::Sha256, "romeo", &password("romeo")))
            .expect("a login");
    }
    let mut client = secured(&server);
    let mut scram = Scram::new(Mechanism::Sha256, "romeo", &password("romeo"));
    client.scram_challenge(&mut scram);
    client.send("<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    client.expect("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><aborted/></failure>");
    client.authenticate(&mut Scram::new(Mechanism::Sha256, "romeo", &password("romeo"))).expect("a login");
}

/// Each change to an honest exchange makes the login fail.
#[test]
fn tampering_with_scram() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut bystanders = Bystanders::new(&server);
    let good = || Scram::new(Mechanism::Sha256, "romeo", &password("romeo"));
    let refused = |client: &mut Client, scram: &mut Scram, conditions: &[&str]| {
        let failure = client.authenticate(scram).expect_err("a forged login");
        assert!(conditions.iter().any(|name| failure.child(name).is_some()), "{failure}, not {conditions:?}");
    };

    let mut client = secured(&server);
    refused(&mut client, &mut Scram::new(Mechanism::Sha256, "romeo", "wrong"), &["not-authorized"]);
    refused(&mut client, &mut Scram::new(Mechanism::Sha1, "nobody", "wrong"), &["not-authorized"]);
    bystanders.are_well();

    // To act as somebody else.
    let mut client = secured(&server);
    let mut scram = good();
    scram.gs2 = "n,a=juliet@localhost,".into();
    refused(&mut client, &mut scram, &["invalid-authzid", "not-authorized"]);

    // Somebody in between has hidden the -PLUS mechanisms from a client that can bind.
    let mut client = secured(&server);
    let mut scram = good();
    scram.gs2 = "y,,".into();
    refused(&mut client, &mut scram, &["not-authorized"]);

    // Somebody in between has another channel.
    let mut client = secured(&server);
    let mut scram =
        Scram::new(Mechanism::Sha256Plus, "romeo", &password("romeo")).bind("tls-exporter", vec![7; 32]);
    refused(&mut client, &mut scram, &["not-authorized"]);
    let mut scram =
        Scram::new(Mechanism::Sha256Plus, "romeo", &password("romeo")).bind("tls-unknown", vec![7; 32]);
    refused(&mut client, &mut scram, &["not-authorized", "malformed-request"]);
    bystanders.are_well();

    // The last message changed on its way.
    type Change = fn(&str) -> String;
    let changes: [(&str, Change); 5] = [
        ("another nonce", |text| text.replace(",r=", ",r=x")),
        ("another binding", |text| text.replace("c=biws", "c=eSws")),
        ("another proof", |text| {
            text.split(",p=").next().unwrap_or_default().to_owned()
                + ",p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
        }),
        ("a proof that is short", |text| text.split(",p=").next().unwrap_or_default().to_owned() + ",p=AAAA"),
        ("no proof", |text| text.split(",p=").next().unwrap_or_default().to_owned()),
    ];
    for (what, change) in changes {
        let mut client = secured(&server);
        let mut scram = good();
        let challenge = client.scram_challenge(&mut scram);
        client.sasl_response(&change(&scram.client_final(&challenge)));
        let failure = client.sasl_step("success").expect_err(what);
        let known = ["not-authorized", "malformed-request"].iter().any(|name| failure.child(name).is_some());
        assert!(known, "{what}: {failure}");
        bystanders.are_well();
    }
}

/// Whether an account exists cannot be learnt from the challenge (RFC 5802, section 5.1).
#[test]
fn unknown_users_are_challenged_alike() {
    let server = Server::builder().users(["romeo"]).start();
    let salt_and_count = |user: &str| {
        let mut client = secured(&server);
        let challenge = client.scram_challenge(&mut Scram::new(Mechanism::Sha256, user, "wrong"));
        let (_, rest) = challenge.split_once(",s=").expect("a salt");
        let (salt, count) = rest.split_once(",i=").expect("an iteration count");
        (salt.to_owned(), count.to_owned())
    };
    let (known, unknown) = (salt_and_count("romeo"), salt_and_count("nobody"));
    assert_eq!(known.1, unknown.1, "the same number of iterations");
    assert_eq!(known.0.len(), unknown.0.len(), "a salt of the same length");
    assert_eq!(unknown, salt_and_count("nobody"), "the same salt each time");
    assert_ne!(unknown.0, salt_and_count("nobody2").0, "another user, another salt");
}

#[test]
fn guessing_passwords_ends_the_stream() {
    let server =
        Server::builder().users(["romeo", "juliet"]).settings("limits { 'login-attempts' = 3 }").start();
    let mut bystanders = Bystanders::new(&server);
    let mut client = secured(&server);
    for _ in 0..3 {
        let result = client.authenticate(&mut Scram::new(Mechanism::Sha1, "romeo", "guess"));
        assert!(result.is_err());
    }
    client.expect_stream_error("policy-violation");
    bystanders.are_well();
}

#[test]
fn no_login_without_tls_where_it_is_required() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    for mechanism in ["PLAIN", "SCRAM-SHA-256"] {
        let mut client = server.connect();
        client.open();
        client.send(format!(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='{mechanism}'>biwsbj1yb21lbyxyPXg=</auth>"
        ));
        client.expect("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><encryption-required/></failure>");
    }
    Bystanders::new(&server).are_well();
}

/// What somebody in between writes after `<starttls/>`, in the hope that it will count as said inside TLS,
/// does not.
#[test]
fn plaintext_injected_before_tls() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut bystanders = Bystanders::new(&server);
    let starttls = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
    let plain = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AHJvbWVvAHdyb25n</auth>";
    for injected in [plain.to_owned(), server.connect().header(), " ".to_owned(), "<auth".to_owned()] {
        let mut client = server.connect();
        client.open();
        client.send(format!("{starttls}{injected}"));
        // Either the connection ends, or it begins anew without a trace of what was injected.
        if client.try_starttls() {
            let features = client.open();
            assert!(features.child("mechanisms").is_some(), "{features}");
            client.expect_nothing_before_login();
        }
        bystanders.are_well();
    }
}

#[test]
fn tls_that_is_none() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut bystanders = Bystanders::new(&server);
    let mut client = server.connect();
    client.open();
    client.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    client.expect("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    client.send_bytes(&[0x41; 1000]);
    client.expect_end_of_bytes();
    let mut client = Client::connect(server.tls_addr(), "localhost");
    client.send(client.header());
    client.expect_end_of_bytes();
    bystanders.are_well();
}
