//! Why certificates cannot be used.

use std::io;
use std::path::PathBuf;

/// A certificate that cannot be used; says which file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The folder cannot be listed, or made.
    #[error("the certificates folder {path} cannot be used: {source}", path = .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("the certificate file {path} cannot be read: {source}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("the certificate file {path} cannot be used: {reason}", path = .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// A self-signed certificate could not be made or written.
    #[error("no self-signed certificate for {domain} could be made: {reason}")]
    Generate {
        /// The virtual host.
        domain: String,
        /// Why.
        reason: String,
    },
    /// There is no certificate at all.
    #[error("the certificates folder {path} holds no certificate: put DOMAIN.pem there, chain and key in one file",
        path = .path.display())]
    None {
        /// The folder.
        path: PathBuf,
    },
}
