//! Whose a batch is while it waits: its owner's, who may give it up, or the writer's.

use crate::{Error, Ids, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::time::timeout_at;

/// What is said of a statement that took too long, and of what has waited too long for its turn.
pub(crate) const TOO_LONG: &str = "the database took too long";

const TAKEN: u8 = 1;
const GIVEN_UP: u8 = 2;

/// Decided once, so that what its owner was told to be too late is never written.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    decided: Arc<AtomicU8>,
    deadline: Option<Instant>,
}

impl Turn {
    /// With this much time, if it is not to wait for ever.
    pub(crate) fn within(patience: Option<Duration>) -> Self {
        let deadline = patience.and_then(|patience| Instant::now().checked_add(patience));
        Self { decided: Arc::default(), deadline }
    }

    /// Take a batch to be written, unless it has waited too long.
    pub(crate) fn take(&self) -> bool {
        !self.is_over() && self.decide(TAKEN)
    }

    /// Whether its time is over.
    pub(crate) fn is_over(&self) -> bool {
        self.left().is_some_and(|left| left.is_zero())
    }

    /// The time that is left, where it ends.
    pub(crate) fn left(&self) -> Option<Duration> {
        Some(self.deadline?.saturating_duration_since(Instant::now()))
    }

    /// Whether this is the first to decide.
    fn decide(&self, whose: u8) -> bool {
        self.decided.compare_exchange(0, whose, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Wait for something, and no longer than there is time.
    pub(crate) async fn wait_for<T>(&self, done: impl Future<Output = T>) -> Result<T> {
        match self.deadline {
            Some(deadline) => timeout_at(deadline.into(), done).await.map_err(|_| too_late()),
            None => Ok(done.await),
        }
    }

    /// Wait for what the writer answers. A batch whose turn does not come in time is given up; one that is being written
    /// says itself how that ends.
    pub(crate) async fn answer(&self, mut answer: oneshot::Receiver<Result<Ids>>) -> Result<Ids> {
        let answered = match self.wait_for(&mut answer).await {
            Err(late) if self.decide(GIVEN_UP) => return Err(late),
            Err(_) => answer.await,
            Ok(answered) => answered,
        };
        answered.unwrap_or_else(|_| Err(closed()))
    }
}

pub(crate) fn closed() -> Error {
    Error::Unavailable("the database is closed".into())
}

pub(crate) fn too_late() -> Error {
    Error::Unavailable(TOO_LONG.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Batch;
    use crate::queue::{Queue, Request};
    use std::sync::mpsc;

    #[tokio::test]
    async fn a_batch_is_written_or_given_up_and_never_both() {
        let (sender, requests) = mpsc::channel();
        let patience = Some(Duration::from_millis(50));
        let queue = Queue::new(1024, patience, move |request| drop(sender.send(request)));
        let commit = || Box::pin(queue.commit(Batch::default()));
        let next = || match requests.try_recv() {
            Ok(Request::Commit(mut jobs)) => jobs.remove(0),
            _ => panic!("nothing was handed over"),
        };
        // Given up while it waited.
        let error = commit().await.unwrap_err();
        assert!(matches!(&error, Error::Unavailable(why) if why == TOO_LONG), "{error}");
        let given_up = next();
        assert!(!given_up.turn.take());
        // It has its room until the writer has seen it, and nobody waits for that any longer, either.
        assert!(commit().await.is_err() && requests.try_recv().is_err());
        drop(given_up);
        // Taken: only the writer says how it ends.
        let mut taken = commit();
        assert!(futures_util::poll!(&mut taken).is_pending());
        let job = next();
        assert!(job.turn.take());
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(futures_util::poll!(&mut taken).is_pending());
        drop(job);
        assert!(taken.await.unwrap_err().to_string().contains("closed"));
    }
}
