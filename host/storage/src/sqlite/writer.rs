//! The one thread that writes: whatever has queued up becomes one transaction (group commit), so
//! that many callers share the wait for the disk.

use super::apply::{apply, purge};
use super::open::Lock;
use super::readers::Readers;
use crate::convert::now;
use crate::purge as schedule;
use crate::queue::{Answers, GROUP, Job, Request};
use crate::{Batch, Error, Ids, Result};
use rusqlite::Connection;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

pub(super) struct Writer {
    pub(super) db: Connection,
    pub(super) requests: Receiver<Request>,
    pub(super) readers: Arc<Readers>,
    pub(super) lock: Lock,
    pub(super) answers: Answers,
}

impl Writer {
    /// Until closed, or until nobody is left who could ask.
    pub(super) fn run(mut self) {
        let closing = self.serve();
        // The last connection to close writes the log back into the database and deletes it.
        self.readers.close();
        if let Err((_, error)) = self.db.close() {
            tracing::error!(%error, "the database did not close");
        }
        drop(self.lock);
        if let Some(closed) = closing {
            // Whoever asked may have gone.
            let _ = closed.send(());
        }
    }

    fn serve(&mut self) -> Option<oneshot::Sender<()>> {
        let mut next_purge = Instant::now() + schedule::FIRST;
        loop {
            let mut jobs = Vec::new();
            let closing =
                match self.requests.recv_timeout(next_purge.saturating_duration_since(Instant::now())) {
                    Ok(Request::Commit(first)) => self.gather(first, &mut jobs),
                    Ok(Request::Close(closed)) => Some(closed),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => return None,
                };
            self.commit(jobs);
            if closing.is_some() {
                return closing;
            }
            if next_purge <= Instant::now() {
                next_purge = Instant::now() + self.purge();
            }
        }
    }

    /// Take what has queued up behind the first jobs.
    fn gather(&self, first: Vec<Job>, jobs: &mut Vec<Job>) -> Option<oneshot::Sender<()>> {
        jobs.extend(first);
        while jobs.len() < GROUP {
            match self.requests.try_recv() {
                Ok(Request::Commit(more)) => jobs.extend(more),
                Ok(Request::Close(closed)) => return Some(closed),
                Err(_) => break,
            }
        }
        None
    }

    /// One step of deleting what has expired; answers when to take the next.
    fn purge(&self) -> Duration {
        match purge(&self.db, now(), schedule::MOST) {
            Ok(deleted) => schedule::pause(deleted as u64),
            Err(error) => {
                tracing::warn!(%error, "expired log values were not deleted");
                schedule::EVERY
            }
        }
    }

    /// Commit some jobs and answer each.
    fn commit(&mut self, jobs: Vec<Job>) {
        if jobs.is_empty() {
            return;
        }
        let start = Instant::now();
        match transact(&self.db, jobs.iter().map(|job| &job.batch)) {
            Ok(results) => self.answers.committed(jobs, results, start.elapsed()),
            Err(Error::Unavailable(why)) => self.answers.failed(jobs, why),
            Err(other) => self.answers.failed(jobs, other.to_string()),
        }
    }
}

/// Run batches as one transaction, each of which may fail by itself. Durable once this returns `Ok`.
fn transact<'a>(db: &Connection, batches: impl Iterator<Item = &'a Batch>) -> Result<Vec<Result<Ids>>> {
    let run = || {
        statement(db, "BEGIN IMMEDIATE")?;
        let results = batches.map(|batch| attempt(db, batch)).collect::<Result<Vec<_>>>()?;
        statement(db, "COMMIT")?;
        Ok(results)
    };
    let outcome = run();
    if outcome.is_err() && !db.is_autocommit() {
        statement(db, "ROLLBACK")?;
    }
    outcome
}

/// The outer error is one that ended the whole transaction.
fn attempt(db: &Connection, batch: &Batch) -> Result<Result<Ids>> {
    statement(db, "SAVEPOINT batch")?;
    let applied = apply(db, batch);
    match applied {
        // A full disk or a failing one makes SQLite roll everything back by itself.
        Err(error) if db.is_autocommit() => return Err(error),
        Err(_) => statement(db, "ROLLBACK TO batch")?,
        Ok(_) => {}
    }
    statement(db, "RELEASE batch")?;
    Ok(applied)
}

fn statement(db: &Connection, sql: &str) -> Result<()> {
    db.prepare_cached(sql)?.execute([])?;
    Ok(())
}
