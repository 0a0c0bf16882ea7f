//! Stream headers, features, STARTTLS.

use super::*;

#[tokio::test]
async fn header_and_features() {
    let world = World::new().await;
    let mut peer = world.connect();
    let said = peer.open("localhost").await;
    assert!(said.starts_with("<?xml version='1.0'?><stream:stream xmlns='jabber:client'"), "{said}");
    for part in
        [" from='localhost'", " version='1.0'", " id='", "<starttls ", "<mechanism>SCRAM-SHA-256</mechanism>"]
    {
        assert!(said.contains(part), "{part} in {said}");
    }
    for part in ["PLAIN", "PLUS", "<required/>", "bind"] {
        assert!(!said.contains(part), "{part} in {said}");
    }
    peer.send("</stream:stream>").await;
    assert_eq!(peer.rest().await, "</stream:stream>");
    peer.task.await.unwrap();
}

#[tokio::test]
async fn the_header_is_answered_before_its_error() {
    let world = World::new().await;
    let stream = "xmlns:stream='http://etherx.jabber.org/streams'";
    for (header, condition) in [
        (HEADER.replace("localhost", "nowhere.example"), "host-unknown"),
        (HEADER.replace("localhost", "juliet@localhost"), "host-unknown"),
        (HEADER.replace("localhost", "@"), "improper-addressing"),
        (HEADER.replace(" to='localhost'", ""), "improper-addressing"),
        (HEADER.replace(" version='1.0' xmlns", " xmlns"), "unsupported-version"),
        (HEADER.replace(" version='1.0' xmlns", " version='0.9' xmlns"), "unsupported-version"),
        (HEADER.replace("etherx", "example"), "invalid-namespace"),
        (HEADER.replace("jabber:client", "jabber:server"), "invalid-namespace"),
        (HEADER.replace("jabber:client", "jabber:unknown"), "invalid-namespace"),
        (
            HEADER.replace("<?xml version='1.0'?>", "<?xml version='1.0' encoding='latin1'?>"),
            "unsupported-encoding",
        ),
        (format!("<stream {stream} to='localhost' version='1.0'>"), "invalid-namespace"),
        (format!("<stream:strum {stream} to='localhost' version='1.0'>"), "bad-format"),
        ("<!DOCTYPE x>".to_owned(), "restricted-xml"),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), "not-well-formed"),
    ] {
        let mut peer = world.connect();
        peer.send(&header).await;
        let before = peer.expect_error(condition).await;
        assert!(before.starts_with("<?xml version='1.0'?><stream:stream "), "{before}");
        drop(peer.io);
        peer.task.await.unwrap();
    }
}

#[tokio::test]
async fn tls_comes_first_where_it_is_required() {
    let world = World::new().await;
    let mut peer = world.connect();
    let said = peer.open("tls.example").await;
    assert!(said.contains("<required/>") && !said.contains("mechanism"), "{said}");
    let refused = peer.plain("juliet", PASSWORD).await;
    assert!(refused.contains("<encryption-required/>"), "{refused}");
    peer.send("<iq type='get' id='1'><query xmlns='jabber:iq:register'/></iq>").await;
    peer.expect_error("not-authorized").await;
}

