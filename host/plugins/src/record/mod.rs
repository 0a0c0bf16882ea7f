//! Calls as they can be kept: what a plugin was told, what it asked and heard, and what it did.

pub(crate) mod exchange;
pub(crate) mod host;
pub(crate) mod live;
mod storage;

pub use exchange::{Exchange, HostAnswer, HostQuestion, Query, Secret, SeenContact, SeenEntry, SeenSession};
