//! Certificates of virtual hosts, which the network side keeps and shows to clients.

use futures_util::future::BoxFuture;
pub use waxwing_plugins::CertificateInfo;

/// Keeps the certificates. Refusals are sentences for a person.
pub trait CertificateStore: Send + Sync + 'static {
    /// Those that are shown to clients, in order of their domains.
    fn list(&self) -> Vec<CertificateInfo>;

    /// Check a certificate for a domain (the chain, its own certificate first, and the private key, in PEM, in any
    /// order), keep it, and show it from now on.
    fn put<'a>(&'a self, domain: &'a str, pem: &'a str) -> BoxFuture<'a, Result<CertificateInfo, String>>;

    /// Check certificates, in PEM, of those who may issue certificates of clients.
    fn check_client_ca(&self, pem: &str) -> Result<(), String>;

    /// Virtual hosts have been added, removed or changed: returns once clients can connect to them as they are now.
    fn vhosts_changed(&self) -> BoxFuture<'_, ()>;
}
