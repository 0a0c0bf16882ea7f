//! Opening, securing, authenticating, binding and closing streams (RFC 6120, sections 4 to 7).

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use waxwing_tests::{Client, DOMAIN, Incoming, Mechanism, Node, Scram, Server, password};

/// The SASL mechanisms that features offer.
fn mechanisms(features: &Node) -> Vec<&str> {
    let list = features.child("mechanisms");
    list.map(|list| list.children.iter().map(|child| child.text.as_str()).collect()).unwrap_or_default()
}

/// A connection with TLS and a fresh stream on it.
fn secured(server: &Server) -> (Client, Node) {
    let mut client = server.connect();
    client.open();
    client.starttls();
    let features = client.open();
    (client, features)
}

#[test]
fn the_header_is_answered() {
    let server = Server::builder().start();
    let mut client = server.connect();
    client.send(client.header());
    let Incoming::Open(first) = client.read() else { panic!("no header") };
    assert_eq!(first.attr("from"), Some(DOMAIN));
    assert_eq!(first.attr("version"), Some("1.0"));
    let first_id = first.attr("id").expect("a stream id").to_owned();
    client.expect("<stream:features/>");

    let mut other = server.connect();
    other.send(other.header());
    let Incoming::Open(second) = other.read() else { panic!("no header") };
    assert_ne!(second.attr("id"), Some(first_id.as_str()), "ids are unique");
}

#[test]
fn features_come_in_order() {
    let server = Server::builder().users(["romeo"]).start();
    let mut client = server.connect();
    let features = client.open();
    assert!(features.matches(
        "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>\
        </stream:features>"
    ));
    assert!(mechanisms(&features).is_empty(), "no SASL before the TLS that is required");

    client.starttls();
    let features = client.open();
    assert!(features.child("starttls").is_none(), "TLS is there already");
    assert!(features.child("bind").is_none(), "nothing can be bound before the login");
    let offered = mechanisms(&features);
    for mechanism in Mechanism::ALL {
        assert!(offered.contains(&mechanism.name()), "{} is missing from {offered:?}", mechanism.name());
    }
    assert!(offered.contains(&"PLAIN"));

    client.authenticate(&mut Scram::new(Mechanism::Sha256, "romeo", &password("romeo"))).expect("a login");
    let features = client.open();
    assert!(features.child_ns("bind", "urn:ietf:params:xml:ns:xmpp-bind").is_some());
    assert!(features.child_ns("ver", "urn:xmpp:features:rosterver").is_some());
    assert!(features.child_ns("sub", "urn:xmpp:features:pre-approval").is_some());
    assert!(features.matches(
        "<stream:features><session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session>\
         </stream:features>"
    ));
    assert!(mechanisms(&features).is_empty(), "one login is enough");
}

#[test]
fn without_required_tls_everything_but_plain_is_offered() {
    let server = Server::builder().users(["romeo"]).tls_optional().start();
    let mut client = server.connect();
    let features = client.open();
    assert!(
        features.matches(
            "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"
        )
    );
    assert!(features.child("starttls").is_some_and(|starttls| starttls.child("required").is_none()));
    let offered = mechanisms(&features);
    assert!(offered.contains(&"SCRAM-SHA-256") && offered.contains(&"SCRAM-SHA-1"), "{offered:?}");
    assert!(!offered.iter().any(|name| *name == "PLAIN" || name.ends_with("-PLUS")), "{offered:?}");
    client.authenticate(&mut Scram::new(Mechanism::Sha1, "romeo", &password("romeo"))).expect("a login");
    client.open();
    client.bind(Some("balcony"));
    assert_eq!(client.jid, "romeo@localhost/balcony");
}

#[test]
fn tls_from_the_first_byte() {
    let server = Server::builder().users(["romeo"]).start();
    let mut client = Client::connect_tls(server.tls_addr(), DOMAIN);
    let features = client.open();
    assert!(features.child("starttls").is_none());
    client.authenticate(&mut Scram::new(Mechanism::Sha256, "romeo", &password("romeo"))).expect("a login");
    client.open();
    client.bind(None);
    assert!(client.jid.starts_with("romeo@localhost/"));
}

#[test]
fn every_scram_mechanism_logs_in() {
    let server = Server::builder().users(["romeo"]).start();
    for mechanism in Mechanism::ALL {
        let (mut client, _) = secured(&server);
        let mut scram = Scram::new(mechanism, "romeo", &password("romeo"));
        if mechanism.is_plus() {
            scram = scram.bind("tls-exporter", client.transport().exporter().expect("keying material"));
        }
        client.authenticate(&mut scram).unwrap_or_else(|failure| panic!("{mechanism:?}: {failure}"));
        assert!(client.open().child("bind").is_some());
    }
}

