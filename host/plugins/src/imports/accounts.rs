//! `accounts`: accounts and rosters, read only. While the database cannot answer, the call that asks ends: nobody is to
//! believe that there is nothing.

use super::bare;
use crate::bindings::xmpp::plugin::accounts::{Contact, Host, Subscription};
use crate::host;
use crate::run::state::{Call, State};
use wasmtime::Result;
use waxwing_xmpp::Jid;

/// Contacts of one read.
const PAGE: u32 = 256;

impl Host for State {
    async fn exists(&mut self, account: String) -> Result<bool> {
        match self.known(&account) {
            Some((call, account)) => Ok(call.host.account_exists(&account).await?),
            None => Ok(false),
        }
    }

    async fn subscription_of(&mut self, owner: String, contact: String) -> Result<Subscription> {
        let (Some((call, owner)), Ok(contact)) = (self.known(&owner), Jid::parse(&contact)) else {
            return Ok(Subscription::None);
        };
        Ok(subscription(call.host.subscription(&owner, &contact.bare()).await?))
    }

    async fn contacts(&mut self, owner: String, after: Option<String>, limit: u32) -> Result<Vec<Contact>> {
        let Some((call, owner)) = self.known(&owner) else { return Ok(Vec::new()) };
        let contacts = call.host.contacts(&owner, after.as_deref(), limit.min(PAGE)).await?;
        let seen = contacts.into_iter().map(|contact| Contact {
            jid: contact.jid.to_string(),
            name: contact.name,
            subscription: subscription(contact.subscription),
            groups: contact.groups,
        });
        Ok(seen.collect())
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
