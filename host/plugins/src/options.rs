//! How the engine and each plugin are set up.

use crate::Grants;
use std::path::PathBuf;
use std::time::Duration;

/// Limits of every plugin, and where compiled code is kept.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Where compiled components are cached; `None` compiles them anew at each start.
    pub cache_folder: Option<PathBuf>,
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
    /// Instances that a plugin may have at a time, which is also how many of its calls run at a time.
    pub instances: usize,
    /// Idle instances that are kept for the next call.
    pub warm: usize,
    /// Calls that may wait for an instance of a plugin; one more fails at once.
    pub waiting: usize,
    /// Calls after which an instance is replaced, so that what it leaks is bounded.
    pub retire_after: u64,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            cache_folder: None,
            cpu: Duration::from_millis(50),
            call_timeout: Duration::from_secs(5),
            memory: 64 << 20,
            outbox_stanzas: 1000,
            outbox_bytes: 4 << 20,
            writes: 1000,
            write_bytes: 4 << 20,
            instances: 64,
            warm: 8,
            waiting: 1024,
            retire_after: 10_000,
        }
    }
}

/// One plugin of the operator's config file.
#[derive(Clone, Debug)]
pub struct PluginSpec {
    /// The name that config files use; must be the one that the plugin gives itself.
    pub name: String,
    /// The component.
    pub file: PathBuf,
    /// Its own settings, for its `init`.
    pub settings: Vec<(String, Vec<String>)>,
    /// The imports that it may use.
    pub grants: Grants,
    /// What happens to a stanza when the plugin fails.
    pub policy: Policy,
}

impl PluginSpec {
    /// A plugin with every grant and the default policy.
    pub fn new(
        name: impl Into<String>,
        file: impl Into<PathBuf>,
        settings: Vec<(String, Vec<String>)>,
    ) -> Self {
        Self {
            name: name.into(),
            file: file.into(),
            settings,
            grants: Grants::default(),
            policy: Policy::default(),
        }
    }
}

/// What happens to a stanza when a plugin fails on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// `Pass` in the stages `pre` and `filter`, `Bounce` in `process` and `post`.
    #[default]
    ByStage,
    /// Carry on as if the plugin were absent.
    Pass,
    /// Bounce it with `internal-server-error`.
    Bounce,
    /// Discard it.
    Drop,
}
