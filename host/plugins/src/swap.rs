//! A change of the plugins that is undone unless somebody keeps it: what is to be remembered is written
//! down between the two.

use crate::engine::Engine;
use crate::plugin::Plugin;
use std::sync::{Arc, Weak};

/// What becomes of a version that another has replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replaced {
    /// It takes over again if the new one fails in its first calls.
    StandsBy,
    /// It is never asked again: it may do what the new one may not, or it is known to be bad.
    Gone,
}

/// A plugin has come, gone or taken the place of another. Dropping this takes that back, so that neither
/// an error nor a caller who gives up leaves half a change.
pub(crate) struct Undo<'a> {
    engine: &'a Engine,
    new: Option<Arc<Plugin>>,
    old: Option<Arc<Plugin>>,
    kept: bool,
}

impl<'a> Undo<'a> {
    pub fn new(engine: &'a Engine, new: Option<Arc<Plugin>>, old: Option<Arc<Plugin>>) -> Undo<'a> {
        Undo { engine, new, old, kept: false }
    }

    /// The change is to stay. Answers what it has taken away.
    pub fn keep(mut self) -> Weak<Plugin> {
        self.kept = true;
        self.old.as_ref().map(Arc::downgrade).unwrap_or_default()
    }
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.engine.undo(self.new.as_ref(), self.old.take());
        }
    }
}
