//! Connections that only read. With WAL they never wait for the writer.
//!
//! A read that looks up a key takes a few microseconds, less than handing it to another thread
//! would, so it runs where it is asked for. There are as many connections for it as there are
//! cores, hence as worker threads of the runtime, so that one is always free. A read whose length
//! depends on how much is stored runs on a blocking thread, with connections of its own.

use super::OpenError;
use super::open::reader;
use crate::{Error, Result};
use parking_lot::Mutex;
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;

/// Scans that run at the same time.
const SCANS: usize = 2;

/// `None` once closed.
type Slot = Mutex<Option<Connection>>;

#[derive(Debug)]
pub(super) struct Readers {
    lookups: Vec<Slot>,
    scans: Vec<Slot>,
}

impl Readers {
    pub(super) fn open(path: &Path) -> std::result::Result<Self, OpenError> {
        let cores = std::thread::available_parallelism().map_or(4, usize::from);
        let slot = |_| reader(path).map(|db| Mutex::new(Some(db)));
        let slots = |count| (0..count).map(slot).collect::<std::result::Result<_, _>>();
        Ok(Self { lookups: slots(cores)?, scans: slots(SCANS)? })
    }

    /// Run a short read here and now.
    pub(super) async fn lookup<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        // A task that only reads must let others have a turn.
        tokio::task::coop::consume_budget().await;
        on_free(&self.lookups, read)
    }

    /// Run a read that may take long on a blocking thread of the runtime.
    pub(super) async fn scan<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let readers = self.clone();
        let done = tokio::task::spawn_blocking(move || on_free(&readers.scans, read));
        done.await.unwrap_or_else(|_| Err(Error::Unavailable("the server is shutting down".into())))
    }

    /// Wait for reads under way, then close.
    pub(super) fn close(&self) {
        for slot in self.lookups.iter().chain(&self.scans) {
            drop(slot.lock().take());
        }
    }
}

/// Run a read on a connection that nobody uses, or else wait for one.
fn on_free<T>(slots: &[Slot], read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    let free = slots.iter().find_map(|slot| slot.try_lock());
    match free.or_else(|| slots.first().map(|slot| slot.lock())).as_deref() {
        Some(Some(db)) => read(db),
        _ => Err(Error::Unavailable("the database is closed".into())),
    }
}
