//! Answers: back to whoever asked, wherever that is.

use crate::router::Source;
use crate::server::Server;
use std::sync::atomic::Ordering;
use waxwing_plugins::{Facts, Origin, Stage, Target};
use waxwing_xmpp::{Jid, Kind, Stanza, StanzaError};

impl Server {
    /// Answer a stanza with an error, unless it is one that must not be answered.
    pub(crate) async fn bounce(&self, stanza: &Stanza, error: &StanzaError) {
        if let Some(reply) = stanza.error_reply(error) {
            self.stats.bounced.fetch_add(1, Ordering::Relaxed);
            if let Some(reply) = self.show_error(reply).await {
                self.send_back(reply).await;
            }
        }
    }

    /// Plugins of whoever an error is for, if they ask for errors by their type, see those that the host makes as they
    /// see those of clients. `None` if one has dealt with it.
    async fn show_error(&self, error: Stanza) -> Option<Stanza> {
        let Some(to) = &error.to else { return Some(error) };
        let Some(vhost) = self.vhost(to.domain()) else { return Some(error) };
        let source = Source::internal(&vhost);
        let calls = self.matching(vhost.domain(), Stage::Pre, &error, || {
            let recipient = self.directory.account(to.bare_str());
            Facts { by_type: true, ..source.facts(recipient.as_deref(), Target::empty()) }
        });
        if calls.is_empty() {
            return Some(error);
        }
        let event = self.event_for(&source, &vhost.jid);
        Box::pin(self.ask(calls, event, error)).await
    }

    /// Send an answer to whoever asked, here or elsewhere; nobody hears if it is gone.
    pub(crate) async fn send_back(&self, answer: Stanza) {
        match &answer.to {
            Some(to) if !self.is_local(to.domain()) => {
                Box::pin(self.send_elsewhere(Origin::Internal, answer)).await;
            }
            Some(to) if to.local().is_none() => self.hand_to_plugin(&answer).await,
            Some(to) => self.hand_back(to, &answer),
            None => {}
        }
    }

    /// Give the answer to a request that was made in the name of a virtual host or of a service to the
    /// plugin that made it.
    pub(crate) async fn hand_to_plugin(&self, answer: &Stanza) {
        if answer.kind() == Kind::Iq
            && let Some(engine) = self.engine.get()
        {
            // What nobody waits for is nobody's.
            Box::pin(engine.reply(answer)).await;
        }
    }

    /// Give an answer to the session that asked or, where an account did (as in subscriptions), to all of its sessions
    /// that follow such things. No `filter` is asked: it might refuse the error that tells of its own refusal.
    fn hand_back(&self, to: &Jid, answer: &Stanza) {
        let Some(account) = self.directory.account(to.bare_str()) else { return };
        for session in account.sessions() {
            let follows = to.is_bare() && (session.interested() || session.priority().is_some());
            if session.jid == *to || follows {
                session.tell(answer.clone());
            }
        }
    }
}
