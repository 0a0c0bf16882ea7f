//! Accounts on their way from one server to another, as a file that other servers understand (XEP-0227).
//!
//! The host knows accounts, rosters and virtual hosts. Everything else of an account is kept by plugins, which give
//! it out and take it by their hook `portable`. What XEP-0227 has no place for stands in elements of [`OWN`], which
//! others ignore.

mod export;
mod file;
mod import;
mod keys;
mod progress;
mod read;
mod report;
mod roster;
mod user;
mod vhosts;

pub use progress::Progress;
pub use report::{Exported, Imported, Problems};

/// The namespace of the format.
const PIE: &str = "urn:xmpp:pie:0";
/// That of SCRAM keys in it.
const SCRAM: &str = "urn:xmpp:pie:0#scram";
/// Ours.
const OWN: &str = "urn:waxwing:export:0";

/// Why nothing, or no more, was exported or imported.
#[derive(Debug, thiserror::Error)]
pub enum PortableError {
    /// A file cannot be read or written.
    #[error("{file}: {why}")]
    File {
        /// Which.
        file: String,
        /// Why.
        why: std::io::Error,
    },
    /// A file is not as it should be.
    #[error("{file}:{line}: {why}")]
    Format {
        /// Which.
        file: String,
        /// Where.
        line: u64,
        /// What is wrong.
        why: String,
    },
    /// The file that is to be written is there.
    #[error("{0} is there already; take it away, or give another name")]
    Exists(String),
    /// A virtual host was named that there is not.
    #[error("'{0}' is no virtual host here")]
    NoVhost(String),
    /// Two imports at a time would come in each other's way.
    #[error("an import is under way already")]
    Busy,
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
    /// The database cannot answer.
    #[error(transparent)]
    Storage(#[from] waxwing_storage::Error),
}

#[cfg(test)]
mod tests;
