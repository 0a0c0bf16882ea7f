//! Stream management as far as it is a matter of sessions (XEP-0198): who may resume which, and what becomes
//! of a session that nobody resumes.

use crate::outbound::{AttachError, Managed, TooHigh};
use crate::server::Server;
use crate::session::Session;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use waxwing_xmpp::{Element, Jid, Stanza, datetime, escape, ns};

/// Random bytes in the id of a session that can be resumed.
const ID_BYTES: usize = 18;

/// Sessions that have ended of which is remembered how many stanzas they had handled.
const REMEMBERED: usize = 1000;

/// What a client gets that has asked for stream management.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enabled {
    /// The id by which it may resume, and how long, if it may.
    pub resume: Option<(String, Duration)>,
}

/// A session that goes on with a new stream.
pub struct Resumed {
    /// The session.
    pub session: Arc<Session>,
    /// How many of the client's stanzas were handled, modulo 2^32.
    pub handled: u32,
}

/// Why a session is not resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResumeError {
    /// It is unknown or has ended. If it is remembered, how many of the
    /// client's stanzas it had handled.
    NotFound(Option<u32>),
    /// The client has acknowledged what it was not sent.
    TooHigh(TooHigh),
}

/// Sessions that have ended for want of a stream: account, id, stanzas handled.
#[derive(Default)]
pub(crate) struct Departed(Mutex<VecDeque<(Jid, Box<str>, u32)>>);

impl Departed {
    fn add(&self, account: Jid, id: Box<str>, handled: u32) {
        let mut all = self.0.lock();
        if all.len() >= REMEMBERED {
            all.pop_front();
        }
        all.push_back((account, id, handled));
    }

    fn find(&self, account: &Jid, id: &str) -> Option<u32> {
        let all = self.0.lock();
        all.iter().find(|(owner, known, _)| owner == account && **known == *id).map(|(.., handled)| *handled)
    }
}

impl Server {
    /// A client wants to acknowledge stanzas, and perhaps to be resumed, for `most` seconds. `None` if it
    /// does so already.
    pub fn manage(&self, session: &Session, resume: bool, most: Option<u32>) -> Option<Enabled> {
        let settings = &self.settings.stream_management;
        let absence = most.map_or(settings.resume_timeout, |most| {
            settings.resume_timeout.min(Duration::from_secs(most.into()))
        });
        // Who comes back without an account has another address.
        let resume = resume && !absence.is_zero() && !session.account.is_anonymous();
        let id = if resume { self.random_text(ID_BYTES) } else { None };
        let resume = id.map(|id| (id, absence));
        if !session.outbound.manage(Managed::new(settings, resume.clone())) {
            return None;
        }
        self.stats.managed.fetch_add(1, Ordering::Relaxed);
        Some(Enabled { resume })
    }

    /// A client that has lost its stream goes on with a new one; it has handled `h` stanzas. Waits until
    /// the old stream has let go. Dropped before it is ready, it changes nothing.
    ///
    /// # Errors
    /// If that session cannot be resumed; nothing has happened then.
    pub async fn resume(&self, account: &Jid, id: &str, h: u32) -> Result<Resumed, ResumeError> {
        let result = self.take_over(account, id, h).await;
        let counter = if result.is_ok() { &self.stats.resumed } else { &self.stats.failed_resumptions };
        counter.fetch_add(1, Ordering::Relaxed);
        result
    }

    async fn take_over(&self, account: &Jid, id: &str, h: u32) -> Result<Resumed, ResumeError> {
        let not_found = || ResumeError::NotFound(self.departed.find(account, id));
        let entry = self.directory.account(account.as_str()).ok_or_else(not_found)?;
        for session in entry.sessions() {
            let Some(claim) = session.outbound.claim(id).await else { continue };
            claim.ready().await;
            let handled = claim.attach(h).map_err(|error| match error {
                AttachError::Ended => not_found(),
                AttachError::TooHigh(error) => ResumeError::TooHigh(error),
            })?;
            return Ok(Resumed { session, handled });
        }
        Err(not_found())
    }

    /// A session has ended for want of a stream: its client may still come and ask what was handled.
    pub fn remember(&self, session: &Session) {
        let found = session.outbound.managed(|managed| (managed.id.clone(), managed.handled));
        if let Some((id, handled)) = found.filter(|(id, _)| !id.is_empty()) {
            self.departed.add(session.account.jid.clone(), id, handled);
        }
    }

    /// Of an account's sessions without a stream, the one that was bound first.
    pub(crate) fn oldest_asleep(&self, account: &Jid) -> Option<Arc<Session>> {
        let sessions = self.directory.account(account.as_str())?.sessions();
        let asleep = |session: &&Arc<Session>| session.is_asleep();
        sessions.iter().filter(asleep).min_by_key(|session| session.id).cloned()
    }
}

/// When the server got a stanza that is being routed again, and the stanza as it was then: a delay that this
/// server has given it is left out.
pub(crate) fn original(stanza: &Stanza, received: u64, domain: &str) -> (Stanza, u64) {
    let own = stanza.children().find_map(|child| {
        if (child.ns(), child.name()) != (ns::DELAY, "delay") {
            return None;
        }
        let delay = child.element().ok().filter(|delay: &Element| delay.attr("from") == Some(domain))?;
        Some((child.range(), datetime::parse(delay.attr("stamp")?)?))
    });
    let Some((range, time)) = own else { return (stanza.clone(), received) };
    let inner = stanza.inner();
    let parts = inner.get(..range.start).zip(inner.get(range.end..));
    let bare = parts.and_then(|(before, after)| stanza.with_inner(&[before, after].concat()).ok());
    (bare.unwrap_or_else(|| stanza.clone()), time)
}

/// The stanza with the time of its arrival (XEP-0203).
pub(crate) fn delayed(stanza: &Stanza, domain: &str, time: u64) -> Stanza {
    stanza.with_child(&format!(
        "<delay xmlns='{}' from='{}' stamp='{}'/>",
        ns::DELAY,
        escape(domain),
        datetime::format(time),
    ))
}

#[cfg(test)]
mod tests;
