//! What all plugins of an engine share.

use crate::compiler::Compiler;
use crate::copies::Copies;
use crate::lanes::Lanes;
use crate::pending::Pending;
use crate::quiet::Work;
use crate::requests::Requests;
use crate::usage::Usages;
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
