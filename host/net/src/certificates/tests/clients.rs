//! Issuers of clients' certificates.

use super::super::clients::client_check;
use super::{Authority, expired};

#[test]
fn issuers_are_checked() {
    let (one, other) = (Authority::root("One"), Authority::root("Other"));
    for required in [true, false] {
        let check = client_check(&format!("{}{}", one.pem, other.pem), required).unwrap();
        assert_eq!((check.client_auth_mandatory(), check.root_hint_subjects().len()), (required, 2));
    }
    let (certificate, key) = one.issue(&["a.example"], |_| {});
    let (old, _) = one.issue(&["a.example"], expired);
    for (text, expected) in [
        (String::new(), "there is no certificate"),
        ("garbage".to_owned(), "there is no certificate"),
        (format!("{certificate}{key}"), "there is something else than certificates"),
        (certificate[..100].to_owned(), "this is not PEM"),
        (old, "the certificate of CN=a.example has expired on 2021-02-03"),
    ] {
        let why = client_check(&text, true).err().unwrap();
        assert!(why.starts_with(expected), "not {expected}: {why}");
    }
}
