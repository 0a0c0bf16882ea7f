//! Asking plugins about stanzas, and telling them of sessions.

use crate::bindings::exports::xmpp::plugin::sessions::{self, Flow};
use crate::call::Failure;
use crate::engine::{Engine, Plugin};
use crate::event::{Calls, Change, Event, Outcome, Stage};
use crate::header::Head;
use crate::host::{Host, Outgoing};
use crate::instance::{Answer, Hook};
use crate::options::Policy;
use crate::verdict::{Decision, decide};
use std::sync::Arc;
use waxwing_xmpp::{Condition, Jid, Stanza};

/// Pages that a plugin may take for one session event. With a hundred stanzas each, more than any
/// queue is long.
const PAGES: usize = 10_000;

impl Engine {
    /// Ask plugins about a stanza, one after the other, until one has dealt with it. When this
    /// returns, their writes are durable and their stanzas have left.
    pub async fn call(&self, calls: Calls, event: &Event, stanza: Stanza) -> Outcome {
        self.ask(calls, event, None, stanza).await
    }

    /// Ask plugins about a stanza that is about to be written to a session's stream. `None` if it
    /// is not to be.
    pub async fn filter(&self, calls: Calls, event: &Event, session: &Jid, stanza: Stanza) -> Option<Stanza> {
        match self.ask(calls, event, Some(session), stanza).await {
            Outcome::Next(stanza) => Some(stanza),
            // The sender has no claim to hear what becomes of one of many copies.
            _ => None,
        }
    }

    /// Tell plugins what has happened to a session. Returns when all are done: their stanzas are
    /// queued, and if they delete what they have delivered, those are written and deleted. Events
    /// of one account must come one at a time.
    pub async fn session_event(&self, session: &Jid, change: Change) {
        let Some(host) = self.host.upgrade() else { return };
        for plugin in self.plugins.iter().filter(|plugin| plugin.events.contains(change.event())) {
            plugin.tell(&host, session, &change).await;
        }
    }

    async fn ask(&self, calls: Calls, event: &Event, session: Option<&Jid>, mut stanza: Stanza) -> Outcome {
        let Some(host) = self.host.upgrade() else { return Outcome::Next(stanza) };
        let session = session.map(ToString::to_string);
        let stage = calls.stage;
        let mut head = Head::of(&stanza);
        for number in calls.plugins {
            let Some(plugin) = self.plugins.get(usize::from(number)) else { continue };
            let lent = head.event(&stanza, event);
            let hook = match (stage, &session) {
                (Stage::Pre, _) => Hook::Pre(lent),
                (Stage::Process, _) => Hook::Process(lent),
                (Stage::Post, _) => Hook::Post(lent),
                (Stage::Filter, Some(session)) => Hook::Filter(session, lent),
                (Stage::Filter, None) => continue,
            };
            let result = plugin.ask(&host, stage, &hook, &stanza).await;
            plugin.callable.note(name(stage), &result);
            match result {
                Ok(Decision::Next) => {}
                Ok(Decision::Replace(new)) => {
                    stanza = new;
                    head = Head::of(&stanza);
                }
                Ok(Decision::Handled) => return Outcome::Handled,
                Ok(Decision::Reply(inner)) => return Outcome::Reply(inner),
                Ok(Decision::Drop) => return Outcome::Drop,
                Ok(Decision::Reject(error)) => return Outcome::Reject(error),
                Err(_) => match plugin.policy.at(stage) {
                    Policy::Drop => return Outcome::Drop,
                    Policy::Bounce => return Outcome::Reject(Condition::InternalServerError.into()),
                    Policy::Pass | Policy::ByStage => {}
                },
            }
        }
        Outcome::Next(stanza)
    }
}

impl Plugin {
    /// Ask one plugin, and let happen what it wants if its verdict is one that can be carried out.
    async fn ask(
        &self,
        host: &Arc<dyn Host>,
        stage: Stage,
        hook: &Hook<'_>,
        stanza: &Stanza,
    ) -> Result<Decision, Failure> {
        let (answer, mut effects) = self.callable.call(host, Some(stanza.clone()), hook).await?;
        let Answer::Verdict(verdict) = answer else { return Err(Failure::WrongVerdict("flow")) };
        let mut decision = decide(verdict, stage, stanza)?;
        if let Decision::Reject(_) = decision {
            // An error leaves nothing behind, whoever finds it.
            return Ok(decision);
        }
        if let Decision::Reply(inner) = &decision
            && !effects.removals.is_empty()
            && stanza.from.is_some()
        {
            // The answer has to leave before the sessions that wait for it are closed.
            effects.send_last(Outgoing::Route(stanza.iq_result(inner)));
            decision = Decision::Handled;
        }
        let rest = effects.commit(&**host, &self.callable.shared, None).await?;
        rest.finish_aside(host.clone(), self.callable.shared.clone()).await;
        Ok(decision)
    }

    /// Tell one plugin, again for each page that it wants to send.
    async fn tell(&self, host: &Arc<dyn Host>, session: &Jid, change: &Change) {
        for _ in 0..PAGES {
            let result = self.tell_once(host, session, change).await;
            self.callable.note("sessions", &result);
            if !matches!(result, Ok(Flow::Again)) {
                return;
            }
        }
        tracing::warn!(plugin = self.name(), %session, "it asked for {PAGES} pages; no more");
    }

    async fn tell_once(&self, host: &Arc<dyn Host>, session: &Jid, change: &Change) -> Result<Flow, Failure> {
        let name = session.to_string();
        let hook = Hook::Session(&name, lent(change));
        let (answer, effects) = self.callable.call(host, None, &hook).await?;
        let Answer::Flow(flow) = answer else { return Err(Failure::WrongVerdict("verdict")) };
        // Asked again, one that has done nothing would do nothing for ever.
        let again = flow == Flow::Again && effects.makes_progress();
        let ahead = change.holds_back().then_some(session);
        let rest = effects.commit(&**host, &self.callable.shared, ahead).await?;
        // The next event of the account must not find what this one has delivered, so deletes are
        // waited for. The same goes for the next page.
        let written = if again || rest.has_deletes() {
            rest.finish(&**host, &self.callable.shared).await
        } else {
            true
        };
        Ok(if again && written { Flow::Again } else { Flow::Done })
    }
}

impl Policy {
    /// What it comes to at a stage.
    fn at(self, stage: Stage) -> Policy {
        match (self, stage) {
            (Policy::ByStage, Stage::Pre | Stage::Filter) => Policy::Pass,
            (Policy::ByStage, Stage::Process | Stage::Post) => Policy::Bounce,
            (policy, _) => policy,
        }
    }
}

fn lent(change: &Change) -> sessions::Change<'_> {
    match change {
        Change::Bound => sessions::Change::Bound,
        Change::Available(priority) => sessions::Change::Available(*priority),
        Change::Priority(priority) => sessions::Change::Priority(*priority),
        Change::Unavailable(status) => sessions::Change::Unavailable(status.as_deref()),
        Change::Closed => sessions::Change::Closed,
    }
}

fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Pre => "pre",
        Stage::Process => "process",
        Stage::Post => "post",
        Stage::Filter => "filter",
    }
}
