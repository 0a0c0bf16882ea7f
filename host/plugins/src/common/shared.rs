//! What all instances of a plugin share.

use crate::common::Common;
use crate::common::counters::Counters;
use crate::common::gauge::{Gauge, HookFigures};
use crate::common::lanes::Lanes;
use crate::declare::grants::{Grant, Grants, HOOKS};
use crate::declare::marks::Marks;
use crate::declare::options::{Limits, Scope};
use crate::host::Host;
use std::sync::Arc;
use std::time::Duration;

/// What all instances of a plugin share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub name: String,
    pub scope: Scope,
    pub grants: Grants,
    pub limits: Limits,
    pub fresh: bool,
    /// The hooks that the plugin has.
    pub hooks: Vec<Grant>,
    pub counters: Counters,
    pub gauges: Gauges,
    /// Of all versions of the plugin, so that what is serial stays so while one replaces another.
    pub lanes: Arc<Lanes>,
    pub common: Arc<Common>,
    /// Set once the plugin has been described.
    pub said: std::sync::OnceLock<Said>,
}

/// What a plugin has said of itself that bounds what it may do.
#[derive(Debug)]
pub(crate) struct Said {
    pub marks: Marks,
    /// The names of its own under its virtual hosts.
    pub services: Vec<String>,
    /// Whether it delivers stanzas in the name of anybody.
    pub any_sender: bool,
}

/// One gauge for each hook.
#[derive(Debug, Default)]
pub(crate) struct Gauges([Gauge; HOOKS.len()]);

impl Gauges {
    /// Note one call of a hook.
    pub fn add(&self, hook: Grant, failed: bool, cpu: Duration, time: Duration) {
        if let Some(gauge) = HOOKS.iter().position(|known| *known == hook).and_then(|at| self.0.get(at)) {
            gauge.add(failed, cpu, time);
        }
    }

    /// The figures of the hooks that have been called.
    pub fn read(&self) -> Vec<HookFigures> {
        let all = HOOKS.iter().zip(&self.0).map(|(hook, gauge)| gauge.read(hook.name()));
        all.filter(|figures| figures.calls > 0).collect()
    }
}

impl Shared {
    /// The plugin's marks; none until it has been described.
    pub fn marks(&self) -> &Marks {
        static NONE: Marks = Marks::NONE;
        self.said.get().map_or(&NONE, |said| &said.marks)
    }

    /// Whether this is the domain of a virtual host that the plugin works for.
    pub fn serves(&self, domain: &str, host: &dyn Host) -> bool {
        self.scope.covers(domain) && host.is_local(domain)
    }

    /// Whether the plugin may act in the name of addresses of this domain: a virtual host that it works
    /// for, or a service of its own there.
    pub fn may_act_for(&self, domain: &str, host: &dyn Host) -> bool {
        if host.is_local(domain) {
            return self.scope.covers(domain);
        }
        let Some((name, vhost)) = domain.split_once('.') else { return false };
        self.owns(name) && self.serves(vhost, host)
    }

    /// Whether it may deliver stanzas in the name of anybody.
    pub fn has_any_sender(&self) -> bool {
        self.said.get().is_some_and(|said| said.any_sender)
    }

    /// Whether this is the name of one of its services.
    pub fn owns(&self, name: &str) -> bool {
        self.said.get().is_some_and(|said| said.services.iter().any(|own| own == name))
    }
}
