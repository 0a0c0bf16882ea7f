//! Copies that are no longer needed, until they are deleted together.

use parking_lot::Mutex;
use smallvec::SmallVec;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Entries that are deleted at once.
const BATCH: usize = 512;

/// One entry of a log.
pub(crate) struct Entry {
    pub store: Arc<str>,
    pub owner: Arc<str>,
    pub id: u64,
}

/// Copies that are to be deleted.
#[derive(Default)]
pub(crate) struct Copies {
    waiting: Mutex<Waiting>,
    /// Told when there are none.
    idle: Notify,
}

#[derive(Default)]
struct Waiting {
    entries: Vec<Entry>,
    /// A task is at it.
    busy: bool,
}

impl Copies {
    /// More are to be deleted. Answers whether nobody is at it yet, so that the caller is to see to it.
    #[must_use]
    pub fn push(&self, entries: SmallVec<[Entry; 1]>) -> bool {
        let mut waiting = self.waiting.lock();
        waiting.entries.extend(entries);
        let begins = !waiting.busy && !waiting.entries.is_empty();
        waiting.busy |= begins;
        begins
    }

    /// Those to be deleted next; with none, whoever is at it is done.
    pub fn next(&self) -> Vec<Entry> {
        let mut waiting = self.waiting.lock();
        let count = waiting.entries.len().min(BATCH);
        let next: Vec<Entry> = waiting.entries.drain(..count).collect();
        waiting.busy = !next.is_empty();
        if next.is_empty() {
            self.idle.notify_waiters();
        }
        next
    }

    /// Whether somebody is at it.
    pub fn is_busy(&self) -> bool {
        self.waiting.lock().busy
    }

    /// Ends when nobody is at it any more.
    pub fn idle(&self) -> Notified<'_> {
        self.idle.notified()
    }
}
