//! The host's side of every interface that a plugin may import, one file each.
//!
//! Whatever changes anything goes into the call's effects. While a plugin is described or set up
//! there is no call, and everything that needs one is refused.

mod account_admin;
mod accounts;
mod marks;
mod router;
mod runtime;
mod stanzas;
mod storage;

use crate::bindings::xmpp::plugin as wit;
use crate::grants::{Grant, Grants};
use crate::state::State;
use wasmtime::component::{HasSelf, Linker};
use waxwing_xmpp::Jid;

impl wit::types::Host for State {}

/// Only what is granted is linked.
pub(crate) fn link(linker: &mut Linker<State>, grants: Grants) -> wasmtime::Result<()> {
    type Own = HasSelf<State>;
    // Has no functions.
    wit::types::add_to_linker::<_, Own>(linker, |state| state)?;
    for grant in Grant::ALL.iter().filter(|grant| grants.has(**grant)) {
        match grant {
            Grant::Stanzas => wit::stanzas::add_to_linker::<_, Own>(linker, |state| state),
            Grant::Router => wit::router::add_to_linker::<_, Own>(linker, |state| state),
            Grant::Marks => wit::marks::add_to_linker::<_, Own>(linker, |state| state),
            Grant::Storage => wit::storage::add_to_linker::<_, Own>(linker, |state| state),
            Grant::Accounts => wit::accounts::add_to_linker::<_, Own>(linker, |state| state),
            Grant::AccountAdmin => wit::account_admin::add_to_linker::<_, Own>(linker, |state| state),
            Grant::Runtime => wit::runtime::add_to_linker::<_, Own>(linker, |state| state),
        }?;
    }
    Ok(())
}

/// An address from a plugin that must name an account or a domain.
fn bare(text: &str) -> Option<Jid> {
    Jid::parse(text).ok().filter(Jid::is_bare)
}
