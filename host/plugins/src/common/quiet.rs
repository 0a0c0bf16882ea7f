//! Whether anything is under way: for tools that let the clock jump and then look what has come of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Counts what calls have left to be done, and rounds of the housekeeping.
#[derive(Debug, Default)]
pub(crate) struct Work(Arc<Count>);

#[derive(Debug, Default)]
struct Count {
    open: AtomicUsize,
    changed: Notify,
}

/// Something that is being done, until it is dropped.
#[derive(Debug)]
pub(crate) struct Job(Arc<Count>);

impl Work {
    /// Something begins.
    pub fn begin(&self) -> Job {
        self.0.open.fetch_add(1, Ordering::AcqRel);
        Job(self.0.clone())
    }

    /// Wait until nothing is being done.
    pub async fn all_done(&self) {
        loop {
            let mut changed = std::pin::pin!(self.changed());
            changed.as_mut().enable();
            if self.is_over() {
                return;
            }
            changed.await;
        }
    }

    /// Whether nothing is under way.
    pub fn is_over(&self) -> bool {
        self.0.open.load(Ordering::Acquire) == 0
    }

    /// Ends when something is over.
    pub fn changed(&self) -> Notified<'_> {
        self.0.changed.notified()
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
        self.0.changed.notify_waiters();
    }
}
