//! Presence probes: asking who is there, and answering (RFC 6121, section 4.3).

use crate::directory::AccountEntry;
use crate::router::Source;
use crate::server::Server;
use crate::session::Session;
use crate::subscription::Request;
use std::sync::Arc;
use waxwing_storage::{Roster, RosterItem};
use waxwing_xmpp::{Jid, Stanza, Type};

impl Server {
    /// What a session learns when it becomes available: the account's other resources, the contacts'
    /// presence, and the requests that wait for an answer (sections 4.2.2, 4.3.1 and 3.1.3).
    pub(super) async fn welcome(&self, source: &Source<'_>, session: &Arc<Session>, roster: &Roster) {
        let own = session.account.sessions();
        for other in own.iter().filter(|other| other.id != session.id) {
            self.show(source, other, &session.jid).await;
        }
        let passes = |item: &&RosterItem| item.to && self.may_pass(&item.jid, &session.jid).is_ok();
        for item in roster.items.iter().filter(passes) {
            match self.directory.account(item.jid.as_str()) {
                Some(contact) => self.show_contact(source, &contact, session).await,
                // Nobody there: the client takes that for granted until it hears otherwise.
                None if self.is_local(item.jid.domain()) => {}
                None => {
                    let probe = Stanza::presence(Type::Probe, "");
                    let (from, to) = (session.account.jid.clone(), item.jid.clone());
                    self.send_elsewhere(source.origin, probe.with_addresses(Some(from), Some(to))).await;
                }
            }
        }
        for request in roster.items.iter().filter_map(|item| item.pending_in.as_deref()) {
            match Stanza::parse(request) {
                Ok(request) => {
                    // It stays in the roster until it is answered.
                    let _ = self.hand_to(session, source, request).await;
                }
                Err(error) => {
                    tracing::error!(account = %session.account.jid, "a kept request is damaged: {error}")
                }
            }
        }
    }

    /// Show a session an online contact that it is subscribed to.
    async fn show_contact(&self, source: &Source<'_>, contact: &AccountEntry, session: &Arc<Session>) {
        match self.roster_of(&contact.jid).await {
            Ok(roster) if sees(&roster, &contact.jid, &session.jid) => {
                for resource in &contact.sessions() {
                    self.show(source, resource, &session.jid).await;
                }
            }
            // The two rosters differ: the contact's counts.
            Ok(_) => self.send_request(&contact.jid, &session.account.jid, Request::Unsubscribed).await,
            Err(error) => tracing::warn!(account = %contact.jid, "a presence was not shown: {error}"),
        }
    }

    /// Answer a probe for a local account (sections 4.3.2 and 4.6.5).
    pub(super) async fn probe_in(&self, source: &Source<'_>, probe: Stanza) {
        let (Some(to), Some(from)) = (&probe.to, &probe.from) else { return };
        if self.may_pass(from, to).is_err() {
            return;
        }
        let owner = to.bare();
        let may_see = from.bare_str() == owner.as_str()
            || match self.relation(&owner, from).await {
                Ok(relation) => relation.from,
                Err(error) => return tracing::warn!(account = %owner, "a probe was not answered: {error}"),
            };
        let sessions =
            self.directory.account(owner.as_str()).map(|entry| entry.sessions()).unwrap_or_default();
        if !may_see {
            let told = sessions.iter().find(|session| session.jid == *to && session.has_directed(from));
            if let Some(session) = told
                && self.show(source, session, from).await
            {
                return;
            }
            // The same for an account that does not exist, in the name that was asked for.
            let asked = probe.written_to().map_or(owner, Jid::bare);
            return self.send_request(&asked, &from.bare(), Request::Unsubscribed).await;
        }
        let mut shown = false;
        for session in sessions.iter().filter(|session| to.is_bare() || session.jid == *to) {
            shown |= self.show(source, session, from).await;
        }
        if !shown {
            let nobody = Stanza::presence(Type::Unavailable, "");
            let nobody = nobody.with_addresses(Some(to.clone()), Some(from.clone()));
            self.deliver_presence(source, nobody).await;
        }
    }
}

/// Whether the owner of a roster shows its presence to somebody.
fn sees(roster: &Roster, owner: &Jid, other: &Jid) -> bool {
    let other = other.bare_str();
    other == owner.as_str() || roster.item(other).is_some_and(|item| item.from)
}
