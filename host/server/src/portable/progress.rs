//! How far an export or import is, for whoever waits for it.

use std::sync::atomic::{AtomicU64, Ordering};

/// Accounts that are done, of how many. Written by the work, read by whoever shows it.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    /// 0 while that is not known.
    total: AtomicU64,
}

impl Progress {
    /// How many are done, and of how many if that is known.
    pub fn get(&self) -> (u64, Option<u64>) {
        let total = self.total.load(Ordering::Relaxed);
        (self.done.load(Ordering::Relaxed), (total > 0).then_some(total))
    }

    pub(super) fn expect(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    pub(super) fn step(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }
}
