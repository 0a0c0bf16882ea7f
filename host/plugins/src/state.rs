//! What the host keeps for one instance.

use crate::counters::Counters;
use crate::effects::Effects;
use crate::host::Host;
use crate::marks::Marks;
use crate::memory::Memory;
use crate::options::EngineOptions;
use crate::wasm::SLICE;
use std::sync::Arc;
use wasmtime::{Store, StoreContextMut, UpdateDeadline};
use waxwing_xmpp::Stanza;

/// What all instances of a plugin share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub name: String,
    pub options: EngineOptions,
    pub counters: Counters,
    /// Set once the plugin has been described.
    pub marks: std::sync::OnceLock<Marks>,
}

impl Shared {
    /// The plugin's marks; none until it has been described.
    pub fn marks(&self) -> &Marks {
        static NONE: Marks = Marks::NONE;
        self.marks.get().unwrap_or(&NONE)
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
    pub stores: Vec<Arc<str>>,
    /// Epochs that the call may still use.
    slices: u32,
    /// Log lines that the call may still write.
    pub lines: u32,
}

/// One hook call. Kept in a box, because it changes hands often.
pub(crate) struct Call {
    pub host: Arc<dyn Host>,
    /// What `borrow<stanza>` stands for.
    pub stanza: Option<Stanza>,
    pub effects: Effects,
}

/// A plugin has used up its CPU budget.
#[derive(Debug, thiserror::Error)]
#[error("it has computed for more than {} ms", .0.as_millis())]
pub(crate) struct CpuSpent(std::time::Duration);

/// Log lines per call.
const LINES: u32 = 32;

impl State {
    pub fn new(shared: Arc<Shared>) -> State {
        let memory = Memory::new(shared.options.memory);
        State { shared, memory, call: None, stores: Vec::new(), slices: 0, lines: 0 }
    }

    /// A store with all limits in place.
    pub fn store(self, engine: &wasmtime::Engine) -> Store<State> {
        let mut store = Store::new(engine, self);
        store.limiter(|state| &mut state.memory);
        store.epoch_deadline_callback(next_slice);
        store
    }
}

/// Get ready for a call into the plugin.
pub(crate) fn begin(store: &mut Store<State>, call: Option<Box<Call>>) {
    let state = store.data_mut();
    state.call = call;
    state.lines = LINES;
    // One more, because the first is cut short by a tick that may come at any moment.
    state.slices = state.shared.options.cpu.as_millis().div_ceil(SLICE.as_millis()) as u32 + 1;
    store.set_epoch_deadline(1);
}

/// At each epoch that begins while the plugin computes. Waiting costs one slice at most.
fn next_slice(mut store: StoreContextMut<'_, State>) -> wasmtime::Result<UpdateDeadline> {
    let state = store.data_mut();
    state.slices = state.slices.saturating_sub(1);
    if state.slices == 0 {
        return Err(CpuSpent(state.shared.options.cpu).into());
    }
    Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
}
