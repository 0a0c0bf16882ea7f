//! What a call asks of the host, and what it hears: all that a plugin learns of the world beside its input.

use crate::blob::{Blob, Secret};
use crate::declare::marks::Marks;
use crate::host::admin::{AdminAnswer, AdminRequest, Authority};
use crate::host::{AccountError, Contact, SessionInfo, Subscription};
use serde::{Deserialize, Serialize};
use waxwing_storage::{LogEntry, LogQuery, TableRange};
use waxwing_xmpp::Jid;

/// One question with its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// What was asked.
    pub question: HostQuestion,
    /// What was answered.
    pub answer: HostAnswer,
}

/// What a call asks of the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "as in the methods of `Host` and `Storage`")]
pub enum HostQuestion {
    Now,
    Started,
    /// So many bytes.
    Random(u64),
    IsLocal(String),
    VhostSetting {
        domain: String,
        name: String,
    },
    HasFeature {
        domain: String,
        feature: String,
    },
    Sessions(String),
    AccountData(String),
    AccountExists(String),
    IsAnonymous(String),
    Subscription {
        owner: String,
        contact: String,
    },
    Contacts {
        owner: String,
        after: Option<String>,
        limit: u32,
    },
    CreateAccount {
        account: String,
        #[serde(skip)]
        password: Secret,
        by_admin: bool,
    },
    Authority {
        user: String,
        domain: String,
    },
    MayManage {
        user: String,
        account: String,
    },
    Admin(AdminRequest),
    SetPassword {
        account: String,
        #[serde(skip)]
        password: Secret,
    },
    TableGet {
        store: String,
        owner: String,
        key: String,
    },
    TableKeys {
        store: String,
        owner: String,
        prefix: String,
        after: Option<String>,
        limit: u32,
    },
    TableScan {
        store: String,
        owner: String,
        range: KeyRange,
    },
    LogRead {
        store: String,
        owner: String,
        query: Query,
    },
    LogCount {
        store: String,
        owner: String,
        tag: Option<String>,
    },
    /// The plugin's account data where it is not in memory.
    StoredAccountData(String),
}

/// What the host answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostAnswer {
    /// Milliseconds since the Unix epoch.
    Time(u64),
    /// `None` where there is no randomness.
    Random(Option<Blob>),
    /// Yes or no.
    Is(bool),
    /// A setting.
    Text(Option<String>),
    /// The sessions of an account.
    Sessions(Vec<SeenSession>),
    /// Key and value of what the plugin keeps for an account; `None` where that is not in memory.
    Data(Option<Vec<(String, Blob)>>),
    /// Who sees whom.
    Subscription(Subscription),
    /// Contacts of a roster.
    Contacts(Vec<SeenContact>),
    /// Whether an account was changed, and if not, why.
    Account(Result<(), AccountError>),
    /// A value of a table.
    Value(Option<Blob>),
    /// Keys of a table.
    Keys(Vec<String>),
    /// Keys and values of a table.
    Rows(Vec<(String, Blob)>),
    /// Values of a log.
    Entries(Vec<SeenEntry>),
    /// How many there are.
    Count(u64),
    /// What somebody may do.
    Authority(Authority),
    /// What is told to those who administer the server.
    Admin(AdminAnswer),
    /// The storage could not answer, or nobody is there who knows.
    Failed(String),
}

/// A bound resource as the plugin sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenSession {
    /// Its full JID.
    pub jid: String,
    /// Meaningless unless `available`.
    pub priority: i8,
    /// Whether it has sent available presence.
    pub available: bool,
    /// The marks of this plugin on it.
    pub marks: Vec<String>,
}

/// A contact of a roster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenContact {
    /// Its bare JID.
    pub jid: String,
    /// What the owner calls it.
    #[serde(default)]
    pub name: Option<String>,
    /// Who sees whom.
    pub subscription: Subscription,
    /// In order.
    pub groups: Vec<String>,
}

/// A value of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "as in `LogEntry`")]
pub struct SeenEntry {
    pub id: u64,
    pub at: u64,
    pub tag: Option<String>,
    pub value: Blob,
}

/// Which values of a log are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "as in `LogQuery`")]
pub struct Query {
    pub after: u64,
    pub before: Option<u64>,
    pub since: Option<u64>,
    pub until: Option<u64>,
    pub tag: Option<String>,
    pub backwards: bool,
    pub limit: u32,
}

/// Which keys of a table are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "as in `TableRange`")]
pub struct KeyRange {
    pub prefix: String,
    pub after: Option<String>,
    pub before: Option<String>,
    pub backwards: bool,
    pub limit: u32,
}

/// An answer of another kind than was asked for.
pub(super) fn odd<T>(answer: HostAnswer) -> waxwing_storage::Result<T> {
    Err(waxwing_storage::Error::Unavailable(match answer {
        HostAnswer::Failed(reason) => reason,
        _ => "the recording has another kind of answer".to_owned(),
    }))
}

impl SeenSession {
    pub(crate) fn new(info: SessionInfo, marks: &Marks) -> SeenSession {
        let SessionInfo { jid, priority, available, marks: word } = info;
        SeenSession { jid: jid.to_string(), priority, available, marks: marks.names(word) }
    }

    /// `None` if its address is none.
    pub(crate) fn info(self, marks: &Marks) -> Option<SessionInfo> {
        let jid = Jid::parse(&self.jid).ok()?;
        let numbers = self.marks.iter().filter_map(|name| marks.number(name));
        let marks = numbers.fold(0, |word, number| word | 1 << number);
        Some(SessionInfo { jid, priority: self.priority, available: self.available, marks })
    }
}

impl From<Contact> for SeenContact {
    fn from(contact: Contact) -> Self {
        let Contact { jid, name, subscription, groups } = contact;
        SeenContact { jid: jid.to_string(), name, subscription, groups }
    }
}

impl SeenContact {
    /// `None` if its address is none.
    pub(crate) fn contact(self) -> Option<Contact> {
        let SeenContact { jid, name, subscription, groups } = self;
        Some(Contact { jid: Jid::parse(&jid).ok()?, name, subscription, groups })
    }
}

impl From<LogEntry> for SeenEntry {
    fn from(entry: LogEntry) -> Self {
        let LogEntry { id, at, tag, value } = entry;
        SeenEntry { id, at, tag, value: value.into() }
    }
}

impl From<SeenEntry> for LogEntry {
    fn from(entry: SeenEntry) -> Self {
        let SeenEntry { id, at, tag, value } = entry;
        LogEntry { id, at, tag, value: value.0 }
    }
}

impl From<LogQuery> for Query {
    fn from(query: LogQuery) -> Self {
        let LogQuery { after, before, since, until, tag, backwards, limit } = query;
        Query { after, before, since, until, tag, backwards, limit }
    }
}

impl From<Query> for LogQuery {
    fn from(query: Query) -> Self {
        let Query { after, before, since, until, tag, backwards, limit } = query;
        LogQuery { after, before, since, until, tag, backwards, limit }
    }
}

impl From<TableRange> for KeyRange {
    fn from(range: TableRange) -> Self {
        let TableRange { prefix, after, before, backwards, limit } = range;
        KeyRange { prefix, after, before, backwards, limit }
    }
}

impl From<KeyRange> for TableRange {
    fn from(range: KeyRange) -> Self {
        let KeyRange { prefix, after, before, backwards, limit } = range;
        TableRange { prefix, after, before, backwards, limit }
    }
}
