//! Write a plugin for the Waxwing XMPP server.
//!
//! A plugin is a type, declared with [`plugin!`], that implements the hooks it needs. This is one, whole: it
//! answers pings (XEP-0199).
//!
//! ```
//! use waxwing_plugin::prelude::*;
//!
//! plugin! {
//!     /// XMPP Ping.
//!     pub struct Ping;
//!     hooks: [Process],
//!     features: ["urn:xmpp:ping"],
//!     interests: [iq_get("{urn:xmpp:ping}ping").at(SERVER | OWN_ACCOUNT)],
//! }
//!
//! impl Process for Ping {
//!     fn on_process(&self, _: &Event, _: &Stanza) -> Result {
//!         Ok(Verdict::reply(""))
//!     }
//! }
//! ```
//!
//! The host's interfaces are modules of the same names as in `wit/`: [`router`], [`marks`], [`storage`],
//! [`account_data`], [`scheduler`], [`accounts`], [`account_admin`], [`vhosts`], [`connections`], [`certificates`],
//! [`server_control`], [`resolver`], [`runtime`]. A component asks for those that it uses and no others, and the
//! operator decides. Everything that a hook sends or writes takes effect after it returns, or not at all.

// The names under which the export macros of the bindings find this crate in its own examples.
extern crate self as waxwing_plugin;

#[doc(hidden)]
pub mod bindings;
mod description;
mod event;
mod forms;
mod hooks;
mod jid;
mod macros;
mod moment;
mod portable;
mod settings;
mod storage_ext;
mod verdict;
mod xml;

pub use bindings::commands::exports::xmpp::plugin::commands;
pub use bindings::imports::xmpp::plugin::{
    account_admin, account_data, accounts, certificates, connections, marks, resolver, router, runtime,
    scheduler, server_control, stanzas, storage, types, vhosts,
};
pub use bindings::portable::exports::xmpp::plugin::portable::Page;
pub use bindings::replies::exports::xmpp::plugin::replies::Answer;
pub use bindings::sessions::exports::xmpp::plugin::sessions::{Change, Flow};
pub use description::*;
pub use forms::{
    DOMAIN_FIELD, admin_form, ask, ask_last, ask_more, domain_field, done, failed, field, fixed_field, form,
    hidden_field, jid_field, jids_field, lines_field, list_field, number_field, password_field, show,
    text_field, warned, yes_field,
};
#[doc(hidden)]
pub use hooks::Exports;
pub use hooks::{
    Alarms, Commands, Filter, Incoming, OnService, Plugin, Portable, Post, Pre, Process, Replies, Sessions,
};
pub use jid::{bare, domain, local, resource};
pub use moment::moment;
#[doc(hidden)]
pub use settings::Given;
pub use settings::{Setting, SettingValue};
pub use stanzas::Stanza;
pub use types::{Condition, ErrorType, Event, Header, Kind, Origin, StanzaError, Timestamp, Verdict};
pub use verdict::Result;
pub use xml::{Raw, ToXml, datetime, escape, raw, with_child};

/// Everything that a plugin usually needs: `use waxwing_plugin::prelude::*;`.
pub mod prelude {
    pub use crate::{
        AVAILABLE, Alarms, Answer, BOUND, CLOSED, Change, Commands, Condition, DOMAIN_FIELD, Event, Filter,
        Flow, Incoming, Interest, Kind, OTHER_ACCOUNT, OWN_ACCOUNT, OnService, Origin, PRIORITY, Page, Party,
        Portable, Post, Pre, Process, Replies, Result, SERVER, STRANGER, STREAM, Serial, Sessions, Stage,
        Stanza, StanzaError, UNAVAILABLE, Verdict, account_admin, account_data, accounts, admin_form,
        after_login, ask, ask_last, ask_more, bare, before_login, certificates, command, commands, component,
        connections, datetime, domain, domain_field, done, escape, failed, fixed_field, form, hidden_field,
        iq, iq_get, iq_set, iqs, jid_field, jids_field, lines_field, list_field, local, marks, messages,
        moment, number_field, password_field, plugin, presence, raw, resolver, resource, router, runtime,
        scheduler, server_control, service, show, storage, text_field, vhosts, warned, with_child, xml,
        yes_field,
    };
}

// The examples of these pages are compiled with the tests of this crate.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
#[cfg(doctest)]
#[doc = include_str!("../../../docs/plugins.md")]
struct PluginsPage;
#[cfg(doctest)]
#[doc = include_str!("../../../docs/plugins/rust.md")]
struct RustPage;
#[cfg(doctest)]
#[doc = include_str!("../../../docs/plugins/rust-host.md")]
struct RustHostPage;
