//! Who may know of whom: what an account and somebody else may see of each other's presence.

use crate::roster::storage_error;
use crate::server::Server;
use std::sync::Arc;
use waxwing_storage::RosterItem;
use waxwing_xmpp::{Jid, StanzaError};

/// What two may see of each other, by the roster of one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Relation {
    /// The other sees the owner's presence.
    pub from: bool,
    /// The owner sees the other's presence.
    pub to: bool,
}

impl Relation {
    /// By an item of the owner's roster; of no item, nothing.
    pub fn of(item: Option<&RosterItem>) -> Self {
        item.map_or_else(Self::default, |item| Self { from: item.from, to: item.to })
    }
}

impl Server {
    /// What is between an account and somebody else. Between strangers there is nothing, as there is where there is
    /// no account; and since the storage is asked for all of these, even for an account that is online, the time that
    /// it takes does not tell which it is.
    pub(crate) async fn relation(&self, owner: &Jid, other: &Jid) -> Result<Relation, StanzaError> {
        let entry = self.directory.account(owner.bare_str());
        let known = entry.as_ref().and_then(|entry| entry.roster());
        let relation = Relation::of(known.as_ref().and_then(|roster| roster.item(other.bare_str())));
        if relation != Relation::default() {
            return Ok(relation);
        }
        let roster = Arc::new(self.storage.roster(&owner.bare()).await.map_err(storage_error)?);
        if let Some(entry) = entry {
            // Whoever may see that the account is there is to hear of its end, also when the storage is away by then.
            entry.set_roster(roster.clone());
        }
        Ok(Relation::of(roster.item(other.bare_str())))
    }
}
