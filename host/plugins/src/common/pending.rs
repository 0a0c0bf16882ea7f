//! What is in the storage and in a session's queue at the same time.
//!
//! Of a client that acknowledges stanzas (XEP-0198), nobody waits for the acknowledgement: what is to be deleted then
//! stays in the storage, for a crash loses the session's queue. While the session has a connection no call is shown it:
//! somebody has it. While it has none, others are, so that whoever comes next gets all that waits for the account, in
//! order; the session itself never is. If the session ends without having brought it to its client, it is there again.
//!
//! There are two kinds. Deletes that a call has made of what it delivers wait for the delivery. Copies, which calls of
//! hook `post` have kept beside a queue, are deleted when the queue has brought the original to its client.

use crate::host::hold::Hold;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use waxwing_storage::Write;

/// Everything that waits, by the owner of the logs. Bounded by what sessions may leave unacknowledged.
#[derive(Default)]
pub(crate) struct Pending {
    waiting: Mutex<HashMap<String, Own>>,
    /// How much there is, to be asked without a lock.
    count: AtomicUsize,
    next: AtomicU64,
}

/// What waits of one owner.
#[derive(Default)]
struct Own {
    deletes: Vec<Waiting>,
    /// By the id of the entry.
    copies: HashMap<u64, Copy>,
}

struct Waiting {
    number: u64,
    write: Write,
    lost: Arc<AtomicBool>,
    hold: Option<Arc<Hold>>,
}

struct Copy {
    store: Arc<str>,
    /// Who has it; none once it is to be deleted.
    hold: Option<Arc<Hold>>,
}

impl Pending {
    /// The deletes that wait for an owner and have not turned out to be vain, as far as a call about this session, or
    /// about none, is concerned.
    pub fn of(&self, owner: &str, session: Option<&str>) -> Vec<Write> {
        if self.count.load(Ordering::Acquire) == 0 {
            return Vec::new();
        }
        let hidden = |hold: &Option<Arc<Hold>>| hold.as_ref().is_none_or(|hold| hold.hides_from(session));
        let waiting = self.waiting.lock();
        let Some(own) = waiting.get(owner) else { return Vec::new() };
        let deletes = own.deletes.iter().filter(|it| !it.lost.load(Ordering::Acquire) && hidden(&it.hold));
        let copies = own.copies.iter().filter(|(_, copy)| hidden(&copy.hold));
        let removals = copies.map(|(id, copy)| Write::LogRemove {
            store: copy.store.as_ref().to_owned(),
            owner: owner.to_owned(),
            id: *id,
        });
        deletes.map(|it| it.write.clone()).chain(removals).collect()
    }

    /// The number of a call's deletes that are to wait.
    pub fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// This delete, of the call with this number, waits until it is removed.
    pub fn add(&self, number: u64, write: &Write, lost: &Arc<AtomicBool>, hold: Option<&Arc<Hold>>) {
        if let Some(owner) = owner(write) {
            let one = Waiting { number, write: write.clone(), lost: lost.clone(), hold: hold.cloned() };
            self.waiting.lock().entry(owner.to_owned()).or_default().deletes.push(one);
            self.count.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// It waits no more.
    pub fn remove(&self, number: u64, write: &Write) {
        let Some(owner) = owner(write) else { return };
        self.change(owner, |own| own.deletes.retain(|it| it.number != number));
    }

    /// This entry is also in the queue of a session.
    pub fn add_copy(&self, owner: &str, store: &Arc<str>, id: u64, hold: &Arc<Hold>) {
        let copy = Copy { store: store.clone(), hold: Some(hold.clone()) };
        self.waiting.lock().entry(owner.to_owned()).or_default().copies.insert(id, copy);
        self.count.fetch_add(1, Ordering::AcqRel);
    }

    /// It is about to be deleted: from now on nobody is shown it.
    pub fn hide_copy(&self, owner: &str, id: u64) {
        self.change(owner, |own| {
            if let Some(copy) = own.copies.get_mut(&id) {
                copy.hold = None;
            }
        });
    }

    /// It is in the storage alone, or nowhere.
    pub fn remove_copy(&self, owner: &str, id: u64) {
        self.change(owner, |own| drop(own.copies.remove(&id)));
    }

    fn change(&self, owner: &str, change: impl FnOnce(&mut Own)) {
        let mut waiting = self.waiting.lock();
        let Some(own) = waiting.get_mut(owner) else { return };
        let before = own.len();
        change(own);
        let after = own.len();
        self.count.fetch_sub(before - after, Ordering::AcqRel);
        if after == 0 {
            waiting.remove(owner);
        }
    }
}

impl Own {
    fn len(&self) -> usize {
        self.deletes.len() + self.copies.len()
    }
}

/// Whose log a delete is about, if it is about one. Numbers of entries are never used again, so what is
/// deleted late is what was meant; the keys of a table are.
pub(crate) fn owner(write: &Write) -> Option<&str> {
    match write {
        Write::LogRemove { owner, .. } | Write::LogTrim { owner, .. } => Some(owner),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use waxwing_xmpp::Jid;

    #[test]
    fn what_waits_is_known_by_its_owner_until_it_is_lost_or_done() {
        let pending = Pending::default();
        let trim = Write::LogTrim { store: "s".into(), owner: "a".into(), through: 3 };
        let remove = Write::LogRemove { store: "s".into(), owner: "a".into(), id: 7 };
        let table = Write::TableDelete { store: "s".into(), owner: "a".into(), key: "k".into() };
        let lost = Arc::new(AtomicBool::new(false));
        pending.add(1, &trim, &lost, None);
        pending.add(2, &remove, &Arc::default(), None);
        pending.add(3, &table, &Arc::default(), None);
        assert_eq!(pending.of("a", None).len(), 2);
        assert!(pending.of("b", None).is_empty());
        lost.store(true, Ordering::Release);
        assert!(matches!(&pending.of("a", None)[..], [Write::LogRemove { id: 7, .. }]));
        for number in [1, 2] {
            pending.remove(number, &trim);
        }
        assert!(pending.of("a", None).is_empty() && pending.waiting.lock().is_empty());
        assert_eq!(pending.count.load(Ordering::Acquire), 0);
    }

    #[test]
    fn what_a_session_without_a_connection_has_is_shown_to_others() {
        let pending = Pending::default();
        let hold = Hold::new(&Jid::parse("a@b/c").unwrap());
        pending.add_copy("a@b", &"s".into(), 1, &hold);
        let trim = Write::LogTrim { store: "s".into(), owner: "a@b".into(), through: 3 };
        pending.add(1, &trim, &Arc::default(), Some(&hold));
        assert_eq!(pending.of("a@b", Some("a@b/d")).len(), 2);
        hold.set_asleep(true);
        assert_eq!(pending.of("a@b", Some("a@b/d")).len() + pending.of("a@b", None).len(), 0);
        assert_eq!(pending.of("a@b", Some("a@b/c")).len(), 2);
        pending.hide_copy("a@b", 1);
        assert_eq!(pending.of("a@b", None).len(), 1);
        hold.set_asleep(false);
        pending.remove_copy("a@b", 1);
        pending.remove_copy("a@b", 1);
        assert_eq!(pending.of("a@b", None), std::slice::from_ref(&trim));
        pending.remove(1, &trim);
        assert!(pending.waiting.lock().is_empty());
        assert_eq!(pending.count.load(Ordering::Acquire), 0);
    }
}
