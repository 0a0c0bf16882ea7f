//! Certificates that administrators put.

use super::super::check::check;
use super::super::folder::ensure_domains;
use super::super::{Certificates, Store};
use super::{Authority, early, expired};
use rcgen::{CertificateParams, DistinguishedName, SanType};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use tempfile::TempDir;
use waxwing_config::{Settings, VhostSettings};
use waxwing_server::{CertificateStore, Server};
use waxwing_storage::{Sqlite, SqliteOptions};

const DOMAIN: &str = "chat.example.org";

fn refusal(pem: &str) -> String {
    check(DOMAIN, pem).err().unwrap_or_else(|| panic!("this was taken: {pem}"))
}

#[test]
fn what_can_be_shown() {
    let root = Authority::root("Root");
    let between = root.below("Between");
    for names in [
        &["chat.example.org"][..],
        &["example.org", "chat.example.org"],
        &["*.example.org"],
        &["*.chat.example.org"],
        &["CHAT.example.org"],
    ] {
        let (pem, key) = between.issue(names, |_| {});
        for text in [
            format!("{pem}{}{key}", between.pem),
            format!("{key}{pem}{}{}", between.pem, root.pem),
            format!("{pem}{key}{}", between.pem),
            format!("A comment\n{pem}{key}"),
        ] {
            let certificate = check(DOMAIN, &text).unwrap_or_else(|why| panic!("{names:?}: {why}"));
            let info = certificate.info().unwrap();
            assert!(info.issuer.contains("Between") && !info.self_signed, "{info:?}");
            assert_eq!((info.domain.as_str(), info.names.len()), (DOMAIN, names.len()), "{info:?}");
            assert!(info.not_before < info.not_after);
        }
    }
    let (pem, key) = root.issue(&["xn--bcher-kva.example"], |_| {});
    assert!(check("bücher.example", &(pem + &key)).is_ok());
    let (pem, key) = root.issue(&["192.0.2.1"], |_| {});
    assert!(check("192.0.2.1", &(pem + &key)).is_ok());
}

/// Parameters of a certificate whose only name is of one of the kinds for XMPP: its last arc, and the name.
fn for_xmpp(params: &mut CertificateParams, arc: u64, name: &str) {
    params.distinguished_name = DistinguishedName::new();
    params.subject_alt_names = vec![SanType::OtherName((vec![1, 3, 6, 1, 5, 5, 7, 8, arc], name.into()))];
}

/// RFC 6120, section 13.7.1.2.1.
#[test]
fn names_that_are_for_xmpp_alone() {
    let root = Authority::root("Root");
    let issue = |arc, name: &str| {
        let (pem, key) = root.issue(&[DOMAIN], |params| for_xmpp(params, arc, name));
        check(DOMAIN, &(pem + &key))
    };
    for (arc, name) in [(5, DOMAIN), (5, "Chat.Example.Org"), (7, "_xmpp-client.chat.example.org")] {
        let certificate = issue(arc, name).unwrap_or_else(|why| panic!("{name}: {why}"));
        let info = certificate.info().unwrap();
        assert_eq!(info.names.len(), 1, "{info:?}");
    }
    for (arc, name) in [
        (5, "example.org"),
        (5, "juliet@chat.example.org"),
        (5, "*.example.org"),
        (7, DOMAIN),
        (7, "_xmpp-server.chat.example.org"),
        (7, "_xmpp-client.example.org"),
        // The name of a user at Microsoft, as any other kind.
        (3, DOMAIN),
    ] {
        assert!(issue(arc, name).is_err(), "{arc} {name}");
    }
}

#[test]
fn names_that_do_not_fit() {
    let root = Authority::root("Root");
    for names in
        [&["example.org"][..], &["x.chat.example.org"], &["*.org"], &["*.x.chat.example.org"], &["*"]]
    {
        let (pem, key) = root.issue(names, |_| {});
        assert_eq!(
            refusal(&(pem + &key)),
            "Neither the certificate's common name nor any of its alternative names is chat.example.org"
        );
    }
}

/// On a curve that nobody uses.
const UNSUPPORTED_KEY: &str = "-----BEGIN PRIVATE KEY-----
MIHuAgEAMBAGByqGSM49AgEGBSuBBAAjBIHWMIHTAgEBBEIAC0SyfgzK8KZGwhz1
ATvuVdoFathC3A8coe2AHVh3zUMkDKR+hkr4oSMq1NnHJf1qkQr6afFSmIvETuko
AfulcKShgYkDgYYABAHB/KsJ1RsAl2+tP5fYE7m3peT54W7nB/10/k17W21chffc
vuON/fxJICuDJPAbALX35FpMBMrl9Vo2p66yIlq3XgFOcqMLdG5nVJu21rbvLv7P
0sfVwDGm4zUe6oegccRwYqpDOznt2cBzoZoXrfpsTmItAeIvpDtBdwWGpM4E6ZvU
YA==
-----END PRIVATE KEY-----
";

