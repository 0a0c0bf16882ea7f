//! Streams that come and go while the session stays (XEP-0198, section 5).
//!
//! At any moment one stream drains the queue, or none does and the session is asleep. Whoever wants to resume
//! it first claims it, one after the other; then the stream that still drains it lets go.

use super::managed::{Carrier, Managed, TooHigh};
use super::{Outbound, Queue, SessionEnd};
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// Why a session could not be taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttachError {
    /// It has ended.
    Ended,
    /// The client has acknowledged what it was not sent. The session goes on sleeping.
    TooHigh(TooHigh),
}

impl Outbound {
    /// From now on the client acknowledges what is handed out, and what was before is no concern of it.
    /// `false` if it does so already.
    pub fn manage(&self, managed: Managed) -> bool {
        let mut queue = self.queue.lock();
        let queue = &mut *queue;
        if queue.managed.is_some() {
            return false;
        }
        queue.managed = Some(Box::new(managed));
        queue.ready.iter_mut().chain(&mut queue.held).for_each(|entry| entry.accept(&self.hold));
        true
    }

    /// Something about the client that acknowledges, if this one does.
    pub fn managed<R>(&self, ask: impl FnOnce(&mut Managed) -> R) -> Option<R> {
        self.queue.lock().managed.as_deref_mut().map(ask)
    }

    /// The client has handled `h` stanzas.
    pub fn acknowledge(&self, h: u32) -> Result<(), TooHigh> {
        let Some(done) = self.managed(|managed| managed.acknowledge(h)) else { return Ok(()) };
        done?.into_iter().for_each(super::Entry::settle);
        Ok(())
    }

    /// Whether the session may be left without a stream.
    pub fn may_sleep(&self) -> bool {
        self.managed(|managed| !managed.id.is_empty()).unwrap_or(false)
    }

    /// Claim the session with this id for a new stream, after those who have claimed it before. `None` if there is
    /// none, or it has ended.
    pub async fn claim(&self, id: &str) -> Option<Claim<'_>> {
        let changed = self.managed(|managed| managed.changed.clone())?;
        loop {
            let news = changed.notified();
            let mut news = std::pin::pin!(news);
            news.as_mut().enable();
            let waker = {
                let mut queue = self.queue.lock();
                if queue.has_ended() {
                    return None;
                }
                let managed = queue.managed.as_deref_mut()?;
                if managed.id.is_empty() || *managed.id != *id {
                    return None;
                }
                let is_free = !std::mem::replace(&mut managed.claimed, true);
                is_free.then(|| queue.waker.take())
            };
            if let Some(waker) = waker {
                // The present stream is to let go.
                if let Some(waker) = waker {
                    waker.wake();
                }
                return Some(Claim { outbound: self, changed: changed.clone(), open: true });
            }
            news.await;
        }
    }

    /// The stream has gone; with `busy`, one of its stanzas is still being processed. Answers by which
    /// number [`Outbound::sleep`] knows this absence.
    pub fn detach(&self, busy: bool) -> u64 {
        let round = self.managed(|managed| {
            managed.carrier = Carrier::Nobody { busy };
            managed.rounds += 1;
            self.hold.set_asleep(true);
            managed.changed.notify_waiters();
            managed.rounds
        });
        // Whoever waits for room is to see that nobody makes any.
        self.relief.notify_waiters();
        round.unwrap_or_default()
    }

    /// The last stanza of the stream that has gone is processed.
    pub fn idle(&self) {
        self.managed(|managed| {
            if managed.is_asleep() {
                managed.carrier = Carrier::Nobody { busy: false };
                managed.changed.notify_waiters();
            }
        });
    }

    /// Wait until a new stream has come (`false`), or the session has ended or was asleep for too long
    /// (`true`): then it has ended for good.
    pub async fn sleep(&self, round: u64) -> bool {
        let found = self.managed(|managed| (managed.changed.clone(), managed.absence));
        let Some((changed, absence)) = found else { return true };
        let deadline = Instant::now() + absence;
        loop {
            let news = changed.notified();
            let mut news = std::pin::pin!(news);
            news.as_mut().enable();
            let late = Instant::now() >= deadline;
            if let Some(over) = self.queue.lock().sleeper(round, late) {
                return over;
            }
            if late {
                // Whoever has claimed it decides.
                news.await;
            } else {
                let _ = timeout_at(deadline, news).await;
            }
        }
    }
}

impl Queue {
    /// Whether nobody can resume the session any more.
    fn has_ended(&self) -> bool {
        self.over || self.end.is_some()
    }

    /// Whether the sleep of a round is over, and if so whether the session is, too.
    fn sleeper(&mut self, round: u64, late: bool) -> Option<bool> {
        if self.has_ended() {
            return Some(true);
        }
        let Some(managed) = self.managed.as_deref_mut() else { return Some(true) };
        if managed.rounds != round || !managed.is_asleep() {
            return Some(false);
        }
        if late && !managed.claimed {
            self.end = Some(SessionEnd { error: None });
            return Some(true);
        }
        None
    }
}

/// The right to resume a session, given back when dropped.
pub(crate) struct Claim<'a> {
    outbound: &'a Outbound,
    changed: Arc<Notify>,
    open: bool,
}

impl Claim<'_> {
    /// Wait until no stream drains the queue and all that it has read is processed, or the session has
    /// ended.
    pub async fn ready(&self) {
        loop {
            let news = self.changed.notified();
            let mut news = std::pin::pin!(news);
            news.as_mut().enable();
            {
                let queue = self.outbound.queue.lock();
                let managed = queue.managed.as_deref();
                let free = managed.is_none_or(|it| it.carrier == (Carrier::Nobody { busy: false }));
                if free || queue.has_ended() {
                    return;
                }
            }
            news.await;
        }
    }

    /// The client, which has handled `h` stanzas, has a new stream. Answers how many of its stanzas were
    /// handled.
    pub fn attach(mut self, h: u32) -> Result<u32, AttachError> {
        let mut queue = self.outbound.queue.lock();
        if queue.has_ended() {
            return Err(AttachError::Ended);
        }
        let Some(managed) = queue.managed.as_deref_mut() else { return Err(AttachError::Ended) };
        let acknowledged = managed.acknowledge(h).map_err(AttachError::TooHigh)?;
        managed.begin_again();
        managed.carrier = Carrier::Stream;
        self.outbound.hold.set_asleep(false);
        managed.claimed = false;
        let handled = managed.handled;
        self.open = false;
        // A stream begins in the active state (XEP-0352, section 5.2). What an earlier one was given before it
        // told the id that was used now, it has brought to the client.
        queue.flush();
        queue.inactive = None;
        queue.read = Instant::now();
        let earlier = std::mem::take(&mut queue.unwritten);
        drop(queue);
        self.changed.notify_waiters();
        acknowledged.into_iter().chain(earlier).for_each(super::Entry::settle);
        Ok(handled)
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if self.open {
            self.outbound.managed(|managed| managed.claimed = false);
            self.changed.notify_waiters();
        }
    }
}
