//! Commands under way: what is remembered of each between two steps.

use super::protocol;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use waxwing_plugins::Form;
use waxwing_xmpp::{Condition, Jid, StanzaError};

/// How long a command waits for its next step.
pub(super) const PATIENCE: Duration = Duration::from_secs(600);
/// Commands under way in all.
pub(super) const MOST: usize = 1000;
/// Commands under way of one account.
pub(super) const MOST_OF_ACCOUNT: usize = 16;

/// Who runs which command, and where: nobody else may go on with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The full JID.
    pub user: Jid,
    pub vhost: String,
    /// Whose the command is: another that took its place would not know the state.
    pub plugin: String,
    pub node: String,
}

/// Where a command stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    /// What is shown; none until the first step has been taken.
    pub form: Option<Arc<Form>>,
    pub state: Vec<u8>,
    pub has_prev: bool,
    pub has_next: bool,
}

#[derive(Debug)]
struct Open {
    run: Run,
    page: Page,
    touched: Instant,
}

/// The commands under way, by their `sessionid`.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, Open>>);

impl Sessions {
    /// A command begins.
    ///
    /// # Errors
    /// When as many are under way as may be.
    pub(super) fn open(&self, id: &str, run: &Run, now: Instant) -> Result<(), StanzaError> {
        let mut open = self.0.lock();
        sweep(&mut open, now);
        let live = || open.values().filter(|open| open.is_live(now));
        let own = live().filter(|open| open.run.user.bare_str() == run.user.bare_str()).count();
        if own >= MOST_OF_ACCOUNT || live().count() >= MOST {
            let text = "too many commands are under way: complete or cancel one";
            return Err(StanzaError::from(Condition::ResourceConstraint).with_text(text));
        }
        open.insert(id.to_owned(), Open { run: run.clone(), page: Page::default(), touched: now });
        Ok(())
    }

    /// A command goes on where it stands.
    ///
    /// # Errors
    /// `session-expired` or `bad-sessionid`.
    pub(super) fn resume(&self, id: &str, run: &Run, now: Instant) -> Result<Page, StanzaError> {
        let mut open = self.0.lock();
        sweep(&mut open, now);
        match open.get_mut(id).filter(|open| open.run == *run) {
            Some(open) if open.is_live(now) => {
                open.touched = now;
                Ok(open.page.clone())
            }
            Some(_) => {
                open.remove(id);
                Err(protocol::session_expired())
            }
            None => Err(protocol::bad_sessionid()),
        }
    }

    /// A command waits for its next step, unless it has been closed.
    pub(super) fn keep(&self, id: &str, page: Page, now: Instant) {
        if let Some(open) = self.0.lock().get_mut(id) {
            open.page = page;
            open.touched = now;
        }
    }

    /// A command has ended.
    pub fn close(&self, id: &str) {
        self.0.lock().remove(id);
    }

    /// All commands of a user end, who has gone.
    pub fn forget(&self, user: &Jid) {
        self.0.lock().retain(|_, open| open.run.user != *user);
    }
}

impl Open {
    fn is_live(&self, now: Instant) -> bool {
        now.duration_since(self.touched) < PATIENCE
    }
}

/// Let go what has waited too long: first what the command remembers; once it has waited twice as long,
/// also that there was one. So there are never more of either kind than may be under way.
fn sweep(open: &mut HashMap<String, Open>, now: Instant) {
    open.retain(|_, open| now.duration_since(open.touched) < 2 * PATIENCE);
    for old in open.values_mut().filter(|open| !open.is_live(now)) {
        old.page = Page::default();
    }
}
