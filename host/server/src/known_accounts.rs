//! Accounts that are known to exist: a message to somebody who is offline does not ask the storage each time.
//!
//! Only what exists is remembered, so that whoever makes an account need tell nobody. Whoever removes one does.

use parking_lot::RwLock;
use std::collections::HashSet;

/// How many are remembered at most. When there are more, those that were not asked for lately are forgotten.
const MOST: usize = 100_000;

#[derive(Default)]
pub(crate) struct KnownAccounts {
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    /// Bare JIDs.
    recent: HashSet<Box<str>>,
    /// What was recent until there were too many.
    older: HashSet<Box<str>>,
    /// How often an account was removed.
    removals: u64,
}

/// From before the storage was asked. What it answers may be out of date by then.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    removals: u64,
}

impl KnownAccounts {
    pub fn contains(&self, bare: &str) -> bool {
        let known = self.known.read();
        if known.recent.contains(bare) {
            return true;
        }
        let older = known.older.contains(bare);
        drop(known);
        if older {
            self.known.write().renew(bare);
        }
        older
    }

    /// To be called before the storage is asked whether an account exists.
    pub fn asking(&self) -> Asked {
        Asked { removals: self.known.read().removals }
    }

    /// The storage has said that this account exists. Not remembered if one was removed while it was asked: it may
    /// have been this one.
    pub fn exists(&self, bare: &str, asked: Asked) {
        let mut known = self.known.write();
        if known.removals == asked.removals {
            known.add(bare.into());
        }
    }

    /// To be called when the storage has removed an account, or may have.
    pub fn removed(&self, bare: &str) {
        let mut known = self.known.write();
        known.removals += 1;
        known.recent.remove(bare);
        known.older.remove(bare);
    }
}

impl Known {
    fn add(&mut self, bare: Box<str>) {
        if self.recent.len() >= MOST / 2 {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(bare);
    }

    /// Keep one that was asked for again, unless it was removed meanwhile.
    fn renew(&mut self, bare: &str) {
        if let Some(bare) = self.older.take(bare) {
            self.add(bare);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exists_is_known_until_it_is_removed() {
        let accounts = KnownAccounts::default();
        assert!(!accounts.contains("romeo@example.org"));
        accounts.exists("romeo@example.org", accounts.asking());
        assert!(accounts.contains("romeo@example.org"));
        assert!(!accounts.contains("juliet@example.org"));
        accounts.removed("romeo@example.org");
        assert!(!accounts.contains("romeo@example.org"));
    }

    #[test]
    fn an_answer_from_before_a_removal_is_not_remembered() {
        let accounts = KnownAccounts::default();
        let asked = accounts.asking();
        accounts.removed("romeo@example.org");
        accounts.exists("romeo@example.org", asked);
        assert!(!accounts.contains("romeo@example.org"));
    }

    #[test]
    fn there_are_never_more_than_may_be_and_the_latest_stay() {
        let accounts = KnownAccounts::default();
        let asked = accounts.asking();
        accounts.exists("often@example.org", asked);
        for n in 0..MOST * 2 {
            accounts.exists(&n.to_string(), asked);
            assert!(accounts.contains("often@example.org"), "{n}");
        }
        let known = accounts.known.read();
        assert!(known.recent.len() + known.older.len() <= MOST);
        drop(known);
        assert!(!accounts.contains("0"));
        assert!(accounts.contains(&(MOST * 2 - 1).to_string()));
    }

    #[test]
    fn a_removed_account_is_not_renewed() {
        let accounts = KnownAccounts::default();
        accounts.exists("romeo@example.org", accounts.asking());
        {
            let mut known = accounts.known.write();
            known.older = std::mem::take(&mut known.recent);
        }
        assert!(accounts.contains("romeo@example.org"));
        accounts.removed("romeo@example.org");
        accounts.known.write().renew("romeo@example.org");
        assert!(!accounts.contains("romeo@example.org"));
    }
}
