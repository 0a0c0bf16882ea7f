//! What is stored for accounts, virtual hosts and logs.

use std::time::SystemTime;
use waxwing_xmpp::Jid;

/// The keys that SCRAM needs to check a password without knowing it (RFC 5802, section 3).
#[derive(Clone, PartialEq, Eq)]
pub struct ScramKeys {
    /// How often the password was hashed: at least once.
    pub iterations: u32,
    /// What was mixed into the password.
    pub salt: Vec<u8>,
    /// Checks the client's proof.
    pub stored_key: Vec<u8>,
    /// Proves to the client that this is its server.
    pub server_key: Vec<u8>,
}

/// An account of a virtual host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its bare JID.
    pub jid: Jid,
    /// For SCRAM-SHA-1. An account that came from another server may have keys for one mechanism only; one without
    /// any keys lets nobody in.
    pub sha1: Option<ScramKeys>,
    /// For SCRAM-SHA-256, likewise.
    pub sha256: Option<ScramKeys>,
    /// Kept to the millisecond.
    pub created: SystemTime,
    /// Whether it may log in.
    pub enabled: bool,
}

/// An account without its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSummary {
    /// Its bare JID.
    pub jid: Jid,
    /// Kept to the millisecond.
    pub created: SystemTime,
    /// Whether it may log in.
    pub enabled: bool,
}

/// One entry of a roster (RFC 6121, section 2.1), with the states of appendix A.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterItem {
    /// The contact's bare JID.
    pub jid: Jid,
    /// Empty for none.
    pub name: String,
    /// In order, without repetition.
    pub groups: Vec<String>,
    /// The contact may see the owner's presence.
    pub from: bool,
    /// The owner may see the contact's presence.
    pub to: bool,
    /// A subscription request to the contact is pending (`ask='subscribe'`).
    pub pending_out: bool,
    /// The contact's request, as the `<presence/>` stanza to be shown at each login until answered.
    pub pending_in: Option<String>,
    /// The owner has approved a request that has not come yet (RFC 6121, section 3.4).
    pub approved: bool,
    /// Not in the roster proper: only remembers `pending_in` or `approved` of a stranger.
    pub hidden: bool,
    /// The roster version of the last change.
    pub version: u64,
}

/// A whole roster at one version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    /// Rises by one with every change; 0 for a roster that was never touched.
    pub version: u64,
    /// In order of JID.
    pub items: Vec<RosterItem>,
}

/// A virtual host as stored: one that was added at run time, not in the config file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vhost {
    /// The domain that it serves.
    pub domain: String,
    /// Whether it is served.
    pub enabled: bool,
    /// Setting name to value, in order of name.
    pub settings: Vec<(String, String)>,
}

/// Which values of a table to read, in byte order of their keys. Every field narrows; the default is the
/// first 100.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRange {
    /// Only keys that start with this.
    pub prefix: String,
    /// Only keys greater than this.
    pub after: Option<String>,
    /// Only keys smaller than this.
    pub before: Option<String>,
    /// Greatest first.
    pub backwards: bool,
    /// At most so many.
    pub limit: u32,
}

/// Keys of a table with their values.
pub type TableRows = Vec<(String, Vec<u8>)>;

impl TableRange {
    /// Whether a key is in it.
    pub fn contains(&self, key: &str) -> bool {
        key.starts_with(&self.prefix)
            && self.after.as_deref().is_none_or(|after| key > after)
            && self.before.as_deref().is_none_or(|before| key < before)
    }
}

impl Default for TableRange {
    fn default() -> Self {
        Self { prefix: String::new(), after: None, before: None, backwards: false, limit: 100 }
    }
}

/// One value of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Rises with every append to the engine, whoever the owner.
    pub id: u64,
    /// Milliseconds since the Unix epoch.
    pub at: u64,
    /// What the writer wants to find it by, such as the other party of a conversation.
    pub tag: Option<String>,
    /// The engine does not look into it.
    pub value: Vec<u8>,
}

/// Which values of a log to read. Every field narrows; the default is the oldest 100.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogQuery {
    /// Only ids greater than this.
    pub after: u64,
    /// Only ids smaller than this.
    pub before: Option<u64>,
    /// Only times from this on, in milliseconds.
    pub since: Option<u64>,
    /// Only times before this, in milliseconds.
    pub until: Option<u64>,
    /// Only values with this tag.
    pub tag: Option<String>,
    /// Newest first: in falling order of id.
    pub backwards: bool,
    /// At most so many.
    pub limit: u32,
}

impl Default for LogQuery {
    fn default() -> Self {
        Self { after: 0, before: None, since: None, until: None, tag: None, backwards: false, limit: 100 }
    }
}

impl std::fmt::Debug for ScramKeys {
    /// Never the keys: they would be as good as a password to an attacker who reads logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ScramKeys({} iterations)", self.iterations)
    }
}
