//! The journey of a stanza: from whoever sent it to whoever takes it.

use crate::commands::Venue;
use crate::directory::AccountEntry;
use crate::outbound::{Copies, Load, Place, Queued, Refused};
use crate::server::Server;
use crate::session::{Session, Undelivered};
use crate::slowdown::Crowd;
use crate::vhost::Vhost;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::oneshot;
use waxwing_plugins::{Calls, Change, Event, Facts, Origin, Outcome, SessionEvents, Stage, Target};
use waxwing_xmpp::{Condition, Jid, Kind, Stanza, StanzaError, Type};

/// What became of a stanza that was handed to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handed {
    Taken,
    /// Its sender has been told that it is not.
    Refused,
}

/// Where a stanza comes from, for the plugins that are asked about it.
pub(crate) struct Source<'a> {
    pub origin: Origin,
    pub vhost: &'a Arc<Vhost>,
    /// The client session that sent it, if one did.
    pub session: Option<&'a Arc<Session>>,
    /// The address of a client that has not logged in.
    pub stream: Option<IpAddr>,
    /// Sessions that have got it and whose clients do not keep up.
    pub crowd: Crowd,
}

impl<'a> Source<'a> {
    /// A client's session.
    pub fn of(session: &'a Arc<Session>) -> Self {
        Self {
            origin: Origin::Session,
            vhost: &session.vhost,
            session: Some(session),
            stream: None,
            crowd: Crowd::default(),
        }
    }

    /// The host or a plugin, in the name of a virtual host.
    pub fn internal(vhost: &'a Arc<Vhost>) -> Self {
        Self { origin: Origin::Internal, vhost, session: None, stream: None, crowd: Crowd::default() }
    }

    /// The IP address of the client that sent it.
    fn client(&self) -> Option<IpAddr> {
        self.stream.or_else(|| self.session?.address())
    }

    pub fn facts(&self, recipient: Option<&AccountEntry>, targets: Target) -> Facts {
        Facts {
            targets,
            sender_session: self.session.map_or(0, |session| session.marks()),
            sender_account: self.session.map_or(0, |session| session.account.marks()),
            recipient_account: recipient.map_or(0, AccountEntry::marks),
            by_type: false,
        }
    }
}

impl Server {
    /// For plugins that act for the sender.
    fn event(&self, source: &Source<'_>) -> Event {
        self.event_for(source, &source.vhost.jid)
    }

    /// For plugins that act for whom the stanza is for.
    pub(crate) fn event_for(&self, source: &Source<'_>, recipient: &Jid) -> Event {
        let (vhost, client) = (recipient.domain_jid(), source.client());
        Event { vhost, origin: source.origin, received: self.clock.now(), client, accepted: false }
    }

    /// Take a stanza from a client's session and process it to its end: order and back-pressure
    /// follow from waiting for it. `from` is stamped here, whatever it says.
    pub async fn receive(&self, session: &Arc<Session>, stanza: Stanza) {
        let (told, mut source) = (session.told(), Source::of(session));
        self.take(&source, session, stanza).await;
        // Only here does a sender wait for readers, when nobody else waits for it.
        if session.told() != told && session.outbound.is_crowded() {
            Box::pin(session.outbound.make_room()).await;
        }
        if let Some(crowd) = source.crowd.take() {
            Box::pin(self.slow_down(&crowd)).await;
        }
    }

