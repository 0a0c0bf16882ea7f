//! What can be written, and several such writes as one.

use crate::{Account, Roster, RosterItem, ScramKeys, Vhost};
use waxwing_xmpp::Jid;

/// One change. The owner of a table or log is a bare JID; times are milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of the types that are read back")]
pub enum Write {
    /// Make an account; fails with `Account(Exists)` if it is there.
    CreateAccount(Account),
    /// Change the password of an account; fails with `Account(NotFound)`.
    SetKeys { jid: Jid, sha1: ScramKeys, sha256: ScramKeys },
    /// Erase an account with all that it owns: roster, tables, logs. No error if it is not there.
    RemoveAccount(Jid),
    /// Remove some roster items and put others, if the roster's version is still `expect`
    /// (else `Conflict`). The roster and the items put get version `expect + 1`.
    Roster { owner: Jid, expect: u64, put: Vec<RosterItem>, remove: Vec<Jid> },
    /// Add a virtual host, or replace the one of that domain.
    PutVhost(Vhost),
    /// Forget a virtual host by its domain. Its accounts stay. No error if it is not there.
    RemoveVhost(String),
    /// Give a key of a table a value, whatever it had.
    TableSet { store: String, owner: String, key: String, value: Vec<u8> },
    /// `TableSet` if the present value is `old`, else `Conflict`.
    TableSwap { store: String, owner: String, key: String, old: Option<Vec<u8>>, new: Vec<u8> },
    /// Forget a key. No error if it is not there.
    TableDelete { store: String, owner: String, key: String },
    /// Add a value to a log. It vanishes by itself at `expires`.
    LogAppend {
        store: String,
        owner: String,
        at: u64,
        tag: Option<String>,
        value: Vec<u8>,
        expires: Option<u64>,
    },
    /// Delete one value. No error if it is not there.
    LogRemove { store: String, owner: String, id: u64 },
    /// Delete everything up to and including `through`.
    LogTrim { store: String, owner: String, through: u64 },
}

/// Changes that take place together, in this order, or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Each sees what those before it did.
    pub writes: Vec<Write>,
}

impl Batch {
    /// A batch of one.
    pub fn one(write: Write) -> Self {
        Self { writes: vec![write] }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// About how many bytes it keeps in memory while it waits.
    pub(crate) fn weight(&self) -> usize {
        self.writes.iter().map(|write| 256 + write.payload()).sum()
    }
}

impl Write {
    /// The bytes that may be many.
    fn payload(&self) -> usize {
        match self {
            Self::CreateAccount(_) | Self::SetKeys { .. } | Self::RemoveAccount(_) | Self::RemoveVhost(_) => {
                0
            }
            Self::Roster { put, remove, .. } => {
                let asks =
                    put.iter().filter_map(|item| item.pending_in.as_deref()).map(str::len).sum::<usize>();
                asks + 256 * (put.len() + remove.len())
            }
            Self::PutVhost(vhost) => {
                vhost.settings.iter().map(|(name, value)| name.len() + value.len()).sum()
            }
            Self::TableSet { value, .. } | Self::LogAppend { value, .. } => value.len(),
            Self::TableSwap { old, new, .. } => old.as_ref().map_or(0, Vec::len) + new.len(),
            Self::TableDelete { .. } | Self::LogRemove { .. } | Self::LogTrim { .. } => 0,
        }
    }
}

impl Roster {
    /// The item of a contact's bare JID, hidden or not.
    pub fn item(&self, contact: &str) -> Option<&RosterItem> {
        self.items.iter().find(|item| item.jid.as_str() == contact)
    }
}
