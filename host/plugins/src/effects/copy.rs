//! What plugins have kept of a stanza that is still in a session's queue.

use crate::common::Common;
use crate::common::copies::Entry;
use crate::host::Host;
use crate::host::hold::Hold;
use smallvec::SmallVec;
use std::sync::{Arc, Weak};
use waxwing_storage::{Batch, Ids, Write};

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
        for entry in &entries {
            self.place.common.pending.hide_copy(&entry.owner, entry.id);
        }
        if self.place.common.copies.push(entries) {
            tokio::spawn(delete_all(self.place.clone()));
        }
    }
}

impl Drop for StoredCopy {
    fn drop(&mut self) {
        for entry in &self.entries {
            self.place.common.pending.remove_copy(&entry.owner, entry.id);
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
