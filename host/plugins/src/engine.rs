//! The engine as the server sees it: which plugins there are, and who is to be asked about a stanza.

use crate::common::Common;
use crate::compiler::Compiler;
use crate::component::Inspected;
use crate::description::is_given;
use crate::error::{LoadError, Reason};
use crate::event::{Facts, SessionEvents, Stage};
use crate::host::Host;
use crate::housekeeping;
use crate::load::{self, load};
use crate::marks::Allocator;
use crate::options::{EngineOptions, PluginSpec, Scope, Source};
use crate::plan::{Calls, Conditional, LeftOut, Plan, Roles};
use crate::plugin::{Plugin, PluginInfo};
use crate::swap::{Replaced, Undo};
use crate::wasm;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use tokio::sync::Notify;
use waxwing_xmpp::Stanza;

/// The plugins of a server.
pub struct Engine {
    pub(crate) runtime: wasmtime::Engine,
    cache: Option<wasmtime::Cache>,
    pub(crate) options: EngineOptions,
    pub(crate) host: Weak<dyn Host>,
    pub(crate) common: Arc<Common>,
    /// Whether alarms ring.
    pub(crate) alarms: AtomicBool,
    /// Versions that failed and are to be taken note of: at most one for each plugin and change.
    rollbacks: Mutex<Vec<PluginInfo>>,
    /// Tells that there are some.
    rolled_back: Notify,
    plan: ArcSwap<Plan>,
    pub(crate) marks: Mutex<Allocator>,
    /// What virtual hosts do without. Held while a plan takes the place of another, never across a wait.
    without: Mutex<Without>,
}

/// What virtual hosts do without.
#[derive(Default)]
struct Without {
    /// Because of their settings.
    said: LeftOut,
    /// Because the copy that is there for just that virtual host rests. Domain and name.
    resting: BTreeSet<(String, String)>,
}

impl Without {
    fn all(&self) -> LeftOut {
        let mut all = self.said.clone();
        for (domain, name) in &self.resting {
            all.entry(domain.as_str().into()).or_default().insert(name.clone());
        }
        all
    }
}

impl Engine {
    /// An engine without plugins. Within a tokio runtime.
    ///
    /// # Errors
    /// When the WebAssembly runtime does not start.
    pub fn new(options: EngineOptions, host: Weak<dyn Host>) -> Result<Arc<Engine>, LoadError> {
        let runtime = wasm::start(&options);
        let (runtime, cache) = runtime.map_err(|reason| LoadError { plugin: "(all)".into(), reason })?;
        let alarms = AtomicBool::new(options.alarms);
        let common = Common::new(Compiler::new(&options));
        let engine = Arc::new(Engine {
            runtime,
            cache,
            alarms,
            options,
            host,
            common: Arc::new(common),
            rollbacks: Mutex::default(),
            rolled_back: Notify::new(),
            plan: ArcSwap::default(),
            marks: Mutex::default(),
            without: Mutex::default(),
        });
        housekeeping::start(&engine);
        Ok(engine)
    }

    /// An engine with plugins, in this order. The first that cannot be loaded is an error: a
    /// server that lacks a feature it was told to have might lose what that feature keeps.
    ///
    /// # Errors
    /// When one cannot be loaded, or is there twice.
    pub async fn load(
        options: EngineOptions,
        plugins: Vec<PluginSpec>,
        host: Weak<dyn Host>,
    ) -> Result<Arc<Engine>, LoadError> {
        let engine = Engine::new(options, host)?;
        engine.add(plugins).await?;
        Ok(engine)
    }

    /// Load plugins that are not there yet, in this order.
    ///
    /// # Errors
    /// As for [`Engine::load`]; those before it are there.
    pub async fn add(&self, plugins: Vec<PluginSpec>) -> Result<(), LoadError> {
        for spec in plugins {
            if self.plan().position(&spec.name, &spec.scope).is_some() {
                return Err(LoadError { plugin: spec.name, reason: Reason::Twice });
            }
            self.put(spec).await?;
        }
        Ok(())
    }

    /// Let alarms ring from now on, those that are overdue at once.
    pub fn ring_alarms(&self) {
        self.alarms.store(true, Ordering::Relaxed);
        self.common.wake.notify_one();
    }

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

    /// Load a plugin and let it go again: whether [`Engine::put`] would succeed, and what it would bring.
    ///
    /// # Errors
    /// As for [`Engine::put`].
    pub async fn try_out(&self, spec: &PluginSpec) -> Result<PluginInfo, LoadError> {
        Ok(load(&self.runtime, &self.common, &self.marks, spec).await?.info())
    }

