//! What one call has answered and wanted done, written down so that two can be compared.

mod compare;
mod make;

pub use compare::Difference;
pub(crate) use compare::json;

use crate::blob::Blob;
use crate::declare::command::CommandReply;
use crate::declare::portable::PortablePage;
use crate::run::notes::{AccountChange, Line};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What one call of a hook has answered and wanted done.
///
/// Two are equal if they answer the same and want the same done in the same order. What they cost, what
/// they write to the log and what they count is not compared. The ids of requests, which are drawn at
/// random, are replaced by `request-1`, `request-2` and so on, here and in the stanzas.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trace {
    /// What the hook has answered.
    pub answer: TraceAnswer,
    /// Stanzas to send, in order. A request's is among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outbox: Vec<TraceStanza>,
    /// Changes to tables and logs: first what commits before the stanzas leave, then the deletes, which
    /// commit after.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<TraceWrite>,
    /// Alarms set and cleared, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<TraceAlarm>,
    /// Marks set and cleared, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<TraceMark>,
    /// Changes to the data of accounts, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub account_data: Vec<TraceDatum>,
    /// Requests whose replies are to be waited for, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<TraceRequest>,
    /// Accounts to be removed, bare JIDs, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removals: Vec<String>,
    /// Accounts made and passwords changed, which takes place during the call; in a dry call, what would
    /// have been.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<AccountChange>,
    /// What it has said to the log through `runtime`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<Line>,
    /// What it has added to its counters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counts: Vec<(String, u64)>,
    /// Time in the plugin's code and in host functions that it called, without waiting. In JSON in
    /// microseconds.
    #[serde(default, with = "micros", rename = "cpu_us")]
    pub cpu: Duration,
    /// Time from the first to the last moment, waiting included. In JSON in microseconds.
    #[serde(default, with = "micros", rename = "time_us")]
    pub time: Duration,
}

/// What a hook has answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TraceAnswer {
    /// A hook that is shown a stanza: not mine.
    Next,
    /// Mine and finished.
    Handled,
    /// The content of an IQ result.
    Reply(String),
    /// Discard it.
    Drop,
    /// Bounce it. Nothing else of the call is kept.
    Reject(TraceError),
    /// Carry on with this stanza.
    Replace(String),
    /// A hook that is told of a session: done.
    Done,
    /// Call again: there is more to send.
    Again,
    /// What a command answers.
    Command(CommandReply),
    /// What a command answers when it does not do as told. Nothing else of the call is kept.
    Refuse(TraceError),
    /// What is given out of an account.
    Page(PortablePage),
    /// What was to be taken for an account has been.
    Taken,
    /// Nothing is given out or taken, and this is why. Nothing else of the call is kept.
    Unable(String),
    /// A hook that answers nothing has returned.
    Nothing,
    /// The call has failed. Nothing of it is kept.
    Failed(TraceFailure),
}

/// An error for a person, as RFC 6120, section 8.3 has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceError {
    /// `forbidden`
    pub condition: String,
    /// `auth`
    #[serde(rename = "type")]
    pub ty: String,
    /// A sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Why a call has failed. Two are equal if they are of one kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TraceFailure {
    /// A word for each reason: `trap`, `cpu`, `timeout`, `verdict`, `xml`, `state`, `start`, `busy`,
    /// `suspended`, `storage`, `chain`.
    pub kind: String,
    /// A sentence.
    pub text: String,
}

/// A stanza in the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TraceStanza {
    /// To be routed by its `to`.
    Route(String),
    /// For exactly this session, or for nobody.
    Deliver {
        /// A full JID.
        session: String,
        /// What goes to it.
        xml: String,
    },
}

/// A change to a table or a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "op")]
#[allow(missing_docs, reason = "as in `waxwing_storage::Write`")]
pub enum TraceWrite {
    TableSet {
        store: String,
        owner: String,
        key: String,
        value: Blob,
    },
    TableSwap {
        store: String,
        owner: String,
        key: String,
        old: Option<Blob>,
        new: Blob,
    },
    /// Forgotten with the writes, before the stanzas leave.
    TableUnset {
        store: String,
        owner: String,
        key: String,
    },
    /// Forgotten after the stanzas have left.
    TableDelete {
        store: String,
        owner: String,
        key: String,
    },
    LogAppend {
        store: String,
        owner: String,
        at: u64,
        tag: Option<String>,
        value: Blob,
        expires: Option<u64>,
    },
    LogRemove {
        store: String,
        owner: String,
        id: u64,
    },
    LogTrim {
        store: String,
        owner: String,
        through: u64,
    },
}

/// An alarm that is set or cleared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceAlarm {
    /// A bare JID.
    pub owner: String,
    /// Tells alarms of one owner apart.
    pub name: String,
    /// When it is to ring, in milliseconds since the Unix epoch, and what is handed back then; `None` clears
    /// it.
    pub set: Option<(u64, Blob)>,
}

/// A mark that is set or cleared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceMark {
    /// A full JID.
    pub session: String,
    /// Its name.
    pub mark: String,
    /// Whether it is set.
    pub on: bool,
}

/// A change to the data of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceDatum {
    /// A bare JID.
    pub account: String,
    /// What it is kept under.
    pub key: String,
    /// `None` deletes.
    pub value: Option<Blob>,
}

/// A request whose reply is to be waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceRequest {
    /// In whose name it is made.
    pub from: String,
    /// Who is asked.
    pub to: String,
    /// What is handed back with the reply.
    pub context: Blob,
    /// How long the reply is waited for, in milliseconds.
    pub timeout: u32,
}

/// Durations as whole microseconds.
mod micros {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::time::Duration;

    pub fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_micros)
    }
}