#[test]
fn the_certificate_binds_the_channel_too() {
    let server = Server::builder().users(["romeo"]).start();
    let mut client = server.connect();
    client.open();
    client.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    client.expect("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    client.secure_tls12().expect("TLS 1.2");
    client.open();
    let hash = client.transport().certificate_hash().expect("a certificate");
    let mut scram =
        Scram::new(Mechanism::Sha256Plus, "romeo", &password("romeo")).bind("tls-server-end-point", hash);
    client.authenticate(&mut scram).expect("a login");
}

#[test]
fn plain_logs_in_under_tls() {
    let server = Server::builder().users(["romeo"]).start();
    let (mut client, _) = secured(&server);
    let response = BASE64.encode(format!("\0romeo\0{}", password("romeo")));
    client
        .send(format!("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{response}</auth>"));
    client.expect("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    client.open();
    client.bind(None);
}

#[test]
fn a_failed_login_may_be_tried_again() {
    let server = Server::builder().users(["romeo"]).start();
    let (mut client, _) = secured(&server);
    let failure = client
        .authenticate(&mut Scram::new(Mechanism::Sha256, "romeo", "wrong"))
        .expect_err("a login with a wrong password");
    assert!(failure.child("not-authorized").is_some(), "{failure}");
    client.authenticate(&mut Scram::new(Mechanism::Sha256, "romeo", &password("romeo"))).expect("a login");
}

#[test]
fn the_last_to_bind_a_resource_keeps_it() {
    let server = Server::builder().users(["romeo"]).start();
    let mut first = server.online("romeo/orchard");
    let mut second = server.login("romeo/orchard");
    assert_eq!(second.jid, "romeo@localhost/orchard");
    first.expect_stream_error("conflict");
    second.available();
    second.expect_nothing();
}

#[test]
fn the_server_chooses_resources_that_differ() {
    let server = Server::builder().users(["romeo"]).start();
    let (first, second) = (server.login("romeo"), server.login("romeo"));
    assert!(first.jid.starts_with("romeo@localhost/") && first.jid.len() > "romeo@localhost/".len());
    assert_ne!(first.jid, second.jid);
}

#[test]
fn a_resource_that_is_none_is_refused() {
    let server = Server::builder().users(["romeo"]).start();
    let (mut client, _) = secured(&server);
    client.authenticate(&mut Scram::new(Mechanism::Sha256, "romeo", &password("romeo"))).expect("a login");
    client.open();
    let long = "x".repeat(1024);
    client.send(format!(
        "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>{long}</resource>\
        </bind></iq>"
    ));
    client.expect(
        "<iq type='error' id='b'><error type='modify'>\
         <bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
    );
    client.bind(Some("orchard"));
}

#[test]
fn the_old_session_request_is_granted() {
    let server = Server::builder().users(["romeo"]).start();
    let mut client = server.login("romeo");
    client.send("<iq type='set' id='s'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>");
    client.expect("<iq type='result' id='s'/>");
}

#[test]
fn whitespace_keeps_the_connection_alive() {
    let server = Server::builder().users(["romeo"]).start();
    let mut client = server.login("romeo");
    client.send(" \n\t ");
    client.expect_nothing();
    client.send("\n");
    client.expect_nothing();
}

#[test]
fn closing_is_answered_by_closing() {
    let server = Server::builder().users(["romeo"]).start();
    let mut before_login = server.connect();
    before_login.open();
    before_login.send("</stream:stream>");
    before_login.expect_closed();
    let mut client = server.login("romeo");
    client.send("</stream:stream>");
    client.expect_closed();
}

#[test]
fn what_was_sent_before_closing_is_handled() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut juliet = server.online("juliet/balcony");
    let mut romeo = server.online("romeo/orchard");
    romeo.send("<message to='juliet@localhost' type='chat'><body>Farewell</body></message></stream:stream>");
    romeo.expect_closed();
    juliet.expect("<message from='romeo@localhost/orchard' type='chat'><body>Farewell</body></message>");
}

#[test]
fn stanzas_may_arrive_in_any_pieces() {
    let server = Server::builder().users(["romeo"]).start();
    let mut romeo = server.online("romeo/orchard");
    let text = "<message to='romeo@localhost/orchard' id='1'><body>\u{2665} &amp; &#x2665; <![CDATA[<&>]]>\
        </body></message>";
    for byte in text.as_bytes() {
        romeo.send_bytes(&[*byte]);
    }
    romeo.expect(
        "<message from='romeo@localhost/orchard' id='1'>\
        <body>\u{2665} &amp; \u{2665} &lt;&amp;&gt;</body></message>",
    );
    romeo.send(text.repeat(3));
    for _ in 0..3 {
        romeo.expect("<message id='1'/>");
    }
}
