//! The host's side of every interface that a plugin may import, one file each.
//!
//! Whatever changes anything goes into the call's effects. While a plugin is described or set up
//! there is no call, and everything that needs one is refused.

mod account_admin;
mod account_data;
mod accounts;
mod certificates;
mod connections;
mod marks;
mod resolver;
mod router;
mod runtime;
mod scheduler;
mod server_control;
mod stanzas;
mod storage;
mod vhosts;
pub(crate) mod wasi;

use crate::bindings::xmpp::plugin as wit;
use crate::common::shared::Shared;
use crate::declare::grants::{Grant, Interfaces};
use crate::host::admin::Authority;
use crate::run::state::{Call, State};
use wasmtime::component::{HasSelf, Linker};
use waxwing_xmpp::Jid;

impl wit::types::Host for State {}

/// Only what is granted is linked.
pub(crate) fn link(linker: &mut Linker<State>, granted: Interfaces) -> wasmtime::Result<()> {
    type Own = HasSelf<State>;
    // Has no functions.
    wit::types::add_to_linker::<_, Own>(linker, |state| state)?;
    for grant in granted.iter() {
        match grant {
            Grant::Stanzas => wit::stanzas::add_to_linker::<_, Own>(linker, |state| state),
            Grant::Router => wit::router::add_to_linker::<_, Own>(linker, |state| state),
            Grant::Marks => wit::marks::add_to_linker::<_, Own>(linker, |state| state),
            Grant::Storage => wit::storage::add_to_linker::<_, Own>(linker, |state| state),
            Grant::AccountData => wit::account_data::add_to_linker::<_, Own>(linker, |state| state),
            Grant::Scheduler => wit::scheduler::add_to_linker::<_, Own>(linker, |state| state),
            Grant::Accounts => wit::accounts::add_to_linker::<_, Own>(linker, |state| state),
            Grant::AccountAdmin => wit::account_admin::add_to_linker::<_, Own>(linker, |state| state),
            Grant::Vhosts => wit::vhosts::add_to_linker::<_, Own>(linker, |state| state),
            Grant::Connections => wit::connections::add_to_linker::<_, Own>(linker, |state| state),
            Grant::Certificates => wit::certificates::add_to_linker::<_, Own>(linker, |state| state),
            Grant::ServerControl => wit::server_control::add_to_linker::<_, Own>(linker, |state| state),
            Grant::Resolver => wit::resolver::add_to_linker::<_, Own>(linker, |state| state),
            Grant::Runtime => wit::runtime::add_to_linker::<_, Own>(linker, |state| state),
            // Hooks are exported.
            Grant::Pre
            | Grant::Incoming
            | Grant::Process
            | Grant::Post
            | Grant::Filter
            | Grant::Sessions
            | Grant::Service
            | Grant::Commands
            | Grant::Alarms
            | Grant::Replies
            | Grant::Portable => Ok(()),
        }?;
    }
    Ok(())
}

impl State {
    /// The call and the owner that a plugin names: an account or the domain of a virtual host that it works
    /// for, or an address of a service of its own. `None` where there is no call, or no such owner.
    fn owned(&mut self, owner: &str) -> Option<(&mut Call, &Shared, Jid)> {
        let call = self.call.as_mut()?;
        let owner = bare(owner)?;
        let may = self.shared.may_act_for(owner.domain(), &*call.host);
        may.then_some((call, &*self.shared, owner))
    }
}

impl State {
    /// The same for an owner that something is to be kept for. An account must be there: what is kept for one that is
    /// not would be found by whoever takes the name.
    async fn keeping(&mut self, owner: &str) -> Result<(&mut Call, &Shared, Jid), NoOwner> {
        let (call, shared, owner) = self.owned(owner).ok_or(NoOwner::Denied)?;
        if owner.local().is_none()
            || !call.host.is_local(owner.domain())
            || call.importing.as_ref() == Some(&owner)
        {
            return Ok((call, shared, owner));
        }
        if call.host.is_anonymous(&owner) {
            return Err(NoOwner::Denied);
        }
        match call.host.account_exists(&owner).await {
            Ok(true) => Ok((call, shared, owner)),
            Ok(false) => Err(NoOwner::Denied),
            Err(error) => {
                error.log(format_args!("whether {owner} exists could not be read"));
                Err(NoOwner::Unavailable)
            }
        }
    }
}

/// Why nothing can be kept for an owner.
enum NoOwner {
    /// There is none, or it is none of the plugin's.
    Denied,
    /// Nobody knows now.
    Unavailable,
}

impl State {
    /// The call, if it may do with a virtual host what takes this authority. While a command runs, that is what
    /// its user may do.
    fn managing(&mut self, domain: &str, least: Authority) -> Option<&mut Call> {
        let call = self.call.as_mut()?;
        let domain = Jid::parse(domain).ok()?;
        let domain = domain.as_str();
        if !self.shared.serves(domain, &*call.host) {
            return None;
        }
        (call.authority(domain) >= least).then_some(call)
    }
}

impl Call {
    /// Who runs the command that the call is a step of.
    fn user(&self) -> Option<String> {
        self.actor.as_ref().map(Jid::to_string)
    }

    /// What may be done with a virtual host in this call.
    fn authority(&self, domain: &str) -> Authority {
        self.actor.as_ref().map_or(Authority::Server, |user| self.host.authority(user, domain))
    }
}

/// An address from a plugin that must name an account or a domain.
fn bare(text: &str) -> Option<Jid> {
    Jid::parse(text).ok().filter(Jid::is_bare)
}
