//! Whether a certificate can be used, and for what: what is read of it, and what is wrong with one that somebody
//! wants to have shown for a domain.

use crate::tls::Certificate;
use rustls::InconsistentKeys;
use rustls::crypto::ring;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::{PemObject, SectionKind};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::{SystemTime, UNIX_EPOCH};
use waxwing_server::CertificateInfo;
use waxwing_xmpp::{datetime, domain_to_ascii};
use x509_parser::asn1_rs::{Any, FromDer, Oid, Tag, oid};
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

/// A chain with the key of its first certificate, as PEM in any order of the two, that can be shown for a domain.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn check(domain: &str, pem: &str) -> Result<Certificate, String> {
    let (chain, key) = parts(pem)?;
    let parsed: Result<Vec<_>, _> = chain.iter().map(|der| parse_x509_certificate(der)).collect();
    let parsed = parsed.map_err(|why| format!("a certificate is damaged: {why}"))?;
    let parsed: Vec<_> = parsed.into_iter().map(|(_, certificate)| certificate).collect();
    check_order(&parsed)?;
    if let Some(own) = parsed.first() {
        check_dates(own)?;
        check_names(domain, own)?;
    }
    certify(domain, chain, key)
}

/// Make a chain and a key ready to be shown.
///
/// # Errors
/// A sentence that says why they cannot be, such as that they do not belong together.
pub fn certify(
    domain: &str,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Certificate, String> {
    let certified = CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|why| match why {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            "the private key is not that of the first certificate: the server's own certificate comes first, those of \
             the issuers after it"
                .to_owned()
        }
        rustls::Error::General(_) => "the private key is of a kind that is not supported: it takes RSA of 2048 bits or \
                                      more, ECDSA on P-256 or P-384, or Ed25519"
            .to_owned(),
        other => other.to_string(),
    })?;
    Certificate::new(domain, certified).map_err(|why| why.to_string())
}

/// What there is to know of a certificate; `None` if it cannot be read.
pub fn describe(domain: &str, der: &[u8]) -> Option<CertificateInfo> {
    let (_, certificate) = parse_x509_certificate(der).ok()?;
    let millis = |seconds: i64| u64::try_from(seconds).unwrap_or(0).saturating_mul(1000);
    let validity = certificate.validity();
    Some(CertificateInfo {
        domain: domain.to_owned(),
        names: names(&certificate),
        issuer: certificate.issuer().to_string(),
        not_before: millis(validity.not_before.timestamp()),
        not_after: millis(validity.not_after.timestamp()),
        self_signed: certificate.issuer().as_raw() == certificate.subject().as_raw(),
    })
}

/// The certificates and the one private key in a text.
fn parts(pem: &str) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
    // PKCS #8 says it in the label, older formats in a header.
    if pem.contains("BEGIN ENCRYPTED PRIVATE KEY") || pem.contains("Proc-Type: 4,ENCRYPTED") {
        return Err("private keys with a password are not accepted: take the password off first, with \
                    `openssl pkey -in KEY -out NEW-KEY`"
            .to_owned());
    }
    let (mut chain, mut keys) = (Vec::new(), Vec::new());
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem.as_bytes()) {
        let (kind, der) = section.map_err(|why| format!("this is not PEM: {why}"))?;
        match kind {
            SectionKind::Certificate => chain.push(CertificateDer::from(der)),
            kind => keys.extend(PrivateKeyDer::from_pem(kind, der)),
        }
    }
    if chain.is_empty() {
        return Err("there is no certificate (-----BEGIN CERTIFICATE-----)".to_owned());
    }
    match (keys.pop(), keys.is_empty()) {
        (Some(key), true) => Ok((chain, key)),
        (Some(_), false) => Err("there is more than one private key".to_owned()),
        (None, _) => Err("there is no private key (-----BEGIN PRIVATE KEY-----)".to_owned()),
    }
}

