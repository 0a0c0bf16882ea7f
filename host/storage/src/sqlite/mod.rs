//! SQLite: one file, no server. Every commit reaches the disk before it returns (WAL with
//! `synchronous=FULL`), and many at once share the wait.

mod alarms;
mod apply;
mod error;
mod keys;
pub(crate) mod migrations;
pub(crate) mod open;
mod plugins;
mod queries;
mod readers;
#[cfg(test)]
mod tests;
mod writer;

pub use open::OpenError;

use crate::metrics::{Meter, Metrics};
use crate::queue::{Answers, Queue};
use crate::soon;
use crate::{
    Account, AccountData, AccountSummary, Alarm, Batch, Ids, InstalledPlugin, LogEntry, LogQuery, Result,
    Roster, Storage, TableRange, TableRows, Vhost,
};
use futures_util::future::{BoxFuture, ready};
use open::Lock;
use parking_lot::Mutex;
use readers::Readers;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use waxwing_xmpp::Jid;
use writer::Writer;

/// How an SQLite database is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteOptions {
    /// Bytes of batches that may wait for the writer; what comes then waits for room. Default 16 MiB.
    pub queue_bytes: usize,
    /// Bytes of the file that the writer keeps in memory. Default 16 MiB.
    pub cache_bytes: usize,
    /// Bytes that the file may grow to; what needs more answers `Unavailable`. Default: the disk.
    pub max_bytes: Option<u64>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { queue_bytes: 16 << 20, cache_bytes: 16 << 20, max_bytes: None }
    }
}

/// The SQLite engine. To be used within a tokio runtime.
#[derive(Debug)]
pub struct Sqlite {
    readers: Arc<Readers>,
    queue: Queue,
    meter: Arc<Meter>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Sqlite {
    /// Open a database, making the file if there is none and bringing its schema up to date. Blocks
    /// for as long as that takes.
    ///
    /// # Errors
    /// When the file cannot be used; see [`OpenError`].
    pub fn open(path: impl AsRef<Path>, options: SqliteOptions) -> std::result::Result<Self, OpenError> {
        let path = path.as_ref();
        let mut lock = Lock::take(path)?;
        open::prepare(path)?;
        lock.cover(path)?;
        let mut db = open::writer(path, &options)?;
        migrations::migrate(&mut db, &[])?;
        open::enter_wal(&db, &options)?;
        let readers = Arc::new(Readers::open(path)?);
        let (sender, requests) = mpsc::channel();
        let meter = Arc::new(Meter::default());
        let writer =
            Writer { db, requests, readers: readers.clone(), lock, answers: Answers::new(meter.clone()) };
        let thread = std::thread::Builder::new().name("sqlite-writer".into()).spawn(move || writer.run());
        let thread = Mutex::new(Some(thread.map_err(OpenError::Thread)?));
        let queue = Queue::new(options.queue_bytes, None, move |request| {
            // What is dropped is answered so.
            let _ = sender.send(request);
        });
        Ok(Self { readers, queue, meter, thread })
    }

    /// Run a short read here and now.
    async fn lookup<T>(&self, read: impl FnOnce(&rusqlite::Connection) -> Result<T>) -> Result<T> {
        self.meter.read(self.readers.lookup(read).await)
    }

    /// Run a read that may take long elsewhere.
    async fn scan<T: Send + 'static>(
        &self,
        read: impl FnOnce(&rusqlite::Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.meter.read(self.readers.scan(read).await)
    }

    async fn finish(&self) -> Result<()> {
        // No answer: somebody else's request to close came first.
        let _ = self.queue.close().await;
        Ok(())
    }
}

impl Drop for Sqlite {
    /// Waits for what is queued, like [`Storage::close`], so that the file is free afterwards.
    fn drop(&mut self) {
        // It does not matter if the thread has ended already.
        drop(self.queue.close());
        if let Some(thread) = self.thread.get_mut().take() {
            let _ = thread.join();
        }
    }
}

impl Storage for Sqlite {
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Ids>> {
        Box::pin(self.queue.commit(batch))
    }