    async fn take(&self, source: &Source<'_>, session: &Arc<Session>, mut stanza: Stanza) {
        self.stats.stanzas_in.fetch_add(1, Ordering::Relaxed);
        if session.account.is_removed() {
            // The stream is about to be told.
            return;
        }
        if let Some(guest) = session.account.guest() {
            Box::pin(self.pace(guest)).await;
        }
        session.has_acted(self.clock.now());
        stanza.from = Some(session.jid.clone());
        // Without `to`, a message or IQ is for the own account (RFC 6120, sections 10.3.1, 10.3.3).
        if stanza.to.is_none() && stanza.kind() != Kind::Presence {
            stanza.to = Some(session.account.jid.clone());
        }
        let recipient = match self.recipient(&mut stanza).await {
            Ok(recipient) => recipient,
            Err(error) => return Box::pin(self.bounce(&stanza, &error)).await,
        };

        let calls = self.matching(session.vhost.domain(), Stage::Pre, &stanza, || {
            source.facts(recipient.as_deref(), Target::empty())
        });
        let stanza = if calls.is_empty() {
            stanza
        } else {
            match Box::pin(self.ask(calls, self.event(source), stanza)).await {
                Some(stanza) => stanza,
                None => return,
            }
        };
        if let Some(to) = &stanza.to
            && let Err(error) = self.may_pass(&session.jid, to)
        {
            return Box::pin(self.bounce(&stanza, &error)).await;
        }
        match stanza.kind() {
            Kind::Message => self.message(source, stanza, recipient).await,
            Kind::Iq => Box::pin(self.iq(source, stanza, recipient)).await,
            Kind::Presence => Box::pin(self.presence_out(session, stanza)).await,
        }
    }

    /// Take an IQ from a stream that has not logged in (XEP-0077) and answer with what goes back.
    pub async fn receive_before_login(
        &self,
        vhost: &Arc<Vhost>,
        client: Option<IpAddr>,
        tls: bool,
        stanza: Stanza,
    ) -> Option<Stanza> {
        let crowd = Crowd::default();
        let source = Source { origin: Origin::Stream, vhost, session: None, stream: client, crowd };
        let stanza = stanza.with_addresses(None, Some(vhost.jid.clone()));
        let answerable = matches!(stanza.ty(), Type::Get | Type::Set);
        let facts = || source.facts(None, Target::STREAM);
        let calls = self.matching(vhost.domain(), Stage::Process, &stanza, facts);
        let Some(engine) = self.engine.get().filter(|_| answerable && !calls.is_empty()) else {
            return stanza.error_reply(&Condition::NotAuthorized.into());
        };
        if !tls {
            // What a stranger fills in, such as a password, is for nobody else to read.
            let error = StanzaError::from(Condition::PolicyViolation);
            return stanza.error_reply(&error.with_text("This takes TLS"));
        }
        match engine.call(calls, &self.event(&source), stanza.clone()).await {
            Outcome::Reply(inner) => Some(stanza.iq_result(&inner)),
            Outcome::Reject(error) => stanza.error_reply(&error),
            Outcome::Next(_) => stanza.error_reply(&Condition::ServiceUnavailable.into()),
            Outcome::Handled | Outcome::Drop => None,
        }
    }

    /// The plugins of a virtual host to ask about a stanza. `facts` are only gathered if there are any.
    pub(crate) fn matching(
        &self,
        vhost: &str,
        stage: Stage,
        stanza: &Stanza,
        facts: impl FnOnce() -> Facts,
    ) -> Calls {
        self.engine.get().map_or_else(Calls::default, |engine| engine.matching(vhost, stage, stanza, facts))
    }

    /// Ask plugins; `None` if one of them has dealt with the stanza.
    pub(crate) async fn ask(&self, calls: Calls, event: Event, stanza: Stanza) -> Option<Stanza> {
        let Some(engine) = self.engine.get() else { return Some(stanza) };
        match engine.call(calls, &event, stanza.clone()).await {
            Outcome::Next(stanza) => return Some(stanza),
            Outcome::Handled | Outcome::Drop => {}
            Outcome::Reply(inner) => self.send_back(stanza.iq_result(&inner)).await,
            Outcome::Reject(error) => self.bounce(&stanza, &error).await,
        }
        None
    }

    /// Route a stanza by its `to`, as one that the host or a plugin has made: no `pre` hooks.
    pub(crate) async fn route(&self, mut stanza: Stanza) {
        let recipient = match self.recipient(&mut stanza).await {
            Ok(recipient) => recipient,
            Err(error) => return Box::pin(self.bounce(&stanza, &error)).await,
        };
        let Some(to) = stanza.to.clone() else { return };
        let sender = stanza.from.as_ref().and_then(|from| self.vhost_of(from));
        let Some(vhost) = sender.or_else(|| self.vhost(to.domain())) else { return };
        let source = Source::internal(&vhost);
        match stanza.kind() {
            Kind::Message => self.message(&source, stanza, recipient).await,
            Kind::Iq => self.iq(&source, stanza, recipient).await,
            Kind::Presence => Box::pin(self.presence_in(stanza)).await,
        }
    }

