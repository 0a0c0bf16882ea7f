//! The one task that writes: whatever has queued up becomes one transaction (group commit), sent in one go. One
//! writer, so that log values become visible in the order of their ids: a reader who has seen an id has seen all
//! before it.

use super::error::{PostgresError, is_about_values, is_lock_timeout, is_unmet_condition, sentence};
use super::health::Health;
use super::reads::Reads;
use super::session::{Opening, Session};
use super::steps::{self, Step};
use crate::convert::now;
use crate::purge;
use crate::queue::{Answers, GROUP, Job, Request};
use crate::turn::TOO_LONG;
use crate::{Batch, Error, Ids, Result, Write};
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};

/// About the bytes that share one, so that it ends within the time that a statement may take.
const GROUP_BYTES: usize = 4 << 20;
/// Between attempts to connect, at first and at most.
const BACKOFF: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(5)];
/// How long erasing all data of a plugin may take, which grows with what there is.
const ERASING: Duration = Duration::from_secs(3600);
/// How long a transaction waits for others' locks at least, however long its batches have waited for it.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

pub(super) struct Writer {
    pub(super) opening: Opening,
    pub(super) requests: UnboundedReceiver<Request>,
    pub(super) reads: Arc<Reads>,
    pub(super) health: Arc<Health>,
    pub(super) answers: Answers,
}

enum Link {
    Up(Session),
    Down {
        attempt: BoxFuture<'static, std::result::Result<Session, PostgresError>>,
        /// Before the next.
        pause: Duration,
        /// Until the first has failed, what comes in waits for it.
        waiting: bool,
    },
}

#[allow(clippy::large_enum_variant, reason = "there is one at a time")]
enum Event {
    Request(Option<Request>),
    Purge,
    Lost(String),
    Doubt,
    Attempted(std::result::Result<Session, PostgresError>),
}

impl Writer {
    /// Until closed, or until nobody is left who could ask.
    pub(super) async fn run(mut self, session: Session) {
        let mut link = Link::Up(session);
        let mut next_purge = Instant::now() + purge::FIRST;
        let closing = loop {
            let requests = &mut self.requests;
            let event = match &mut link {
                Link::Up(session) => tokio::select! {
                    request = requests.recv() => Event::Request(request),
                    () = session.ended() => Event::Lost("the database has closed the connection".into()),
                    () = self.health.doubted() => Event::Doubt,
                    () = sleep_until(next_purge) => Event::Purge,
                },
                Link::Down { attempt, waiting, .. } => tokio::select! {
                    request = requests.recv(), if !*waiting => Event::Request(request),
                    session = attempt => Event::Attempted(session),
                },
            };
            match (event, &mut link) {
                (Event::Request(Some(Request::Commit(first))), _) => {
                    let (jobs, closing) = self.gather(first);
                    if let Some(lost) = self.commit(&mut link, jobs).await {
                        link = self.lost(lost);
                    }
                    if closing.is_some() {
                        break closing;
                    }
                }
                (Event::Request(Some(Request::Close(closed))), _) => break Some(closed),
                (Event::Request(None), _) => break None,
                (Event::Lost(why), _) => link = self.lost(why),
                (Event::Doubt, Link::Up(session)) => {
                    if let Some(why) = self.probe(session).await {
                        link = self.lost(why);
                    }
                }
                (Event::Purge, Link::Up(session)) => match self.purge(session).await {
                    Ok(pause) => next_purge = Instant::now() + pause,
                    Err(why) => link = self.lost(why),
                },
                (Event::Attempted(Ok(session)), _) => {
                    self.health.is_up();
                    link = Link::Up(session);
                }
                (Event::Attempted(Err(why)), Link::Down { pause, .. }) => {
                    self.health.is_down(why.to_string());
                    let (attempt, next) = (self.attempt(*pause), (*pause * 2).min(BACKOFF[1]));
                    link = Link::Down { attempt, pause: next, waiting: false };
                }
                // These have their link in the other state.
                (Event::Doubt | Event::Purge | Event::Attempted(_), _) => {}
            }
        };
        self.reads.close();
        drop(link);
        if let Some(closed) = closing {
            // Whoever asked may have gone.
            let _ = closed.send(());
        }
    }