/// Each certificate must be issued by the next (RFC 8446, section 4.4.2). The last ones may be missing.
fn check_order(chain: &[X509Certificate<'_>]) -> Result<(), String> {
    for pair in chain.windows(2) {
        let [certificate, next] = pair else { continue };
        let (issued, by) = (certificate.subject(), next.subject());
        if certificate.issuer().as_raw() != by.as_raw() {
            return Err(format!(
                "the chain is not in order: after the certificate of {issued} comes that of {by}, but its issuer is {}",
                certificate.issuer()
            ));
        }
        match certificate.verify_signature(Some(next.public_key())) {
            // Clients know more algorithms.
            Ok(()) | Err(X509Error::SignatureUnsupportedAlgorithm) => {}
            Err(_) => return Err(format!("the certificate of {issued} is not signed with the key of {by}")),
        }
    }
    Ok(())
}

fn check_dates(certificate: &X509Certificate<'_>) -> Result<(), String> {
    let validity = certificate.validity();
    let (from, until) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    match now() {
        now if now < from => Err(format!("the certificate is not valid before {}", date(from))),
        now if now > until => Err(format!("the certificate has expired on {}", date(until))),
        _ => Ok(()),
    }
}

fn check_names(domain: &str, certificate: &X509Certificate<'_>) -> Result<(), String> {
    if names(certificate).iter().any(|name| covers(name, domain)) {
        return Ok(());
    }
    Err(format!("Neither the certificate's common name nor any of its alternative names is {domain}"))
}

/// The names that a certificate is for: the alternative ones, and the common name if it is none of them.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let mut names = Vec::new();
    if let Ok(Some(alternative)) = certificate.subject_alternative_name() {
        names.extend(alternative.value.general_names.iter().filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => {
                match (<[u8; 4]>::try_from(*bytes), <[u8; 16]>::try_from(*bytes)) {
                    (Ok(four), _) => Some(Ipv4Addr::from(four).to_string()),
                    // As it is written as a domain.
                    (_, Ok(sixteen)) => Some(format!("[{}]", Ipv6Addr::from(sixteen))),
                    _ => None,
                }
            }
            GeneralName::OtherName(kind, value) => xmpp_name(kind, value),
            _ => None,
        }));
    }
    let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    for name in common {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// The domain in a name of one of the two kinds that are made for services such as this (RFC 6120, section 13.7.1.2.1):
/// an XMPP address, and the name of an SRV record (RFC 4985).
fn xmpp_name(kind: &Oid<'_>, value: &[u8]) -> Option<String> {
    let is_address = *kind == oid!(1.3.6.1.5.5.7.8.5);
    if !is_address && *kind != oid!(1.3.6.1.5.5.7.8.7) {
        return None;
    }
    // The string is inside an explicit tag.
    let (_, tagged) = Any::from_der(value).ok()?;
    let (_, string) = Any::from_der(tagged.data).ok()?;
    if ![Tag::Utf8String, Tag::Ia5String].contains(&string.tag()) {
        return None;
    }
    let text = std::str::from_utf8(string.data).ok()?;
    let name = if is_address { Some(text) } else { text.strip_prefix("_xmpp-client.") };
    // Neither kind has wildcards, and an address with an `@` is that of somebody.
    name.filter(|name| !name.contains(['@', '/', '*'])).map(str::to_owned)
}

/// Whether a name in a certificate is that of the domain. A wildcard is for all names one level down (RFC 6125,
/// section 6.4.3); here it also stands for the domain itself, whose services are below it.
fn covers(name: &str, domain: &str) -> bool {
    let domain = encoded(domain);
    match name.strip_prefix("*.").map(encoded) {
        Some(above) => above == domain || domain.split_once('.').is_some_and(|(_, parent)| parent == above),
        None => encoded(name) == domain,
    }
}

/// A name as certificates have it: in lower case, with letters beyond ASCII encoded.
pub(super) fn encoded(name: &str) -> String {
    domain_to_ascii(name).map_or_else(|| name.to_ascii_lowercase(), Cow::into_owned)
}

/// Seconds since the Unix epoch.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// The day of a time in seconds since the Unix epoch.
pub(super) fn date(seconds: i64) -> String {
    let time = datetime::format(u64::try_from(seconds).unwrap_or(0).saturating_mul(1000));
    time.split('T').next().unwrap_or_default().to_owned()
}
