//! Deletes that wait until a client has acknowledged what they are about (XEP-0198).
//!
//! That may take as long as the client stays away, and nobody else is to wait for it. So the entries stay in
//! the storage, for a crash loses the session's queue, and meanwhile no call is shown them: somebody has
//! them. If their session ends without having brought them to its client, they are there again.

use crate::common::Common;
use crate::effects::delete;
use crate::host::{Host, Promise};
use crate::state::Shared;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use waxwing_storage::Write;

/// All deletes from logs that wait, by their owner. Bounded by what sessions may leave unacknowledged.
#[derive(Default)]
pub(crate) struct Pending {
    waiting: Mutex<HashMap<String, Vec<Waiting>>>,
    /// How many there are, to be asked without a lock.
    count: AtomicUsize,
    next: AtomicU64,
}

struct Waiting {
    number: u64,
    write: Write,
    lost: Arc<AtomicBool>,
}

impl Pending {
    /// The deletes that wait for an owner and have not turned out to be vain.
    pub fn of(&self, owner: &str) -> Vec<Write> {
        if self.count.load(Ordering::Acquire) == 0 {
            return Vec::new();
        }
        let waiting = self.waiting.lock();
        let own = waiting.get(owner).into_iter().flatten();
        own.filter(|it| !it.lost.load(Ordering::Acquire)).map(|it| it.write.clone()).collect()
    }

    fn add(&self, number: u64, write: &Write, lost: &Arc<AtomicBool>) {
        if let Some(owner) = owner(write) {
            let one = Waiting { number, write: write.clone(), lost: lost.clone() };
            self.waiting.lock().entry(owner.to_owned()).or_default().push(one);
            self.count.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn remove(&self, number: u64, write: &Write) {
        let Some(owner) = owner(write) else { return };
        let mut waiting = self.waiting.lock();
        let Some(own) = waiting.get_mut(owner) else { return };
        let before = own.len();
        own.retain(|it| it.number != number);
        self.count.fetch_sub(before - own.len(), Ordering::AcqRel);
        if own.is_empty() {
            waiting.remove(owner);
        }
    }
}

/// Whose log a delete is about, if it is about one. Numbers of entries are never used again, so what is
/// deleted late is what was meant; the keys of a table are.
fn owner(write: &Write) -> Option<&str> {
    match write {
        Write::LogRemove { owner, .. } | Write::LogTrim { owner, .. } => Some(owner),
        _ => None,
    }
}

/// Make deletes once a promise has been kept, in a task of their own. Answers whether calls see from now on
/// what they will find then.
pub(crate) fn delete_later(
    promise: Promise,
    deletes: Vec<Write>,
    host: Arc<dyn Host>,
    shared: Arc<Shared>,
) -> bool {
    let common: Arc<Common> = shared.common.clone();
    let number = common.pending.next.fetch_add(1, Ordering::Relaxed);
    let lost = promise.loss();
    let hidden = deletes.iter().all(|write| owner(write).is_some());
    deletes.iter().for_each(|write| common.pending.add(number, write, &lost));
    tokio::spawn(async move {
        if promise.kept().await {
            delete(deletes.clone(), &*host, &shared).await;
        }
        deletes.iter().for_each(|write| common.pending.remove(number, write));
    });
    hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_known_by_its_owner_until_it_is_lost_or_done() {
        let pending = Pending::default();
        let trim = Write::LogTrim { store: "s".into(), owner: "a".into(), through: 3 };
        let remove = Write::LogRemove { store: "s".into(), owner: "a".into(), id: 7 };
        let table = Write::TableDelete { store: "s".into(), owner: "a".into(), key: "k".into() };
        let lost = Arc::new(AtomicBool::new(false));
        pending.add(1, &trim, &lost);
        pending.add(2, &remove, &Arc::default());
        pending.add(3, &table, &Arc::default());
        assert_eq!(pending.of("a").len(), 2);
        assert!(pending.of("b").is_empty());
        lost.store(true, Ordering::Release);
        assert!(matches!(&pending.of("a")[..], [Write::LogRemove { id: 7, .. }]));
        for number in [1, 2] {
            pending.remove(number, &trim);
        }
        assert!(pending.of("a").is_empty() && pending.waiting.lock().is_empty());
        assert_eq!(pending.count.load(Ordering::Acquire), 0);
    }
}
