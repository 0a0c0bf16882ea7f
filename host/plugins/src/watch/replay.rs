//! Recorded calls made again, without a server: with the version that was recorded, to see what it did; with
//! another, to see what it would do.

use crate::common::Common;
use crate::common::compiler::Compiler;
use crate::common::wasm;
use crate::declare::error::LoadError;
use crate::declare::grants::{Grants, Interfaces};
use crate::declare::http_host::HttpHost;
use crate::declare::marks::Allocator;
use crate::declare::options::{EngineOptions, Limits, PluginSpec, Source};
use crate::host::Host;
use crate::load::load;
use crate::run::plugin::{Plugin, PluginInfo};
use crate::run::pool::Lease;
use crate::watch::record::host::Asked;
use crate::watch::record::player::Player;
use crate::watch::record::redact::redact_trace;
use crate::watch::record::{RecordedCall, RecordingError, RecordingHeader, RecordingReader};
use crate::watch::trace::{Difference, Trace, json};
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::io::BufRead;
use std::path::PathBuf;
use std::sync::Arc;

/// How a recording is replayed. The default is as it was recorded.
#[derive(Clone, Debug, Default)]
pub struct ReplayOptions {
    /// Where compiled components are cached; `None` compiles anew.
    pub cache_folder: Option<PathBuf>,
    /// Other settings for the plugin. Needed where it does not start with those of a redacted recording.
    pub settings: Option<Vec<(String, Vec<String>)>>,
    /// Other limits, such as for a machine that is much slower.
    pub limits: Option<Limits>,
}

/// What became of a call that was made again.
#[derive(Clone, Debug)]
pub enum Replayed {
    /// The same.
    Same,
    /// Something else.
    Differs(Difference),
}

/// Why a recording cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The component cannot be loaded with what was recorded of its settings and grants.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The recording cannot be read.
    #[error(transparent)]
    Recording(#[from] RecordingError),
}

/// A component that is asked what was once asked of another.
///
/// Its host is the recording. It may use every interface, and the stores and settings are
/// those that the recording names; stores are never full, nobody else has requests open,
/// and nothing leaves: HTTP requests are refused.
pub struct Replay {
    /// Keeps the runtime's clock going, without which nothing would ever be stopped.
    _runtime: wasmtime::Engine,
    plugin: Arc<Plugin>,
    redacted: bool,
}

impl Replay {
    /// Load a component in the place of the one that was recorded. Within a tokio runtime.
    ///
    /// # Errors
    /// When it cannot be loaded.
    pub async fn new(
        component: Source,
        header: &RecordingHeader,
        options: ReplayOptions,
    ) -> Result<Replay, ReplayError> {
        let engine_options = EngineOptions { cache_folder: options.cache_folder, ..EngineOptions::default() };
        let name = header.plugin.clone();
        let runtime = wasm::start(&engine_options).map_err(|reason| LoadError { plugin: name, reason });
        let (runtime, _) = runtime?;
        let common = Arc::new(Common::new(Compiler::new(&engine_options)));
        let mut grants = header.grants.clone();
        grants.allow = Interfaces::ALL;
        grants.services = BTreeSet::from(["*".to_owned()]);
        // How full they were is not on tape.
        grants.stores.values_mut().for_each(|limit| *limit = 0);
        let spec = PluginSpec {
            scope: header.scope.clone(),
            settings: options.settings.unwrap_or_else(|| header.settings.clone()),
            grants: without_http(grants),
            limits: options.limits.unwrap_or_else(|| header.limits.clone()),
            ..PluginSpec::new(header.plugin.clone(), component)
        };
        let marks = Mutex::new(Allocator::default());
        let plugin = Arc::new(load(&runtime, &common, &marks, &spec).await?);
        Ok(Replay { _runtime: runtime, plugin, redacted: header.redacted })
    }

    /// What the component is.
    pub fn info(&self) -> PluginInfo {
        self.plugin.info()
    }

    /// Make one call again.
    pub async fn call(&self, recorded: RecordedCall) -> (Replayed, Option<Trace>) {
        let recorded = Arc::new(recorded);
        let player = Player::new(recorded.clone(), None);
        let host = Arc::new(Asked { oracle: player, shared: self.plugin.callable.shared.clone() });
        let asked: Arc<dyn Host> = host.clone();
        let mut got = match self.plugin.dry(&asked, &recorded.input, Lease::Warm).await {
            Ok(trace) => trace,
            Err(error) => {
                let expected = json(&recorded.trace.answer);
                let difference = Difference { what: "call".to_owned(), expected, got: error.to_string() };
                return (Replayed::Differs(difference), None);
            }
        };
        if self.redacted {
            redact_trace(&mut got);
        }
        // What is not on tape comes first: whatever else differs may follow from it.
        let difference = host.oracle.missing().or_else(|| recorded.trace.difference(&got));
        (difference.map_or(Replayed::Same, Replayed::Differs), Some(got))
    }
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Replay").field(&self.plugin.name()).finish()
    }
}

/// Replay a whole recording with a component: the number of each call, and what became of it.
///
/// ```no_run
/// # async fn replay() -> Result<(), Box<dyn std::error::Error>> {
/// use waxwing_plugins::{RecordingReader, ReplayOptions, Replayed, Source, replay};
///
/// let recording = std::io::BufReader::new(std::fs::File::open("ping.jsonl")?);
/// let component = Source::File("ping.wasm".into());
/// for (number, replayed) in replay(component, RecordingReader::new(recording)?, ReplayOptions::default()).await? {
///     match replayed {
///         Replayed::Same => println!("{number}: the same"),
///         Replayed::Differs(difference) => println!("{number}: {difference:?}"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// When the component cannot be loaded, or the recording cannot be read to its end.
pub async fn replay(
    component: Source,
    recording: RecordingReader<impl BufRead>,
    options: ReplayOptions,
) -> Result<Vec<(u64, Replayed)>, ReplayError> {
    let replay = Replay::new(component, recording.header(), options).await?;
    let mut all = Vec::new();
    for call in recording {
        let call = call?;
        all.push((call.number, replay.call(call).await.0));
    }
    Ok(all)
}

/// Grants with which a component that asks for HTTP can be loaded and reaches nobody.
pub(crate) fn without_http(mut grants: Grants) -> Grants {
    grants.http = BTreeSet::from([HttpHost::nobody()]);
    grants
}
