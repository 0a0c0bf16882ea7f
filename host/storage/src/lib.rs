//! Durable data: the [`Storage`] trait and its engines.
//!
//! Everything that changes goes through [`Storage::commit`] as one [`Batch`], which is durable
//! when the call returns and atomic whatever happens; what is not worth a wait for the disk, through
//! [`Storage::commit_soon`]. Everything is partitioned by its owner, a
//! bare JID, so that an account can be moved, counted or erased in one step.

mod batch;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod convert;
mod location;
mod metrics;
mod plugin;
mod postgres;
mod purge;
mod queue;
mod readdress;
mod soon;
mod sqlite;
pub mod tools;
mod trouble;
mod turn;
mod types;

pub use batch::{Batch, Write};
pub use location::{Location, LocationError};
pub use metrics::{Distribution, Metrics, Pool};
pub use plugin::{ACCOUNT_DATA, AccountData, Alarm, InstalledPlugin};
pub use postgres::{Address, Postgres, PostgresError, PostgresOptions};
pub use readdress::{Decision, Undecided};
pub use sqlite::{OpenError, Sqlite, SqliteOptions};
pub use types::{
    Account, AccountSummary, LogEntry, LogQuery, Roster, RosterItem, ScramKeys, TableRange, TableRows, Vhost,
};

use futures_util::future::BoxFuture;
use waxwing_xmpp::Jid;

/// What an engine answers.
pub type Result<T> = std::result::Result<T, Error>;

/// The ids of log values.
pub type Ids = Vec<u64>;

/// Why an engine could not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A compare-and-set found another value; nothing of the batch was kept.
    #[error("the data has changed since it was read")]
    Conflict,
    /// An account to be made is there already, or one to be changed is not.
    #[error("the account {0}")]
    Account(AccountError),
    /// A plugin was to be installed whose component, of this SHA-256, is not stored; nothing of the
    /// batch was kept.
    #[error("no component with SHA-256 {} is stored: put it in the same batch, before the plugin", hex(.0))]
    NoComponent([u8; 32]),
    /// The engine cannot answer now: disk full, file locked, closed.
    #[error("the storage cannot answer now: {0}")]
    Unavailable(String),
    /// A name or a key is longer than this engine can take.
    #[error("a name is too long for the database: {0}")]
    TooLong(String),
    /// What was read is not what was written.
    #[error("the stored data is damaged: {0}")]
    Corrupt(String),
}

impl Error {
    /// Log that something was not done because of it. That it cannot answer, the storage has said itself, once: what
    /// fails for it is for those who look closely.
    pub fn log(&self, what: std::fmt::Arguments<'_>) {
        match self {
            Self::Unavailable(_) => tracing::debug!("{what}: {self}"),
            _ => tracing::error!("{what}: {self}"),
        }
    }

    /// Whether the fault is with what was asked, not with the database.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Conflict | Self::Account(_) | Self::NoComponent(_) | Self::TooLong(_) => true,
            Self::Unavailable(_) | Self::Corrupt(_) => false,
        }
    }
}

/// What is wrong with an account named in a [`Write`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// It was to be made.
    #[error("exists already")]
    Exists,
    /// It was to be changed.
    #[error("does not exist")]
    NotFound,
}

