//! A component file, and what its plugin may do in the tools: everything.

use anyhow::Context as _;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;
use waxwing_plugins::{
    Engine, EngineOptions, Grants, HttpHost, Limits, LoadError, PluginSpec, Reason, Source, user_cache,
};
use waxwing_server::Server;

/// A plugin's own settings, as its `init` gets them.
pub(crate) type Values = Vec<(String, Vec<String>)>;

/// A component, by the name that it gives itself.
pub(crate) struct Component {
    /// Its own name.
    pub name: String,
    /// Where it is.
    pub file: PathBuf,
    /// The file's content.
    pub bytes: Arc<[u8]>,
    /// Whether it was compiled before, so that this was quick.
    pub known: bool,
}

impl Component {
    /// Read a component and ask it for its name. What is compiled for that goes into the cache of `options`.
    pub async fn read(file: &Path, options: &EngineOptions) -> anyhow::Result<Component> {
        let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let mut component =
            Component { name: stem, file: file.to_owned(), bytes: bytes.into(), known: false };
        let engine = engine(options.clone(), Weak::<Server>::new())?;
        match engine.try_out(&component.spec(Values::new())).await {
            Ok(_) => {}
            Err(LoadError { reason: Reason::Name(own), .. }) => component.name = own,
            // A name is looked at before these.
            Err(LoadError { reason: Reason::Refused(_), .. }) => {}
            Err(LoadError { reason: Reason::Failed { function: "init", .. }, .. }) => {}
            Err(LoadError { reason, .. }) => anyhow::bail!("{}: {reason}", file.display()),
        }
        component.known = engine.compiled_anew() == Some(0);
        Ok(component)
    }

    /// The plugin with everything granted that it can ask for. There is no host that it can reach by HTTP.
    pub fn spec(&self, settings: Values) -> PluginSpec {
        let http = BTreeSet::from([HttpHost::nobody()]);
        PluginSpec {
            settings,
            grants: Grants { http, ..Grants::everything() },
            limits: limits(),
            ..PluginSpec::new(&self.name, Source::Bytes(self.bytes.clone()))
        }
    }
}

/// Those of a server, but for time: a busy machine must not be taken for a busy plugin.
fn limits() -> Limits {
    Limits { cpu: Duration::from_secs(2), call_timeout: Duration::from_secs(20), ..Limits::default() }
}

/// An engine without plugins.
pub(crate) fn engine(options: EngineOptions, host: Weak<Server>) -> anyhow::Result<Arc<Engine>> {
    let host: Weak<dyn waxwing_plugins::Host> = host;
    Ok(Engine::new(options, host)?)
}

/// With compiled code kept where a user's programs keep such things, so that a component is compiled once.
pub(crate) fn cached() -> EngineOptions {
    EngineOptions { cache_folder: user_cache(), ..Default::default() }
}

/// A setting as it is given on the command line, `KEY=VALUE`. A key that comes again has several values.
pub(crate) fn settings(given: &[String]) -> anyhow::Result<Values> {
    let mut settings = Values::new();
    for text in given {
        let (key, value) =
            text.split_once('=').with_context(|| format!("--set {text}: a setting is written KEY=VALUE"))?;
        add(&mut settings, key, value);
    }
    Ok(settings)
}

/// Add one value to a setting.
pub(crate) fn add(settings: &mut Values, key: &str, value: &str) {
    match settings.iter_mut().find(|(known, _)| known == key) {
        Some((_, values)) => values.push(value.to_owned()),
        None => settings.push((key.to_owned(), vec![value.to_owned()])),
    }
}
