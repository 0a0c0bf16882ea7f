//! The plugin engine: sandboxed WebAssembly components behind the interfaces of `wit/`.
//!
//! [`Engine::load`] compiles components, asks each what it is and compiles what it wants to see
//! into one index. For each stanza the server asks [`Engine::matching`], which costs next to
//! nothing when no plugin is interested, and hands what it answers to [`Engine::call`]. The server
//! itself is known only as a [`Host`].
//!
//! A call is a transaction: what a plugin sends and writes takes place after it has returned, and
//! not at all if it traps, computes for too long or breaks a limit. See [`Policy`] for what then
//! becomes of the stanza.

mod bindings;
mod breaker;
mod call;
mod chain;
mod componentize;
mod counters;
mod description;
mod effects;
mod engine;
mod error;
mod event;
mod grants;
mod header;
mod hooks;
mod host;
mod imports;
mod index;
mod instance;
mod load;
mod marks;
mod memory;
mod options;
mod pool;
mod staged;
mod state;
mod verdict;
mod wasm;

pub use componentize::{ComponentizeError, componentize};
pub use counters::Counters;
pub use engine::{Engine, PluginInfo};
pub use error::{LoadError, Reason};
pub use event::{Calls, Change, Event, Facts, Origin, Outcome, Phase, SessionEvents, Stage, Target};
pub use grants::{Grant, Grants};
pub use host::{AccountError, Host, Outgoing, SessionInfo, Subscription, Written};
pub use options::{EngineOptions, PluginSpec, Policy};
