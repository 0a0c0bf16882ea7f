//! What is noted of a call beside its effects: what it says and counts, and what it does at once.

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// The notes on one call. Shared with whoever watches it, so that they outlive a call that traps.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Nothing that the call does reaches the world: neither the log nor its counters, nor anybody by HTTP.
    pub dry: bool,
    kept: Mutex<Kept>,
}

/// What has been noted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    pub lines: Vec<Line>,
    pub counts: Vec<(String, u64)>,
    pub accounts: Vec<AccountChange>,
}

/// A change to an account. The password is nobody's business.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountChange {
    /// The account of this bare JID is made.
    Create(String),
    /// It gets another password.
    Password(String),
    /// It may log in from now on, or may not.
    Enable(String, bool),
}

/// A line for the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// What it says.
    pub text: String,
}

/// Counts, and changes of accounts, that are kept of one call.
const MOST: usize = 256;

impl Notes {
    /// Of a call that changes nothing.
    pub fn dry() -> Notes {
        Notes { dry: true, ..Notes::default() }
    }

    pub fn line(&self, level: &'static str, text: &str) {
        self.kept.lock().lines.push(Line { level: level.to_owned(), text: text.to_owned() });
    }

    pub fn count(&self, metric: &str, delta: u64) {
        let mut kept = self.kept.lock();
        if let Some((_, count)) = kept.counts.iter_mut().find(|(known, _)| known == metric) {
            *count = count.saturating_add(delta);
        } else if kept.counts.len() < MOST {
            kept.counts.push((metric.to_owned(), delta));
        }
    }

    pub fn account(&self, change: AccountChange) {
        let mut kept = self.kept.lock();
        if kept.accounts.len() < MOST {
            kept.accounts.push(change);
        }
    }

    /// What has been noted so far.
    pub fn take(&self) -> Kept {
        std::mem::take(&mut self.kept.lock())
    }
}
