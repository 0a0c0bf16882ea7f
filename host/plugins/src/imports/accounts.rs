//! `accounts`: accounts and rosters, read only.

use super::bare;
use crate::bindings::xmpp::plugin::accounts::{Contact, Host, Subscription};
use crate::host;
use crate::state::State;
use waxwing_xmpp::Jid;

/// Contacts of one read.
const PAGE: u32 = 256;

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
        subscription(call.host.subscription(&owner, &contact.bare()).await)
    }

    async fn contacts(&mut self, owner: String, after: Option<String>, limit: u32) -> Vec<Contact> {
        let (Some(call), Some(owner)) = (&self.call, bare(&owner)) else { return Vec::new() };
        let contacts = call.host.contacts(&owner, after.as_deref(), limit.min(PAGE)).await;
        let seen = contacts.into_iter().map(|contact| Contact {
            jid: contact.jid.to_string(),
            subscription: subscription(contact.subscription),
            groups: contact.groups,
        });
        seen.collect()
    }
}

fn subscription(subscription: host::Subscription) -> Subscription {
    match subscription {
        host::Subscription::None => Subscription::None,
        host::Subscription::To => Subscription::To,
        host::Subscription::From => Subscription::From,
        host::Subscription::Both => Subscription::Both,
    }
}
