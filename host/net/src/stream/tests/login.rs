//! SASL and resource binding.

use super::*;
use waxwing_storage::{Batch, Write};

fn assert_refused(said: &str, condition: &str) {
    assert!(said.starts_with("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"), "{said}");
    assert!(said.contains(&format!("<{condition}/>")), "not {condition}: {said}");
}

#[tokio::test]
async fn channel_binding() {
    let world = World::new().await;
    let certificate = world.shared.certificates.find(["localhost"]).unwrap();
    let end_point = certificate.end_point().unwrap().to_vec();
    for kind in ["tls-exporter", "tls-server-end-point"] {
        for right in [true, false] {
            let mut peer = world.connect();
            peer.open("localhost").await;
            let mut peer = peer.start_tls("localhost", &[]).await;
            peer.open("localhost").await;
            let connection = peer.io.get_ref().1;
            let mut binding = match kind {
                "tls-exporter" => connection
                    .export_keying_material(vec![0; 32], b"EXPORTER-Channel-Binding", Some(&[]))
                    .unwrap(),
                _ => end_point.clone(),
            };
            if !right {
                binding[0] ^= 1;
            }
            let said =
                peer.scram("SCRAM-SHA-256-PLUS", &format!("p={kind},,"), &binding, "juliet", PASSWORD).await;
            match right {
                true => assert!(said.starts_with("<success"), "{said}"),
                false => assert_refused(&said, "not-authorized"),
            }
        }
    }
}

#[tokio::test]
async fn a_client_that_was_told_of_no_channel_binding() {
    let world = World::new().await;
    let mut peer = world.connect();
    peer.open("localhost").await;
    let mut peer = peer.start_tls("localhost", &[]).await;
    peer.open("localhost").await;
    assert_refused(&peer.scram("SCRAM-SHA-256", "y,,", b"", "juliet", PASSWORD).await, "not-authorized");
    let said = peer.scram("SCRAM-SHA-256", "n,,", b"", "juliet", PASSWORD).await;
    assert!(said.starts_with("<success"), "{said}");
}

#[tokio::test]
async fn wrong_ways_in() {
    let world = World::new().await;
    let mut peer = world.connect();
    peer.open("localhost").await;
    for (mechanism, initial, condition) in [
        ("SCRAM-SHA-256", "%%%", "incorrect-encoding"),
        ("SCRAM-SHA-256", "biw", "incorrect-encoding"),
        ("EXTERNAL", "", "invalid-mechanism"),
        ("SCRAM-SHA-256-PLUS", "biws", "invalid-mechanism"),
        ("PLAIN", "AGEAYQ==", "encryption-required"),
    ] {
        let mut peer = world.connect();
        peer.open("localhost").await;
        peer.auth(mechanism, initial).await;
        assert_refused(&peer.expect("</failure>").await, condition);
    }
    peer.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>").await;
    assert_refused(&peer.expect("</failure>").await, "invalid-mechanism");
    peer.send("<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>").await;
    assert_refused(&peer.expect("</failure>").await, "malformed-request");
    // An empty beginning is answered by an empty challenge.
    peer.auth("SCRAM-SHA-256", "").await;
    peer.expect("<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'></challenge>").await;
    peer.send("<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>").await;
    assert_refused(&peer.expect("</failure>").await, "aborted");
}

