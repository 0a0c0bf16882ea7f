//! Certificates of clients: who may issue them for which virtual host.

use super::check::{date, now};
use rustls::RootCertStore;
use rustls::crypto::ring::default_provider;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::{PemObject, SectionKind};
use std::collections::HashMap;
use std::sync::Arc;
use waxwing_config::ClientCertificate;
use waxwing_server::Vhost;
use x509_parser::parse_x509_certificate;

/// Checks the certificates that clients show.
pub type ClientCheck = Arc<dyn ClientCertVerifier>;

/// The checks of the virtual hosts that ask for certificates. One that cannot be made is left out: where
/// certificates are required, nobody logs in then.
pub fn checks(vhosts: &[Arc<Vhost>]) -> HashMap<String, ClientCheck> {
    let mut checks = HashMap::new();
    for vhost in vhosts {
        let settings = vhost.settings();
        if settings.client_certificate == ClientCertificate::None {
            continue;
        }
        let required = settings.client_certificate == ClientCertificate::Required;
        match client_check(&settings.client_ca, required) {
            Ok(check) => drop(checks.insert(vhost.domain().to_owned(), check)),
            Err(why) => {
                tracing::error!(
                    "the certificates of the clients of {vhost} cannot be checked: client-ca: {why}"
                );
            }
        }
    }
    checks
}

/// The check against these issuers. Unless one is required, clients may show none.
///
/// # Errors
/// A sentence that says what is wrong with the issuers.
pub fn client_check(issuers: &str, required: bool) -> Result<ClientCheck, String> {
    let builder =
        WebPkiClientVerifier::builder_with_provider(roots(issuers)?.into(), default_provider().into());
    let builder = if required { builder } else { builder.allow_unauthenticated() };
    builder.build().map_err(|why| why.to_string())
}

/// The issuers' certificates.
fn roots(pem: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem.as_bytes()) {
        let (kind, der) = section.map_err(|why| format!("this is not PEM: {why}"))?;
        if kind != SectionKind::Certificate {
            return Err(
                "there is something else than certificates; private keys do not belong here".to_owned()
            );
        }
        let (_, certificate) =
            parse_x509_certificate(&der).map_err(|why| format!("a certificate is damaged: {why}"))?;
        let until = certificate.validity().not_after.timestamp();
        if until < now() {
            let issuer = certificate.subject();
            return Err(format!("the certificate of {issuer} has expired on {}", date(until)));
        }
        roots.add(CertificateDer::from(der)).map_err(|why| format!("a certificate cannot be used: {why}"))?;
    }
    if roots.is_empty() {
        return Err("there is no certificate (-----BEGIN CERTIFICATE-----)".to_owned());
    }
    Ok(roots)
}
