//! Presence: who hears that a client is there, how, and that it is gone (RFC 6121, section 4).

mod probe;

use crate::directory::AccountEntry;
use crate::router::Source;
use crate::server::Server;
use crate::session::Session;
use std::sync::Arc;
use waxwing_storage::Roster;
use waxwing_xmpp::{Condition, Jid, Stanza, StanzaError, Type, ns};

/// Addresses to which one session may be present beside its contacts. A client in more rooms than
/// this is told to leave some.
const MAX_DIRECTED: usize = 1000;

/// The priority of a presence: 0 where none is given (RFC 6121, section 4.7.2.3).
///
/// # Errors
/// `bad-request` for anything but one whole number from -128 to 127.
pub(crate) fn parse_priority(stanza: &Stanza) -> Result<i8, StanzaError> {
    let mut given = stanza.children().filter(|child| child.name() == "priority" && child.ns() == ns::CLIENT);
    if given.next().is_none() {
        return Ok(0);
    }
    let text = stanza.text("priority").unwrap_or_default();
    match text.trim().parse() {
        Ok(priority) if given.next().is_none() => Ok(priority),
        _ => {
            Err(StanzaError::from(Condition::BadRequest)
                .with_text("a priority is one number from -128 to 127"))
        }
    }
}

impl Server {
    /// Tell the account's own available resources of a client's presence, this one too (sections
    /// 4.2.2 and 4.4.2).
    pub(crate) async fn present_to_own(&self, session: &Arc<Session>, stanza: &Stanza) {
        let stanza = stanza.with_addresses(stanza.from.clone(), Some(session.account.jid.clone()));
        self.present(&Source::of(session), stanza, Some(&session.account)).await;
    }

    /// Tell all contacts who may know of a client's presence. The session has it already. `initial`
    /// if it was not available before: then it learns who is there, and who asks for a
    /// subscription.
    pub(crate) async fn broadcast_available(&self, session: &Arc<Session>, stanza: Stanza, initial: bool) {
        let roster = match self.roster_of(&session.account.jid).await {
            Ok(roster) => roster,
            Err(error) => return self.bounce(&stanza, &error).await,
        };
        let source = Source::of(session);
        self.broadcast(&source, &stanza, &roster).await;
        if initial {
            self.welcome(&source, session, &roster).await;
        }
    }

    /// Tell everybody who knows of a client that it is not available any more (section 4.5.2). The
    /// session has no presence already.
    pub(crate) async fn broadcast_unavailable(&self, session: &Arc<Session>, stanza: Stanza) {
        // Nobody has been shown a presence by a roster that has not been read since the account came online: if it cannot
        // be read now, there are only those who got directed presence.
        let roster = self.roster_of(&session.account.jid).await.unwrap_or_default();
        self.broadcast(&Source::of(session), &stanza, &roster).await;
        self.present_to_own(session, &stanza).await;
        for to in session.take_directed() {
            if !roster.item(to.bare_str()).is_some_and(|item| item.from) {
                self.presence_in(stanza.with_addresses(stanza.from.clone(), Some(to))).await;
            }
        }
    }

    /// Tell those who got directed presence of a client that never was available to all that it is
    /// gone (section 4.6.3).
    pub(crate) async fn end_directed(&self, session: &Arc<Session>) {
        let gone = session.take_directed();
        if gone.is_empty() {
            return;
        }
        let stanza = Stanza::presence(Type::Unavailable, "");
        for to in gone {
            self.presence_in(stanza.with_addresses(Some(session.jid.clone()), Some(to))).await;
        }
    }

    /// A client sends its presence, or its end, to one address (section 4.6).
    pub(crate) async fn directed(&self, session: &Arc<Session>, stanza: Stanza) {
        let Some(to) = &stanza.to else { return };
        if stanza.ty() == Type::Unavailable {
            session.remove_directed(to);
        } else if to.bare_str() != session.account.jid.as_str()
            && !session.add_directed(to.clone(), MAX_DIRECTED)
        {
            return self.bounce(&stanza, &Condition::ResourceConstraint.into()).await;
        }
        self.presence_from(&Source::of(session), stanza).await;
    }

    /// Route a presence by its `to`, as one that the host or a plugin has made.
    pub(crate) async fn presence_in(&self, stanza: Stanza) {
        let from = stanza.from.as_ref().and_then(|from| self.vhost_of(from));
        let to = || stanza.to.as_ref().and_then(|to| self.vhost(to.domain()));
        let Some(vhost) = from.or_else(to) else { return };
        self.presence_from(&Source::internal(&vhost), stanza).await;
    }

