//! What slow clients do to those who send to them: a stanza is queued at once, and then its sender's stream waits a
//! little, at most as long as `'sender-patience'` for all recipients together.

use crate::outbound::{Overload, Place};
use crate::server::Server;
use crate::session::Session;
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::time::timeout;
use waxwing_xmpp::{Condition, Kind, Stanza, StanzaError};

/// Sessions that have got a stanza of a client while more waits for them than should.
#[derive(Default)]
pub(crate) struct Crowd(Mutex<SmallVec<[Arc<Session>; 1]>>);

impl Crowd {
    pub fn add(&self, session: &Arc<Session>) {
        self.0.lock().push(session.clone());
    }

    /// All of them, if there are any.
    pub fn take(&mut self) -> Option<SmallVec<[Arc<Session>; 1]>> {
        let sessions = std::mem::take(self.0.get_mut());
        (!sessions.is_empty()).then_some(sessions)
    }
}

impl Server {
    /// Let a sender wait for those who do not keep up, all together no longer than the settings say.
    pub(crate) async fn slow_down(&self, crowd: &[Arc<Session>]) {
        self.stats.slowed.fetch_add(1, Ordering::Relaxed);
        let relieved = async {
            for session in crowd {
                session.outbound.relieved(Place::Behind).await;
            }
        };
        // What waits longer is bounded by the size of the queues.
        let _ = timeout(self.settings.limits.sender_patience, relieved).await;
    }

    /// Send back what came for a session that has just ended for want of room: later it may find another way, but now
    /// it would overtake what the session holds.
    pub(crate) async fn refuse(&self, stanza: &Stanza) {
        self.stats.refused.fetch_add(1, Ordering::Relaxed);
        if stanza.kind() != Kind::Presence {
            let error = StanzaError::from(Condition::ResourceConstraint);
            self.bounce(stanza, &error.with_text("the recipient does not read what is sent to it")).await;
        }
    }

    /// Say that a session has ended because its client did not keep up.
    pub(crate) fn note_overload(&self, session: &Session) {
        let (counter, why) = match session.outbound.overload() {
            Some(Overload::Bytes) => (&self.stats.ended_full, "more waits for it than may"),
            Some(Overload::Time) => (&self.stats.ended_unread, "its client does not read"),
            None => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        tracing::info!(session = %session.jid, "session ended: {why}");
    }
}

#[cfg(test)]
mod tests;
