//! What waits for an engine's writer, bounded by the bytes that it keeps in memory, and what it is answered.

use crate::metrics::Meter;
use crate::trouble::Trouble;
use crate::{Batch, Error, Ids, Result};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Batches that share a transaction, at most. More would only make the first wait longer.
pub(crate) const GROUP: usize = 512;

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
    pub(crate) async fn job(&self, batch: Batch) -> Result<(Job, oneshot::Receiver<Result<Ids>>)> {
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
    done: oneshot::Sender<Result<Ids>>,
    /// Its room in the queue, free again once answered.
    room: OwnedSemaphorePermit,
}

/// What a writer is asked for.
pub(crate) enum Request {
    Commit(Job),
    /// Answered when everything is closed.
    Close(oneshot::Sender<()>),
}

/// Tells those who wait what came of their jobs, counts it, and logs trouble.
#[derive(Debug)]
pub(crate) struct Answers {
    meter: Arc<Meter>,
    trouble: Trouble,
}

impl Answers {
    pub(crate) fn new(meter: Arc<Meter>) -> Self {
        Self { meter, trouble: Trouble::default() }
    }

    /// A transaction is durable, and each of its batches has a result.
    pub(crate) fn committed(&mut self, jobs: Vec<Job>, results: Vec<Result<Ids>>, took: Duration) {
        self.meter.committed(jobs.len(), took);
        for (job, result) in jobs.into_iter().zip(results) {
            self.answer(job, result);
        }
        if self.trouble.is_over() {
            tracing::info!("the storage keeps what it is given again");
        }
    }

    /// A transaction has failed, for a reason that is not in its batches.
    pub(crate) fn failed(&mut self, jobs: Vec<Job>, why: String) {
        if self.trouble.is_news(&why, Instant::now()) {
            tracing::error!("the storage keeps nothing: {why}");
        }
        self.unavailable(jobs, &why);
    }

    /// Nothing is kept, and why has been logged. Also those that met a conflict are told so: it may have been with
    /// something that is not there now.
    pub(crate) fn unavailable(&self, jobs: Vec<Job>, why: &str) {
        for job in jobs {
            self.answer(job, Err(Error::Unavailable(why.to_owned())));
        }
    }

    fn answer(&self, job: Job, result: Result<Ids>) {
        self.meter.answered(&result);
        drop(job.room);
        // Whoever asked may have gone.
        let _ = job.done.send(result);
    }
}

pub(crate) fn closed() -> Error {
    Error::Unavailable("the database is closed".into())
}