    /// RFC 6120, section 8.2.3, and RFC 6121, section 8.5, for IQs.
    async fn iq(&self, source: &Source<'_>, stanza: Stanza, recipient: Option<Arc<AccountEntry>>) {
        let Some(to) = stanza.to.as_ref() else { return };
        if !self.is_served(to.domain()) {
            return Box::pin(self.send_elsewhere(source.origin, stanza)).await;
        }
        let Some(stanza) = self.let_in(source, stanza, recipient.as_deref()).await else { return };
        let Some(to) = stanza.to.as_ref() else { return };
        if to.local().is_some() && to.resource().is_some() {
            let session = recipient.and_then(|account| account.session(to));
            let back = match session {
                Some(session) => self.hand_to(&session, source, stanza).await,
                None => Err(stanza),
            };
            if let Err(stanza) = back {
                self.bounce(&stanza, &Condition::ServiceUnavailable.into()).await;
            }
            return;
        }
        if !matches!(stanza.ty(), Type::Get | Type::Set) {
            if to.local().is_none() {
                self.hand_to_plugin(&stanza).await;
            }
            return;
        }
        if let Some(session) = source.session
            && let Err(error) = self.check_secrecy(session, &stanza)
        {
            return self.bounce(&stanza, &error).await;
        }
        // What has come to be an account is one, whatever a plugin would have of its name.
        if let Some(component) = self.component(to)
            && !self.account_known(to).await
        {
            return match Box::pin(self.component_iq(source.session, &component, &stanza)).await {
                Ok(inner) => self.send_back(stanza.iq_result(&inner)).await,
                Err(error) => self.bounce(&stanza, &error).await,
            };
        }
        let target = match self.target(stanza.from.as_ref(), to).await {
            Ok(target) => target,
            Err(error) => return self.bounce(&stanza, &error).await,
        };
        let facts = || source.facts(recipient.as_deref(), target);
        let calls = self.matching(to.domain(), Stage::Process, &stanza, facts);
        let stanza = if calls.is_empty() {
            stanza
        } else {
            let event = self.event_for(source, to);
            match Box::pin(self.ask(calls, event, stanza)).await {
                Some(stanza) => stanza,
                None => return,
            }
        };
        match self.host_iq(source.session, target, &stanza).await {
            Ok(Some(answer)) => self.send_back(answer).await,
            Ok(None) => {}
            Err(error) => self.bounce(&stanza, &error).await,
        }
    }

    /// What an IQ to a domain or to an account is addressed to, as far as its sender may know.
    async fn target(&self, from: Option<&Jid>, to: &Jid) -> Result<Target, StanzaError> {
        if to.local().is_none() {
            return Ok(Target::SERVER);
        }
        let Some(from) = from else { return Ok(Target::STRANGER) };
        if from.bare_str() == to.bare_str() {
            return Ok(Target::OWN_ACCOUNT);
        }
        let may_know = self.relation(to, from).await?.from;
        Ok(if may_know { Target::OTHER_ACCOUNT } else { Target::STRANGER })
    }