#[test]
fn what_is_wrong_is_said() {
    let root = Authority::root("Root");
    let other = root.below("Other");
    let (pem, key) = root.issue(&[DOMAIN], |_| {});
    let (_, foreign) = root.issue(&[DOMAIN], |_| {});
    let (old, old_key) = root.issue(&[DOMAIN], expired);
    let (young, young_key) = root.issue(&[DOMAIN], early);
    let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let header = key.replacen('\n', "\nProc-Type: 4,ENCRYPTED\n", 1);
    let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    // Of the same name, with another key.
    let impostor = Authority::root("Root");
    for (text, expected) in [
        (String::new(), "there is no certificate"),
        ("garbage".to_owned(), "there is no certificate"),
        (key.clone(), "there is no certificate"),
        (pem.clone(), "there is no private key"),
        (pem[..pem.len() / 2].to_owned(), "this is not PEM"),
        (format!("{damaged}{key}"), "a certificate is damaged"),
        (format!("{pem}{encrypted}"), "private keys with a password are not accepted"),
        (format!("{pem}{header}"), "private keys with a password are not accepted"),
        (format!("{pem}{key}{foreign}"), "there is more than one private key"),
        (format!("{pem}{UNSUPPORTED_KEY}"), "the private key is of a kind that is not supported"),
        (format!("{pem}{foreign}"), "the private key is not that of the first certificate"),
        (format!("{old}{old_key}"), "the certificate has expired on 2021-02-03"),
        (format!("{young}{young_key}"), "the certificate is not valid before 4000-05-06"),
        (format!("{}{pem}{key}", root.pem), "the chain is not in order"),
        (format!("{pem}{}{key}", other.pem), "the chain is not in order"),
        (format!("{pem}{}{key}", impostor.pem), "is not signed with the key of CN=Root"),
    ] {
        let why = refusal(&text);
        assert!(why.starts_with(expected) || why.ends_with(expected), "not {expected}: {why}");
    }
}

/// A store for this domain, which has a self-signed certificate.
async fn store(change: impl FnOnce(&mut VhostSettings)) -> (Store, Arc<Certificates>, Arc<Server>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut vhost = VhostSettings::new(DOMAIN);
    let mut settings = Settings { certificates: folder.path().join("certificates"), ..Settings::default() };
    settings.vhosts = vec![vhost.clone()];
    ensure_domains(&settings, [DOMAIN].into_iter()).unwrap();
    vhost.certificate = None;
    change(&mut vhost);
    if vhost.certificate.is_some() {
        vhost.certificate = Some(settings.certificates.join(format!("{DOMAIN}.pem")));
    }
    settings.vhosts = vec![vhost];
    let settings = Arc::new(settings);
    let storage = Sqlite::open(folder.path().join("db"), SqliteOptions::default()).unwrap();
    let server = Server::new(settings.clone(), Arc::new(storage)).await.unwrap();
    let certificates = Arc::new(Certificates::load(&settings).unwrap());
    let store = Store::new(certificates.clone(), settings, &server);
    server.install_certificates(Arc::new(store.clone()));
    (store, certificates, server, folder)
}

#[tokio::test]
async fn it_is_kept_and_shown() {
    let (store, certificates, _server, folder) = store(|_| {}).await;
    assert!(store.list()[0].self_signed);
    let (pem, key) = Authority::root("Root").issue(&[DOMAIN], |_| {});
    let info = store.put(DOMAIN, &format!("{key}{pem}")).await.unwrap();
    assert!(!info.self_signed);
    assert_eq!(store.list(), [info]);
    let file = folder.path().join("certificates").join(format!("{DOMAIN}.pem"));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let shown = certificates.find([DOMAIN]).unwrap();
    store.renew().unwrap();
    let again = certificates.find([DOMAIN]).unwrap();
    assert_eq!(shown.end_point(), again.end_point());
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);

    let before = fs::read(&file).unwrap();
    assert!(store.put(DOMAIN, &pem).await.unwrap_err().contains("no private key"));
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[tokio::test]
async fn names_do_not_lead_out_of_the_folder() {
    let (store, _, _server, folder) = store(|_| {}).await;
    let root = Authority::root("Root");
    for domain in ["../x", "/x", "a/b", "..", "."] {
        let (pem, key) = root.issue(&[DOMAIN], |_| {});
        assert!(store.put(domain, &format!("{pem}{key}")).await.is_err(), "{domain}");
        assert!(super::super::folder::put(&store_settings(&folder), domain, "text").is_err(), "{domain}");
    }
    assert!(!folder.path().join("x.pem").exists());
}

fn store_settings(folder: &TempDir) -> Settings {
    Settings { certificates: folder.path().join("certificates"), ..Settings::default() }
}

#[tokio::test]
async fn what_the_config_names_is_changed_there() {
    let (store, ..) = store(|vhost| vhost.certificate = Some("any".into())).await;
    let (pem, key) = Authority::root("Root").issue(&[DOMAIN], |_| {});
    let why = store.put(DOMAIN, &format!("{pem}{key}")).await.unwrap_err();
    assert!(why.starts_with("the config file names a certificate for chat.example.org"), "{why}");
}

#[tokio::test]
async fn a_new_virtual_host_has_one_at_once() {
    let (_store, certificates, server, _folder) = store(|_| {}).await;
    for domain in ["new.example", "bücher.example"] {
        assert!(certificates.find([domain]).is_none());
        server.add_vhost(domain, &[]).await.unwrap();
        assert!(certificates.find([domain]).is_some(), "{domain}");
    }
}
