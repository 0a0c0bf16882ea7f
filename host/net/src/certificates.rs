//! Certificates: those that are shown to clients, and those of the issuers whose certificates clients show.

mod check;
mod clients;
mod error;
mod folder;
mod store;
#[cfg(test)]
mod tests;

pub use check::describe;
pub use clients::ClientCheck;
pub use error::CertificateError;
#[cfg(test)]
pub(crate) use folder::ensure_domains;
pub use folder::{check, ensure};
pub use store::Store;

use crate::tls::Certificate;
use arc_swap::ArcSwap;
use std::collections::HashMap;
use std::sync::Arc;
use waxwing_config::Settings;
use waxwing_server::CertificateInfo;

type ByDomain = HashMap<String, Arc<Certificate>>;

/// The certificates by domain. They can be read again while streams use them.
pub struct Certificates {
    by_domain: ArcSwap<ByDomain>,
    /// How the certificates of clients are checked, by the domain that asks for them.
    clients: ArcSwap<HashMap<String, ClientCheck>>,
}

impl Certificates {
    /// Read everything in the folder, and the files that virtual hosts name.
    ///
    /// # Errors
    /// If the folder cannot be read, if any certificate is unusable, or if there is none.
    pub fn load(settings: &Settings) -> Result<Self, CertificateError> {
        let by_domain = folder::read_all(settings)?;
        Ok(Self { by_domain: ArcSwap::from_pointee(by_domain), clients: ArcSwap::default() })
    }

    /// Read them again. Streams that are open keep what they have.
    ///
    /// # Errors
    /// As [`Certificates::load`]; then everything stays as it was.
    pub fn reload(&self, settings: &Settings) -> Result<(), CertificateError> {
        self.by_domain.store(Arc::new(folder::read_all(settings)?));
        Ok(())
    }

    /// Show this one from now on.
    fn show(&self, certificate: Certificate) {
        let certificate = Arc::new(certificate);
        self.by_domain.rcu(|by_domain| {
            let mut by_domain = ByDomain::clone(by_domain);
            by_domain.insert(certificate.domain().to_owned(), certificate.clone());
            by_domain
        });
    }

    /// The certificate of the first of these domains that has one.
    pub fn find<'a>(&self, domains: impl IntoIterator<Item = &'a str>) -> Option<Arc<Certificate>> {
        let by_domain = self.by_domain.load();
        domains.into_iter().find_map(|domain| by_domain.get(domain).cloned())
    }

    /// What there is to know of them, in order of their domains.
    pub fn list(&self) -> Vec<CertificateInfo> {
        let by_domain = self.by_domain.load();
        let mut all: Vec<_> = by_domain.values().filter_map(|it| it.info().cloned()).collect();
        all.sort_by(|a, b| a.domain.cmp(&b.domain));
        all
    }

    /// How a client's certificate is checked that wants to use this domain; `None` if it is not asked for one.
    pub fn client_check(&self, domain: &str) -> Option<ClientCheck> {
        self.clients.load().get(domain).cloned()
    }

    /// Check the certificates of clients like this from now on.
    fn check_clients(&self, clients: HashMap<String, ClientCheck>) {
        self.clients.store(Arc::new(clients));
    }
}