#[tokio::test]
async fn starttls_and_everything_after_it() {
    let world = World::new().await;
    let mut peer = world.connect();
    peer.open("tls.example").await;
    let mut peer = peer.start_tls("tls.example", &[]).await;
    let said = peer.open("tls.example").await;
    for part in ["PLAIN", "SCRAM-SHA-256-PLUS", "type='tls-exporter'", "type='tls-server-end-point'"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(!said.contains("starttls"), "{said}");
    let success = peer.plain("juliet", PASSWORD).await;
    assert_eq!(success, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'></success>");
    let said = peer.open("tls.example").await;
    for part in ["<bind ", "<session ", "<optional/>"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(!said.contains("mechanism"), "{said}");
    peer.send("<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>").await;
    let bound = peer.expect("</iq>").await;
    assert!(bound.contains("<jid>juliet@tls.example/"), "{bound}");
    peer.send("</stream:stream>").await;
    assert_eq!(peer.rest().await, "</stream:stream>");
    drop(peer.io);
    peer.task.await.unwrap();
}

#[tokio::test]
async fn starttls_twice() {
    let world = World::new().await;
    let mut peer = world.connect();
    peer.open("localhost").await;
    let mut peer = peer.start_tls("localhost", &[]).await;
    peer.open("localhost").await;
    peer.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").await;
    assert_eq!(peer.rest().await, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>");
}

#[tokio::test]
async fn plaintext_injected_around_starttls() {
    let world = World::new().await;
    for injected in ["<auth", "<iq type='get' id='1'/>", HEADER, "</stream:stream>"] {
        let mut peer = world.connect();
        peer.open("localhost").await;
        peer.send(&format!("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>{injected}")).await;
        assert_eq!(peer.rest().await, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>");
    }
    // What comes after the answer is no handshake.
    let mut peer = world.connect();
    peer.open("localhost").await;
    peer.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>\n").await;
    peer.expect("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").await;
    peer.send(HEADER).await;
    let mut rest = Vec::new();
    peer.io.read_to_end(&mut rest).await.unwrap();
    assert!(!rest.windows(7).any(|bytes| bytes == b"stream:"));
    peer.task.await.unwrap();
}

/// Some clients end lines, and what they write may come in parts.
#[tokio::test]
async fn white_space_wherever_a_stream_may_begin() {
    let world = World::new().await;
    let mut peer = world.connect();
    peer.send(" \n").await;
    peer.open("tls.example").await;
    peer.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").await;
    peer.expect("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").await;
    peer.send("\n").await;
    peer.send("\r\n").await;
    let mut peer = peer.handshake("tls.example", &[]).await.unwrap();
    peer.send("\n").await;
    peer.open("tls.example").await;
    let initial = encode(format!("\0juliet\0{PASSWORD}").as_bytes());
    peer.send(&format!(
        "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{initial}</auth>\n"
    ))
    .await;
    peer.expect("</success>").await;
    peer.send("\t\n").await;
    peer.open("tls.example").await;
    peer.send("\n<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>\n").await;
    peer.expect("<jid>juliet@tls.example/").await;
}

#[tokio::test]
async fn direct_tls() {
    let world = World::new().await;
    let (xmpp, http): (&[u8], &[u8]) = (b"xmpp-client", b"http/1.1");
    for alpn in [&[][..], &[xmpp], &[http, xmpp]] {
        let peer = world.connect_with(TlsStart::Direct, 4096);
        let mut peer = peer.handshake("tls.example", alpn).await.unwrap();
        let expected = alpn.last().copied();
        assert_eq!(peer.io.get_ref().1.alpn_protocol(), expected);
        let said = peer.open("tls.example").await;
        assert!(said.contains("PLAIN") && !said.contains("starttls"), "{said}");
    }
    let peer = world.connect_with(TlsStart::Direct, 4096);
    assert!(peer.handshake("tls.example", &[http]).await.is_err());
}

#[tokio::test]
async fn certificate_by_server_name_or_stream() {
    let world = World::new().await;
    let end_point = |domain: &str| world.shared.certificates.find([domain]).unwrap();
    for (server_name, to, expected) in [
        ("tls.example", "localhost", "tls.example"),
        ("other.example", "tls.example", "tls.example"),
        ("192.0.2.1", "tls.example", "tls.example"),
        ("192.0.2.1", "localhost", "localhost"),
    ] {
        let mut peer = world.connect();
        peer.open(to).await;
        let peer = peer.start_tls(server_name, &[]).await;
        let presented = peer.io.get_ref().1.peer_certificates().unwrap()[0].to_vec();
        let hash = digest::digest(&digest::SHA256, &presented);
        assert_eq!(end_point(expected).end_point(), Some(hash.as_ref()), "{server_name} {to}");
    }
}

#[tokio::test]
async fn tls_1_2_has_no_exporter() {
    let world = World::new().await;
    let peer = world.connect_with(TlsStart::Direct, 4096);
    let mut peer = peer.handshake_with("localhost", &[], &[&rustls::version::TLS12]).await.unwrap();
    let said = peer.open("localhost").await;
    assert!(said.contains("SCRAM-SHA-256-PLUS") && said.contains("tls-server-end-point"), "{said}");
    assert!(!said.contains("tls-exporter"), "{said}");
}

#[tokio::test]
async fn a_stream_error_of_the_client_ends_the_stream() {
    let world = World::new().await;
    let error =
        "<stream:error><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>";
    let mut peer = world.connect();
    peer.open("localhost").await;
    peer.send(error).await;
    assert_eq!(peer.rest().await, "</stream:stream>");
    let mut peer = world.session("juliet", "balcony").await;
    peer.send(error).await;
    assert_eq!(peer.rest().await, "</stream:stream>");
}
