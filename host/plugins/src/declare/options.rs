//! How the engine and each plugin are set up.

use crate::declare::grants::Grants;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What holds for all plugins.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Where compiled components are cached; `None` compiles them anew at each start.
    pub cache_folder: Option<PathBuf>,
    /// A program with its arguments that compiles large components: it reads one from its standard input and calls
    /// [`compile_into_cache`](crate::compile_into_cache) with the same options. Without one, this process does.
    pub compiler: Vec<OsString>,
    /// The limits of a plugin that has none of its own.
    pub limits: Limits,
    /// Calls that a new version must serve before the old one is let go; 0 does without.
    pub trial_calls: u32,
    /// Whether alarms ring from the start; if not, from [`Engine::ring_alarms`](crate::Engine::ring_alarms)
    /// on, when all plugins are there that they may be for.
    pub alarms: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            cache_folder: None,
            compiler: Vec::new(),
            limits: Limits::default(),
            trial_calls: 20,
            alarms: true,
        }
    }
}

/// What a plugin may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Time in wasm that one call may spend, to the next 5 ms.
    pub cpu: Duration,
    /// Time that one call may take with all its waiting for data, and for an instance.
    pub call_timeout: Duration,
    /// Bytes of linear memory of one instance.
    pub memory: usize,
    /// Stanzas that one call may send.
    pub outbox_stanzas: usize,
    /// Bytes of the stanzas that one call may send.
    pub outbox_bytes: usize,
    /// Changes to stored data that one call may make.
    pub writes: usize,
    /// Bytes of the changes to stored data that one call may make.
    pub write_bytes: usize,
    /// Bytes of all that the plugin keeps as account data; 0 for no limit.
    pub account_data_bytes: u64,
    /// Bytes of all alarms that it has set; 0 for no limit.
    pub alarm_bytes: u64,
    /// Instances that a plugin may have at a time, which is also how many of its calls run at a time.
    pub instances: usize,
    /// Calls that may wait for an instance of a plugin; one more fails at once.
    pub waiting: usize,
    /// Requests to others that may be without a reply at a time.
    pub requests: usize,
    /// Calls after which an instance is replaced, so that what it leaks is bounded.
    pub retire_after: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu: Duration::from_millis(50),
            call_timeout: Duration::from_secs(5),
            memory: 64 << 20,
            outbox_stanzas: 1000,
            outbox_bytes: 4 << 20,
            writes: 1000,
            write_bytes: 4 << 20,
            account_data_bytes: 256 << 20,
            alarm_bytes: 64 << 20,
            instances: 64,
            waiting: 1024,
            requests: 1000,
            retire_after: 10_000,
        }
    }
}

/// The virtual hosts that a plugin works for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// All of them, except where another of the same name is there for just one.
    #[default]
    Everywhere,
    /// These domains.
    Only(BTreeSet<String>),
}

impl Scope {
    /// Whether it is all virtual hosts, those that are yet to come included.
    pub fn is_everywhere(&self) -> bool {
        matches!(self, Scope::Everywhere)
    }

    /// Whether a domain is in it.
    pub fn covers(&self, domain: &str) -> bool {
        match self {
            Scope::Everywhere => true,
            Scope::Only(domains) => domains.contains(domain),
        }
    }

    /// Whether two plugins of one name with these scopes would take part side by side: one for all
    /// virtual hosts gives way to one for just some, and to nothing else.
    pub(crate) fn clashes(&self, other: &Scope) -> bool {
        match (self, other) {
            (Scope::Everywhere, Scope::Everywhere) => true,
            (Scope::Only(own), Scope::Only(others)) => !own.is_disjoint(others),
            _ => false,
        }
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Scope::Everywhere => f.write_str("*"),
            Scope::Only(domains) => f.write_str(&domains.iter().cloned().collect::<Vec<_>>().join(", ")),
        }
    }
}

/// Where a component comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// From a file.
    File(PathBuf),
    /// It is here.
    Bytes(Arc<[u8]>),
}

/// One plugin as the operator wants it.
#[derive(Clone, Debug)]
pub struct PluginSpec {
    /// The name that config files use; must be the one that the plugin gives itself.
    pub name: String,
    /// The component.
    pub source: Source,
    /// The virtual hosts that it works for.
    pub scope: Scope,
    /// Its own settings, for its `init`.
    pub settings: Vec<(String, Vec<String>)>,
    /// What it may do.
    pub grants: Grants,
    /// What it may use.
    pub limits: Limits,
    /// A new instance for each call.
    pub fresh: bool,
    /// What happens to a stanza when the plugin fails.
    pub policy: Policy,
    /// Who may run its commands, by their nodes; `ALL` is any of them.
    pub commands: Vec<(String, Vec<String>)>,
}

impl PluginSpec {
    /// A plugin that may do nothing, with the usual limits.
    pub fn new(name: impl Into<String>, source: Source) -> Self {
        Self {
            name: name.into(),
            source,
            scope: Scope::Everywhere,
            settings: Vec::new(),
            grants: Grants::default(),
            limits: Limits::default(),
            fresh: false,
            policy: Policy::default(),
            commands: Vec::new(),
        }
    }
}

/// What happens to a stanza when a plugin fails on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// `Pass` in the stages `pre` and `filter`, `Bounce` elsewhere.
    #[default]
    ByStage,
    /// Carry on as if the plugin were absent.
    Pass,
    /// Bounce it with `internal-server-error`, or with `resource-constraint` where trying again will help.
    Bounce,
    /// Discard it.
    Drop,
}
