//! What can be written, and several such writes as one.

use crate::{Account, Alarm, InstalledPlugin, Roster, RosterItem, ScramKeys, Vhost};
use waxwing_xmpp::Jid;

/// One change. The owner of a table or log is a bare JID; times are milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of the types that are read back")]
pub enum Write {
    /// Make an account; fails with `Account(Exists)` if it is there.
    CreateAccount(Account),
    /// Change the password of an account; fails with `Account(NotFound)`.
    SetKeys { jid: Jid, sha1: Option<ScramKeys>, sha256: Option<ScramKeys> },
    /// Give an account the keys that it lacks, of the password that it has. Those that it has must be the ones given
    /// here, else `Conflict`: the password has changed meanwhile, or the account is gone.
    CompleteKeys { jid: Jid, sha1: ScramKeys, sha256: ScramKeys },
    /// Let an account log in, or do not; fails with `Account(NotFound)`.
    EnableAccount { jid: Jid, enabled: bool },
    /// Erase an account with all that it owns: roster, tables, logs, alarms. No error if it is not there.
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
    /// Set an alarm, in place of the one that its plugin and owner have under its name.
    SetAlarm(Alarm),
    /// Forget an alarm; with `at`, only if it is still set for that time. No error if it is not there.
    ClearAlarm { plugin: String, owner: String, name: String, at: Option<u64> },
    /// Keep a wasm file under the SHA-256 that the caller has computed of it. Does nothing if it is there.
    ///
    /// Put it in the batch of the first plugin that needs it: in a batch of its own it may be deleted
    /// before that comes.
    PutComponent { sha256: [u8; 32], bytes: Vec<u8> },
    /// Add an installed plugin, or replace the one of that name and scope. Fails with `NoComponent` if
    /// its component is not stored; of `previous` that is not asked.
    ///
    /// At the end of a batch with this or `RemovePlugin`, components that no installed plugin names,
    /// as its own or its previous one, are deleted.
    PutPlugin(InstalledPlugin),
    /// Forget an installed plugin. Its data stays. No error if it is not there.
    RemovePlugin { name: String, scope: String },
    /// Erase the data of a plugin, whoever the owner: tables and logs whose store begins with `PLUGIN/`
    /// or is `account-data/PLUGIN`, and its alarms. Takes as long as there is data of it, and other
    /// commits wait.
    ErasePlugin { plugin: String },
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
            Self::CreateAccount(_)
            | Self::SetKeys { .. }
            | Self::CompleteKeys { .. }
            | Self::EnableAccount { .. }
            | Self::RemoveAccount(_)
            | Self::RemoveVhost(_) => 0,
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
            Self::SetAlarm(alarm) => alarm.data.len(),
            Self::PutComponent { bytes, .. } => bytes.len(),
            Self::PutPlugin(plugin) => plugin.manifest.len(),
            Self::ClearAlarm { .. } | Self::RemovePlugin { .. } | Self::ErasePlugin { .. } => 0,
        }
    }
}

impl Roster {
    /// The item of a contact's bare JID, hidden or not.
    pub fn item(&self, contact: &str) -> Option<&RosterItem> {
        self.items.iter().find(|item| item.jid.as_str() == contact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_weighs_what_it_carries() {
        let (plugin, owner, name) = ("p".to_owned(), "o@example.org".to_owned(), "n".to_owned());
        let writes = [
            Write::SetAlarm(Alarm { plugin, owner, name, at: 1, data: vec![0; 1_000] }),
            Write::PutComponent { sha256: [0; 32], bytes: vec![0; 20_000] },
            Write::PutPlugin(InstalledPlugin {
                name: "p".into(),
                scope: "*".into(),
                sha256: [0; 32],
                previous: None,
                manifest: " ".repeat(300_000),
            }),
            Write::ErasePlugin { plugin: "p".into() },
        ];
        let batch = Batch { writes: writes.to_vec() };
        assert_eq!(batch.weight(), 321_000 + 4 * 256);
    }
}