    /// Route a presence by its `to` (section 8.5).
    pub(crate) async fn presence_from(&self, source: &Source<'_>, stanza: Stanza) {
        let Some(to) = &stanza.to else { return };
        if !self.is_served(to.domain()) {
            return Box::pin(self.send_elsewhere(source.origin, stanza)).await;
        }
        match stanza.ty() {
            Type::Available | Type::Unavailable | Type::Error => self.deliver_presence(source, stanza).await,
            _ => {
                let recipient = self.directory.account(to.bare_str());
                match self.let_in(source, stanza, recipient.as_deref()).await {
                    Some(probe) if probe.ty() == Type::Probe => Box::pin(self.probe_in(source, probe)).await,
                    Some(request) => Box::pin(self.subscription_in(request)).await,
                    None => {}
                }
            }
        }
    }

    /// A presence that tells something: to a session, to all available ones of an account, or to
    /// another server (sections 8.5.2.1.2 and 8.5.3.1).
    async fn deliver_presence(&self, source: &Source<'_>, stanza: Stanza) {
        let Some(to) = &stanza.to else { return };
        let recipient = self.directory.account(to.bare_str());
        let Some(stanza) = self.let_in(source, stanza, recipient.as_deref()).await else { return };
        let Some(to) = &stanza.to else { return };
        if to.is_bare() && stanza.ty() != Type::Error {
            return self.present(source, stanza, recipient.as_ref()).await;
        }
        if !self.is_local(to.domain()) {
            return Box::pin(self.send_elsewhere(source.origin, stanza)).await;
        }
        let Some(session) = recipient.and_then(|account| account.session(to)) else { return };
        if stanza.ty() == Type::Error
            && let Some(from) = &stanza.from
        {
            // It has never heard of this session, so it need not hear of its end.
            session.remove_directed(from);
        }
        // Section 8.5.3.2.2: what comes for a session that is gone is ignored.
        let _ = self.hand_to(&session, source, stanza).await;
    }

    /// To all contacts that may see it.
    async fn broadcast(&self, source: &Source<'_>, stanza: &Stanza, roster: &Roster) {
        let passes = |to: &Jid| stanza.from.as_ref().is_none_or(|from| self.may_pass(from, to).is_ok());
        for item in roster.items.iter().filter(|item| item.from && passes(&item.jid)) {
            let stanza = stanza.with_addresses(stanza.from.clone(), Some(item.jid.clone()));
            let recipient = self.directory.account(item.jid.as_str());
            if let Some(stanza) = self.let_in(source, stanza, recipient.as_deref()).await {
                self.present(source, stanza, recipient.as_ref()).await;
            }
        }
    }

    /// To a bare JID: all available resources of the account get it, if it is online (section 8.5.2.1.2).
    async fn present(&self, source: &Source<'_>, stanza: Stanza, recipient: Option<&Arc<AccountEntry>>) {
        let Some(account) = recipient else {
            if stanza.to.as_ref().is_some_and(|to| !self.is_local(to.domain())) {
                Box::pin(self.send_elsewhere(source.origin, stanza)).await;
            }
            return;
        };
        for session in account.sessions().iter().filter(|session| session.priority().is_some()) {
            // Whoever is gone needs no presence.
            let _ = self.hand_to(session, source, stanza.clone()).await;
        }
    }

    /// Show one contact the presence of all of an account's available resources, or with
    /// [`Type::Unavailable`] that it may not see them any more.
    pub(crate) async fn present_account(&self, owner: &Jid, contact: &Jid, ty: Type) {
        let Some(entry) = self.directory.account(owner.as_str()) else { return };
        for session in &entry.sessions() {
            let source = Source::of(session);
            if ty == Type::Available {
                self.show(&source, session, contact).await;
            } else if session.priority().is_some() {
                let gone = Stanza::presence(Type::Unavailable, "");
                let gone = gone.with_addresses(Some(session.jid.clone()), Some(contact.clone()));
                self.deliver_presence(&source, gone).await;
            }
        }
    }

    /// Show the presence of an available session to somebody; `false` if it is not available. If it
    /// changes meanwhile it is shown again: its own broadcast may have come before.
    async fn show(&self, source: &Source<'_>, shown: &Session, to: &Jid) -> bool {
        let Some(mut presence) = shown.presence() else { return false };
        loop {
            let stanza = presence.with_addresses(Some(shown.jid.clone()), Some(to.clone()));
            self.deliver_presence(source, stanza).await;
            match shown.presence() {
                Some(present) if present.ty() == presence.ty() && present.inner() == presence.inner() => {
                    return true;
                }
                Some(present) => presence = present,
                None if presence.ty() == Type::Unavailable => return true,
                None => presence = Stanza::presence(Type::Unavailable, ""),
            }
        }
    }
}

#[cfg(test)]
mod tests;
