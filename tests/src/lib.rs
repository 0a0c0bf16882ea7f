//! End-to-end tests of Waxwing: the real binary, started afresh with a config and a database of its own, and
//! clients that talk to it over TCP and TLS.
//!
//! - [`Server`] starts, stops and kills the binary.
//! - [`Client`] is one scripted XML stream: what to send and what must come back, written as XML.
//! - [`Managed`] is a client that acknowledges stanzas and resumes its stream (XEP-0198).
//! - [`Node`] is what came back; [`Node::mismatch`] says how a pattern is compared with it.
//! - [`Scram`] logs in, or tries to cheat at it.
//! - [`Example`] is a plugin as somebody else might write it, with what its README tells operators.
//! - [`OwnDatabase`] is one of many in the PostgreSQL of the test run.
//! - [`SmallDisk`] is a disk that a test fills.
//! - [`Postgres`] is a database that a test takes away and gives back.
//! - [`Scene`] is a server with people who notice.
//! - [`Load`] is what many say to somebody who is away.
//! - [`Chat`] drives XMPP clients that are not ours, in processes of their own.
//!
//! The tests are in `tests/tests`, one file a topic.

mod caps;
mod chat;
mod client;
mod database;
mod disk;
mod examples;
mod grants;
mod guests;
mod load;
mod managed;
mod moment;
mod offline;
mod postgres;
mod scene;
mod scram;
mod server;
mod tls;
mod xml;

pub use caps::caps_version;
pub use chat::Chat;
pub use client::{Client, Incoming};
pub use database::OwnDatabase;
pub use disk::SmallDisk;
pub use examples::Example;
pub use load::{Load, SENDERS, Talk, online};
pub use managed::Managed;
pub use moment::{eventually, in_seconds};
pub use postgres::{Listening, Postgres};
pub use scene::Scene;
pub use scram::{Mechanism, Scram};
pub use server::{DOMAIN, Server, ServerBuilder, password, plugins_dir};
pub use xml::{Node, Reader, escape};
