//! The engine as the server sees it: which plugins there are, and who is to be asked about a stanza.

pub(crate) mod hooks;
pub(crate) mod housekeeping;
pub(crate) mod info;
pub(crate) mod keep;
pub(crate) mod plan;
mod ringing;
pub(crate) mod start;
pub(crate) mod swap;
pub(crate) mod transfer;
pub(crate) mod watching;

use crate::common::Common;
use crate::common::compiler::Compiler;
use crate::common::wasm;
use crate::declare::description::is_given;
use crate::declare::error::{LoadError, Reason};
use crate::declare::event::{Facts, SessionEvents, Stage};
use crate::declare::marks::Allocator;
use crate::declare::options::EngineOptions;
use crate::engine::plan::{Calls, Conditional, LeftOut, Plan, Roles};
use crate::host::Host;
use crate::run::plugin::{Plugin, PluginInfo};
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
    pub(crate) rollbacks: Mutex<Vec<PluginInfo>>,
    /// Tells that there are some.
    pub(crate) rolled_back: Notify,
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
    /// An engine that does nothing by the clock yet.
    pub(crate) fn still(options: EngineOptions, host: Weak<dyn Host>) -> Result<Arc<Engine>, LoadError> {
        let runtime = wasm::start(&options);
        let (runtime, cache) = runtime.map_err(|reason| LoadError { plugin: "(all)".into(), reason })?;
        let alarms = AtomicBool::new(options.alarms);
        let common = Common::new(Compiler::new(&options));
        Ok(Arc::new(Engine {
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
        }))
    }

    /// Let alarms ring from now on, those that are overdue at once.
    pub fn ring_alarms(&self) {
        self.alarms.store(true, Ordering::Relaxed);
        self.common.wake.notify_one();
    }

    /// How many components had to be compiled, because their code was not in the cache; `None` without one.
    pub fn compiled_anew(&self) -> Option<usize> {
        self.cache.as_ref().map(wasmtime::Cache::cache_misses)
    }

    /// How many components another process has failed to compile, or could not be started for, since the start.
    pub fn failed_compiles(&self) -> u64 {
        self.common.compiler.failures()
    }

    /// Have other plugins from now on: those that `change` leaves, unless it fails.
    pub(crate) fn change(
        &self,
        change: impl FnOnce(&mut Vec<Arc<Plugin>>) -> Result<(), Reason>,
    ) -> Result<(), Reason> {
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

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.plan().plugins.iter().map(|plugin| plugin.name())).finish()
    }
}
