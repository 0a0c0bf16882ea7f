//! The end of a session, and of all of them.

use crate::outbound::{Entry, SessionEnd, Which};
use crate::server::Server;
use crate::session::Session;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tracing::Instrument;
use waxwing_plugins::{Change, SessionEvents};
use waxwing_xmpp::{Stanza, StreamCondition, StreamError};

impl Server {
    /// End a session whose stream is gone: everybody hears that it is unavailable, and messages
    /// that were not written are kept or routed again. It happens once, in a task of its own, so that it comes to its
    /// end whatever becomes of those who wait for that: every caller does.
    pub async fn finish(&self, session: &Arc<Session>) {
        if session.begin_to_finish() {
            match self.me.upgrade() {
                Some(server) => {
                    let session = session.clone();
                    let ending = async move { server.finish_once(&session).await };
                    tokio::spawn(ending.in_current_span());
                }
                None => self.finish_once(session).await,
            }
        }
        session.until_finished().await;
    }

    async fn finish_once(&self, session: &Arc<Session>) {
        let _ended = Ended(session);
        self.note_overload(session);
        // Whatever comes from now on waits until what the session has is in other hands, and goes on behind it.
        session.outbound.close();
        let which = if self.is_read_elsewhere(session) { Which::Copies } else { Which::All };
        self.keep_rest(session, which).await;
        self.empty(session).await;
        session.is_emptied();
        let turn = session.last_presence_turn().await;
        if session.priority().is_some() {
            let gone = Stanza::presence(waxwing_xmpp::Type::Unavailable, "")
                .with_addresses(Some(session.jid.clone()), None);
            self.become_unavailable(session, gone).await;
        } else {
            self.end_directed(session).await;
        }
        drop(turn);
        self.directory.remove(session);
        self.command_sessions.forget(&session.jid);
        self.session_event(session, Change::Closed, SessionEvents::CLOSED, None).await;
        self.stats.sessions_ended.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether another session of the account takes what this one has left.
    fn is_read_elsewhere(&self, session: &Session) -> bool {
        let receivers = session.account.receivers();
        receivers.iter().any(|other| !other.is_finishing() && !other.is_asleep())
    }

    /// Take everything out of a session's queue and let it go on.
    async fn empty(&self, session: &Arc<Session>) {
        let left = session.outbound.take();
        let (stored, left): (Vec<_>, Vec<_>) = left.into_iter().partition(Entry::is_stored);
        let at_risk = left.iter().filter(|entry| entry.is_at_risk()).count();
        self.leaving.fetch_add(at_risk, Ordering::Relaxed);
        if !stored.is_empty() {
            // Whoever has them stored keeps them now, and another session is to get them first.
            drop(stored);
            self.look_again(&session.account.jid);
        }
        for entry in left {
            if entry.received > 0 {
                self.stats.rerouted_unacknowledged.fetch_add(1, Ordering::Relaxed);
            }
            let at_risk = usize::from(entry.is_at_risk());
            self.route_again(session, entry).await;
            self.leaving.fetch_sub(at_risk, Ordering::Relaxed);
        }
    }

    /// End the sessions without a connection: what they have is kept, and those who must hear that it is not still can.
    pub fn end_asleep(&self) {
        self.directory.each_session(|session| {
            if session.is_asleep() {
                session.outbound.end(shutting_down());
            }
        });
    }

    /// End all sessions with `system-shutdown` and wait for nothing: their streams do the rest.
    pub fn shutdown(&self) {
        self.directory.each_session(|session| session.outbound.end(shutting_down()));
    }

    /// How many messages would be lost if the server ended now: of those that it has acknowledged or will.
    pub fn unkept(&self) -> usize {
        let mut unkept = self.leaving.load(Ordering::Relaxed);
        self.directory.each_session(|session| unkept += session.outbound.unkept());
        unkept
    }
}

/// Lets go of those who wait for the end of a session, however it comes.
struct Ended<'a>(&'a Session);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.is_emptied();
        self.0.is_finished();
    }
}

fn shutting_down() -> SessionEnd {
    SessionEnd { error: Some(StreamError::new(StreamCondition::SystemShutdown)) }
}
