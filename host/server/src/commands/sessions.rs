//! Commands under way: what is remembered of each between two steps.

use super::protocol;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use waxwing_config::Limits;
use waxwing_plugins::Form;
use waxwing_xmpp::{Jid, StanzaError};

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
    /// Its user administers the server, and is not kept waiting by what others have begun.
    exempt: bool,
}

/// The commands under way.
#[derive(Debug)]
pub(crate) struct Sessions {
    /// By their `sessionid`.
    open: Mutex<HashMap<String, Open>>,
    limits: CommandLimits,
}

/// How many commands may be under way, and how long one waits for its next step.
#[derive(Clone, Copy, Debug)]
struct CommandLimits {
    timeout: Duration,
    per_account: usize,
    per_domain: usize,
    in_all: usize,
}

impl Sessions {
    pub fn new(limits: &Limits) -> Self {
        let limits = CommandLimits {
            timeout: limits.command_timeout,
            per_account: limits.commands_per_account as usize,
            per_domain: limits.commands_per_domain as usize,
            in_all: limits.commands as usize,
        };
        Self { open: Mutex::default(), limits }
    }

    /// A command has more steps than the first, and waits for the next of them. Nobody is refused: where too many are
    /// under way, the oldest of whoever has most makes room. Answers how many have been given up.
    pub(super) fn open(&self, id: &str, run: &Run, page: Page, exempt: bool, now: Instant) -> u64 {
        let mut open = self.open.lock();
        self.limits.sweep(&mut open, now);
        open.insert(id.to_owned(), Open { run: run.clone(), page, touched: now, exempt });
        let mut given_up = 0;
        while let Some(oldest) = self.limits.one_too_many(&open, id, now) {
            open.remove(&oldest);
            given_up += 1;
        }
        given_up
    }

    /// A command goes on where it stands.
    ///
    /// # Errors
    /// `session-expired` or `bad-sessionid`.
    pub(super) fn resume(&self, id: &str, run: &Run, now: Instant) -> Result<Page, StanzaError> {
        let mut open = self.open.lock();
        self.limits.sweep(&mut open, now);
        match open.get_mut(id).filter(|open| open.run == *run) {
            Some(open) if self.limits.is_live(open, now) => {
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
        if let Some(open) = self.open.lock().get_mut(id) {
            open.page = page;
            open.touched = now;
        }
    }

    /// A command has ended.
    pub fn close(&self, id: &str) {
        self.open.lock().remove(id);
    }

    /// All commands of a user end, who has gone.
    pub fn forget(&self, user: &Jid) {
        self.open.lock().retain(|_, open| open.run.user != *user);
    }
}

impl CommandLimits {
    fn is_live(&self, open: &Open, now: Instant) -> bool {
        now.duration_since(open.touched) < self.timeout
    }

    /// The command that makes room for the newest, if there are more of its account, of its user's domain or in all than
    /// there may be.
    fn one_too_many(&self, open: &HashMap<String, Open>, newest: &str, now: Instant) -> Option<String> {
        let user = &open.get(newest)?.run.user;
        let (account, domain) = (user.bare_str(), user.domain());
        let is_of_account = |other: &Open| other.run.user.bare_str() == account;
        let is_of_domain = |other: &Open| !other.exempt && other.run.user.domain() == domain;
        let count = |fits: &dyn Fn(&Open) -> bool| {
            open.values().filter(|other| self.is_live(other, now) && fits(other)).count()
        };
        let others = || open.iter().filter(|(id, other)| *id != newest && self.is_live(other, now));
        let oldest = |fits: &dyn Fn(&Open) -> bool| {
            let fitting = others().filter(|(_, other)| fits(other));
            fitting.min_by_key(|(_, other)| other.touched).map(|(id, _)| id.clone())
        };
        if count(&is_of_account) > self.per_account {
            return oldest(&is_of_account);
        }
        let domain = if count(&is_of_domain) > self.per_domain {
            domain
        } else if count(&|other| !other.exempt) > self.in_all {
            with_most(others().filter(|(_, other)| !other.exempt).map(|(_, other)| other.run.user.domain()))?
        } else {
            return None;
        };
        let of_domain = others().filter(|(_, other)| !other.exempt && other.run.user.domain() == domain);
        let account = with_most(of_domain.map(|(_, other)| other.run.user.bare_str()))?;
        oldest(&|other| other.run.user.bare_str() == account)
    }

    /// Let go what has waited too long: first what the command remembers; once it has waited twice as long,
    /// also that there was one. So there are never more of either kind than may be under way.
    fn sweep(&self, open: &mut HashMap<String, Open>, now: Instant) {
        open.retain(|_, open| now.duration_since(open.touched) < self.timeout.saturating_mul(2));
        for old in open.values_mut().filter(|open| !self.is_live(open, now)) {
            old.page = Page::default();
        }
    }
}

/// The name that is there most often.
fn with_most<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(name, _)| name)
}
