//! Recordings of the calls of a running plugin: what it was told, what it asked and heard, and what it did.

pub(crate) mod exchange;
mod file;
pub(crate) mod host;
pub(crate) mod live;
pub(crate) mod player;
mod recording;
pub(crate) mod redact;
pub(crate) mod reel;
mod storage;
pub(crate) mod tape;

pub use exchange::{
    Exchange, HostAnswer, HostQuestion, KeyRange, Query, SeenContact, SeenEntry, SeenSession,
};
pub use file::{FORMAT, RecordedCall, RecordingError, RecordingHeader, RecordingReader};
pub use recording::Recording;
pub use reel::RecordOptions;

use crate::watch::dry::NoPlugin;

/// Why a plugin is not recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// There is no such plugin.
    #[error(transparent)]
    NoPlugin(#[from] NoPlugin),
    /// One recording at a time.
    #[error(
        "plugin {0:?} is being recorded already; wait until that ends, or end it with `waxwing plugin record {0} --off`"
    )]
    Already(String),
}
