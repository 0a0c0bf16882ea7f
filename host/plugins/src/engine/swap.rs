//! Changes of the plugins. Each is undone unless somebody keeps it: what is to be remembered is written
//! down between the two.

use crate::declare::error::{LoadError, Reason};
use crate::declare::options::{PluginSpec, Scope};
use crate::engine::Engine;
use crate::load::load;
use crate::run::plugin::{Plugin, PluginInfo};
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

impl Engine {
    /// Load a plugin and let it take part, in the place of one with the same name and scope if there is
    /// one. Stanzas go on meanwhile, and calls that are under way finish on the old one, which stands by
    /// until the new one has proved itself. After an error everything is as before.
    ///
    /// # Errors
    /// When it cannot be loaded; see [`Reason`].
    pub async fn put(&self, spec: PluginSpec) -> Result<PluginInfo, LoadError> {
        let (info, undo) = self.swap(spec, Replaced::StandsBy).await?;
        undo.keep();
        Ok(info)
    }

    /// The same, undone unless it is kept.
    pub(crate) async fn swap(
        &self,
        spec: PluginSpec,
        replaced: Replaced,
    ) -> Result<(PluginInfo, Undo<'_>), LoadError> {
        let new = Arc::new(load(&self.runtime, &self.common, &self.marks, &spec).await?);
        let mut old = None;
        self.change(|plugins| {
            check_services(plugins, &new)?;
            match plugins.iter_mut().find(|plugin| plugin.is_namesake(&spec.name, &spec.scope)) {
                Some(place) => {
                    if replaced == Replaced::StandsBy && self.options.trial_calls > 0 {
                        // What the one before was to prove itself against is not needed twice.
                        place.trial.end();
                        new.trial.begin(place.clone(), self.options.trial_calls);
                    }
                    // Who watches the old one wants to see no other.
                    place.watch.stop();
                    old = Some(std::mem::replace(place, new.clone()));
                }
                None => plugins.push(new.clone()),
            }
            Ok(())
        })
        .map_err(|reason| LoadError { plugin: spec.name, reason })?;
        Ok((new.info(), Undo::new(self, Some(new), old)))
    }

    /// Let a plugin go; `false` if there is none of this name and scope. Calls that are under way finish.
    pub fn remove(&self, name: &str, scope: &Scope) -> bool {
        self.take(name, scope).map(Undo::keep).is_some()
    }

    /// The same, undone unless it is kept; `None` if there is none of this name and scope.
    pub(crate) fn take(&self, name: &str, scope: &Scope) -> Option<Undo<'_>> {
        let mut old = None;
        // Taking away breaks nothing.
        let _ = self.change(|plugins| {
            let at = plugins.iter().position(|plugin| plugin.is_namesake(name, scope));
            old = at.map(|at| plugins.remove(at));
            Ok(())
        });
        old.map(|old| Undo::new(self, None, Some(old)))
    }

    /// Have `back` again in the place of `gone`, as far as that is there.
    pub(crate) fn undo(&self, gone: Option<&Arc<Plugin>>, back: Option<Arc<Plugin>>) {
        let _ = self.change(|plugins| {
            let at = gone.map(|gone| plugins.iter().position(|plugin| Arc::ptr_eq(plugin, gone)));
            match (at, back) {
                (Some(Some(at)), Some(back)) => plugins.splice(at..=at, [back]).for_each(drop),
                (Some(Some(at)), None) => drop(plugins.remove(at)),
                (None, Some(back)) => plugins.push(back),
                // It has been rolled back meanwhile, or there is nothing to do.
                (Some(None), _) | (None, None) => {}
            }
            Ok(())
        });
    }

    /// Put a version back in the place of the one that followed it, and let [`Engine::next_rollbacks`] tell.
    pub(crate) fn roll_back(&self, failed: &Arc<Plugin>, previous: &Arc<Plugin>) -> bool {
        let mut done = false;
        let _ = self.change(|plugins| {
            if let Some(place) = plugins.iter_mut().find(|plugin| Arc::ptr_eq(plugin, failed)) {
                place.watch.stop();
                *place = previous.clone();
                done = true;
            }
            Ok(())
        });
        if done {
            self.rollbacks.lock().push(failed.info());
            self.rolled_back.notify_one();
        }
        done
    }

    /// Wait for versions that failed in their first calls and were replaced by those before them.
    pub async fn next_rollbacks(&self) -> Vec<PluginInfo> {
        loop {
            let notified = self.rolled_back.notified();
            let failed = std::mem::take(&mut *self.rollbacks.lock());
            if !failed.is_empty() {
                return failed;
            }
            notified.await;
        }
    }
}

impl Plugin {
    fn is_namesake(&self, name: &str, scope: &Scope) -> bool {
        self.name() == name && self.spec.scope == *scope
    }
}

/// No two plugins may own one name.
fn check_services(plugins: &[Arc<Plugin>], new: &Plugin) -> Result<(), Reason> {
    let others = plugins.iter().filter(|plugin| plugin.name() != new.name());
    for other in others {
        let taken = |name: &String| other.description.services.iter().any(|service| service.name == *name);
        if let Some(service) = new.description.services.iter().find(|service| taken(&service.name)) {
            let (name, owner) = (service.name.clone(), other.name().to_owned());
            return Err(Reason::ServiceTaken { name, owner });
        }
    }
    Ok(())
}
