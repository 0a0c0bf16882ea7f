//! How two traces differ.

use super::{Trace, TraceFailure};
use serde::Serialize;

/// The first difference between two calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Which part of a [`Trace`], and which of several: `outbox[1]`. Or `question`, where a replayed call
    /// asks the host for something that its recording does not tell.
    pub what: String,
    /// What one has there, as JSON; `nothing` where it has less.
    pub expected: String,
    /// What the other has there.
    pub got: String,
}

/// Where there is nothing to show.
const NOTHING: &str = "nothing";

impl Trace {
    /// The first difference between what is expected and another; `None` if they are equal.
    pub fn difference(&self, got: &Trace) -> Option<Difference> {
        if self.answer != got.answer {
            return Some(Difference {
                what: "answer".to_owned(),
                expected: json(&self.answer),
                got: json(&got.answer),
            });
        }
        None.or_else(|| first("outbox", &self.outbox, &got.outbox))
            .or_else(|| first("writes", &self.writes, &got.writes))
            .or_else(|| first("alarms", &self.alarms, &got.alarms))
            .or_else(|| first("marks", &self.marks, &got.marks))
            .or_else(|| first("account_data", &self.account_data, &got.account_data))
            .or_else(|| first("requests", &self.requests, &got.requests))
            .or_else(|| first("removals", &self.removals, &got.removals))
            .or_else(|| first("accounts", &self.accounts, &got.accounts))
    }
}

impl PartialEq for Trace {
    fn eq(&self, other: &Self) -> bool {
        self.difference(other).is_none()
    }
}

impl PartialEq for TraceFailure {
    fn eq(&self, other: &Self) -> bool {
        // The sentence has places in the code of one version.
        self.kind == other.kind
    }
}

impl Eq for TraceFailure {}

fn first<T: PartialEq + Serialize>(what: &str, expected: &[T], got: &[T]) -> Option<Difference> {
    let longest = expected.len().max(got.len());
    let at = (0..longest).find(|at| expected.get(*at) != got.get(*at))?;
    let shown = |list: &[T]| list.get(at).map_or_else(|| NOTHING.to_owned(), json);
    Some(Difference { what: format!("{what}[{at}]"), expected: shown(expected), got: shown(got) })
}

/// As a person can read it.
pub(crate) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| format!("(not JSON: {error})"))
}