    /// The IQs that the host answers itself: the roster, service discovery and commands.
    async fn host_iq(
        &self,
        session: Option<&Arc<Session>>,
        target: Target,
        iq: &Stanza,
    ) -> Result<Option<Stanza>, StanzaError> {
        use waxwing_xmpp::ns;
        let result = |inner: String| iq.iq_result(&inner);
        let Some(payload) = iq.payload() else { return Err(Condition::BadRequest.into()) };
        match (payload.ns(), payload.name()) {
            (ns::ROSTER, "query") if target == Target::OWN_ACCOUNT => match session {
                Some(session) => Ok(Box::pin(self.roster_iq(session, iq)).await?.map(result)),
                None => Err(Condition::Forbidden.into()),
            },
            (ns::ROSTER, "query") => Err(Condition::Forbidden.into()),
            (ns::DISCO_INFO, "query") => self.disco_info(iq, target).map(Some),
            (ns::DISCO_ITEMS, "query") => Box::pin(self.disco_items(iq, target)).await.map(Some),
            (ns::COMMANDS, "command") if target == Target::SERVER => {
                let Some(to) = &iq.to else { return Err(Condition::BadRequest.into()) };
                let venue = Venue::vhost(to.domain());
                Ok(Some(result(Box::pin(self.command_iq(session, iq, venue)).await?)))
            }
            _ => Err(Condition::ServiceUnavailable.into()),
        }
    }

    /// Put a stanza into a session's queue, after the `filter` hooks. Gives it back if the session
    /// is gone. Where the session has just ended for want of room, the sender is told to try again.
    pub(crate) async fn hand_to(
        &self,
        session: &Arc<Session>,
        source: &Source<'_>,
        stanza: Stanza,
    ) -> Result<(), Stanza> {
        match self.hand_copy_to(session, source, stanza, None).await {
            Ok(_) => Ok(()),
            Err(Undelivered::Gone(stanza)) => Err(stanza),
            Err(Undelivered::Full(stanza)) => {
                Box::pin(self.refuse(&stanza)).await;
                Ok(())
            }
        }
    }

    /// The same for one of several copies of a message.
    pub(crate) async fn hand_copy_to(
        &self,
        session: &Arc<Session>,
        source: &Source<'_>,
        mut stanza: Stanza,
        copies: Option<&Arc<Copies>>,
    ) -> Result<Handed, Undelivered> {
        let facts = || source.facts(Some(&session.account), Target::empty());
        let filters = self.matching(session.vhost.domain(), Stage::Filter, &stanza, facts);
        if !filters.is_empty() {
            match Box::pin(self.filter(filters, session, source, stanza, copies)).await {
                Some(filtered) => stanza = filtered,
                None => return Ok(Handed::Taken),
            }
        }
        let kind = stanza.kind();
        if source.session.is_none() {
            session.note_told();
        }
        let queued = match copies {
            Some(copies) => session.deliver_copy(stanza, copies.clone()),
            None => session.deliver(stanza),
        };
        let Queued { load, answer } = match queued {
            Ok(queued) => queued,
            Err(unqueued) => return Err(Box::pin(session.give_back(unqueued)).await),
        };
        // Presence is the one thing that somebody sends to many at once.
        if load == Load::Crowded && source.session.is_some() && kind != Kind::Presence {
            source.crowd.add(session);
        }
        match answer {
            Some(answer) => Ok(Box::pin(self.keep_or_refuse(session, answer)).await),
            None => Ok(Handed::Taken),
        }
    }

    /// Have plugins keep what is in the queue of a session without a connection.
    async fn keep_or_refuse(&self, session: &Arc<Session>, answer: oneshot::Receiver<Refused>) -> Handed {
        match self.keep_one(session, answer).await {
            Ok(()) => Handed::Taken,
            Err(Refused { stanza, error }) => {
                self.bounce(&stanza, &error).await;
                Handed::Refused
            }
        }
    }

    /// Ask the `filter` hooks about a stanza for a session. `None` if one of them has not let it through.
    async fn filter(
        &self,
        filters: Calls,
        session: &Session,
        source: &Source<'_>,
        stanza: Stanza,
        copies: Option<&Arc<Copies>>,
    ) -> Option<Stanza> {
        let Some(engine) = self.engine.get() else { return Some(stanza) };
        let event = self.event_for(source, &session.jid);
        match engine.filter(filters, &event, &session.jid, stanza.clone()).await {
            Outcome::Next(filtered) => return Some(filtered),
            outcome => self.filtered_out(&stanza, outcome, copies).await,
        }
        None
    }

