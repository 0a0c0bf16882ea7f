//! Whether the database answers, as the connection that writes finds it. While it does not, nobody waits for it.

use super::Address;
use crate::{Error, Result};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::sync::Notify;

#[derive(Debug)]
pub(super) struct Health {
    /// Where the database is, for the log.
    place: String,
    /// Why it does not answer.
    down: Mutex<Option<String>>,
    doubt: Notify,
    reconnects: AtomicU64,
}

impl Health {
    pub(super) fn of(place: &Address) -> Self {
        let (down, doubt) = (Mutex::default(), Notify::default());
        Self { place: place.to_string(), down, doubt, reconnects: AtomicU64::default() }
    }

    /// Fails with the reason while the database is known not to answer.
    pub(super) fn check(&self) -> Result<()> {
        self.down.lock().as_ref().map_or(Ok(()), |why| Err(Error::Unavailable(why.clone())))
    }

    /// Somebody had no answer: the writer is to find out.
    pub(super) fn doubt(&self) {
        self.doubt.notify_one();
    }

    /// When somebody doubts.
    pub(super) async fn doubted(&self) {
        self.doubt.notified().await;
    }

    /// It does not answer. Logged when it begins, not again for each attempt.
    pub(super) fn is_down(&self, why: String) {
        let mut down = self.down.lock();
        if down.is_none() {
            tracing::error!(
                "the storage {} is unavailable: {why}; trying again until it is back",
                self.place
            );
        }
        *down = Some(why);
    }

    /// It answers again, on a new connection.
    pub(super) fn is_up(&self) {
        self.reconnects.fetch_add(1, Relaxed);
        if self.down.lock().take().is_some() {
            tracing::info!("the storage {} is back", self.place);
        }
    }

    pub(super) fn down(&self) -> Option<String> {
        self.down.lock().clone()
    }

    pub(super) fn reconnects(&self) -> u64 {
        self.reconnects.load(Relaxed)
    }
}
