//! What the host keeps for one instance.

use crate::common::Common;
use crate::counters::Counters;
use crate::effects::Effects;
use crate::gauge::{Gauge, HookFigures};
use crate::grants::{Grant, Grants};
use crate::host::Host;
use crate::lanes::Lanes;
use crate::marks::Marks;
use crate::memory::Memory;
use crate::notes::Notes;
use crate::options::{Limits, Scope};
use crate::wasi::Wasi;
use crate::wasm::SLICE;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::{Store, StoreContextMut, UpdateDeadline};
use waxwing_xmpp::{Jid, Stanza};

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

/// The hooks, in the order of the grants for them.
pub(crate) const HOOKS: [Grant; 11] = [
    Grant::Pre,
    Grant::Incoming,
    Grant::Process,
    Grant::Post,
    Grant::Filter,
    Grant::Sessions,
    Grant::Service,
    Grant::Commands,
    Grant::Alarms,
    Grant::Replies,
    Grant::Portable,
];

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

/// The data of one instance's store.
pub(crate) struct State {
    pub shared: Arc<Shared>,
    memory: Memory,
    /// The call that is being made; `None` while the plugin is described or set up, when all
    /// imports that need a server are refused.
    pub call: Option<Box<Call>>,
    /// Stores by the number of their handle.
    pub stores: Vec<Arc<OpenStore>>,
    /// Handles of stores that the guest holds.
    pub handles: u32,
    /// Made when it is first asked for: most plugins have no use for it.
    wasi: Option<Box<Wasi>>,
    /// Epochs that the call may still use.
    slices: u32,
    /// Log lines that the call may still write.
    pub lines: u32,
}

/// A store that an instance has opened.
#[derive(Debug)]
pub(crate) struct OpenStore {
    /// Its name in the database.
    pub name: String,
    /// Bytes that it may hold; 0 for no limit.
    pub limit: u64,
}

/// One hook call. Kept in a box, because it changes hands often.
pub(crate) struct Call {
    pub host: Arc<dyn Host>,
    /// What `borrow<stanza>` stands for.
    pub stanza: Option<Stanza>,
    pub effects: Effects,
    /// Where somebody watches.
    pub notes: Option<Arc<Notes>>,
    /// Who runs the command that the call is a step of.
    pub actor: Option<Jid>,
    /// The account whose data is being brought here: it is made once that is done.
    pub importing: Option<Jid>,
    /// The IP address of the client that has sent the stanza.
    pub client: Option<IpAddr>,
    /// The sender of the stanza has had the server's word for it.
    pub accepted: bool,
    /// The full JID of the session that the call is about, if it is about what has happened to one.
    pub session: Option<String>,
}

impl Call {
    pub fn new(host: &Arc<dyn Host>, stanza: Option<&Stanza>, notes: Option<Arc<Notes>>) -> Box<Call> {
        Box::new(Call {
            host: host.clone(),
            stanza: stanza.cloned(),
            effects: Effects::default(),
            notes,
            actor: None,
            importing: None,
            client: None,
            accepted: false,
            session: None,
        })
    }

    /// Whether nothing of it may reach the world.
    pub fn is_dry(&self) -> bool {
        self.notes.as_ref().is_some_and(|notes| notes.dry)
    }
}

/// A plugin has used up its CPU budget.
#[derive(Debug, thiserror::Error)]
#[error("it has computed for more than {} ms", .0.as_millis())]
pub(crate) struct CpuSpent(Duration);

/// Log lines per call.
const LINES: u32 = 32;

impl State {
    pub fn new(shared: Arc<Shared>) -> State {
        let memory = Memory::new(shared.limits.memory);
        State { shared, memory, call: None, stores: Vec::new(), handles: 0, wasi: None, slices: 0, lines: 0 }
    }

    /// A store with all limits in place.
    pub fn store(self, engine: &wasmtime::Engine) -> Store<State> {
        let mut store = Store::new(engine, self);
        store.limiter(|state| &mut state.memory);
        store.epoch_deadline_callback(next_slice);
        store
    }

    /// What the instance has of WASI.
    pub fn wasi(&mut self) -> &mut Wasi {
        self.wasi.get_or_insert_with(|| Box::new(Wasi::new(&self.shared)))
    }

    /// The notes on the call that is being made, where somebody watches it.
    pub fn notes(&self) -> Option<&Notes> {
        self.call.as_ref()?.notes.as_deref()
    }

    /// Bytes of memory that the instance uses.
    pub fn memory_used(&self) -> usize {
        self.memory.used()
    }
}

/// Get ready for a call into the plugin, or for setting it up, which may take this many times as long.
pub(crate) fn begin(store: &mut Store<State>, call: Option<Box<Call>>, patience: u32) {
    let state = store.data_mut();
    state.call = call;
    state.lines = LINES;
    // One more, because the first is cut short by a tick that may come at any moment.
    let slices = state.shared.limits.cpu.as_millis().div_ceil(SLICE.as_millis()) as u32;
    state.slices = slices.saturating_mul(patience) + 1;
    store.set_epoch_deadline(1);
}

/// At each epoch that begins while the plugin computes. Waiting costs one slice at most.
fn next_slice(mut store: StoreContextMut<'_, State>) -> wasmtime::Result<UpdateDeadline> {
    let state = store.data_mut();
    state.slices = state.slices.saturating_sub(1);
    if state.slices == 0 {
        return Err(CpuSpent(state.shared.limits.cpu).into());
    }
    Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
}
