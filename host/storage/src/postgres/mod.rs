//! PostgreSQL: for what outgrows one file. One connection writes, a pool of them reads.
//!
//! A commit is on the database's disk before it returns, unless the database runs with `fsync = off`. When the
//! connection is lost, what is under way fails, what comes fails at once, and the engine connects again by itself.

mod address;
pub(crate) mod blocking;
mod error;
mod health;
mod keys;
pub(crate) mod lock;
pub(crate) mod migrations;
mod queries;
mod reads;
mod session;
mod steps;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod text;
mod tls;
mod value;
mod writer;

pub use address::Address;
pub use error::PostgresError;

use crate::metrics::{Meter, Metrics};
use crate::queue::{Answers, Queue};
use crate::soon;
use crate::{
    Account, AccountData, AccountSummary, Alarm, Batch, Ids, InstalledPlugin, LogEntry, LogQuery, Result,
    Roster, Storage, TableRange, TableRows, Vhost,
};
use futures_util::future::{BoxFuture, ready};
use health::Health;
use reads::Reads;
use session::Opening;
use std::sync::Arc;
use std::time::Duration;
use tls::Connector;
use tokio::sync::mpsc::unbounded_channel;
use waxwing_xmpp::Jid;
use writer::Writer;

/// How a PostgreSQL database is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresOptions {
    /// Connections that read. One more writes. Default 8.
    pub pool_size: usize,
    /// How long the database may take over one statement, and how long a batch may wait for its turn. Default 10 s.
    pub statement_timeout: Duration,
    /// How long it may take until a connection is open. Default 5 s.
    pub connect_timeout: Duration,
    /// Bytes of batches that may wait for the writer; what comes then waits for room. Default 16 MiB.
    pub queue_bytes: usize,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            pool_size: 8,
            statement_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            queue_bytes: 16 << 20,
        }
    }
}

impl PostgresOptions {
    /// How long anybody waits for an answer. Longer than the database has, so that it can say that it was too long.
    fn patience(&self) -> Duration {
        self.statement_timeout + Duration::from_secs(1)
    }
}

/// The PostgreSQL engine. To be used within a tokio runtime.
#[derive(Debug)]
pub struct Postgres {
    reads: Arc<Reads>,
    queue: Queue,
    meter: Arc<Meter>,
}

impl Postgres {
    /// Connect to a database, keep other servers out, and bring its schema up to date.
    ///
    /// # Errors
    /// When the database cannot be used; see [`PostgresError`].
    pub async fn open(
        address: &Address,
        options: PostgresOptions,
    ) -> std::result::Result<Self, PostgresError> {
        let opening = Opening::new(address, &options)?;
        let session = opening.open().await?;
        // Under the lock that the session holds.
        let (blocking_address, patience) = (address.clone(), options.connect_timeout);
        let migrated = tokio::task::spawn_blocking(move || {
            migrations::migrate(&mut blocking::connect(&blocking_address, patience)?, &[])
        });
        migrated.await.map_err(|_| PostgresError::Silent)??;
        session.warn_if_not_durable().await?;
        let (health, meter) = (Arc::new(Health::of(address)), Arc::new(Meter::default()));
        let reads = Reads::new(opening.config.clone(), opening.connector.clone(), &options, health.clone());
        let reads = Arc::new(reads.map_err(|_| PostgresError::Silent)?);
        let (sender, requests) = unbounded_channel();
        let answers = Answers::new(meter.clone());
        let writer = Writer { opening, requests, reads: reads.clone(), health, answers };
        tokio::spawn(writer.run(session));
        let queue = Queue::new(options.queue_bytes, Some(options.statement_timeout), move |request| {
            // What is dropped is answered so.
            let _ = sender.send(request);
        });
        Ok(Self { reads, queue, meter })
    }

    async fn finish(&self) -> Result<()> {
        // No answer: somebody else's request to close came first.
        let _ = self.queue.close().await;
        Ok(())
    }

    /// Count a read.
    fn counted<'a, T: Send + 'a>(
        &'a self,
        read: impl Future<Output = Result<T>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T>> {
        Box::pin(async move { self.meter.read(read.await) })
    }
}

impl Storage for Postgres {
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Ids>> {
        Box::pin(self.queue.commit(batch))
    }

