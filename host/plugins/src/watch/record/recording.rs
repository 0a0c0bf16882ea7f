//! A recording that is being made, in the hands of who has asked for it.

use super::file::{FORMAT, RecordingHeader};
use super::reel::{Count, RecordOptions, Reel};
use crate::run::plugin::Plugin;
use crate::run::watcher::RecordingFigures;
use crate::watch::watchers::Watchers;
use std::sync::{Arc, Weak};
use tokio::io::AsyncWrite;
use tokio::task::JoinHandle;

/// A recording that is being made. Dropping it ends it; what was recorded until then is written.
pub struct Recording {
    plugin: Weak<Plugin>,
    reel: Weak<Reel>,
    count: Arc<Count>,
    writer: JoinHandle<std::io::Result<()>>,
}

impl Recording {
    /// Begin; `None` if one is being made already.
    pub(crate) fn start(
        plugin: &Arc<Plugin>,
        options: RecordOptions,
        sink: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Option<Recording> {
        let (reel, write) = Reel::new(RecordingHeader::of(plugin, options.redact), options, sink);
        if !Watchers::record(&plugin.watch, &reel) {
            return None;
        }
        let writer = tokio::spawn(write);
        if reel.is_over() {
            Watchers::end(&plugin.watch, &reel);
        }
        let count = reel.count.clone();
        Some(Recording { plugin: Arc::downgrade(plugin), reel: Arc::downgrade(&reel), count, writer })
    }

    /// How it goes.
    pub fn figures(&self) -> RecordingFigures {
        self.count.figures()
    }

    /// Record no more. What was recorded is still being written; see [`Recording::finished`].
    pub fn stop(&self) {
        if let Some((plugin, reel)) = self.plugin.upgrade().zip(self.reel.upgrade()) {
            Watchers::end(&plugin.watch, &reel);
        }
    }

    /// Wait until it has ended and is written.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn finished(mut self) -> std::io::Result<RecordingFigures> {
        let written = (&mut self.writer).await;
        written.map_err(std::io::Error::other)??;
        Ok(self.figures())
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.stop();
    }
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Recording").field(&self.figures()).finish()
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
