//! What plugins have kept of a stanza that is still in a session's queue.

use crate::common::Common;
use crate::engine::Engine;
use crate::hold::Hold;
use crate::host::Host;
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::sync::{Arc, Weak};
use tokio::sync::Notify;
use waxwing_storage::{Batch, Ids, Write};

/// Entries that are deleted at once.
const BATCH: usize = 512;

/// The entries of logs that hold a copy of one stanza. Dropped without [`StoredCopy::delete`], they stay and are all
/// that there is of it.
pub struct StoredCopy {
    place: Arc<Place>,
    entries: SmallVec<[Entry; 1]>,
}

/// Where copies go when they are needed no more.
pub(crate) struct Place {
    pub common: Arc<Common>,
    pub host: Weak<dyn Host>,
}

struct Entry {
    store: Arc<str>,
    owner: Arc<str>,
    id: u64,
}

impl StoredCopy {
    /// Of these appends, which have been committed with these ids, for a session that holds the stanza.
    pub(crate) fn of(
        place: &Arc<Place>,
        appends: &[(Arc<str>, Arc<str>)],
        ids: Ids,
        hold: &Arc<Hold>,
    ) -> Self {
        let entries = appends.iter().zip(ids).map(|((store, owner), id)| {
            place.common.pending.add_copy(owner, store, id, hold);
            Entry { store: store.clone(), owner: owner.clone(), id }
        });
        StoredCopy { place: place.clone(), entries: entries.collect() }
    }

    /// The stanza has reached its client: its copy is deleted soon, together with others.
    pub fn delete(mut self) {
        let entries = std::mem::take(&mut self.entries);
        self.place.common.copies.delete(entries, &self.place);
    }
}

impl Drop for StoredCopy {
    fn drop(&mut self) {
        for entry in &self.entries {
            self.place.common.pending.remove_copy(&entry.owner, entry.id);
        }
    }
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
    fn delete(&self, entries: SmallVec<[Entry; 1]>, place: &Arc<Place>) {
        for entry in &entries {
            place.common.pending.hide_copy(&entry.owner, entry.id);
        }
        let mut waiting = self.waiting.lock();
        waiting.entries.extend(entries);
        if !waiting.busy && !waiting.entries.is_empty() {
            waiting.busy = true;
            tokio::spawn(delete_all(place.clone()));
        }
    }

    fn next(&self) -> Vec<Entry> {
        let mut waiting = self.waiting.lock();
        let count = waiting.entries.len().min(BATCH);
        let next: Vec<Entry> = waiting.entries.drain(..count).collect();
        waiting.busy = !next.is_empty();
        if next.is_empty() {
            self.idle.notify_waiters();
        }
        next
    }
}

impl Engine {
    /// Wait until copies of what clients have acknowledged are deleted, as far as the storage can.
    pub async fn copies_deleted(&self) {
        let copies = &self.common.copies;
        loop {
            let mut idle = std::pin::pin!(copies.idle.notified());
            idle.as_mut().enable();
            if !copies.waiting.lock().busy {
                return;
            }
            idle.await;
        }
    }
}

/// Whatever has come together meanwhile goes in one commit.
async fn delete_all(place: Arc<Place>) {
    let _job = place.common.work.begin();
    loop {
        let next = place.common.copies.next();
        if next.is_empty() {
            return;
        }
        if let Some(host) = place.host.upgrade() {
            let writes = next.iter().map(|entry| Write::LogRemove {
                store: entry.store.as_ref().to_owned(),
                owner: entry.owner.as_ref().to_owned(),
                id: entry.id,
            });
            if let Err(error) = host.storage().commit(Batch { writes: writes.collect() }).await {
                error.log(format_args!("copies of what was delivered stay, and will be delivered again"));
            }
        }
        for entry in next {
            place.common.pending.remove_copy(&entry.owner, entry.id);
        }
    }
}
