//! Types and traits generated from `wit/`, and how each interface crosses into Rust.

#![allow(missing_docs, unsafe_code, clippy::all)]

/// What a `borrow<stanza>` stands for. There is only ever one, the stanza of the call, so the
/// handle carries nothing.
pub enum LentStanza {}
/// A handle of `storage.table`; its number is an index into the stores that the instance has opened.
pub enum Table {}
/// A handle of `storage.log`, likewise.
pub enum Log {}

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "plugin",
    // Headers are lent to the guest straight from the stanza.
    ownership: Borrowing { duplicate_if_necessary: false },
    imports: {
        "xmpp:plugin/router.sessions": async,
        "xmpp:plugin/marks": async,
        "xmpp:plugin/storage.open-table": trappable,
        "xmpp:plugin/storage.open-log": trappable,
        "xmpp:plugin/storage": async | trappable,
        "xmpp:plugin/account-data": async,
        "xmpp:plugin/scheduler.set": async,
        "xmpp:plugin/accounts": async | trappable,
        "xmpp:plugin/account-admin": async,
        "xmpp:plugin/vhosts": async,
        "xmpp:plugin/connections": async,
        "xmpp:plugin/certificates": async,
        "xmpp:plugin/server-control": async,
        "xmpp:plugin/resolver": async,
        default: trappable,
    },
    exports: { default: async },
    with: {
        "xmpp:plugin/stanzas.stanza": LentStanza,
        "xmpp:plugin/storage.table": Table,
        "xmpp:plugin/storage.log": Log,
    },
});

/// The version of `wit/`, which names of interfaces carry.
pub const VERSION: &str = "0.1.0";
