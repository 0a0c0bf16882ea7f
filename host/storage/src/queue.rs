//! What waits for an engine's writer: bounded by the bytes that it keeps in memory.

use crate::{Batch, Error, Result};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// What one permit stands for.
const UNIT: usize = 1024;

/// The bytes of batches that may wait.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    free: Arc<Semaphore>,
    units: usize,
}

impl Room {
    pub(crate) fn new(bytes: usize) -> Self {
        let units = (bytes / UNIT).clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        Self { free: Arc::new(Semaphore::new(units)), units }
    }

    /// Wait until a batch has room. Fails once closed.
    pub(crate) async fn job(&self, batch: Batch) -> Result<(Job, oneshot::Receiver<Result<()>>)> {
        // A batch greater than the whole queue goes alone.
        let units = batch.weight().div_ceil(UNIT).clamp(1, self.units);
        let room = self.free.clone().acquire_many_owned(u32::try_from(units).unwrap_or(u32::MAX)).await;
        let room = room.map_err(|_| closed())?;
        let (done, answer) = oneshot::channel();
        Ok((Job { batch, done, room }, answer))
    }

    /// Nothing comes in any more.
    pub(crate) fn close(&self) {
        self.free.close();
    }

    /// Bytes that are waiting, about.
    pub(crate) fn used(&self) -> usize {
        (self.units - self.free.available_permits().min(self.units)) * UNIT
    }

    /// Bytes that may wait.
    pub(crate) fn size(&self) -> usize {
        self.units * UNIT
    }
}

/// A batch and who waits for it.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) batch: Batch,
    done: oneshot::Sender<Result<()>>,
    /// Its room in the queue, free again once answered.
    room: OwnedSemaphorePermit,
}

impl Job {
    pub(crate) fn answer(self, result: Result<()>) {
        drop(self.room);
        // Whoever asked may have gone.
        let _ = self.done.send(result);
    }
}

pub(crate) fn closed() -> Error {
    Error::Unavailable("the database is closed".into())
}
