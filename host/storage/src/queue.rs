//! What waits for an engine's writer, bounded by the bytes that it keeps in memory, and what it is answered. What nobody waits
//! for goes ahead of what somebody does, so that it costs no wait for the disk of its own and nothing comes out of order.

use crate::metrics::Meter;
use crate::soon::{Shown, Soon};
use crate::trouble::Trouble;
use crate::turn::{Turn, closed};
use crate::{Batch, Error, Ids, Result};
use parking_lot::Mutex;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Batches that share a transaction, at most. More would only make the first wait longer.
pub(crate) const GROUP: usize = 512;

/// What one permit stands for.
const UNIT: usize = 1024;

/// Bytes of batches that may wait, at most: with more, what they share would take long.
const SHARE: usize = 1 << 20;

/// How long a batch that may wait does so for one that may not.
const PATIENCE: Duration = Duration::from_secs(2);

/// Batches on their way to an engine's writer.
pub(crate) struct Queue(Arc<Inner>);

struct Inner {
    room: Room,
    /// How long a batch that may not wait does so for its turn, counted from when it is handed in.
    patience: Option<Duration>,
    later: Mutex<Later>,
    soon: Soon,
    /// Does nothing once the writer has ended.
    send: Box<dyn Fn(Request) + Send + Sync>,
}

/// Batches that may wait, ahead of the next that may not.
#[derive(Default)]
struct Later {
    jobs: Vec<Job>,
    bytes: usize,
    /// Whether somebody hands them over before long.
    timed: bool,
    closed: bool,
}

impl Queue {
    /// For batches of so many bytes, which wait this long for their turn; `send` hands them to the writer, in order.
    pub(crate) fn new(
        bytes: usize,
        patience: Option<Duration>,
        send: impl Fn(Request) + Send + Sync + 'static,
    ) -> Self {
        let (room, send) = (Room::new(bytes), Box::new(send));
        Self(Arc::new(Inner { room, patience, later: Mutex::default(), soon: Soon::default(), send }))
    }

    /// Wait until a batch is durable.
    pub(crate) async fn commit(&self, batch: Batch) -> Result<Ids> {
        let turn = Turn::within(self.0.patience);
        let (job, answer) = self.job(batch, turn.clone()).await?;
        self.0.hand_over(Some(job));
        turn.answer(answer).await
    }

    /// Have a batch made durable soon, ahead of all that are handed in later.
    pub(crate) async fn commit_soon(&self, batch: Batch) -> Result<()> {
        let (mut job, _) = self.job(batch, Turn::within(None)).await?;
        let bytes = job.batch.weight();
        let (enough, timed) = {
            let mut later = self.0.later.lock();
            if later.closed {
                return Err(closed());
            }
            // In the order of the jobs.
            job.shown = Some(self.0.soon.show(&job.batch));
            later.jobs.push(job);
            later.bytes += bytes;
            let enough = later.jobs.len() >= GROUP || later.bytes >= SHARE;
            (enough, std::mem::replace(&mut later.timed, true))
        };
        if enough {
            self.0.hand_over(None);
        }
        if !timed {
            tokio::spawn(Inner::hand_over_later(Arc::downgrade(&self.0)));
        }
        Ok(())
    }

    /// Let nothing more come in, and ask the writer to end once it has dealt with what is here.
    pub(crate) fn close(&self) -> oneshot::Receiver<()> {
        self.0.room.close();
        let (done, answer) = oneshot::channel();
        let mut later = self.0.later.lock();
        later.closed = true;
        self.0.send(&mut later, None);
        (self.0.send)(Request::Close(done));
        answer
    }

    /// What reads are to answer with in place of what is stored.
    pub(crate) fn soon(&self) -> &Soon {
        &self.0.soon
    }

    pub(crate) fn room(&self) -> &Room {
        &self.0.room
    }

    async fn job(&self, batch: Batch, turn: Turn) -> Result<(Job, oneshot::Receiver<Result<Ids>>)> {
        if !self.0.room.fits(&batch) {
            // What may wait must not keep room that others wait for.
            self.0.hand_over(None);
        }
        self.0.room.job(batch, turn).await
    }
}

impl Inner {
    /// Hand over what may wait with what may not, if there is any, behind it: under the lock, so that nothing comes
    /// between, and in one, so that it takes one wait for the disk.
    fn hand_over(&self, job: Option<Job>) {
        self.send(&mut self.later.lock(), job);
    }

    fn send(&self, later: &mut Later, job: Option<Job>) {
        later.bytes = 0;
        let mut jobs = std::mem::take(&mut later.jobs);
        jobs.extend(job);
        if !jobs.is_empty() {
            (self.send)(Request::Commit(jobs));
        }
    }

    async fn hand_over_later(queue: Weak<Self>) {
        tokio::time::sleep(PATIENCE).await;
        if let Some(queue) = queue.upgrade() {
            queue.later.lock().timed = false;
            queue.hand_over(None);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.hand_over(None);
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("room", &self.0.room).finish_non_exhaustive()
    }
}

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

    /// Wait until a batch has room. Fails once closed, and when it waits too long.
    async fn job(&self, batch: Batch, turn: Turn) -> Result<(Job, oneshot::Receiver<Result<Ids>>)> {
        let units = self.units_of(&batch);
        let room = self.free.clone().acquire_many_owned(u32::try_from(units).unwrap_or(u32::MAX));
        let room = turn.wait_for(room).await?.map_err(|_| closed())?;
        let (done, answer) = oneshot::channel();
        Ok((Job { batch, done, turn, shown: None, room }, answer))
    }

    /// Whether a batch need not wait for room.
    fn fits(&self, batch: &Batch) -> bool {
        self.free.available_permits() >= self.units_of(batch)
    }

    /// A batch greater than the whole queue goes alone.
    fn units_of(&self, batch: &Batch) -> usize {
        batch.weight().div_ceil(UNIT).clamp(1, self.units)
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
    /// One that may wait has all the time that there is.
    pub(crate) turn: Turn,
    /// Until it is answered, if it may wait.
    shown: Option<Shown>,
    /// Its room in the queue, free again once answered.
    room: OwnedSemaphorePermit,
}

/// What a writer is asked for.
pub(crate) enum Request {
    /// In one transaction, if nothing is in the way.
    Commit(Vec<Job>),
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
        drop((job.room, job.shown));
        // Whoever asked may have gone.
        let _ = job.done.send(result);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Write;
    use std::sync::mpsc;

    #[tokio::test]
    async fn what_may_wait_leaves_its_room_to_others() {
        let (sender, requests) = mpsc::channel();
        let queue = Queue::new(4 * UNIT, None, move |request| drop(sender.send(request)));
        let batch = |bytes| {
            let (store, owner, key) = ("s".to_owned(), "o".to_owned(), "k".to_owned());
            Batch::one(Write::TableSet { store, owner, key, value: vec![0; bytes] })
        };
        for _ in 0..3 {
            queue.commit_soon(batch(1)).await.unwrap();
        }
        assert!(requests.try_recv().is_err());
        let mut large = Box::pin(queue.commit(batch(3 * UNIT)));
        assert!(futures_util::poll!(&mut large).is_pending());
        // What is handed over here is dropped, and its room is free.
        assert!(matches!(requests.try_recv(), Ok(Request::Commit(jobs)) if jobs.len() == 3));
        assert!(futures_util::poll!(&mut large).is_pending());
        assert_eq!(requests.try_iter().count(), 1);
        assert!(large.await.is_err());
        assert_eq!(queue.soon().get("s", "o", "k"), None);
    }
}