/// As people and other programs write a digest.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A database. Reads may run beside each other and beside a commit; each sees every commit that
/// returned before the read began.
///
/// `store` names a table or log; the plugin engine prefixes it with the plugin's name.
/// Values past their expiry are never returned or counted.
pub trait Storage: Send + Sync + 'static {
    /// Apply all of a batch or none of it. Durable once this returns, with the ids of what was appended to logs, in
    /// order. Waits while the engine's queue is full. After `Unavailable`, or if the future is dropped, the batch may
    /// or may not have been kept.
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Ids>>;
    /// The same for what a crash may lose. Returns once the batch waits for its turn, which comes ahead of all batches
    /// that are handed in later, and within seconds. [`table_get`](Self::table_get) and
    /// [`account_data`](Self::account_data) answer with it at once, other reads when it is stored.
    fn commit_soon(&self, batch: Batch) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { self.commit(batch).await.map(drop) })
    }

    /// The account that a bare JID means: the one of that name, or else the one whose name software that follows RFC 6122
    /// writes so (`fussball@` for `fußball@`). There cannot be both.
    fn account<'a>(&'a self, jid: &'a Jid) -> BoxFuture<'a, Result<Option<Account>>>;
    /// Up to `limit` accounts of a domain, after `after`, in order of their addresses.
    fn accounts<'a>(
        &'a self,
        domain: &'a str,
        after: Option<&'a Jid>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<AccountSummary>>>;
    /// The first domain after `after`, in order, that has accounts.
    fn account_domain<'a>(&'a self, after: &'a str) -> BoxFuture<'a, Result<Option<String>>>;
    /// How many accounts a domain has.
    fn count_accounts<'a>(&'a self, domain: &'a str) -> BoxFuture<'a, Result<u64>>;
    /// How many of them may not log in.
    fn count_disabled<'a>(&'a self, domain: &'a str) -> BoxFuture<'a, Result<u64>>;

    /// The whole roster, hidden items too.
    fn roster<'a>(&'a self, owner: &'a Jid) -> BoxFuture<'a, Result<Roster>>;

    /// All stored virtual hosts, in order of domain.
    fn vhosts(&self) -> BoxFuture<'_, Result<Vec<Vhost>>>;

    /// The value of a key.
    fn table_get<'a>(
        &'a self,
        store: &'a str,
        owner: &'a str,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>>>;
    /// Up to `limit` keys that start with `prefix`, after `after`, in byte order.
    fn table_keys<'a>(
        &'a self,
        store: &'a str,
        owner: &'a str,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<String>>>;

    /// Keys and values of a range of a table.
    fn table_scan<'a>(
        &'a self,
        store: &'a str,
        owner: &'a str,
        range: &'a TableRange,
    ) -> BoxFuture<'a, Result<TableRows>>;

    /// Values of a log, in order of id.
    fn log_read<'a>(
        &'a self,
        store: &'a str,
        owner: &'a str,
        query: LogQuery,
    ) -> BoxFuture<'a, Result<Vec<LogEntry>>>;
    /// How many values a log has, of one tag or of all.
    fn log_count<'a>(
        &'a self,
        store: &'a str,
        owner: &'a str,
        tag: Option<&'a str>,
    ) -> BoxFuture<'a, Result<u64>>;

    /// How many bytes the table and the log of this name take, of all owners: keys and values, tags
    /// and values. May look through all of them.
    fn store_bytes<'a>(&'a self, store: &'a str) -> BoxFuture<'a, Result<u64>>;
    /// What all plugins keep as data of this account: plugin, key and value of every entry of its
    /// tables named [`ACCOUNT_DATA`]`PLUGIN`, in order of plugin and key.
    fn account_data<'a>(&'a self, owner: &'a str) -> BoxFuture<'a, Result<AccountData>>;

    /// Up to `limit` alarms that are due at or before `until`, earliest first. Those of the same time
    /// come in order of owner, plugin and name.
    fn alarms(&self, until: u64, limit: u32) -> BoxFuture<'_, Result<Vec<Alarm>>>;
    /// How many bytes the alarms of a plugin take, of all owners: owners, names and data. May look through all of them.
    fn alarm_bytes<'a>(&'a self, plugin: &'a str) -> BoxFuture<'a, Result<u64>>;
    /// When the earliest alarm is due.
    fn next_alarm(&self) -> BoxFuture<'_, Result<Option<u64>>>;

    /// All plugins that were installed at run time, in order of name and scope.
    fn plugins(&self) -> BoxFuture<'_, Result<Vec<InstalledPlugin>>>;
    /// The wasm file with this SHA-256.
    fn component<'a>(&'a self, sha256: &'a [u8; 32]) -> BoxFuture<'a, Result<Option<Vec<u8>>>>;

    /// What the engine counts of itself. Costs nothing worth mentioning.
    fn metrics(&self) -> Metrics {
        Metrics::default()
    }

    /// Finish what is queued, then close. Later calls answer [`Error::Unavailable`].
    fn close(&self) -> BoxFuture<'_, Result<()>>;
}