    /// A filter has not let a stanza through to a session.
    async fn filtered_out(&self, stanza: &Stanza, outcome: Outcome, copies: Option<&Arc<Copies>>) {
        let error = match outcome {
            Outcome::Reply(inner) => return self.send_back(stanza.iq_result(&inner)).await,
            Outcome::Reject(error) => Some(error),
            // Every request is to be answered (RFC 6120, section 8.2.3).
            _ if stanza.kind() == Kind::Iq => Some(Condition::ServiceUnavailable.into()),
            _ => None,
        };
        match (error, copies) {
            // The sender hears of it if no other session takes the message.
            (Some(error), Some(copies)) => copies.refuse(error),
            (None, Some(copies)) => copies.written(),
            // Who is present does not wait for an answer, least of all for one from each session.
            (Some(error), None) if stanza.kind() != Kind::Presence => self.bounce(stanza, &error).await,
            _ => {}
        }
    }

    /// A presence that a client sends (RFC 6121, section 4 and 3).
    async fn presence_out(&self, session: &Arc<Session>, stanza: Stanza) {
        let Some(_turn) = session.presence_turn().await else { return };
        match (&stanza.to, stanza.ty()) {
            (None, Type::Available) => self.become_available(session, stanza).await,
            (None, Type::Unavailable) => self.leave(session, stanza).await,
            (None, Type::Error) => {}
            (None, _) => self.bounce(&stanza, &Condition::BadRequest.into()).await,
            (Some(_), Type::Subscribe | Type::Subscribed | Type::Unsubscribe | Type::Unsubscribed) => {
                self.subscription_out(session, stanza).await;
            }
            (Some(_), Type::Available | Type::Unavailable) => self.directed(session, stanza).await,
            (Some(_), _) => self.presence_from(&Source::of(session), stanza).await,
        }
    }

    async fn become_available(&self, session: &Arc<Session>, stanza: Stanza) {
        let priority = match crate::presence::parse_priority(&stanza) {
            Ok(priority) => priority,
            Err(error) => return self.bounce(&stanza, &error).await,
        };
        // Held from before the session can be seen, so that nothing overtakes what is stored.
        let held = session.hold();
        let before = session.set_presence(Some((priority, stanza.clone())));
        self.present_to_own(session, &stanza).await;
        match before {
            None => {
                let change = Change::Available(priority);
                self.session_event(session, change, SessionEvents::AVAILABLE, Some(held)).await;
            }
            Some(before) if before != priority => {
                let change = Change::Priority(priority);
                self.session_event(session, change, SessionEvents::PRIORITY, Some(held)).await;
            }
            Some(_) => drop(held),
        }
        self.broadcast_available(session, stanza, before.is_none()).await;
    }

    /// A client says that it is not available any more, and hears it too (section 4.5.2).
    async fn leave(&self, session: &Arc<Session>, stanza: Stanza) {
        let was_available = session.priority().is_some();
        self.become_unavailable(session, stanza.clone()).await;
        if was_available {
            let stanza = stanza.with_addresses(stanza.from.clone(), Some(session.account.jid.clone()));
            // Whoever is gone needs no presence.
            let _ = self.hand_to(session, &Source::of(session), stanza).await;
        }
    }

    pub(crate) async fn become_unavailable(&self, session: &Arc<Session>, stanza: Stanza) {
        if session.set_presence(None).is_none() {
            return self.end_directed(session).await;
        }
        let status = stanza.text("status").filter(|status| !status.is_empty());
        // Plugins first: who is told that somebody has left may ask at once when that was (XEP-0012).
        self.session_event(session, Change::Unavailable(status), SessionEvents::UNAVAILABLE, None).await;
        self.broadcast_unavailable(session, stanza).await;
    }

    /// Queue a stanza for exactly one session, and let `ticket` tell what became of it.
    pub(crate) async fn deliver_to(
        &self,
        session: &Jid,
        stanza: Stanza,
        ticket: crate::outbound::Ticket,
        ahead: bool,
    ) {
        if let Some(session) = self.directory.session(session) {
            let place = if ahead { Place::Ahead } else { Place::Behind };
            session.deliver_with(stanza, ticket, place).await;
        }
    }
}
