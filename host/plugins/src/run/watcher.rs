//! Who watches the calls of a plugin, as the plugin sees it.

use crate::common::failure::Failure;
use crate::common::shared::Shared;
use crate::declare::grants::Grant;
use crate::run::call::Meter;
use crate::run::question::Question;
use crate::run::state::Call;
use crate::run::verdict::Settled;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use waxwing_xmpp::Stanza;

/// How a recording goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingFigures {
    /// Calls that are in it.
    pub recorded: u64,
    /// Calls that are not, because of more than 4 MiB with all that they heard.
    pub too_large: u64,
    /// Calls that are not, because they could not be written fast enough, or were never made: the plugin was
    /// busy, or left alone after failures.
    pub skipped: u64,
}

/// How the version beside the live one does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShadowInfo {
    /// Its version, as it says itself.
    pub version: String,
    /// The SHA-256 of its component.
    pub sha256: [u8; 32],
    /// Calls that it was asked as well: those that are the same, different and failed together.
    pub calls: u64,
    /// It would have done what the live one did.
    pub same: u64,
    /// It would have done something else.
    pub different: u64,
    /// It failed where the live one did not, or otherwise than that.
    pub failed: u64,
    /// Calls that it was not asked: as many as may run at a time were running, it is left alone for failing too
    /// often, the live one was not called either, or more than 4 MiB would have had to be kept.
    pub skipped: u64,
    /// CPU time of the live one in the calls that are compared.
    pub cpu_live: Duration,
    /// CPU time of this one.
    pub cpu_shadow: Duration,
    /// Half of the live calls that are compared took no longer than this, waiting for data included.
    pub p50_live: Duration,
    /// Half of its own.
    pub p50_shadow: Duration,
    /// 99 of 100 live calls took no longer than this.
    pub p99_live: Duration,
    /// 99 of 100 of its own. It hears from memory what the live one waited for.
    pub p99_shadow: Duration,
    /// The last few ways in which calls were different or failed, the latest last, without anything that somebody has
    /// written.
    pub differences: Vec<String>,
}

/// Watches the calls of a plugin. [`Any`], so that who watches already can be joined by another.
pub(crate) trait Watcher: Any + Send + Sync {
    /// Somebody to see the call that is about to be made; `None` if it is one that nobody wants to see.
    fn begin(&self, watch: &Watch, shared: &Arc<Shared>, question: &Question<'_>)
    -> Option<Box<dyn Witness>>;

    /// What has been recorded so far, while it is.
    fn recording(&self) -> Option<RecordingFigures>;

    /// How the version beside the plugin does, while there is one.
    fn shadow(&self) -> Option<ShadowInfo>;
}

/// Sees one call.
pub(crate) trait Witness: Send + Sync {
    /// The call that it sees.
    fn call(&self, stanza: Option<&Stanza>) -> Box<Call>;

    /// What the call comes to, before anything of it happens.
    fn saw(self: Box<Self>, settled: &Result<Settled, Failure>, hook: Grant, meter: &Meter);
}

/// The place of a watcher.
#[derive(Default)]
pub(crate) struct Watch {
    /// So that a plugin that nobody watches costs one load a call.
    on: AtomicBool,
    watcher: Mutex<Option<Arc<dyn Watcher>>>,
}

impl Watch {
    /// Somebody to see the call that is about to be made; `None` if nobody watches.
    pub fn begin(&self, shared: &Arc<Shared>, question: &Question<'_>) -> Option<Box<dyn Witness>> {
        if !self.on.load(Ordering::Relaxed) {
            return None;
        }
        self.watcher()?.begin(self, shared, question)
    }

    /// Who watches.
    pub fn watcher(&self) -> Option<Arc<dyn Watcher>> {
        self.watcher.lock().clone()
    }

    /// Have somebody else watch from now on, or nobody. No two changes are made at a time.
    pub fn change<T>(&self, change: impl FnOnce(&mut Option<Arc<dyn Watcher>>) -> T) -> T {
        let mut watcher = self.watcher.lock();
        let old = watcher.clone();
        let answer = change(&mut watcher);
        self.on.store(watcher.is_some(), Ordering::Relaxed);
        // What goes may be a whole plugin.
        drop(watcher);
        drop(old);
        answer
    }

    /// End all of it.
    pub fn stop(&self) {
        self.change(|watcher| *watcher = None);
    }
}
