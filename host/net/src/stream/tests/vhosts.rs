//! What virtual hosts set for themselves: mechanisms, ports, anonymous logins, certificates of clients.

use super::*;
use crate::certificates::Store;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

const BIND: &str = "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>";

impl World {
    /// Change settings of a virtual host, by key.
    async fn change(&self, domain: &str, changes: &[(&str, &str)]) {
        let changes: Vec<_> = changes.iter().map(|(key, text)| ((*key).into(), (*text).into())).collect();
        self.shared.server.change_vhost(domain, &changes).await.unwrap();
    }

    /// Have the server tell the certificates of its virtual hosts.
    fn keep_certificates(&self) {
        let Shared { certificates, settings, server, .. } = &*self.shared;
        let store = Store::new(certificates.clone(), settings.clone(), server);
        server.install_certificates(Arc::new(store));
    }
}

#[tokio::test]
async fn only_listed_mechanisms() {
    let world = World::new().await;
    world.change("localhost", &[("sasl-mechanisms", "SCRAM-SHA-1")]).await;
    let mut peer = world.connect();
    let said = peer.open("localhost").await;
    assert!(said.contains("<mechanism>SCRAM-SHA-1</mechanism></mechanisms>"), "{said}");
    for mechanism in ["SCRAM-SHA-256", "PLAIN", "ANONYMOUS"] {
        peer.auth(mechanism, "biws").await;
        let refused = peer.expect("</failure>").await;
        assert!(refused.contains("<invalid-mechanism/>"), "{mechanism}: {refused}");
    }
}

/// A client that could bind its login to the channel is told of nothing to bind to, and says so.
#[tokio::test]
async fn no_channel_binding_without_a_mechanism_for_it() {
    let world = World::new().await;
    world.change("localhost", &[("sasl-mechanisms", "SCRAM-SHA-256")]).await;
    let mut peer = world.connect();
    peer.open("localhost").await;
    let mut peer = peer.start_tls("localhost", &[]).await;
    let said = peer.open("localhost").await;
    assert!(!said.contains("PLUS") && !said.contains("channel-binding"), "{said}");
    let said = peer.scram("SCRAM-SHA-256", "y,,", b"", "juliet", PASSWORD).await;
    assert!(said.starts_with("<success"), "{said}");
}

#[tokio::test]
async fn only_listed_ports() {
    let world = World::new().await;
    world.change("localhost", &[("c2s-ports", "443, 5223")]).await;
    let mut peer = world.connect();
    peer.send(HEADER).await;
    let before = peer.expect_error("policy-violation").await;
    assert!(before.contains("from='localhost'"), "{before}");
    world.connect().open("tls.example").await;
    world.change("localhost", &[("c2s-ports", "443, 5222")]).await;
    world.connect().open("localhost").await;
}

#[tokio::test]
async fn a_domain_that_is_switched_off_during_a_login() {
    let world = World::new().await;
    let mut early = world.connect();
    early.open("localhost").await;
    let mut late = world.connect();
    late.log_in("juliet", "localhost").await;
    world.change("localhost", &[("enabled", "false")]).await;
    late.send(BIND).await;
    let said = late.expect("</iq>").await;
    assert!(said.contains("type='error'") && said.contains("<not-allowed "), "{said}");
    let said = early.scram("SCRAM-SHA-256", "n,,", b"", "juliet", PASSWORD).await;
    assert!(said.starts_with("<success"), "{said}");
    early.send(HEADER).await;
    early.expect_error("host-gone").await;
    assert_eq!(world.shared.server.session_count(), 0);
}

#[tokio::test]
async fn anybody_logs_in_where_that_is_allowed() {
    let world = World::new().await;
    world.change("localhost", &[("anonymous", "true")]).await;
    world.change("tls.example", &[("anonymous", "true")]).await;
    let mut addresses = Vec::new();
    for initial in ["", "=", "c29tZWJvZHk="] {
        let mut peer = world.connect();
        assert!(peer.open("localhost").await.contains("<mechanism>ANONYMOUS</mechanism>"));
        peer.auth("ANONYMOUS", initial).await;
        assert_eq!(
            peer.expect("</success>").await,
            "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'></success>"
        );
        peer.open("localhost").await;
        peer.send(BIND).await;
        let bound = peer.expect("</iq>").await;
        let (_, jid) = bound.split_once("<jid>").unwrap();
        let (local, rest) = jid.split_once("@localhost/").unwrap();
        assert!(
            local.len() == 32 && local.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
            "{bound}"
        );
        assert!(rest.contains("</jid>"), "{bound}");
        assert!(world.shared.server.is_anonymous(&Jid::parse(&format!("{local}@localhost")).unwrap()));
        addresses.push((local.to_owned(), peer));
    }
    assert_ne!(addresses[0].0, addresses[1].0);

    let mut peer = world.connect();
    assert!(!peer.open("tls.example").await.contains("ANONYMOUS"));
    peer.auth("ANONYMOUS", "").await;
    assert!(peer.expect("</failure>").await.contains("<encryption-required/>"));
    let mut peer = world.connect();
    peer.open("localhost").await;
    peer.auth("ANONYMOUS", "%").await;
    assert!(peer.expect("</failure>").await.contains("<incorrect-encoding/>"));
    // Its name is not one that a password belongs to.
    let said = peer.scram("SCRAM-SHA-256", "n,,", b"", &addresses[0].0, "").await;
    assert!(said.contains("<not-authorized/>"), "{said}");
}

