//! The engine as the server sees it: loading, matching, listing.

use crate::call::Callable;
use crate::counters::Counters;
use crate::description::StreamFeature;
use crate::error::{LoadError, Reason};
use crate::event::{Calls, Facts, Phase, SessionEvents, Stage};
use crate::host::Host;
use crate::index::Index;
use crate::load::{Loaded, load};
use crate::marks::Allocator;
use crate::options::{EngineOptions, PluginSpec, Policy};
use crate::wasm;
use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use waxwing_xmpp::{Kind, Stanza};

/// All loaded plugins and the index of what they want to see.
pub struct Engine {
    pub(crate) plugins: Vec<Plugin>,
    pub(crate) host: Weak<dyn Host>,
    index: Index,
    events: SessionEvents,
    features: Vec<String>,
    account_features: Vec<String>,
    stream_features: Vec<StreamFeature>,
}

/// A plugin that takes part.
pub(crate) struct Plugin {
    pub callable: Callable,
    pub policy: Policy,
    pub events: SessionEvents,
    version: String,
    features: Vec<String>,
    hooks: Vec<&'static str>,
}

/// A loaded plugin.
#[derive(Debug)]
pub struct PluginInfo<'a> {
    /// Its name, as in the config file.
    pub name: &'a str,
    /// Its version, as it says itself.
    pub version: &'a str,
    /// What it adds to service discovery of hosts.
    pub features: &'a [String],
    /// The hooks that it has.
    pub hooks: &'a [&'static str],
    /// Whether it has failed so often that it is not called for now.
    pub suspended: bool,
    /// What it has done so far.
    pub counters: &'a Counters,
}

impl Engine {
    /// Load plugins, in this order. The first that cannot be loaded is an error: a
    /// server that lacks a feature it was told to have might lose what that feature keeps.
    pub async fn load(
        options: EngineOptions,
        plugins: Vec<PluginSpec>,
        host: Weak<dyn Host>,
    ) -> Result<Arc<Engine>, LoadError> {
        let runtime = wasm::start(&options);
        let runtime = runtime.map_err(|reason| LoadError { plugin: "(all)".into(), reason })?;
        let mut marks = Allocator::default();
        let mut engine = Engine {
            plugins: Vec::new(),
            index: Index::default(),
            host,
            events: SessionEvents::empty(),
            features: Vec::new(),
            account_features: Vec::new(),
            stream_features: Vec::new(),
        };
        let mut interests = Vec::new();
        for spec in plugins {
            if engine.plugins.iter().any(|plugin| plugin.name() == spec.name) {
                return Err(LoadError { plugin: spec.name, reason: Reason::Twice });
            }
            let mut loaded = load(&runtime, &options, &spec, &mut marks).await?;
            let number = engine.plugins.len() as u16;
            interests.extend(loaded.description.interests.drain(..).map(|interest| (interest, number)));
            engine.add(loaded, spec.policy);
        }
        engine.index = Index::new(interests);
        engine.features = merged(&engine.features);
        engine.account_features = merged(&engine.account_features);
        Ok(Arc::new(engine))
    }

    fn add(&mut self, loaded: Loaded, policy: Policy) {
        let Loaded { callable, description, hooks } = loaded;
        self.events |= description.events;
        self.features.extend_from_slice(&description.features);
        self.account_features.extend(description.account_features);
        self.stream_features.extend(description.stream_features);
        self.plugins.push(Plugin {
            callable,
            policy,
            events: description.events,
            version: description.version,
            features: description.features,
            hooks,
        });
    }

    /// Whether any plugin has an interest in stanzas of this kind at this stage: cheaper than
    /// gathering facts for [`Engine::matching`] in vain.
    pub fn listens(&self, stage: Stage, kind: Kind) -> bool {
        self.index.listens(stage, kind)
    }

    /// The plugins to ask about a stanza. Allocates nothing when that is nobody.
    pub fn matching(&self, stage: Stage, stanza: &Stanza, facts: &Facts) -> Calls {
        Calls { stage, plugins: self.index.matching(stage, stanza, facts) }
    }

    /// Whether any plugin wants to hear of these events.
    pub fn wants(&self, events: SessionEvents) -> bool {
        self.events.intersects(events)
    }

    /// What hosts advertise in service discovery, in order, each once.
    pub fn features(&self) -> &[String] {
        &self.features
    }

    /// What accounts advertise in service discovery, in order, each once.
    pub fn account_features(&self) -> &[String] {
        &self.account_features
    }

    /// The children of `<stream:features/>` in this phase. `setting` says whether a setting of the
    /// virtual host is true.
    pub fn stream_features(&self, phase: Phase, setting: impl Fn(&str) -> bool) -> Vec<String> {
        let offered = self.stream_features.iter().filter(|feature| feature.phase == phase);
        let allowed = offered.filter(|feature| feature.setting.as_deref().is_none_or(&setting));
        allowed.map(|feature| feature.xml.clone()).collect()
    }

    /// All loaded plugins, in the order of the config file.
    pub fn plugins(&self) -> Vec<PluginInfo<'_>> {
        let infos = self.plugins.iter().map(|plugin| PluginInfo {
            name: plugin.name(),
            version: &plugin.version,
            features: &plugin.features,
            hooks: &plugin.hooks,
            suspended: plugin.callable.breaker.is_shut(),
            counters: &plugin.callable.shared.counters,
        });
        infos.collect()
    }
}

impl Plugin {
    pub fn name(&self) -> &str {
        &self.callable.shared.name
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.plugins.iter().map(Plugin::name)).finish()
    }
}

fn merged(features: &[String]) -> Vec<String> {
    features.iter().collect::<BTreeSet<_>>().into_iter().cloned().collect()
}
