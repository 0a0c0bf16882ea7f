//! Whether anything is under way: for tools that let the clock jump and then look what has come of it.

use crate::engine::Engine;
use crate::host::Host;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

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
    async fn all_done(&self) {
        loop {
            let mut changed = std::pin::pin!(self.0.changed.notified());
            changed.as_mut().enable();
            if self.0.open.load(Ordering::Acquire) == 0 {
                return;
            }
            changed.await;
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
        self.0.changed.notify_waiters();
    }
}

impl Engine {
    /// Wait until what has reached its client is deleted. To be asked once all sessions have ended: those that have not are
    /// waited for.
    pub async fn deletions_made(&self) {
        self.common.deletions.all_done().await;
    }

    /// Have everything done that is due by the host's clock, and wait until calls have left nothing to be
    /// done: alarms have rung, requests are given up, stanzas are queued and what was delivered is deleted.
    /// Comes to no end while a plugin sets one alarm after the other, or a session does not read.
    pub async fn come_to_rest(&self) {
        let Some(host) = self.host.upgrade() else { return };
        loop {
            let changed = self.common.work.0.changed.notified();
            let mut changed = std::pin::pin!(changed);
            changed.as_mut().enable();
            if self.common.work.0.open.load(Ordering::Acquire) == 0 {
                if !self.is_due(&*host).await {
                    return;
                }
                self.common.wake.notify_one();
            }
            changed.await;
        }
    }

    async fn is_due(&self, host: &dyn Host) -> bool {
        let now = host.now();
        let alarms = host.storage().alarms(now, 1).await;
        // What cannot be read cannot be waited for.
        alarms.is_ok_and(|due| !due.is_empty())
            || self.common.requests.next_deadline().is_some_and(|deadline| deadline <= now)
    }
}
