//! TLS to the database, as far as libpq's `sslmode` asks for it.

use super::PostgresError;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::path::Path;
use std::sync::Arc;
pub(super) use tokio_postgres_rustls::MakeRustlsConnect as Connector;

/// Whose certificate is good enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Trust {
    /// Anybody's: keeps out who only listens.
    #[default]
    Anybody,
    /// One from an authority of the file.
    Authority,
    /// And it must be for the host's name.
    AuthorityAndName,
}

/// Makes connections secure.
pub(super) fn connector(trust: Trust, ca: Option<&Path>) -> Result<Connector, PostgresError> {
    let provider = Arc::new(ring::default_provider());
    // As libpq does: who names authorities wants them asked.
    let trust = if ca.is_some() { trust.max_authority() } else { trust };
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|why| PostgresError::Tls(why.to_string()))?;
    let verifier: Arc<dyn ServerCertVerifier> = match (trust, ca) {
        (Trust::Anybody, _) => Arc::new(Lenient { provider, authorities: None }),
        (_, None) => {
            return Err(PostgresError::Tls(
                "to verify the server's certificate takes sslrootcert, a PEM file of the authorities to trust \
                 (on Debian, those of the web are in /etc/ssl/certs/ca-certificates.crt)"
                    .into(),
            ));
        }
        (trust, Some(file)) => {
            let authorities =
                WebPkiServerVerifier::builder_with_provider(roots(file)?.into(), provider.clone())
                    .build()
                    .map_err(|why| PostgresError::Tls(format!("{}: {why}", file.display())))?;
            match trust {
                Trust::AuthorityAndName => authorities,
                _ => Arc::new(Lenient { provider, authorities: Some(authorities) }),
            }
        }
    };
    let config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    Ok(Connector::new(config))
}

fn roots(file: &Path) -> Result<RootCertStore, PostgresError> {
    let wrong = |why: String| PostgresError::Tls(format!("sslrootcert {}: {why}", file.display()));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|why| wrong(why.to_string()))? {
        roots
            .add(certificate.map_err(|why| wrong(why.to_string()))?)
            .map_err(|why| wrong(why.to_string()))?;
    }
    match roots.is_empty() {
        true => Err(wrong("there is no certificate in it".into())),
        false => Ok(roots),
    }
}

impl Trust {
    fn max_authority(self) -> Self {
        match self {
            Self::Anybody => Self::Authority,
            other => other,
        }
    }
}

/// Asks the authorities, if any, and never minds the name. That whoever it is has the certificate's key is still
/// checked.
#[derive(Debug)]
struct Lenient {
    provider: Arc<CryptoProvider>,
    authorities: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(authorities) = &self.authorities else { return Ok(ServerCertVerified::assertion()) };
        match authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
