//! Trying plugins out and watching them: dry calls, recordings, versions that run beside the live one.

use crate::declare::options::{PluginSpec, Scope, Source};
use crate::engine::Engine;
use crate::host::Host;
use crate::load::load;
use crate::run::input::Input;
use crate::run::plugin::PluginInfo;
use crate::run::pool::Lease;
use crate::run::watcher::RecordingFigures;
use crate::watch::dry::{DryError, NoPlugin};
use crate::watch::record::host::Asked;
use crate::watch::record::live::Live;
use crate::watch::record::{RecordError, RecordOptions, Recording};
use crate::watch::replay::without_http;
use crate::watch::shadow::{Shadow, ShadowError};
use crate::watch::trace::Trace;
use crate::watch::watchers::Watchers;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncWrite;

impl Engine {
    /// Call one hook of a loaded plugin, let nothing of it happen, and tell what it would have done.
    ///
    /// The call reads from the server as any call does. Nothing that it wants done is done: no stanza
    /// leaves, no data and no account is changed, no line reaches the log, none of its counters moves, and
    /// its HTTP requests are refused. It gets an instance of its own, so that what it keeps in memory is
    /// gone too, and takes part neither in the plugin's figures nor in its breaker. It does not wait for
    /// other calls with the same key.
    ///
    /// A call that fails is a trace as well ([`crate::TraceAnswer::Failed`]).
    ///
    /// # Errors
    /// When there is no such plugin or hook, or it cannot be told this.
    pub async fn dry_call(&self, name: &str, scope: &Scope, input: &Input) -> Result<Trace, DryError> {
        let plugin = self.named(name, scope)?;
        let host = self.host.upgrade().ok_or(DryError::NoHost)?;
        let shared = plugin.callable.shared.clone();
        let live = Live { host, shared: shared.clone(), dry: true };
        plugin.dry(&(Arc::new(Asked { oracle: live, shared }) as Arc<dyn Host>), input, Lease::Own).await
    }

    /// Make the same dry call (see [`Engine::dry_call`]) up to `calls` times, but begin none after `patience`:
    /// the traces, in order. Unlike a single dry call, these use warm instances, as calls of a server do, so
    /// that what the plugin keeps in memory is as they leave it. For tools with an engine of their own.
    ///
    /// # Errors
    /// As for a dry call.
    pub async fn measure(
        &self,
        name: &str,
        scope: &Scope,
        input: &Input,
        calls: usize,
        patience: Duration,
    ) -> Result<Vec<Trace>, DryError> {
        let plugin = self.named(name, scope)?;
        let host = self.host.upgrade().ok_or(DryError::NoHost)?;
        let shared = plugin.callable.shared.clone();
        let live = Live { host, shared: shared.clone(), dry: true };
        let host = Arc::new(Asked { oracle: live, shared }) as Arc<dyn Host>;
        let (mut traces, begun) = (Vec::new(), Instant::now());
        while traces.len() < calls && (traces.is_empty() || begun.elapsed() < patience) {
            traces.push(plugin.dry(&host, input, Lease::Warm).await?);
        }
        Ok(traces)
    }

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
        let recording = Recording::start(&plugin, options, sink);
        recording.ok_or_else(|| RecordError::Already(name.to_owned()))
    }

    /// End the recording of a plugin, whoever makes it, and tell how far it came; `None` if there is none.
    ///
    /// # Errors
    /// When there is no such plugin.
    pub fn stop_recording(&self, name: &str, scope: &Scope) -> Result<Option<RecordingFigures>, NoPlugin> {
        Ok(Watchers::stop_recording(&self.named(name, scope)?.watch))
    }

    /// [`Engine::shadow`] with the grants, limits and settings of the live plugin.
    ///
    /// # Errors
    /// As for [`Engine::shadow`].
    pub async fn shadow_with(
        &self,
        name: &str,
        scope: &Scope,
        component: Option<Arc<[u8]>>,
    ) -> Result<Option<PluginInfo>, ShadowError> {
        let live = self.named(name, scope)?;
        let spec = component.map(|bytes| PluginSpec { source: Source::Bytes(bytes), ..live.spec.clone() });
        self.shadow(name, scope, spec).await
    }

    /// Let a version run beside the live plugin of this name and scope, in the place of the one that does now;
    /// `None` lets that go. Answers what was loaded.
    ///
    /// From then on each call of the live plugin is followed by one of the candidate, which is told the same and
    /// hears the same; what the live one did not ask is read from the server. Nothing that the candidate wants
    /// done is done, as in [`Engine::dry_call`], and no live call waits for it. [`PluginInfo::shadow`] says how
    /// the two compare. It is called where the live one is interested; its own interests do not count.
    ///
    /// The name and scope of `spec` are those of the live plugin, whatever it says. HTTP requests are refused
    /// to it from the start. It goes when another version takes the place of the live one, such as when it is
    /// itself installed with [`Engine::put`].
    ///
    /// # Errors
    /// When there is no such plugin, or the candidate cannot be loaded. Then all is as before.
    pub async fn shadow(
        &self,
        name: &str,
        scope: &Scope,
        spec: Option<PluginSpec>,
    ) -> Result<Option<PluginInfo>, ShadowError> {
        let live = self.named(name, scope)?;
        let Some(mut spec) = spec else {
            Watchers::set_shadow(&live.watch, None);
            return Ok(None);
        };
        (spec.name, spec.scope) = (name.to_owned(), scope.clone());
        spec.grants = without_http(spec.grants);
        let plugin = Arc::new(load(&self.runtime, &self.common, &self.marks, &spec).await?);
        // It may have been replaced while this one was compiled.
        let live = self.named(name, scope)?;
        let info = plugin.info();
        Watchers::set_shadow(&live.watch, Some(Arc::new(Shadow::new(plugin))));
        Ok(Some(info))
    }
}
