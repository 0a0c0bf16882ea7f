//! What waits for a session without a connection is in the storage as well, so that neither a stop nor a crash of the server
//! loses it.
//!
//! Plugins are asked to keep it as if the session had gone: what is there when the connection is lost at once, what comes
//! later before its sender is answered. One round at a time asks about all that has come together meanwhile, so that many
//! share one commit.

use crate::outbound::{Answer, Copies, Offer, Refused, Which};
use crate::resumption::original;
use crate::router::Source;
use crate::server::Server;
use crate::session::Session;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::oneshot;
use waxwing_plugins::{Keep, Kept, Leaving, Stage, Target};
use waxwing_xmpp::ErrorType;

/// Stanzas of one round.
const RUN: usize = 256;
/// Between attempts while the storage cannot answer.
const PAUSE: Duration = Duration::from_secs(1);

/// What a round has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Round {
    /// There was nothing to ask about.
    Empty,
    Done,
    /// The storage cannot answer now.
    Unavailable,
}

impl Server {
    /// For the stream that has left a session behind: have kept what waits in it, until it has a stream again, or ends.
    pub async fn keep_asleep(&self, session: &Arc<Session>) {
        loop {
            let turn = session.account.keeping_turn().await;
            if !session.is_asleep() || session.is_finishing() {
                return;
            }
            let (round, leaving) = self.keep_round(session, Which::All).await;
            drop(turn);
            leaving.await;
            match round {
                Round::Empty => return,
                Round::Done => {}
                Round::Unavailable => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// A message has been queued for a session without a connection: have it kept, and wait for that. The error is why it
    /// is refused.
    pub(crate) async fn keep_one(
        &self,
        session: &Arc<Session>,
        mut answer: oneshot::Receiver<Refused>,
    ) -> Result<(), Refused> {
        loop {
            tokio::select! {
                biased;
                refused = &mut answer => return refused.map_or(Ok(()), Err),
                turn = session.account.keeping_turn() => {
                    let (_, leaving) = self.keep_round(session, Which::All).await;
                    drop(turn);
                    leaving.await;
                }
            }
        }
    }

    /// The same for what is left of a session that ends, however long the storage takes.
    pub(crate) async fn keep_rest(&self, session: &Arc<Session>, which: Which) {
        let mut told = false;
        loop {
            let turn = session.account.keeping_turn().await;
            let (round, leaving) = self.keep_round(session, which).await;
            drop(turn);
            leaving.await;
            match round {
                Round::Empty => return,
                Round::Done => {}
                Round::Unavailable => {
                    // Those who come after it are to hear what is wrong.
                    session.is_emptied();
                    if !std::mem::replace(&mut told, true) {
                        tracing::warn!(
                            session = %session.jid,
                            "has ended; what waits for it is kept as soon as the storage answers"
                        );
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Ask plugins about what has not been offered yet, of this session or of one without a connection that has something
    /// older. In the account's turn for it.
    async fn keep_round(&self, session: &Arc<Session>, which: Which) -> (Round, Leaving) {
        let nothing = || -> Leaving { Box::pin(std::future::ready(())) };
        let session = &next_to_keep(session, which);
        let offers = offers(session, which);
        if offers.is_empty() {
            return (Round::Empty, nothing());
        }
        let account = &session.account;
        let exists = match self.is_account(&account.jid).await {
            Ok(exists) => exists && !account.is_removed(),
            Err(_) => {
                session.outbound.answered(offers.into_iter().map(|offer| (offer, Answer::Later)).collect());
                return (Round::Unavailable, nothing());
            }
        };
        let Some(engine) = self.engine.get().filter(|_| exists) else {
            session.outbound.answered(offers.into_iter().map(|offer| (offer, Answer::Needless)).collect());
            return (Round::Done, nothing());
        };
        let run = offers.iter().map(|offer| self.as_kept(session, offer)).collect();
        let (kept, leaving) = engine.keep(session.outbound.storage_hold(), run).await;
        // A plugin that reads says so in words of its own.
        let waits = |kept: &Kept| matches!(kept, Kept::Refused(error) if error.ty == ErrorType::Wait);
        let away = kept.iter().any(waits) && self.storage.account(&account.jid).await.is_err();
        let mut round = Round::Done;
        let mut kept = kept.into_iter();
        let answers = offers.into_iter().map(|offer| {
            let answer = match kept.next() {
                Some(Kept::Stored(copy)) => Answer::Stored(copy),
                Some(Kept::Not) => Answer::Needless,
                Some(Kept::Refused(_)) if offer.accepted && away => {
                    round = Round::Unavailable;
                    Answer::Later
                }
                Some(Kept::Refused(_)) if offer.accepted => Answer::Needless,
                Some(Kept::Refused(error)) => Answer::Refused(error),
                Some(Kept::Unavailable) => {
                    round = Round::Unavailable;
                    Answer::Later
                }
                // A round may end early.
                None => Answer::NotYet,
            };
            (offer, answer)
        });
        let answers: Vec<_> = answers.collect();
        let stored = answers.iter().filter(|(_, answer)| matches!(answer, Answer::Stored(_))).count() as u64;
        self.stats.stored_copies.fetch_add(stored, Ordering::Relaxed);
        session.outbound.answered(answers);
        (round, leaving)
    }

    /// What plugins are to be asked about a message in a queue.
    fn as_kept(&self, session: &Session, offer: &Offer) -> Keep {
        let domain = session.vhost.domain();
        let source = Source::internal(&session.vhost);
        let mut event = self.event_for(&source, &session.account.jid);
        event.accepted = offer.accepted;
        let mut stanza = offer.stanza.clone();
        if offer.received > 0 {
            (stanza, event.received) = original(&offer.stanza, offer.received, domain);
        }
        let calls = self.matching(domain, Stage::Post, &stanza, || source.facts(None, Target::empty()));
        Keep { calls, event, stanza }
    }
}

/// Of the sessions of an account that have messages to be kept, the one with the oldest.
fn next_to_keep(session: &Arc<Session>, which: Which) -> Arc<Session> {
    let sessions = session.account.sessions();
    let may = |other: &&Arc<Session>| {
        other.id == session.id || which == Which::All && other.is_asleep() && !other.is_finishing()
    };
    let oldest =
        sessions.iter().filter(may).min_by_key(|other| other.outbound.oldest_offer().unwrap_or(u64::MAX));
    oldest.unwrap_or(session).clone()
}

/// The next messages to ask about. Of those that another session of the account has and will bring to its client, none:
/// it asks about them itself should it lose them.
fn offers(session: &Session, which: Which) -> Vec<Offer> {
    let sessions = session.account.sessions();
    let is_there =
        |other: &&Arc<Session>| other.id != session.id && !other.is_finishing() && !other.is_asleep();
    let elsewhere = sessions.iter().filter(is_there).flat_map(|other| other.outbound.copies());
    let elsewhere: HashSet<*const Copies> = elsewhere.map(|copies| Arc::as_ptr(&copies)).collect();
    session.outbound.offers(RUN, which, |copies| elsewhere.contains(&Arc::as_ptr(copies)))
}
