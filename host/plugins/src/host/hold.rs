//! A session's hold on what is in its queue and in the storage as well.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use waxwing_xmpp::Jid;

/// A session that keeps stanzas until its client has acknowledged them (XEP-0198).
#[derive(Debug)]
pub struct Hold {
    /// Its full JID.
    session: Box<str>,
    /// It has no connection now.
    asleep: AtomicBool,
}

impl Hold {
    /// Of a session that has a connection.
    pub fn new(session: &Jid) -> Arc<Hold> {
        Arc::new(Hold { session: session.as_str().into(), asleep: AtomicBool::new(false) })
    }

    /// The session has lost its connection, or has one again.
    pub fn set_asleep(&self, asleep: bool) {
        self.asleep.store(asleep, Ordering::Release);
    }

    /// Whether calls about another session, or about none, are to believe that what is held is not there.
    pub(crate) fn hides_from(&self, session: Option<&str>) -> bool {
        !self.asleep.load(Ordering::Acquire) || session == Some(&*self.session)
    }
}
