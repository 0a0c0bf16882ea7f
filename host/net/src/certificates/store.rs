//! The certificates as the server asks for them: seen and put by administrators, made for new virtual hosts.

use super::{CertificateError, Certificates, check, clients, folder};
use crate::tls::Certificate;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use std::sync::{Arc, Weak};
use waxwing_config::Settings;
use waxwing_server::{CertificateInfo, CertificateStore, Server};

/// Keeps the certificates of a server.
#[derive(Clone)]
pub struct Store {
    certificates: Arc<Certificates>,
    settings: Arc<Settings>,
    /// It owns this store.
    server: Weak<Server>,
    /// Held while files are written or read, so that nothing older is shown after something newer.
    turn: Arc<Mutex<()>>,
}

impl Store {
    /// The keeper of these certificates.
    pub fn new(certificates: Arc<Certificates>, settings: Arc<Settings>, server: &Arc<Server>) -> Self {
        certificates.check_clients(clients::checks(&server.vhosts()));
        Self { certificates, settings, server: Arc::downgrade(server), turn: Arc::default() }
    }

    /// Read everything again, making the certificates of new virtual hosts. It takes as long as the disk does.
    ///
    /// # Errors
    /// If a certificate is unusable or cannot be made; then all stay as they are.
    pub fn renew(&self) -> Result<(), CertificateError> {
        // The server stops.
        let Some(server) = self.server.upgrade() else { return Ok(()) };
        let _turn = self.turn.lock();
        let vhosts = server.vhosts();
        self.certificates.check_clients(clients::checks(&vhosts));
        folder::ensure(&self.settings, &vhosts)?;
        self.certificates.reload(&self.settings)
    }

    fn keep(&self, domain: &str, pem: &str) -> Result<CertificateInfo, String> {
        if self.settings.vhost(domain).is_some_and(|vhost| vhost.certificate.is_some()) {
            return Err(format!(
                "the config file names a certificate for {domain}: change that one, or the config"
            ));
        }
        let certificate: Certificate = check::check(domain, pem)?;
        let info = certificate.info().cloned().ok_or("the certificate cannot be read")?;
        let _turn = self.turn.lock();
        let file = folder::put(&self.settings, domain, pem)?;
        self.certificates.show(certificate);
        tracing::info!("there is a new certificate for {domain} in {}", file.display());
        Ok(info)
    }
}

impl CertificateStore for Store {
    fn list(&self) -> Vec<CertificateInfo> {
        self.certificates.list()
    }

    fn put<'a>(&'a self, domain: &'a str, pem: &'a str) -> BoxFuture<'a, Result<CertificateInfo, String>> {
        let (store, domain, pem) = (self.clone(), domain.to_owned(), pem.to_owned());
        Box::pin(async move {
            let kept = tokio::task::spawn_blocking(move || store.keep(&domain, &pem)).await;
            kept.unwrap_or_else(|_| Err("the server is stopping".to_owned()))
        })
    }

    fn check_client_ca(&self, pem: &str) -> Result<(), String> {
        clients::client_check(pem, true).map(drop)
    }

    fn vhosts_changed(&self) -> BoxFuture<'_, ()> {
        let store = self.clone();
        Box::pin(async move {
            // Only a runtime that stops does not let it end.
            if let Ok(Err(why)) = tokio::task::spawn_blocking(move || store.renew()).await {
                tracing::error!("the certificates stay as they were: {why}");
            }
        })
    }
}
