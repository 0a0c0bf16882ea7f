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

mod bindings;
mod blob;
mod catalogue;
mod common;
mod declare;
mod effects;
mod engine;
mod host;
mod imports;
mod line;
mod load;
mod run;
mod watch;

pub use blob::{Blob, Secret};
pub use catalogue::{
    Answer, Catalogue, CatalogueError, CatalogueOptions, Consent, Done, EVERYWHERE, Entry, GrantChange,
    Kind as EntryKind, Manifest, NeedsConsent, OwnLimits, STORE as STORE_BYTES, SettingChange, StoreUse,
    What, Which, Wish,
};
pub use common::compiler::compile_into_cache;
pub use common::gauge::HookFigures;
pub use declare::command::{
    CommandAction, CommandInfo, CommandReply, CommandRequest, Field, FieldType, Form, Severity, Table,
};
pub use declare::declared::{Declared, DeclaredInterest};
pub use declare::description::Serial;
pub use declare::error::{LoadError, Reason};
pub use declare::event::{
    Access, Change, ComponentInfo, Event, Facts, Origin, Outcome, Phase, ServiceInfo, SessionEvents, Stage,
    Target,
};
pub use declare::grants::{ANY_STORE, Grant, Grants, Interfaces, UnknownInterface};
pub use declare::http_host::{BadHttpHost, HttpHost};
pub use declare::index::{Party, Payload};
pub use declare::options::{EngineOptions, Limits, PluginSpec, Policy, Scope, Source};
pub use declare::portable::{PortableError, PortableKind, PortablePage};
pub use declare::reach::{ANYTHING, Reach};
pub use declare::requested::Requested;
pub use effects::copy::StoredCopy;
pub use engine::Engine;
pub use engine::hooks::Service;
pub use engine::keep::{Keep, Kept, Leaving};
pub use engine::plan::{Calls, LeftOut};
pub use host::account_data::AccountData;
pub use host::admin::{
    AccessList, AccountInfo, AdminAnswer, AdminError, AdminRequest, AfterStop, Authority, CertificateInfo,
    ConnectionInfo, ServiceRecord,
};
pub use host::hold::Hold;
pub use host::{AccountError, Contact, Fate, Host, Outgoing, Promise, SessionInfo, Subscription, Written};
pub use load::component::Inspected;
pub use load::componentize::{ComponentizeError, componentize};
pub use load::user_cache::user_cache;
pub use run::input::{Input, InputError, Shown};
pub use run::notes::{AccountChange, Line};
pub use run::plugin::{CounterFigures, PluginInfo};
pub use run::pool::PoolFigures;
pub use run::rolled_back::RolledBack;
pub use run::watcher::{RecordingFigures, ShadowInfo};
pub use watch::dry::{DryError, NoPlugin};
pub use watch::record::{
    Exchange, FORMAT, HostAnswer, HostQuestion, KeyRange, Query, RecordError, RecordOptions, RecordedCall,
    Recording, RecordingError, RecordingHeader, RecordingReader, SeenContact, SeenEntry, SeenSession,
};
pub use watch::replay::{Replay, ReplayError, ReplayOptions, Replayed, replay};
pub use watch::shadow::ShadowError;
pub use watch::trace::{
    Difference, Trace, TraceAlarm, TraceAnswer, TraceDatum, TraceError, TraceFailure, TraceMark,
    TraceRequest, TraceStanza, TraceWrite,
};
