//! What plugins that administer the server ask of it, and what they hear: behind the interfaces `vhosts`,
//! `account-admin`, `connections`, `certificates`, `server-control` and `resolver`.

use crate::blob::Secret;
use serde::{Deserialize, Serialize};

/// What a plugin asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdminRequest {
    /// The domains of all virtual hosts, in order.
    Vhosts,
    /// The settings of a virtual host.
    Vhost(String),
    /// Serve one more domain. This and the next two say which user wants it, if one does: the server decides whether
    /// he may.
    #[allow(missing_docs, reason = "as in `vhosts.add`")]
    AddVhost { by: Option<String>, domain: String, settings: Vec<(String, String)> },
    /// Change settings of a virtual host.
    #[allow(missing_docs, reason = "as in `vhosts.change`")]
    ChangeVhost { by: Option<String>, domain: String, settings: Vec<(String, String)> },
    /// Serve a domain no longer.
    #[allow(missing_docs, reason = "as in `vhosts.remove`")]
    RemoveVhost { by: Option<String>, domain: String, erase: bool },
    /// What is known of an account.
    Account(String),
    /// Let an account log in, or do not.
    #[allow(missing_docs, reason = "as in `account-admin.enable`")]
    Enable { account: String, enabled: bool },
    /// Accounts of a domain, in order of their addresses.
    #[allow(missing_docs, reason = "as in `account-admin.page`")]
    Accounts { domain: String, after: Option<String>, limit: u32 },
    /// How many accounts a domain has: all, and those of them that may not log in.
    CountAccounts(String),
    /// Sessions of an account or of a domain, in order of their addresses.
    #[allow(missing_docs, reason = "as in `connections.page`")]
    Connections { of: String, after: Option<String>, limit: u32 },
    /// How many sessions there are, of a domain.
    CountConnections(String),
    /// End a session, or all of an account.
    #[allow(missing_docs, reason = "as in `connections.end`")]
    End { jid: String, reason: String },
    /// All certificates.
    Certificates,
    /// Check, keep and show a certificate.
    PutCertificate {
        /// For which domain.
        domain: String,
        /// The chain and the private key.
        #[serde(skip)]
        pem: Secret,
    },
    /// The addresses on a list that holds for the whole server.
    AccessList(AccessList),
    /// Put exactly these addresses on it.
    #[allow(missing_docs, reason = "as in `server-control.set-entries`")]
    SetAccessList { list: AccessList, entries: Vec<String> },
    /// Stop the server, and start it again or not.
    #[allow(missing_docs, reason = "as in `server-control`")]
    Stop { then: AfterStop, delay: u32 },
    /// The addresses of a name in the DNS.
    Addresses(String),
    /// The SRV records of a name in the DNS.
    Services(String),
}

impl AdminRequest {
    /// The answer to a change that is not to be made, as far as can be said without trying.
    pub(crate) fn pretended(self) -> AdminAnswer {
        match self {
            AdminRequest::End { .. } => AdminAnswer::Count(1, 0),
            AdminRequest::PutCertificate { domain, .. } => AdminAnswer::Certificates(vec![CertificateInfo {
                names: vec![domain.clone()],
                domain,
                issuer: String::new(),
                not_before: 0,
                not_after: 0,
                self_signed: false,
            }]),
            _ => AdminAnswer::Done,
        }
    }

    /// Whether it changes anything.
    pub fn changes(&self) -> bool {
        matches!(
            self,
            AdminRequest::AddVhost { .. }
                | AdminRequest::ChangeVhost { .. }
                | AdminRequest::RemoveVhost { .. }
                | AdminRequest::Enable { .. }
                | AdminRequest::End { .. }
                | AdminRequest::PutCertificate { .. }
                | AdminRequest::SetAccessList { .. }
                | AdminRequest::Stop { .. }
        )
    }
}

/// A list of addresses that holds for the whole server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccessList {
    /// The accounts that administer it.
    Administrators,
    /// Nobody exchanges stanzas with these.
    Blacklist,
    /// Unless it is empty, users exchange stanzas with these and with each other only.
    Whitelist,
}

/// What follows when the server has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AfterStop {
    /// The process ends.
    Exit,
    /// The server starts again.
    Restart,
}

/// What it hears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdminAnswer {
    /// It is done.
    Done,
    /// It is not.
    Refused(AdminError),
    /// Domains, or addresses.
    Names(Vec<String>),
    /// Keys and values; `None` where there is no such virtual host.
    Settings(Option<Vec<(String, String)>>),
    /// `None` where there is no such account.
    Account(Option<AccountInfo>),
    /// Accounts.
    Accounts(Vec<AccountInfo>),
    /// All of them, and those that are off.
    Count(u64, u64),
    /// Sessions.
    Connections(Vec<ConnectionInfo>),
    /// Certificates.
    Certificates(Vec<CertificateInfo>),
    /// SRV records.
    Services(Vec<ServiceRecord>),
}

/// Why it is not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdminError {
    /// Whoever asks may not do that.
    Denied,
    /// There is one of that name.
    Exists,
    /// There is none of that name.
    NotFound,
    /// What is wrong, in a sentence for a person.
    Invalid(String),
    /// The storage, or the DNS, cannot answer now.
    Unavailable,
}

/// What is known of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountInfo {
    /// The bare JID.
    pub jid: String,
    /// Milliseconds since the Unix epoch.
    pub created: u64,
    /// Whether it may log in.
    pub enabled: bool,
}

/// A session with its client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionInfo {
    /// The full JID.
    pub jid: String,
    /// When it was bound, in milliseconds since the Unix epoch.
    pub since: u64,
    /// When its client last sent a stanza.
    pub active: u64,
    /// The client's IP address, where there is one.
    pub address: Option<String>,
    /// Whether it has sent available presence.
    pub available: bool,
}

/// What is known of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateInfo {
    /// The domain that it is shown for.
    pub domain: String,
    /// The names that it is valid for.
    pub names: Vec<String>,
    /// Who has issued it, as its distinguished name.
    pub issuer: String,
    /// From when on it is valid, in milliseconds since the Unix epoch.
    pub not_before: u64,
    /// Until when.
    pub not_after: u64,
    /// Whether it was issued by itself, so that clients do not trust it.
    pub self_signed: bool,
}

/// An SRV record (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceRecord {
    /// The name of the machine, without the dot at its end.
    pub target: String,
    /// Its port.
    pub port: u16,
}

/// What somebody may do with a virtual host and its users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authority {
    /// Nothing.
    None,
    /// Manage its users, and its settings but for the owner.
    Admin,
    /// Everything about it.
    Owner,
    /// Everything about every virtual host: an administrator of the server.
    Server,
}
