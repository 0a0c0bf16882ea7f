//! Those who have logged in without an account (XEP-0175). Their address lasts as long as their session, and nothing is
//! stored for it: no roster, nothing that plugins keep, no password.
//!
//! They are not to exchange stanzas with other servers (XEP-0175, section 4). Nobody is, as long as there are no
//! connections to other servers; whoever makes those asks [`Server::is_anonymous`].

use crate::server::Server;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;
use waxwing_xmpp::Jid;

/// Who is here without an account, and in how many ways.
#[derive(Default)]
pub(crate) struct Guests(RwLock<HashMap<Jid, usize>>);

/// One of them, for as long as anybody still deals with it.
pub(crate) struct Guest {
    jid: Jid,
    guests: Arc<Guests>,
}

impl Guests {
    pub fn admit(self: &Arc<Self>, jid: Jid) -> Guest {
        *self.0.write().entry(jid.clone()).or_default() += 1;
        Guest { jid, guests: self.clone() }
    }

    fn contains(&self, jid: &Jid) -> bool {
        self.0.read().contains_key(jid)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut guests = self.guests.0.write();
        if let Some(count) = guests.get_mut(&self.jid) {
            *count -= 1;
            if *count == 0 {
                guests.remove(&self.jid);
            }
        }
    }
}

impl Server {
    /// Whether this is the address, bare or full, of somebody who has logged in without an account.
    pub fn is_anonymous(&self, jid: &Jid) -> bool {
        if jid.resource().is_some() { self.guests.contains(&jid.bare()) } else { self.guests.contains(jid) }
    }
}

#[cfg(test)]
mod tests;
