//! One plugin at work: its instances, its calls and what they answer.

pub(crate) mod breaker;
pub(crate) mod call;
pub(crate) mod guest_commands;
pub(crate) mod header;
pub(crate) mod http;
pub(crate) mod input;
pub(crate) mod instance;
pub(crate) mod memory;
pub(crate) mod notes;
pub(crate) mod plugin;
pub(crate) mod pool;
pub(crate) mod question;
pub(crate) mod rolled_back;
pub(crate) mod state;
pub(crate) mod trial;
pub(crate) mod verdict;
pub(crate) mod wasi;
pub(crate) mod watcher;
pub(crate) mod wit_errors;