    fn commit_soon(&self, batch: Batch) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.queue.commit_soon(batch))
    }

    fn account<'a>(&'a self, jid: &'a Jid) -> BoxFuture<'a, Result<Option<Account>>> {
        Box::pin(self.lookup(move |db| queries::account(db, jid)))
    }

    fn accounts<'a>(
        &'a self,
        domain: &'a str,
        after: Option<&'a Jid>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<AccountSummary>>> {
        let after = after.map_or("", |jid| jid.bare_str()).to_owned();
        let domain = domain.to_owned();
        Box::pin(self.scan(move |db| queries::accounts(db, &domain, &after, limit)))
    }

    fn account_domain<'a>(&'a self, after: &'a str) -> BoxFuture<'a, Result<Option<String>>> {
        Box::pin(self.lookup(move |db| queries::account_domain(db, after)))
    }

    fn count_accounts<'a>(&'a self, domain: &'a str) -> BoxFuture<'a, Result<u64>> {
        let domain = domain.to_owned();
        Box::pin(self.scan(move |db| queries::count_accounts(db, &domain)))
    }

    fn count_disabled<'a>(&'a self, domain: &'a str) -> BoxFuture<'a, Result<u64>> {
        let domain = domain.to_owned();
        Box::pin(self.scan(move |db| queries::count_disabled(db, &domain)))
    }

    fn roster<'a>(&'a self, owner: &'a Jid) -> BoxFuture<'a, Result<Roster>> {
        Box::pin(self.lookup(move |db| queries::roster(db, owner)))
    }

    fn vhosts(&self) -> BoxFuture<'_, Result<Vec<Vhost>>> {
        Box::pin(self.lookup(queries::vhosts))
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
        Box::pin(self.lookup(move |db| queries::table_get(db, store, owner, key)))
    }

    fn table_keys<'a>(
        &'a self,
        store: &'a str,
        owner: &'a str,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<String>>> {
        Box::pin(self.lookup(move |db| queries::table_keys(db, (store, owner), prefix, after, limit)))
    }

    fn table_scan<'a>(
        &'a self,
        store: &'a str,
        owner: &'a str,
        range: &'a TableRange,
    ) -> BoxFuture<'a, Result<TableRows>> {
        Box::pin(self.lookup(move |db| queries::table_scan(db, (store, owner), range)))
    }

    fn log_read<'a>(
        &'a self,
        store: &'a str,
        owner: &'a str,
        query: LogQuery,
    ) -> BoxFuture<'a, Result<Vec<LogEntry>>> {
        // Without a filter a page is found by its ids; with one, the whole log may have to be looked through.
        if query.tag.is_none() && query.since.is_none() && query.until.is_none() {
            return Box::pin(self.lookup(move |db| queries::log_read(db, store, owner, &query)));
        }
        let (store, owner) = (store.to_owned(), owner.to_owned());
        Box::pin(self.scan(move |db| queries::log_read(db, &store, &owner, &query)))
    }

    fn log_count<'a>(
        &'a self,
        store: &'a str,
        owner: &'a str,
        tag: Option<&'a str>,
    ) -> BoxFuture<'a, Result<u64>> {
        let (store, owner, tag) = (store.to_owned(), owner.to_owned(), tag.map(str::to_owned));
        Box::pin(self.scan(move |db| queries::log_count(db, &store, &owner, tag.as_deref())))
    }

    fn store_bytes<'a>(&'a self, store: &'a str) -> BoxFuture<'a, Result<u64>> {
        let store = store.to_owned();
        Box::pin(self.scan(move |db| plugins::store_bytes(db, &store)))
    }

    fn account_data<'a>(&'a self, owner: &'a str) -> BoxFuture<'a, Result<AccountData>> {
        let changes = self.queue.soon().account_data(owner);
        Box::pin(async move {
            let stored = self.lookup(move |db| queries::account_data(db, owner)).await?;
            Ok(soon::apply(changes, stored))
        })
    }

    fn alarms(&self, until: u64, limit: u32) -> BoxFuture<'_, Result<Vec<Alarm>>> {
        Box::pin(self.lookup(move |db| alarms::due(db, until, limit)))
    }

    fn alarm_bytes<'a>(&'a self, plugin: &'a str) -> BoxFuture<'a, Result<u64>> {
        let plugin = plugin.to_owned();
        Box::pin(self.scan(move |db| alarms::bytes(db, &plugin)))
    }

    fn next_alarm(&self) -> BoxFuture<'_, Result<Option<u64>>> {
        Box::pin(self.lookup(alarms::next))
    }

    fn plugins(&self) -> BoxFuture<'_, Result<Vec<InstalledPlugin>>> {
        Box::pin(self.lookup(plugins::installed))
    }

    fn component<'a>(&'a self, sha256: &'a [u8; 32]) -> BoxFuture<'a, Result<Option<Vec<u8>>>> {
        // Megabytes, which take a while to read.
        let sha256 = *sha256;
        Box::pin(self.scan(move |db| plugins::component(db, &sha256)))
    }

    fn metrics(&self) -> Metrics {
        self.meter.metrics(self.queue.room())
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.finish())
    }
}