    /// Take what has queued up behind the first jobs.
    fn gather(&mut self, mut jobs: Vec<Job>) -> (Vec<Job>, Option<oneshot::Sender<()>>) {
        let weight = |jobs: &[Job]| jobs.iter().map(|job| job.batch.weight()).sum::<usize>();
        let mut bytes = weight(&jobs);
        while jobs.len() < GROUP && bytes < GROUP_BYTES {
            match self.requests.try_recv() {
                Ok(Request::Commit(more)) => {
                    bytes += weight(&more);
                    jobs.extend(more);
                }
                Ok(Request::Close(closed)) => return (jobs, Some(closed)),
                Err(_) => break,
            }
        }
        (jobs, None)
    }

    /// The connection is of no use any more: try at once to get another.
    fn lost(&self, why: String) -> Link {
        tracing::warn!("the connection to the database is lost: {why}");
        Link::Down { attempt: self.attempt(Duration::ZERO), pause: BACKOFF[0], waiting: true }
    }

    fn attempt(&self, pause: Duration) -> BoxFuture<'static, std::result::Result<Session, PostgresError>> {
        let opening = self.opening.clone();
        Box::pin(async move {
            tokio::time::sleep(pause).await;
            // The lock is this server's as soon as its former connection has ended.
            opening.open().await
        })
    }

    /// Why the connection is lost, if it is.
    async fn probe(&self, session: &Session) -> Option<String> {
        match timeout(self.opening.options.connect_timeout, session.probe()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(sentence(&error)),
            Err(_) => Some(PostgresError::Silent.to_string()),
        }
    }

    /// One step of deleting what has expired; answers when to take the next, or why the connection is lost.
    async fn purge(&self, session: &Session) -> std::result::Result<Duration, String> {
        let step = session.purge(now(), i64::from(purge::MOST));
        match timeout(self.opening.options.patience(), step).await {
            Ok(Ok(deleted)) => Ok(purge::pause(deleted)),
            Ok(Err(error)) if !session.is_closed() => {
                tracing::warn!("expired log values were not deleted: {}", sentence(&error));
                Ok(purge::EVERY)
            }
            Ok(Err(error)) => Err(sentence(&error)),
            Err(_) => Err(PostgresError::Silent.to_string()),
        }
    }

    /// Commit some jobs and answer each. Answers why the connection is lost, if it is.
    async fn commit(&mut self, link: &mut Link, jobs: Vec<Job>) -> Option<String> {
        let (mut jobs, late): (Vec<Job>, Vec<Job>) = jobs.into_iter().partition(|job| job.turn.take());
        self.too_late(late);
        while !jobs.is_empty() {
            let Link::Up(session) = link else {
                let why = self.health.down().unwrap_or_else(|| PostgresError::Silent.to_string());
                self.answers.unavailable(jobs, &why);
                return None;
            };
            match self.attempt_commit(session, jobs).await {
                Ok(again) => jobs = again,
                Err(lost) => return Some(lost),
            }
        }
        None
    }

    /// One transaction. Answers the jobs to try again: those that still have time when a lock was in the way until the
    /// oldest of them had none. Or why the connection is lost.
    async fn attempt_commit(
        &mut self,
        session: &mut Session,
        jobs: Vec<Job>,
    ) -> std::result::Result<Vec<Job>, String> {
        tracing::trace!(batches = jobs.len(), "commit");
        let start = Instant::now();
        let options = &self.opening.options;
        let batches: Vec<&Batch> = jobs.iter().map(|job| &job.batch).collect();
        let left = jobs.iter().filter_map(|job| job.turn.left()).min();
        let (patience, locks) = match batches.iter().any(|batch| erases(batch)) {
            true => (ERASING, None),
            false => (options.patience(), lock_patience(options.statement_timeout, left)),
        };
        let done = async {
            session.wait_for_locks(locks).await?;
            transact(session, &batches).await
        };
        let lost = match timeout(patience, done).await {
            Ok(Ok(results)) => {
                self.answers.committed(jobs, results, start.elapsed());
                return Ok(Vec::new());
            }
            Ok(Err(error)) if !session.is_closed() && error.as_db_error().is_some() => {
                let (failed, again) = match is_lock_timeout(&error) {
                    true => jobs.into_iter().partition(|job| job.turn.is_over()),
                    false => (jobs, Vec::new()),
                };
                if !failed.is_empty() {
                    self.answers.failed(failed, sentence(&error));
                }
                return Ok(again);
            }
            Ok(Err(error)) => sentence(&error),
            Err(_) => PostgresError::Silent.to_string(),
        };
        self.answers.unavailable(jobs, &lost);
        Err(lost)
    }

    /// Answer those that have waited too long for their turn.
    fn too_late(&mut self, late: Vec<Job>) {
        if !late.is_empty() {
            self.answers.failed(late, TOO_LONG.to_owned());
        }
    }
}

