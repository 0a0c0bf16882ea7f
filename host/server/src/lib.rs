//! The core of the server: sessions, routing, roster, presence, service discovery and accounts.
//!
//! It knows no sockets: a stream hands it stanzas ([`Server::receive`]) and drains a session's
//! bounded queue ([`Session::poll_outgoing`]). It knows no plugin by name: features that are not
//! RFC 6120, RFC 6121 or service discovery come from the plugin engine.

mod access_list;
mod accounts;
mod administer;
mod anonymous;
mod answer;
mod certificates;
mod clock;
mod commands;
mod credentials;
mod directory;
mod disco;
mod domain_filter;
mod ending;
mod features;
mod incoming;
mod keeping;
mod known_accounts;
mod message;
mod outbound;
mod plugin_host;
mod portable;
mod presence;
mod process;
mod relation;
mod resolver;
mod resumption;
mod rights;
mod roster;
mod router;
mod secrecy;
mod server;
mod service;
mod session;
mod slowdown;
mod subscription;
#[cfg(test)]
mod testing;
mod vhost;
mod vhosts;

pub use accounts::AccountError;
pub use certificates::{CertificateInfo, CertificateStore};
pub use commands::{CommandListing, OperatorReply};
pub use credentials::Credentials;
pub use outbound::{Parting, SessionEnd, StreamEnd, TooHigh};
pub use portable::{Exported, Imported, PortableError, Problems, Progress};
pub use process::{AfterStop, ProcessControl};
pub use resumption::{Enabled, ResumeError, Resumed};
pub use server::{BindError, Server, Stats};
pub use session::Session;
pub use vhost::Vhost;
pub use vhosts::{VhostError, VhostsError};
