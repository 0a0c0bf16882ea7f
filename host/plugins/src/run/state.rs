//! What the host keeps for one instance.

use crate::common::failure::CpuSpent;
use crate::common::shared::Shared;
use crate::common::wasm::SLICE;
use crate::effects::Effects;
use crate::host::Host;
use crate::run::memory::Memory;
use crate::run::notes::Notes;
use crate::run::wasi::Wasi;
use std::net::IpAddr;
use std::sync::Arc;
use wasmtime::{Store, StoreContextMut, UpdateDeadline};
use waxwing_xmpp::{Jid, Stanza};

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