#[tokio::test]
async fn nobody_learns_who_has_an_account() {
    let world = World::new().await;
    let mut answers = Vec::new();
    for user in ["juliet", "nobody"] {
        let mut peer = world.connect();
        peer.open("localhost").await;
        answers.push(peer.scram("SCRAM-SHA-256", "n,,", b"", user, "wrong").await);
    }
    assert_refused(&answers[0], "not-authorized");
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn acting_as_somebody_else() {
    let world = World::new().await;
    let mut peer = world.connect();
    peer.open("localhost").await;
    let said = peer.scram("SCRAM-SHA-256", "n,a=romeo@localhost,", b"", "juliet", PASSWORD).await;
    assert_refused(&said, "invalid-authzid");
    let said = peer.scram("SCRAM-SHA-256", "n,a=juliet@localhost,", b"", "juliet", PASSWORD).await;
    assert!(said.starts_with("<success"), "{said}");
}

#[tokio::test]
async fn passwords_under_tls() {
    let world = World::new().await;
    let mut peer = world.connect();
    peer.open("localhost").await;
    let mut peer = peer.start_tls("localhost", &[]).await;
    peer.open("localhost").await;
    assert_refused(&peer.plain("juliet", "wrong").await, "not-authorized");
    assert_refused(&peer.plain("nobody", PASSWORD).await, "not-authorized");
    assert_refused(&peer.plain("juliet@localhost", PASSWORD).await, "not-authorized");
    assert!(peer.plain("Juliet", PASSWORD).await.starts_with("<success"));
}

#[tokio::test]
async fn stanzas_before_login_and_before_binding() {
    let world = World::new().await;
    let early = [
        "<message to='romeo@localhost'><body>hi</body></message>",
        "<presence/>",
        "<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>",
        "<r xmlns='urn:xmpp:sm:3'/>",
    ];
    for stanza in early {
        let mut peer = world.connect();
        peer.open("localhost").await;
        peer.send(stanza).await;
        peer.expect_error("not-authorized").await;
    }
    for stanza in early {
        let mut peer = world.connect();
        peer.log_in("juliet", "localhost").await;
        peer.send(stanza).await;
        peer.expect_error("not-authorized").await;
    }
    // In the middle of an exchange.
    let mut peer = world.connect();
    peer.open("localhost").await;
    peer.auth("SCRAM-SHA-256", "").await;
    peer.expect("</challenge>").await;
    peer.send(early[0]).await;
    peer.expect_error("not-authorized").await;
}

#[tokio::test]
async fn stream_management_before_login_is_refused_and_no_more() {
    let world = World::new().await;
    let mut peer = world.connect();
    peer.open("localhost").await;
    for early in ["<enable xmlns='urn:xmpp:sm:3'/>", "<resume xmlns='urn:xmpp:sm:3' previd='x' h='0'/>"] {
        peer.send(early).await;
        let failed = peer.expect("</failed>").await;
        assert!(failed.starts_with("<failed xmlns='urn:xmpp:sm:3'><unexpected-request "), "{failed}");
    }
    assert!(peer.scram("SCRAM-SHA-256", "n,,", b"", "juliet", PASSWORD).await.starts_with("<success"));
}

#[tokio::test]
async fn the_stream_after_login_is_to_the_same_host() {
    let world = World::new().await;
    let mut peer = world.connect();
    peer.open("localhost").await;
    peer.scram("SCRAM-SHA-256", "n,,", b"", "juliet", PASSWORD).await;
    peer.send(&HEADER.replace("localhost", "tls.example")).await;
    peer.expect_error("host-unknown").await;
}

#[tokio::test]
async fn resources() {
    let world = World::new().await;
    let mut peer = world.connect();
    peer.log_in("juliet", "localhost").await;
    let bind = |resource: &str| {
        format!("<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>{resource}</bind></iq>")
    };
    peer.send(&bind(&format!("<resource>{}</resource>", "x".repeat(1024)))).await;
    let refused = peer.expect("</iq>").await;
    assert!(refused.contains("type='error'") && refused.contains("<bad-request "), "{refused}");
    peer.send(&bind("").replace(" id='1'", "")).await;
    let refused = peer.expect("</iq>").await;
    assert!(refused.contains("type='error'") && refused.contains("<bad-request "), "{refused}");
    peer.send(&bind("<resource>bal&amp;cony</resource>")).await;
    let bound = peer.expect("</iq>").await;
    assert!(bound.contains("<jid>juliet@localhost/bal&amp;cony</jid>"), "{bound}");
    assert!(bound.contains("type='result'") && bound.contains("id='1'"), "{bound}");

    let mut other = world.connect();
    other.log_in("juliet", "localhost").await;
    other.send(&bind("")).await;
    let bound = other.expect("</iq>").await;
    assert!(bound.contains("<jid>juliet@localhost/"), "{bound}");
}

#[tokio::test]
async fn the_newer_of_two_with_the_same_resource_stays() {
    let world = World::new().await;
    let mut old = world.session("juliet", "balcony").await;
    let mut new = world.session("juliet", "balcony").await;
    old.expect_error("conflict").await;
    new.send("<iq type='set' id='s'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>").await;
    let answer = new.expect("/>").await;
    assert!(answer.contains("type='result'") && answer.contains("id='s'"), "{answer}");
}

#[tokio::test]
async fn an_account_with_keys_of_one_mechanism() {
    let world = World::new().await;
    let jid = Jid::parse("juliet@localhost").unwrap();
    let storage = &world.storage;
    let sha1 = storage.account(&jid).await.unwrap().unwrap().sha1;
    let write = Write::SetKeys { jid, sha1, sha256: None };
    storage.commit(Batch::one(write)).await.unwrap();
    let scram = async || {
        let mut peer = world.connect();
        peer.open("localhost").await;
        peer.scram("SCRAM-SHA-256", "n,,", b"", "juliet", PASSWORD).await
    };
    assert_refused(&scram().await, "not-authorized");
    let mut peer = world.connect();
    peer.open("localhost").await;
    let mut peer = peer.start_tls("localhost", &[]).await;
    peer.open("localhost").await;
    assert_refused(&peer.plain("juliet", "wrong").await, "not-authorized");
    assert!(peer.plain("juliet", PASSWORD).await.starts_with("<success"));
    // Whoever has shown the password may use every mechanism.
    assert!(scram().await.starts_with("<success"));
}
