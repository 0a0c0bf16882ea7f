//! Those who have logged in without an account (XEP-0175). Their address lasts as long as their session, and nothing is
//! stored for it: no roster, nothing that plugins keep, no password.
//!
//! They are not to exchange stanzas with other servers (XEP-0175, section 4). Nobody is, as long as there are no
//! connections to other servers; whoever makes those asks [`Server::is_anonymous`].

mod pace;

use crate::server::Server;
use crate::session::Session;
use pace::Pace;
use parking_lot::{Mutex, RwLock};
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::time::{Instant, sleep_until};
use waxwing_xmpp::{Jid, StreamCondition, StreamError};

/// Who is here without an account, and in how many ways; and how many of them there are from each network.
#[derive(Default)]
pub(crate) struct Guests(RwLock<Present>);

#[derive(Default)]
struct Present {
    addresses: HashMap<Jid, usize>,
    networks: HashMap<IpAddr, usize>,
}

/// One of them, for as long as anybody still deals with it.
pub(crate) struct Guest {
    jid: Jid,
    network: Option<IpAddr>,
    guests: Arc<Guests>,
    pace: Mutex<Pace>,
}

impl Guests {
    /// Let one in, from a network that has not got so many already; 0 is no limit.
    pub fn admit(self: &Arc<Self>, jid: Jid, network: Option<IpAddr>, most: u32) -> Option<Guest> {
        let mut present = self.0.write();
        if let Some(network) = network {
            let count = present.networks.entry(network).or_default();
            if most > 0 && *count >= most as usize {
                return None;
            }
            *count += 1;
        }
        *present.addresses.entry(jid.clone()).or_default() += 1;
        Some(Guest { jid, network, guests: self.clone(), pace: Mutex::default() })
    }

    fn contains(&self, jid: &Jid) -> bool {
        self.0.read().addresses.contains_key(jid)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut present = self.guests.0.write();
        count_down(&mut present.addresses, &self.jid);
        if let Some(network) = &self.network {
            count_down(&mut present.networks, network);
        }
    }
}

fn count_down<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

impl Server {
    /// Whether this is the address, bare or full, of somebody who has logged in without an account.
    pub fn is_anonymous(&self, jid: &Jid) -> bool {
        if jid.resource().is_some() { self.guests.contains(&jid.bare()) } else { self.guests.contains(jid) }
    }

    /// Wait until somebody without an account may send one more stanza. Meanwhile nothing more is read from the client.
    pub(crate) async fn pace(&self, guest: &Guest) {
        let rate = self.settings.limits.anonymous_stanzas;
        let Some(until) = guest.pace.lock().next(rate, Instant::now()) else { return };
        self.stats.anonymous_stanzas_delayed.fetch_add(1, Ordering::Relaxed);
        sleep_until(until).await;
    }

    /// A domain takes nobody without an account any more: those who are there go.
    pub(crate) fn end_guests_of(&self, domain: &str) {
        let is_guest =
            |session: &Arc<Session>| session.jid.domain() == domain && session.account.is_anonymous();
        for session in self.directory.all_sessions().iter().filter(|session| is_guest(session)) {
            let error = StreamError::new(StreamCondition::NotAuthorized);
            session.end(error.with_text("this domain takes an account"));
        }
    }
}

#[cfg(test)]
mod tests;