    /// Have a component say what it is and what it asks for, without any grants and without loading it.
    ///
    /// # Errors
    /// When it is not a plugin for this server.
    pub async fn inspect(&self, source: &Source) -> Result<Inspected, Reason> {
        load::inspect(&self.runtime, &self.common, &self.options.limits, source).await
    }

    /// How many components had to be compiled, because their code was not in the cache; `None` without one.
    pub fn compiled_anew(&self) -> Option<usize> {
        self.cache.as_ref().map(wasmtime::Cache::cache_misses)
    }

    /// How many components another process has failed to compile, or could not be started for, since the start.
    pub fn failed_compiles(&self) -> u64 {
        self.common.compiler.failures()
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

    fn change(&self, change: impl FnOnce(&mut Vec<Arc<Plugin>>) -> Result<(), Reason>) -> Result<(), Reason> {
        let _alone = self.without.lock();
        let old = self.plan.load();
        let mut plugins = old.plugins.clone();
        change(&mut plugins)?;
        self.plan.store(Arc::new(Plan::new(plugins, old.generation + 1, old.left_out.clone())));
        Ok(())
    }

    /// Have virtual hosts do without plugins, from now on, in place of what was said before.
    pub fn leave_out(&self, left_out: LeftOut) {
        self.do_without(|without| without.said = left_out);
    }

    /// Have a virtual host do without a plugin whose copy for just that virtual host rests, or no more. Another copy
    /// that is there for all virtual hosts does not take its place.
    pub(crate) fn rest(&self, name: &str, domain: &str, rests: bool) {
        let place = (domain.to_owned(), name.to_owned());
        self.do_without(|Without { resting, .. }| match rests {
            true => drop(resting.insert(place)),
            false => drop(resting.remove(&place)),
        });
    }

    fn do_without(&self, change: impl FnOnce(&mut Without)) {
        let mut without = self.without.lock();
        change(&mut without);
        let (old, left_out) = (self.plan.load(), without.all());
        if *old.left_out != left_out {
            let plan = Plan::new(old.plugins.clone(), old.generation + 1, Arc::new(left_out));
            self.plan.store(Arc::new(plan));
        }
    }

    pub(crate) fn plan(&self) -> Arc<Plan> {
        self.plan.load_full()
    }

    /// Rises whenever the plugins change, and with them what is advertised.
    pub fn generation(&self) -> u64 {
        self.plan.load().generation
    }

    /// The plugins of a virtual host to ask about a stanza. Allocates nothing when that is nobody, and gathers no facts
    /// when none has an interest in stanzas of this kind at this stage.
    pub fn matching(
        &self,
        vhost: &str,
        stage: Stage,
        stanza: &Stanza,
        facts: impl FnOnce() -> Facts,
    ) -> Calls {
        let plan = self.plan.load();
        let roles = plan.roles(vhost);
        if !roles.index.listens(stage, stanza.kind()) {
            return Calls::default();
        }
        let mut plugins = roles.index.matching(stage, stanza, &facts());
        if !roles.conditional.is_empty() {
            plugins.retain(|number| self.is_of_use(roles, *number, vhost));
        }
        let plan = (!plugins.is_empty()).then(|| arc_swap::Guard::into_inner(plan));
        Calls { stage, plan, plugins }
    }

    /// Whether a plugin has something to do on a virtual host.
    pub(crate) fn is_of_use(&self, roles: &Roles, number: u16, vhost: &str) -> bool {
        let condition = roles.conditional.iter().find(|condition| condition.number == number);
        condition.is_none_or(|condition| self.is_met(condition, vhost))
    }

    fn is_met(&self, condition: &Conditional, vhost: &str) -> bool {
        let Some(host) = self.host.upgrade() else { return false };
        let given = |name: &String| host.vhost_setting(vhost, name).is_some_and(|value| is_given(&value));
        condition.settings.iter().any(given)
    }

    /// Whether any plugin of a virtual host wants to hear of these events.
    pub fn wants(&self, vhost: &str, events: SessionEvents) -> bool {
        let plan = self.plan.load();
        let roles = plan.roles(vhost);
        let wants =
            |condition: &Conditional| condition.events.intersects(events) && self.is_met(condition, vhost);
        roles.events.intersects(events) || roles.conditional.iter().any(wants)
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

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.plan().plugins.iter().map(|plugin| plugin.name())).finish()
    }
}
