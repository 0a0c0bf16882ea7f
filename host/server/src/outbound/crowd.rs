//! What becomes of a session for which more waits than its client reads.

use super::{Load, Outbound, Place, Queue, SessionEnd};
use std::time::Duration;
use tokio::time::Instant;
use waxwing_config::Limits;
use waxwing_xmpp::{StreamCondition, StreamError};

/// How much may wait for a client, and how long it may read nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Marks {
    /// Bytes beyond which the queue is crowded.
    pub crowded: usize,
    /// Bytes beyond which the session ends.
    pub most: usize,
    /// How long the client may read nothing while its queue is crowded.
    pub patience: Duration,
}

/// What a client was too slow for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overload {
    /// More waited for it than may.
    Bytes,
    /// It has read nothing for too long.
    Time,
}

impl From<&Limits> for Marks {
    fn from(limits: &Limits) -> Self {
        Self {
            crowded: limits.outgoing_bytes,
            most: limits.outgoing_bytes_limit,
            patience: limits.slow_reader_timeout,
        }
    }
}

impl Outbound {
    /// Wait until the queue is not crowded. For a stanza at `Place::Ahead` what is held does not count, and there is
    /// nothing to wait for once nobody reads.
    pub async fn relieved(&self, place: Place) {
        loop {
            // Told of all that comes after this.
            let relief = self.relief.notified();
            if self.queue.lock().is_relieved(place) {
                return;
            }
            relief.await;
        }
    }

    /// Wait for the client itself to make room for what goes ahead of everything that is held. If it reads nothing, the
    /// session ends.
    pub async fn make_room(&self) {
        loop {
            let deadline = self.queue.lock().deadline();
            if tokio::time::timeout_at(deadline, self.relieved(Place::Ahead)).await.is_ok() {
                return;
            }
            let mut queue = self.queue.lock();
            queue.end_if_stuck();
            if let Some(waker) = queue.waker.take() {
                waker.wake();
            }
        }
    }

    /// Whether the queue is crowded by what the client could read.
    pub fn is_crowded(&self) -> bool {
        !self.queue.lock().is_relieved(Place::Ahead)
    }

    /// Why the session has ended, if its client was too slow.
    pub fn overload(&self) -> Option<Overload> {
        self.queue.lock().overload
    }

    /// Bytes that wait.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        self.queue.lock().bytes()
    }
}

impl Queue {
    pub(super) fn bytes(&self) -> usize {
        self.ready_bytes + self.held_bytes + self.latest.as_ref().map_or(0, |latest| latest.bytes())
    }

    /// Whether one more stanza is taken. The first that finds too much ends the session, and is the last.
    pub(super) fn admit(&mut self) -> bool {
        if self.bytes() < self.marks.most {
            return true;
        }
        let first = self.overload != Some(Overload::Bytes);
        if first {
            self.end_overloaded(Overload::Bytes);
        }
        first
    }

    /// How the queue is after a stanza has been added, to what is held or to what leaves next. A session that has been
    /// crowded for too long ends.
    pub(super) fn load(&mut self, held: bool) -> Load {
        self.note_crowd();
        if self.crowded.is_some() {
            self.end_if_asleep();
        }
        self.end_if_stuck();
        let waiting = if held { self.held_bytes } else { self.ready_bytes };
        if waiting >= self.marks.crowded { Load::Crowded } else { Load::Light }
    }

    /// The queue may have become crowded.
    pub(super) fn note_crowd(&mut self) {
        if self.crowded.is_none() && self.ready_bytes >= self.marks.crowded {
            self.crowded = Some(Instant::now());
        }
    }

    /// The queue may not be crowded any more: then presence that was held back may leave.
    pub(super) fn note_relief(&mut self) {
        if self.crowded.is_some() && self.ready_bytes < self.marks.crowded {
            self.crowded = None;
            if self.inactive.is_none() {
                self.flush();
            }
        }
    }

    fn is_relieved(&self, place: Place) -> bool {
        let asleep = || self.managed.as_ref().is_some_and(|it| it.is_asleep() || it.claimed);
        let room = match place {
            Place::Ahead => self.ready_bytes < self.marks.crowded || self.end.is_some() || asleep(),
            Place::Behind => self.ready_bytes.max(self.held_bytes) < self.marks.crowded,
        };
        room || self.over
    }

    /// When the session ends if the client goes on reading nothing.
    fn deadline(&self) -> Instant {
        self.crowded.map_or(self.read, |since| since.max(self.read)) + self.marks.patience
    }

    /// End the session if its client has read nothing for too long. One without a stream cannot read.
    pub(super) fn end_if_stuck(&mut self) {
        let asleep = self.managed.as_ref().is_some_and(|it| it.is_asleep());
        if self.crowded.is_some() && !asleep && self.end.is_none() && Instant::now() >= self.deadline() {
            self.end_overloaded(Overload::Time);
        }
    }

    /// One that sleeps will not make any room.
    fn end_if_asleep(&mut self) {
        let lost = self.managed.as_ref().is_some_and(|it| it.is_asleep() && !it.claimed);
        if lost && self.end.is_none() {
            self.end_overloaded(Overload::Bytes);
        }
    }

    fn end_overloaded(&mut self, overload: Overload) {
        self.overload = Some(overload);
        let error = StreamError::new(StreamCondition::ResourceConstraint)
            .with_text("you do not read what is sent to you");
        self.end.get_or_insert(SessionEnd { error: Some(error) });
        if let Some(managed) = &self.managed {
            managed.changed.notify_waiters();
        }
    }
}
