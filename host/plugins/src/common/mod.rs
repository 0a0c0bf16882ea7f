//! What all plugins of an engine share.

pub(crate) mod chain;
pub(crate) mod compiler;
pub(crate) mod copies;
pub(crate) mod counters;
pub(crate) mod failure;
pub(crate) mod gauge;
pub(crate) mod lanes;
pub(crate) mod pending;
pub(crate) mod quiet;
pub(crate) mod requests;
pub(crate) mod shared;
pub(crate) mod usage;
pub(crate) mod wasm;

use crate::common::compiler::Compiler;
use crate::common::copies::Copies;
use crate::common::lanes::Lanes;
use crate::common::pending::Pending;
use crate::common::quiet::Work;
use crate::common::requests::Requests;
use crate::common::usage::Usages;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Notify;

/// What all plugins of an engine share.
#[derive(Default)]
pub(crate) struct Common {
    pub compiler: Compiler,
    pub requests: Requests,
    pub usages: Usages,
    /// What is also in the queues of sessions.
    pub pending: Pending,
    /// Copies of what clients have acknowledged.
    pub copies: Copies,
    /// Wakes the housekeeping: an alarm or a deadline may be nearer than it knows.
    pub wake: Notify,
    /// What is being done beside the calls.
    pub work: Work,
    /// What is deleted once it has reached somebody.
    pub deletions: Work,
    lanes: Mutex<HashMap<String, Arc<Lanes>>>,
}

impl Common {
    pub fn new(compiler: Compiler) -> Common {
        Common { compiler, ..Common::default() }
    }

    /// The lanes of the plugin with this name, whatever its version.
    pub fn lanes(&self, plugin: &str) -> Arc<Lanes> {
        self.lanes.lock().entry(plugin.to_owned()).or_default().clone()
    }
}

impl std::fmt::Debug for Common {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Common").finish_non_exhaustive()
    }
}