/// How long a transaction may wait for somebody's lock, when the batch in it that has least time has that much left. Without
/// a lock in the way its statements have the time that the connection gives them, which is all that a new batch has.
fn lock_patience(statement_timeout: Duration, left: Option<Duration>) -> Option<Duration> {
    let left = left.filter(|left| *left + LOCK_PATIENCE < statement_timeout)?;
    Some(left.max(LOCK_PATIENCE))
}

fn erases(batch: &Batch) -> bool {
    batch.writes.iter().any(|write| matches!(write, Write::ErasePlugin { .. }))
}

/// Run batches as one transaction, each of which may fail by itself. Durable once this returns `Ok`.
async fn transact(
    session: &mut Session,
    batches: &[&Batch],
) -> std::result::Result<Vec<Result<Ids>>, tokio_postgres::Error> {
    let mut together = Vec::new();
    let mut parts = Vec::with_capacity(batches.len());
    for batch in batches {
        match steps::of_batch(batch) {
            Ok(steps) => {
                parts.push(Ok(steps.iter().filter(|step| step.appends()).count()));
                together.extend(steps);
            }
            Err(error) => parts.push(Err(error)),
        }
    }
    let begin = match batches.iter().any(|batch| erases(batch)) {
        true => "BEGIN; SET LOCAL statement_timeout = 0",
        false => "BEGIN",
    };
    let together = merge_appends(together);
    match session.run(begin, &together, "COMMIT").await {
        Ok(ids) => {
            let mut ids = ids.into_iter();
            Ok(parts.into_iter().map(|part| part.map(|count| ids.by_ref().take(count).collect())).collect())
        }
        // COMMIT has rolled back what a failed statement has spoilt.
        Err((Some(at), error)) if is_unmet_condition(&error) || is_about_values(&error) => {
            match (batches.len(), together.get(at)) {
                (1, Some(step)) => Ok(vec![Err(refusal(step, error))]),
                _ => one_by_one(session, begin, batches).await,
            }
        }
        Err((_, error)) => Err(error),
    }
}

/// The same, when some are known to fail: each behind a savepoint, with an answer before the next.
async fn one_by_one(
    session: &mut Session,
    begin: &str,
    batches: &[&Batch],
) -> std::result::Result<Vec<Result<Ids>>, tokio_postgres::Error> {
    session.statement(begin).await?;
    let mut results = Vec::with_capacity(batches.len());
    for batch in batches {
        let steps = match steps::of_batch(batch) {
            Ok(steps) => steps,
            Err(error) => {
                results.push(Err(error));
                continue;
            }
        };
        results.push(match session.run("SAVEPOINT batch", &steps, "RELEASE batch").await {
            Ok(ids) => Ok(ids),
            Err((Some(at), error)) if is_unmet_condition(&error) || is_about_values(&error) => {
                session.statement("ROLLBACK TO batch; RELEASE batch").await?;
                Err(steps.get(at).map_or(Error::Conflict, |step| refusal(step, error)))
            }
            Err((_, error)) => {
                session.statement("ROLLBACK").await?;
                return Err(error);
            }
        });
    }
    session.statement("COMMIT").await?;
    Ok(results)
}

/// Why a batch is not kept: a condition of its own, or a value that the database cannot take.
fn refusal(step: &Step<'_>, error: tokio_postgres::Error) -> Error {
    if is_unmet_condition(&error) { step.unmet.error() } else { error.into() }
}

/// Appends that follow each other become one statement, whoever they are from.
fn merge_appends(steps: Vec<Step<'_>>) -> Vec<Step<'_>> {
    let mut merged = Vec::with_capacity(steps.len());
    let mut appends = Vec::new();
    for step in steps {
        if step.appends() {
            appends.push(step);
            continue;
        }
        flush(&mut appends, &mut merged);
        merged.push(step);
    }
    flush(&mut appends, &mut merged);
    merged
}

fn flush<'a>(appends: &mut Vec<Step<'a>>, merged: &mut Vec<Step<'a>>) {
    match appends.len() {
        0 | 1 => merged.append(appends),
        _ => merged.push(steps::of_appends(std::mem::take(appends))),
    }
}
