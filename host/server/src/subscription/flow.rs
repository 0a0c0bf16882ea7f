//! Subscription stanzas on their way out of and into an account (RFC 6121, section 3).

use super::{Request, State, Step, inbound, outbound};
use crate::roster::{Change, Edit, new_item};
use crate::router::Source;
use crate::server::Server;
use crate::session::Session;
use std::sync::Arc;
use waxwing_storage::{Roster, RosterItem};
use waxwing_xmpp::{Condition, Jid, Stanza, StanzaError, Type};

/// Requests and approvals of strangers that one account may have waiting.
const MAX_HIDDEN: usize = 1000;
/// A request is kept with all that it says up to this size, beyond it bare.
const MAX_KEPT_REQUEST: usize = 4096;

impl Server {
    /// A client sends a subscription stanza (sections 3.1.2, 3.1.5, 3.2.2, 3.3.2, 3.4.2).
    pub(crate) async fn subscription_out(&self, session: &Arc<Session>, stanza: Stanza) {
        let (Some(request), Some(to)) = (Request::from_type(stanza.ty()), &stanza.to) else { return };
        let (owner, contact) = (&session.account.jid, to.bare());
        // One sees one's own presence anyhow.
        if contact == *owner {
            return;
        }
        let edited = self.edit_roster(owner, |roster| {
            let before = roster.item(contact.as_str());
            let state = State::of(before);
            let step = outbound(state, before.is_some_and(|item| item.approved), request);
            let item = apply(before, &contact, &step, None);
            if before.is_none_or(|item| item.hidden) && item.as_ref().is_some_and(|item| !item.hidden) {
                self.check_room(roster)?;
            }
            Ok(Edit { change: change(before, item), push: step.push, first: None, answer: (state, step) })
        });
        let (before, step) = match edited.await {
            Ok(edited) => edited,
            Err(error) => return self.bounce(&stanza, &error).await,
        };
        if before.from() && !step.state.from() {
            // While the contact may still know (section 3.2.2).
            self.present_account(owner, &contact, Type::Unavailable).await;
        }
        if step.pass {
            let stanza = stanza.with_addresses(Some(owner.clone()), Some(contact.clone()));
            Box::pin(self.presence_from(&Source::of(session), stanza)).await;
        }
        if !before.from() && step.state.from() {
            self.present_account(owner, &contact, Type::Available).await;
        }
    }

    /// A subscription stanza for a local account (sections 3.1.3, 3.1.6, 3.2.3, 3.3.3).
    pub(crate) async fn subscription_in(&self, stanza: Stanza) {
        let (Some(request), Some(to), Some(from)) =
            (Request::from_type(stanza.ty()), &stanza.to, &stanza.from)
        else {
            return;
        };
        let (owner, contact) = (to.bare(), from.bare());
        if owner == contact {
            return;
        }
        match self.has_account(&owner).await {
            Ok(true) => {}
            // Nobody hears that there is no such account (section 8.5.1): others may not answer either.
            Ok(false) => return,
            // The contact's server may try again; nothing is known that it could be told.
            Err(error) => return tracing::error!("a subscription stanza was lost: {error}"),
        }
        let stanza = stanza.with_addresses(Some(contact.clone()), Some(owner.clone()));
        let edited = self.edit_roster(&owner, |roster| {
            let before = roster.item(contact.as_str());
            let state = State::of(before);
            let step = inbound(state, before.is_some_and(|item| item.approved), request);
            let asks = request == Request::Subscribe;
            let item = apply(before, &contact, &step, asks.then_some(&stanza));
            if before.is_none() && item.is_some() {
                check_strangers(roster)?;
            }
            // A request is for available resources, the rest for those that know the roster.
            let first = (step.pass && !asks).then(|| stanza.clone());
            Ok(Edit { change: change(before, item), push: step.push, first, answer: (state, step) })
        });
        let (before, step) = match edited.await {
            Ok(edited) => edited,
            Err(error) => return tracing::warn!(%owner, "a subscription stanza was lost: {error}"),
        };
        if request == Request::Subscribe && step.pass {
            self.present_request(&owner, stanza).await;
        }
        if let Some(reply) = step.reply {
            self.send_request(&owner, &contact, reply).await;
        }
        if step.reply == Some(Request::Subscribed) {
            self.present_account(&owner, &contact, Type::Available).await;
        }
        if before.from() && !step.state.from() {
            self.present_account(&owner, &contact, Type::Unavailable).await;
        }
    }

    /// Send a subscription stanza on the owner's behalf.
    pub(crate) async fn send_request(&self, owner: &Jid, contact: &Jid, request: Request) {
        let stanza = Stanza::presence(request.as_type(), "");
        let stanza = stanza.with_addresses(Some(owner.clone()), Some(contact.clone()));
        Box::pin(self.presence_in(stanza)).await;
    }

    /// Show a request to the owner's available resources. Others see it when they become available.
    async fn present_request(&self, owner: &Jid, stanza: Stanza) {
        let (Some(entry), Some(vhost)) = (self.directory.account(owner.as_str()), self.vhost(owner.domain()))
        else {
            return;
        };
        let source = Source::internal(&vhost);
        for session in entry.sessions().iter().filter(|session| session.priority().is_some()) {
            // It is kept in the roster for whoever comes next.
            let _ = self.hand_to(session, &source, stanza.clone()).await;
        }
    }
}

/// The item after a step; `None` if nothing is left to remember. `request` is what the contact asks with.
fn apply(
    before: Option<&RosterItem>,
    contact: &Jid,
    step: &Step,
    request: Option<&Stanza>,
) -> Option<RosterItem> {
    let mut item = before.cloned().unwrap_or_else(|| new_item(contact.clone()));
    item.from = step.state.from();
    item.to = step.state.to();
    item.pending_out = step.state.pending_out();
    item.approved = step.approved;
    if !step.state.pending_in() {
        item.pending_in = None;
    } else if item.pending_in.is_none() {
        item.pending_in = request.map(kept);
    }
    let shown = item.from || item.to || item.pending_out || item.approved;
    item.hidden &= !shown;
    (!item.hidden || item.pending_in.is_some()).then_some(item)
}

/// A request as it is kept until it is answered.
pub(crate) fn kept(request: &Stanza) -> String {
    if request.wire_len() <= MAX_KEPT_REQUEST {
        return request.to_xml();
    }
    Stanza::presence(Type::Subscribe, "").with_addresses(request.from.clone(), request.to.clone()).to_xml()
}

fn change(before: Option<&RosterItem>, after: Option<RosterItem>) -> Change {
    match (before, after) {
        (before, Some(after)) if before == Some(&after) => Change::Keep,
        (_, Some(after)) => Change::Put(after),
        (Some(before), None) => Change::Remove(before.jid.clone()),
        (None, None) => Change::Keep,
    }
}

fn check_strangers(roster: &Roster) -> Result<(), StanzaError> {
    let strangers = roster.items.iter().filter(|item| item.hidden).count();
    if strangers < MAX_HIDDEN { Ok(()) } else { Err(Condition::ResourceConstraint.into()) }
}

#[cfg(test)]
mod tests;
