//! Recordings of the calls of a running plugin: what it was told, what it asked and heard, and what it did.

pub(crate) mod exchange;
mod file;
pub(crate) mod host;
pub(crate) mod live;
pub(crate) mod player;
pub(crate) mod redact;
mod reel;
mod storage;
pub(crate) mod tape;

pub use exchange::{
    Exchange, HostAnswer, HostQuestion, KeyRange, Query, SeenContact, SeenEntry, SeenSession,
};
pub use file::{FORMAT, RecordedCall, RecordingError, RecordingHeader, RecordingReader};
pub(crate) use reel::Reel;
pub use reel::{Recording, RecordingFigures};

use crate::dry::NoPlugin;
use crate::engine::Engine;
use crate::options::Scope;
use crate::plugin::Plugin;
use tokio::io::AsyncWrite;

/// What is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordOptions {
    /// The next so many calls.
    pub calls: u32,
    /// Replace by `x`es what people have written, what stores hold and what settings say: whatever is not
    /// needed to see what kind of stanza went from where to where. Replayed, calls that look into what was
    /// replaced may do something else.
    pub redact: bool,
}

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

impl Engine {
    /// Record the next calls of a running plugin: what each is told, every answer of the host that it hears,
    /// and what it does. They are written to `sink` as JSON lines; see [`RecordingReader`].
    ///
    /// Recording changes neither what a call does nor the order of calls, and no call waits for the sink:
    /// while that is too slow, calls are left out and counted. So are calls of more than 4 MiB with all that
    /// they hear. The recording ends after `calls` calls, when what is returned is dropped, and when another
    /// version takes the place of this one.
    ///
    /// Without `redact`, a recording holds what people have written to each other and what the plugin keeps of
    /// them: it belongs in the hands of somebody who may read that, and nowhere else. Passwords that a plugin
    /// hands to `account-admin` are never in it; those in stanzas and in the plugin's own settings are.
    ///
    /// # Errors
    /// When there is no such plugin, or it is being recorded already.
    pub fn record(
        &self,
        name: &str,
        scope: &Scope,
        options: RecordOptions,
        sink: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Result<Recording, RecordError> {
        let plugin = self.named(name, scope)?;
        let header = RecordingHeader::of(&plugin, options.redact);
        let recording = Recording::start(&plugin, header, options, sink);
        recording.ok_or_else(|| RecordError::Already(name.to_owned()))
    }
}

impl Engine {
    /// End the recording of a plugin, whoever makes it, and tell how far it came; `None` if there is none.
    ///
    /// # Errors
    /// When there is no such plugin.
    pub fn stop_recording(&self, name: &str, scope: &Scope) -> Result<Option<RecordingFigures>, NoPlugin> {
        Ok(self.named(name, scope)?.watch.stop_recording())
    }
}

impl RecordingHeader {
    fn of(plugin: &Plugin, redacted: bool) -> RecordingHeader {
        let spec = &plugin.spec;
        RecordingHeader {
            format: FORMAT.to_owned(),
            plugin: spec.name.clone(),
            version: plugin.description.version.clone(),
            sha256: plugin.sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
            scope: spec.scope.clone(),
            settings: spec.settings.clone(),
            grants: spec.grants.clone(),
            limits: spec.limits.clone(),
            redacted,
        }
    }
}
