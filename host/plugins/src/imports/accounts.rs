//! `accounts`: accounts and rosters, read only.

use super::bare;
use crate::bindings::xmpp::plugin::accounts::{Contact, Host, Subscription};
use crate::host;
use crate::state::{Call, State};
use waxwing_xmpp::Jid;

/// Contacts of one read.
const PAGE: u32 = 256;

impl Host for State {
    async fn exists(&mut self, account: String) -> bool {
        match self.known(&account) {
            Some((call, account)) => call.host.account_exists(&account).await.unwrap_or(false),
            None => false,
        }
    }

    async fn subscription_of(&mut self, owner: String, contact: String) -> Subscription {
        let (Some((call, owner)), Ok(contact)) = (self.known(&owner), Jid::parse(&contact)) else {
            return Subscription::None;
        };
        subscription(call.host.subscription(&owner, &contact.bare()).await)
    }

    async fn contacts(&mut self, owner: String, after: Option<String>, limit: u32) -> Vec<Contact> {
        let Some((call, owner)) = self.known(&owner) else { return Vec::new() };
        let contacts = call.host.contacts(&owner, after.as_deref(), limit.min(PAGE)).await;
        let seen = contacts.into_iter().map(|contact| Contact {
            jid: contact.jid.to_string(),
            subscription: subscription(contact.subscription),
            groups: contact.groups,
        });
        seen.collect()
    }
}

impl State {
    /// The call, and an account of a virtual host that the plugin works for. Of others it learns nothing.
    fn known(&self, account: &str) -> Option<(&Call, Jid)> {
        let (call, account) = (self.call.as_deref()?, bare(account)?);
        self.shared.serves(account.domain(), &*call.host).then_some((call, account))
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
