//! The plugin engine: sandboxed WebAssembly components behind the interfaces of `wit/`.
//!
//! [`Engine::put`] compiles a component, holds what it asks for against what it is granted, has it say
//! what it is and lets it take part; plugins come, change and go while stanzas pass. What they want to see
//! is compiled into one index. For each stanza the server asks [`Engine::matching`], which costs next to
//! nothing when no plugin is interested, and hands what it answers to [`Engine::call`]. The server
//! itself is known only as a [`Host`].
//!
//! A call is a transaction: what a plugin sends and writes takes place after it has returned, and
//! not at all if it traps, computes for too long or breaks a limit. See [`Policy`] for what then
//! becomes of the stanza.

mod account_data;
mod admin;
mod bindings;
mod blob;
mod breaker;
mod call;
mod catalogue;
mod chain;
mod command;
mod common;
mod compiler;
mod component;
mod componentize;
mod copies;
mod copy;
mod counters;
mod declared;
mod description;
mod dry;
mod effects;
mod engine;
mod error;
mod event;
mod failure;
mod gauge;
mod grants;
mod guest_commands;
mod header;
mod hold;
mod hooks;
mod host;
mod housekeeping;
mod http;
mod http_host;
mod imports;
mod index;
mod info;
mod input;
mod instance;
mod keep;
mod lanes;
mod line;
mod load;
mod marks;
mod memory;
mod notes;
mod options;
mod pending;
mod plan;
mod plugin;
mod pool;
mod portable;
mod question;
mod quiet;
mod reach;
mod record;
mod replay;
mod requested;
mod requests;
mod rolled_back;
mod shadow;
mod shared;
mod staged;
mod start;
mod state;
mod swap;
mod trace;
mod transfer;
mod trial;
mod usage;
mod user_cache;
mod verdict;
mod wasi;
mod wasm;
mod watcher;
mod watchers;
mod watching;
mod wit_errors;
mod words;

pub use account_data::AccountData;
pub use admin::{
    AccessList, AccountInfo, AdminAnswer, AdminError, AdminRequest, AfterStop, Authority, CertificateInfo,
    ConnectionInfo, ServiceRecord,
};
pub use blob::{Blob, Secret};
pub use catalogue::{
    Answer, Catalogue, CatalogueError, CatalogueOptions, Consent, Done, EVERYWHERE, Entry, GrantChange,
    Kind as EntryKind, Manifest, NeedsConsent, OwnLimits, STORE as STORE_BYTES, SettingChange, StoreUse,
    What, Which, Wish,
};
pub use command::{
    CommandAction, CommandInfo, CommandReply, CommandRequest, Field, FieldType, Form, Severity, Table,
};
pub use compiler::compile_into_cache;
pub use component::Inspected;
pub use componentize::{ComponentizeError, componentize};
pub use copy::StoredCopy;
pub use declared::{Declared, DeclaredInterest};
pub use description::Serial;
pub use dry::{DryError, NoPlugin};
pub use engine::Engine;
pub use error::{LoadError, Reason};
pub use event::{
    Access, Change, ComponentInfo, Event, Facts, Origin, Outcome, Phase, ServiceInfo, SessionEvents, Stage,
    Target,
};
pub use gauge::HookFigures;
pub use grants::{ANY_STORE, Grant, Grants, Interfaces, UnknownInterface};
pub use hold::Hold;
pub use hooks::Service;
pub use host::{AccountError, Contact, Fate, Host, Outgoing, Promise, SessionInfo, Subscription, Written};
pub use http_host::{BadHttpHost, HttpHost};
pub use index::{Party, Payload};
pub use input::{Input, InputError, Shown};
pub use keep::{Keep, Kept, Leaving};
pub use notes::{AccountChange, Line};
pub use options::{EngineOptions, Limits, PluginSpec, Policy, Scope, Source};
pub use plan::{Calls, LeftOut};
pub use plugin::{CounterFigures, PluginInfo};
pub use pool::PoolFigures;
pub use portable::{PortableError, PortableKind, PortablePage};
pub use reach::{ANYTHING, Reach};
pub use record::{
    Exchange, FORMAT, HostAnswer, HostQuestion, KeyRange, Query, RecordError, RecordOptions, RecordedCall,
    Recording, RecordingError, RecordingHeader, RecordingReader, SeenContact, SeenEntry, SeenSession,
};
pub use replay::{Replay, ReplayError, ReplayOptions, Replayed, replay};
pub use requested::Requested;
pub use rolled_back::RolledBack;
pub use shadow::ShadowError;
pub use trace::{
    Difference, Trace, TraceAlarm, TraceAnswer, TraceDatum, TraceError, TraceFailure, TraceMark,
    TraceRequest, TraceStanza, TraceWrite,
};
pub use user_cache::user_cache;
pub use watcher::{RecordingFigures, ShadowInfo};
