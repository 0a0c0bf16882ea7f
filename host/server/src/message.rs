//! Where a message goes: RFC 6121, section 8.5.

use crate::directory::AccountEntry;
use crate::outbound::{Copies, Entry, Remains};
use crate::resumption::{delayed, original};
use crate::router::{Handed, Source};
use crate::server::Server;
use crate::session::{Session, Undelivered};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use waxwing_plugins::{Change, SessionEvents, Stage, Target};
use waxwing_xmpp::{Condition, Jid, Kind, Stanza, Type};

impl Server {
    /// RFC 6121, section 8.5, for messages.
    pub(crate) async fn message(
        &self,
        source: &Source<'_>,
        stanza: Stanza,
        recipient: Option<Arc<AccountEntry>>,
    ) {
        let Some(stanza) = self.let_in(source, stanza, recipient.as_deref()).await else { return };
        let Some(to) = &stanza.to else { return };
        let handed = match &recipient {
            Some(account) if to.resource().is_some() => match account.session(to) {
                Some(session) => self.hand_to(&session, source, stanza).await,
                None => Err(stanza),
            },
            Some(account) if !matches!(stanza.ty(), Type::Groupchat | Type::Error) => {
                self.hand_to_all(&account.receivers(), source, stanza).await
            }
            _ => Err(stanza),
        };
        if let Err(stanza) = handed {
            Box::pin(self.message_without_session(source, stanza, recipient)).await;
        }
    }

    /// Hand a message to these sessions. Gives it back if none took it, or all that did ended at
    /// once without having written it.
    async fn hand_to_all(
        &self,
        sessions: &[Arc<Session>],
        source: &Source<'_>,
        stanza: Stanza,
    ) -> Result<(), Stanza> {
        match sessions {
            [] => Err(stanza),
            [session] => self.hand_to(session, source, stanza).await,
            [first, ..] => Box::pin(self.hand_copies_to(&first.account.jid, sessions, source, stanza)).await,
        }
    }

    /// Hand a copy of a message to each of several sessions of an account. Gives it back under the same conditions as
    /// [`Server::hand_to_all`].
    async fn hand_copies_to(
        &self,
        account: &Jid,
        sessions: &[Arc<Session>],
        source: &Source<'_>,
        stanza: Stanza,
    ) -> Result<(), Stanza> {
        let (copies, mut full) = (Copies::new(), false);
        // What somebody reads now need not be kept for the others.
        let (asleep, awake): (Vec<_>, Vec<_>) = sessions.iter().partition(|session| session.is_asleep());
        for session in awake.into_iter().chain(asleep) {
            match self.hand_copy_to(session, source, stanza.clone(), Some(&copies)).await {
                Ok(Handed::Refused) => return Ok(()),
                Err(Undelivered::Full(_)) => full = true,
                Ok(Handed::Taken) | Err(Undelivered::Gone(_)) => {}
            }
        }
        match copies.give_up() {
            Remains::Enough => {}
            Remains::Stored => self.look_again(account),
            // What is stored before the queue is taken out would overtake what is in it.
            Remains::Nothing if full => self.refuse(&stanza).await,
            Remains::Nothing => match copies.refusal() {
                Some(error) => self.bounce(&stanza, &error).await,
                None => return Err(stanza),
            },
        }
        Ok(())
    }

    /// A message for which there is no session: another of the account, a plugin, or an error.
    async fn message_without_session(
        &self,
        source: &Source<'_>,
        stanza: Stanza,
        recipient: Option<Arc<AccountEntry>>,
    ) {
        let Some(to) = stanza.to.clone() else { return };
        if !self.is_served(to.domain()) {
            return self.send_elsewhere(source.origin, stanza).await;
        }
        if to.local().is_none() {
            // For the server itself: only a plugin can have a use for it.
            let facts = || source.facts(None, Target::SERVER);
            let calls = self.matching(to.domain(), Stage::Process, &stanza, facts);
            if let Some(stanza) = self.ask(calls, self.event_for(source, &to), stanza).await {
                self.bounce(&stanza, &Condition::ServiceUnavailable.into()).await;
            }
            return;
        }
        match stanza.ty() {
            Type::Error => return,
            // RFC 6121, section 8.5.3.2.1: only chat goes to the account's other sessions.
            Type::Normal | Type::Groupchat | Type::Headline if to.resource().is_some() => {
                return self.tell_that_nobody_took(&stanza).await;
            }
            _ => {}
        }
        let mut stanza = stanza;
        if to.resource().is_some()
            && let Some(account) = &recipient
        {
            match self.hand_to_all(&account.receivers(), source, stanza).await {
                Ok(()) => return,
                Err(back) => stanza = back,
            }
        }
        self.message_for_nobody(source, stanza, &to).await
    }

