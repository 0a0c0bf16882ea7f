//! `accounts`: accounts and rosters, read only.

use super::bare;
use crate::bindings::xmpp::plugin::accounts::{Host, Subscription};
use crate::host;
use crate::state::State;
use waxwing_xmpp::Jid;

impl Host for State {
    async fn exists(&mut self, account: String) -> bool {
        match (&self.call, bare(&account)) {
            (Some(call), Some(account)) => call.host.account_exists(&account).await,
            _ => false,
        }
    }

    async fn subscription_of(&mut self, owner: String, contact: String) -> Subscription {
        let (Some(call), Some(owner), Ok(contact)) = (&self.call, bare(&owner), Jid::parse(&contact)) else {
            return Subscription::None;
        };
        match call.host.subscription(&owner, &contact.bare()).await {
            host::Subscription::None => Subscription::None,
            host::Subscription::To => Subscription::To,
            host::Subscription::From => Subscription::From,
            host::Subscription::Both => Subscription::Both,
        }
    }
}