#[tokio::test]
async fn nobody_is_anonymous_elsewhere() {
    let world = World::new().await;
    for changes in [&[][..], &[("anonymous", "true"), ("sasl-mechanisms", "SCRAM-SHA-256")]] {
        world.change("localhost", changes).await;
        let mut peer = world.connect();
        assert!(!peer.open("localhost").await.contains("ANONYMOUS"));
        peer.auth("ANONYMOUS", "").await;
        assert!(peer.expect("</failure>").await.contains("<invalid-mechanism/>"));
    }
}

/// An issuer, and a certificate that it has issued for a client.
fn issue() -> (String, Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let (key, own) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Issuer");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = params.self_signed(&key).unwrap().pem();
    let mut client = CertificateParams::new(["juliet.example".to_owned()]).unwrap();
    client.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = client.signed_by(&own, &Issuer::new(params, key)).unwrap();
    (root, vec![certificate.der().clone()], PrivateKeyDer::try_from(own.serialize_der()).unwrap())
}

#[tokio::test]
async fn certificates_of_clients() {
    let world = World::new().await;
    world.keep_certificates();
    let (root, chain, key) = issue();
    let (_, foreign_chain, foreign_key) = issue();
    let shown = |which: &str| match which {
        "own" => Some((chain.clone(), key.clone_key())),
        "foreign" => Some((foreign_chain.clone(), foreign_key.clone_key())),
        _ => None,
    };
    for (mode, which, works) in [
        ("required", "own", true),
        ("required", "foreign", false),
        ("required", "none", false),
        ("optional", "own", true),
        ("optional", "foreign", false),
        ("optional", "none", true),
        ("none", "none", true),
    ] {
        world.change("tls.example", &[("client-certificate", mode), ("client-ca", &root)]).await;
        for start in [TlsStart::StartTls, TlsStart::Direct] {
            let mut peer = world.connect_with(start, 4096);
            if start == TlsStart::StartTls {
                assert!(peer.open("tls.example").await.contains("<required/>"));
                peer.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").await;
                peer.expect("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").await;
            }
            let offered = match peer.handshake_showing("tls.example", shown(which)).await {
                // In TLS 1.3 a client hears of it with the first answer.
                Ok(mut peer) => {
                    let header = HEADER.replace("localhost", "tls.example");
                    peer.io.write_all(header.as_bytes()).await.is_ok() && peer.rest_of_features().await
                }
                Err(_) => false,
            };
            assert_eq!(offered, works, "{mode} {which} {start:?}");
        }
    }
}

#[tokio::test]
async fn a_certificate_for_another_domain_is_none() {
    let world = World::new().await;
    world.keep_certificates();
    let (root, chain, key) = issue();
    world.change("tls.example", &[("client-certificate", "required"), ("client-ca", &root)]).await;
    for name in ["localhost", "192.0.2.1"] {
        let peer = world.connect_with(TlsStart::Direct, 4096);
        let mut peer = peer.handshake_showing(name, Some((chain.clone(), key.clone_key()))).await.unwrap();
        peer.send(&HEADER.replace("localhost", "tls.example")).await;
        peer.expect_error("policy-violation").await;
    }
    // No TLS at all, although that would do otherwise.
    world.change("tls.example", &[("tls-required", "false")]).await;
    let said = world.connect().open("tls.example").await;
    assert!(said.contains("<required/>") && !said.contains("<mechanism>"), "{said}");
}

#[tokio::test]
async fn issuers_that_are_none_are_refused() {
    let world = World::new().await;
    world.keep_certificates();
    let changes = [("client-certificate", "required"), ("client-ca", "nonsense")];
    let changes: Vec<_> = changes.iter().map(|(key, text)| ((*key).into(), (*text).into())).collect();
    let why = world.shared.server.change_vhost("tls.example", &changes).await.unwrap_err().to_string();
    assert!(why.contains("client-ca: there is no certificate"), "{why}");
}