    /// A message that nobody online takes: `post` hooks, then an error.
    pub(crate) async fn message_for_nobody(&self, source: &Source<'_>, stanza: Stanza, to: &Jid) {
        let account = to.bare();
        if self.account_known(&account).await {
            let facts = || source.facts(None, Target::empty());
            let calls = self.matching(to.domain(), Stage::Post, &stanza, facts);
            match self.ask(calls, self.event_for(source, to), stanza).await {
                None => return self.look_again(&account),
                Some(back) => return self.tell_that_nobody_took(&back).await,
            }
        }
        self.tell_that_nobody_took(&stanza).await;
    }

    /// The sender of a headline does not wait for an answer (RFC 6121, section 8.5.2.2.1).
    async fn tell_that_nobody_took(&self, stanza: &Stanza) {
        if stanza.ty() != Type::Headline {
            self.bounce(stanza, &Condition::ServiceUnavailable.into()).await;
        }
    }

    /// A plugin has kept something for an account that had nobody online, or what it had handed to a session
    /// did not get to the client. If somebody has come
    /// meanwhile, it may have looked before this was durable: have it look again.
    pub(crate) fn look_again(&self, account: &Jid) {
        let Some(entry) = self.directory.account(account.as_str()) else { return };
        let mut receivers = entry.receivers();
        receivers.retain(|session| !session.is_finishing());
        // One without a connection has what was kept for it alone.
        let awake = receivers.iter().find(|session| !session.is_asleep());
        let Some(session) = awake.or(receivers.first()).cloned() else { return };
        let Some(server) = self.me.upgrade() else { return };
        // Held at once, so that the sender's next message cannot overtake; the rest may have to
        // wait for a turn that the present call itself is part of.
        let held = session.hold();
        tokio::spawn(async move {
            let change = Change::Available(session.priority().unwrap_or(0));
            server.session_event(&session, change, SessionEvents::AVAILABLE, Some(held)).await;
        });
    }

    /// What a session could not write before it ended.
    pub(crate) async fn route_again(&self, ended: &Arc<Session>, entry: Entry) {
        match (entry.stanza.kind(), entry.stanza.ty()) {
            (Kind::Message, Type::Normal | Type::Chat) => {}
            (Kind::Iq, _) => {
                return self.bounce(&entry.stanza, &Condition::ServiceUnavailable.into()).await;
            }
            _ => return,
        }
        match entry.copies.as_ref().map_or(Remains::Nothing, |copies| copies.give_up()) {
            Remains::Nothing => {}
            // Another session has written it, or will.
            Remains::Enough => return,
            Remains::Stored => return self.look_again(&ended.account.jid),
        }
        let account = &ended.account;
        if account.is_removed() || !self.is_account(&account.jid).await.unwrap_or(true) {
            // Removed: whoever takes the name next must not find it.
            return self.bounce(&entry.stanza, &Condition::ServiceUnavailable.into()).await;
        }
        self.stats.rerouted.fetch_add(1, Ordering::Relaxed);
        let domain = ended.vhost.domain();
        let (stanza, received) = original(&entry.stanza, entry.received, domain);
        // Its time is known where it may have waited for long.
        let is_old = entry.received > 0;
        let outgoing = if is_old { delayed(&stanza, domain, received) } else { entry.stanza };
        let source = Source::internal(&ended.vhost);
        let mut others = account.receivers();
        others.retain(|session| !session.is_finishing());
        let Err(back) = self.hand_to_all(&others, &source, outgoing).await else { return };
        // Who keeps it stamps it with the time of the event.
        let mut event = self.event_for(&source, &account.jid);
        event.accepted = true;
        let stanza = if is_old { stanza } else { back };
        if is_old {
            event.received = received;
        }
        let facts = || source.facts(None, Target::empty());
        let calls = self.matching(domain, Stage::Post, &stanza, facts);
        match self.ask(calls, event, stanza).await {
            None => self.look_again(&account.jid),
            Some(back) => self.bounce(&back, &Condition::RecipientUnavailable.into()).await,
        }
    }

    pub(crate) async fn account_known(&self, account: &Jid) -> bool {
        // A failing database must not make messages bounce as if the account were gone for good,
        // but without it nothing can be kept either: the plugins will say so.
        self.has_account(account).await.unwrap_or(true)
    }
}

#[cfg(test)]
mod tests;