    fn commit_soon(&self, batch: Batch) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.queue.commit_soon(batch))
    }

    fn account<'a>(&'a self, jid: &'a Jid) -> BoxFuture<'a, Result<Option<Account>>> {
        self.counted(self.reads.account(jid))
    }

    fn accounts<'a>(
        &'a self,
        domain: &'a str,
        after: Option<&'a Jid>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<AccountSummary>>> {
        self.counted(self.reads.accounts(domain, after.map_or("", |jid| jid.bare_str()), limit))
    }

    fn account_domain<'a>(&'a self, after: &'a str) -> BoxFuture<'a, Result<Option<String>>> {
        self.counted(self.reads.account_domain(after))
    }

    fn count_accounts<'a>(&'a self, domain: &'a str) -> BoxFuture<'a, Result<u64>> {
        self.counted(self.reads.count_accounts(domain))
    }

    fn count_disabled<'a>(&'a self, domain: &'a str) -> BoxFuture<'a, Result<u64>> {
        self.counted(self.reads.count_disabled(domain))
    }

    fn roster<'a>(&'a self, owner: &'a Jid) -> BoxFuture<'a, Result<Roster>> {
        self.counted(self.reads.roster(owner))
    }

    fn vhosts(&self) -> BoxFuture<'_, Result<Vec<Vhost>>> {
        self.counted(self.reads.vhosts())
    }

    fn table_get<'a>(
        &'a self,
        store: &'a str,
        owner: &'a str,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>>> {
        if let Some(value) = self.queue.soon().get(store, owner, key) {
            return Box::pin(ready(Ok(value)));
        }
        self.counted(self.reads.table_get(store, owner, key))
    }

    fn table_keys<'a>(
        &'a self,
        store: &'a str,
        owner: &'a str,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<String>>> {
        let after = after.map(str::to_owned);
        let range = TableRange { prefix: prefix.to_owned(), after, limit, ..TableRange::default() };
        self.counted(async move { self.reads.table_keys(store, owner, &range).await })
    }

    fn table_scan<'a>(
        &'a self,
        store: &'a str,
        owner: &'a str,
        range: &'a TableRange,
    ) -> BoxFuture<'a, Result<TableRows>> {
        self.counted(self.reads.table_scan(store, owner, range))
    }

    fn log_read<'a>(
        &'a self,
        store: &'a str,
        owner: &'a str,
        query: LogQuery,
    ) -> BoxFuture<'a, Result<Vec<LogEntry>>> {
        self.counted(async move { self.reads.log_read(store, owner, &query).await })
    }

    fn log_count<'a>(
        &'a self,
        store: &'a str,
        owner: &'a str,
        tag: Option<&'a str>,
    ) -> BoxFuture<'a, Result<u64>> {
        self.counted(self.reads.log_count(store, owner, tag))
    }

    fn store_bytes<'a>(&'a self, store: &'a str) -> BoxFuture<'a, Result<u64>> {
        self.counted(self.reads.store_bytes(store))
    }

    fn account_data<'a>(&'a self, owner: &'a str) -> BoxFuture<'a, Result<AccountData>> {
        let changes = self.queue.soon().account_data(owner);
        self.counted(async move { Ok(soon::apply(changes, self.reads.account_data(owner).await?)) })
    }

    fn alarms(&self, until: u64, limit: u32) -> BoxFuture<'_, Result<Vec<Alarm>>> {
        self.counted(self.reads.alarms(until, limit))
    }

    fn alarm_bytes<'a>(&'a self, plugin: &'a str) -> BoxFuture<'a, Result<u64>> {
        self.counted(self.reads.alarm_bytes(plugin))
    }

    fn next_alarm(&self) -> BoxFuture<'_, Result<Option<u64>>> {
        self.counted(self.reads.next_alarm())
    }

    fn plugins(&self) -> BoxFuture<'_, Result<Vec<InstalledPlugin>>> {
        self.counted(self.reads.plugins())
    }

    fn component<'a>(&'a self, sha256: &'a [u8; 32]) -> BoxFuture<'a, Result<Option<Vec<u8>>>> {
        self.counted(self.reads.component(sha256))
    }

    fn metrics(&self) -> Metrics {
        Metrics { pool: Some(self.reads.metrics()), ..self.meter.metrics(self.queue.room()) }
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.finish())
    }
}
