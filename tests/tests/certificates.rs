//! Certificates that are loaded by command: checked, kept, and shown to the next client.

use waxwing_tests::{Client, Server};

/// A certificate for these names with its key, as PEM, and the certificate as it goes over the wire.
fn certificate(names: &[&str]) -> (String, Vec<u8>) {
    let key = rcgen::KeyPair::generate().expect("a key");
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let certificate = rcgen::CertificateParams::new(names).and_then(|params| params.self_signed(&key));
    let certificate = certificate.expect("a certificate");
    (format!("{}{}", certificate.pem(), key.serialize_pem()), certificate.der().to_vec())
}

fn shown(server: &Server, domain: &str) -> Vec<u8> {
    let client = Client::connect_tls(server.tls_addr(), domain);
    client.transport().certificate().expect("a certificate").to_vec()
}

#[test]
fn one_that_is_loaded_is_shown_at_once() {
    let mut server = Server::builder().settings("'vhost-man' { 'vhost-disable-dns-check' = true }").start();
    server.command(&["ctl", "vhost-man", "comp-repo-item-add", "domain-name=a.example"]);
    let (local, before) = (shown(&server, "localhost"), shown(&server, "a.example"));
    assert_ne!(local, before, "each domain has its own from the beginning");

    let load = |server: &Server, pem: &str, works: bool| {
        let file = format!("certificate-in-pem-format=@{}", server.write_file("new.pem", pem));
        let command = ["ctl", "vhost-man", "ssl-certificate-add", "vhost=a.example", &file];
        if works { server.command(&command) } else { server.failing_command(&command) }
    };
    let (good, der) = certificate(&["a.example", "*.a.example"]);
    let (other, _) = certificate(&["b.example"]);
    let key_at = |pem: &str| pem.find("-----BEGIN PRIVATE KEY").expect("a key");
    let secret = good[key_at(&good)..].lines().nth(1).expect("a line of the key");
    let foreign = format!("{}{}", &good[..key_at(&good)], &other[key_at(&other)..]);
    for (pem, why) in [
        (other.as_str(), "a.example"),
        (&foreign, "private key"),
        (&good[..key_at(&good)], "private key"),
        ("nonsense", "certificate"),
    ] {
        let told = load(&server, pem, false);
        assert!(told.contains(why) && !told.contains(secret), "{told}");
        assert_eq!(shown(&server, "a.example"), before);
    }

    load(&server, &good, true);
    assert_eq!(shown(&server, "a.example"), der);
    assert_eq!(shown(&server, "localhost"), local);
    let list = server.command(&["ctl", "vhost-man", "certificates"]);
    assert!(list.lines().any(|line| line.starts_with("a.example") && line.contains("*.a.example")), "{list}");
    server.stop();
    server.start();
    assert_eq!(shown(&server, "a.example"), der);
}

/// Clients name a domain in the handshake as the DNS has it.
#[test]
fn a_domain_beyond_ascii_shows_its_own() {
    let server = Server::builder().settings("'vhost-man' { 'vhost-disable-dns-check' = true }").start();
    server.command(&["ctl", "vhost-man", "comp-repo-item-add", "domain-name=b\u{fc}cher.example"]);
    assert_ne!(shown(&server, "localhost"), shown(&server, "xn--bcher-kva.example"));
    let (good, der) = certificate(&["xn--bcher-kva.example"]);
    let file = format!("certificate-in-pem-format=@{}", server.write_file("new.pem", &good));
    server.command(&["ctl", "vhost-man", "ssl-certificate-add", "vhost=xn--bcher-kva.example", &file]);
    assert_eq!(shown(&server, "xn--bcher-kva.example"), der);
}
