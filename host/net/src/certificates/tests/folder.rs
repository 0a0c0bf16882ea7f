//! The folder.

use super::super::folder::{ensure_domains, self_signed};
use super::super::{CertificateError, Certificates};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use waxwing_config::{Settings, VhostSettings};

/// Settings of these virtual hosts with an empty certificates folder.
fn settings(domains: &[&str]) -> (Settings, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let vhosts = domains.iter().map(|domain| VhostSettings::new(*domain)).collect();
    (Settings { certificates: folder.path().to_owned(), vhosts, ..Settings::default() }, folder)
}

#[test]
fn self_signed_is_made_once_and_found() {
    let (settings, _folder) = settings(&["localhost", "example.org"]);
    let made = ensure_domains(&settings, ["localhost", "example.org"].into_iter()).unwrap();
    assert_eq!(
        made,
        [settings.certificates.join("localhost.pem"), settings.certificates.join("example.org.pem")]
    );
    assert_eq!(fs::metadata(&made[0]).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(ensure_domains(&settings, ["localhost"].into_iter()).unwrap().is_empty());

    let certificates = Certificates::load(&settings).unwrap();
    assert_eq!(certificates.find(["localhost"]).unwrap().domain(), "localhost");
    assert_eq!(certificates.find(["nowhere", "example.org"]).unwrap().domain(), "example.org");
    assert!(certificates.find(["nowhere"]).is_none());
}

#[test]
fn a_pair_of_files() {
    let (mut settings, _folder) = settings(&["example.org"]);
    let folder = settings.certificates.clone();
    let pem = self_signed("example.org").unwrap();
    let key_at = pem.find("-----BEGIN PRIVATE KEY").unwrap();
    let (chain_file, key_file) =
        (folder.join("example.org/fullchain.pem"), folder.join("example.org/privkey.pem"));
    fs::create_dir(folder.join("example.org")).unwrap();
    fs::write(&chain_file, &pem[..key_at]).unwrap();
    fs::write(&key_file, &pem[key_at..]).unwrap();
    fs::write(folder.join("README"), "not a certificate").unwrap();
    assert!(ensure_domains(&settings, ["example.org"].into_iter()).unwrap().is_empty());
    let certificates = Certificates::load(&settings).unwrap();
    assert!(certificates.find(["example.org"]).is_some());

    let mut other = VhostSettings::new("other.example");
    (other.certificate, other.private_key) = (Some(chain_file), Some(key_file));
    settings.vhosts.push(other);
    fs::write(folder.join("b.example.pem"), self_signed("b.example").unwrap()).unwrap();
    certificates.reload(&settings).unwrap();
    assert!(certificates.find(["b.example"]).is_some());
    assert!(certificates.find(["other.example"]).is_some());

    fs::write(folder.join("c.example.pem"), "damaged").unwrap();
    assert!(certificates.reload(&settings).is_err());
    assert!(certificates.find(["b.example"]).is_some());
}

/// A domain as the DNS has it, and as it is spelt here, is one; ACME clients name their folders in the former way.
#[test]
fn a_domain_is_found_in_either_spelling() {
    let (settings, _folder) = settings(&["b\u{fc}cher.example"]);
    let folder = settings.certificates.clone();
    let pem = self_signed("b\u{fc}cher.example").unwrap();
    let key_at = pem.find("-----BEGIN PRIVATE KEY").unwrap();
    fs::create_dir(folder.join("xn--bcher-kva.example")).unwrap();
    fs::write(folder.join("xn--bcher-kva.example/fullchain.pem"), &pem[..key_at]).unwrap();
    fs::write(folder.join("xn--bcher-kva.example/privkey.pem"), &pem[key_at..]).unwrap();
    fs::write(folder.join("xn--fa-hia.example.pem"), self_signed("fa\u{df}.example").unwrap()).unwrap();
    assert!(ensure_domains(&settings, ["b\u{fc}cher.example"].into_iter()).unwrap().is_empty());
    let certificates = Certificates::load(&settings).unwrap();
    for domain in ["b\u{fc}cher.example", "fa\u{df}.example"] {
        assert_eq!(
            certificates.find([domain]).map(|found| found.domain().to_owned()).as_deref(),
            Some(domain)
        );
    }
}

#[test]
fn what_is_wrong_is_said() {
    let (mut settings, _folder) = settings(&["a.example"]);
    let folder = settings.certificates.clone();
    assert!(matches!(Certificates::load(&settings), Err(CertificateError::None { .. })));
    settings.certificates = folder.join("none");
    assert!(matches!(Certificates::load(&settings), Err(CertificateError::Folder { .. })));
    settings.certificates = folder.clone();

    let (one, other) = (self_signed("a.example").unwrap(), self_signed("a.example").unwrap());
    let key_at = |pem: &str| pem.find("-----BEGIN PRIVATE KEY").unwrap();
    let mismatch = format!("{}{}", &one[..key_at(&one)], &other[key_at(&other)..]);
    for (text, expected) in [
        ("", "holds no certificate"),
        (&one[..key_at(&one)], "holds no private key"),
        (&one[key_at(&one)..], "holds no certificate"),
        (&mismatch, "not that of the first certificate"),
    ] {
        fs::write(folder.join("a.example.pem"), text).unwrap();
        let error = Certificates::load(&settings).err().unwrap().to_string();
        assert!(error.contains(expected) && error.contains("a.example.pem"), "{error}");
    }
}
