//! A new version is on trial: until it has served some calls, the version before it stands by.

use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Failures after which a version on trial is rolled back. Each failed call is served by the version
/// before it meanwhile.
const FAILURES: u32 = 3;

/// Whether a plugin is on trial, and which one stands by meanwhile.
pub(crate) struct Trial<P> {
    /// So that a plugin that is not on trial costs one load a call.
    on: AtomicBool,
    state: Mutex<Option<State<P>>>,
}

struct State<P> {
    previous: Arc<P>,
    left: u32,
    failures: u32,
}

/// What a failed call means.
pub(crate) enum Failed<P> {
    /// Ask this one instead.
    Ask(Arc<P>),
    /// Ask this one instead, and put it back.
    RollBack(Arc<P>),
}

impl<P> Default for Trial<P> {
    fn default() -> Self {
        Trial { on: AtomicBool::new(false), state: Mutex::new(None) }
    }
}

impl<P> Trial<P> {
    /// Begin: so many calls are to go well before `previous` is let go.
    pub fn begin(&self, previous: Arc<P>, calls: u32) {
        *self.state.lock() = Some(State { previous, left: calls, failures: 0 });
        self.on.store(true, Ordering::Release);
    }

    /// A call has gone well.
    pub fn passed(&self) {
        if self.on.load(Ordering::Relaxed) {
            let mut state = self.state.lock();
            let Some(trial) = state.as_mut() else { return };
            trial.left = trial.left.saturating_sub(1);
            if trial.left == 0 {
                self.on.store(false, Ordering::Relaxed);
                let over = state.take();
                drop(state);
                drop(over);
            }
        }
    }

    /// A call has failed, by the plugin's own fault.
    pub fn failed(&self) -> Option<Failed<P>> {
        if !self.on.load(Ordering::Acquire) {
            return None;
        }
        let mut state = self.state.lock();
        let trial = state.as_mut()?;
        trial.failures += 1;
        let previous = trial.previous.clone();
        // Only the first to notice puts it back; calls that are under way still find it here.
        Some(if trial.failures == FAILURES { Failed::RollBack(previous) } else { Failed::Ask(previous) })
    }

    /// Let the version before it go.
    pub fn end(&self) {
        self.on.store(false, Ordering::Relaxed);
        let over = self.state.lock().take();
        drop(over);
    }

    /// How many calls are left, while on trial.
    pub fn left(&self) -> Option<u32> {
        self.state.lock().as_ref().map(|trial| trial.left)
    }
}
