//! Asking plugins about stanzas, and telling them what has happened.

use crate::bindings::exports::xmpp::plugin::replies;
use crate::bindings::exports::xmpp::plugin::sessions::Flow;
use crate::common::failure::Failure;
use crate::common::requests::Request;
use crate::declare::command::{CommandReply, CommandRequest};
use crate::declare::event::{Change, Event, Outcome, ServiceInfo, Stage};
use crate::declare::options::Policy;
use crate::engine::Engine;
use crate::engine::plan::{Calls, Plan};
use crate::host::Host;
use crate::run::header::Head;
use crate::run::input::lend_change;
use crate::run::instance::Hook;
use crate::run::plugin::Plugin;
use crate::run::question::Question;
use crate::run::rolled_back::RolledBack;
use crate::run::trial::Failed;
use crate::run::verdict::Decision;
use crate::run::wit_errors::lend_error;
use std::sync::Arc;
use waxwing_storage::Alarm;
use waxwing_xmpp::{Condition, Jid, Stanza, StanzaError};

/// Pages that a plugin may take for one session event. With a hundred stanzas each, more than any
/// queue is long.
const PAGES: usize = 10_000;

/// A plugin's own name under a virtual host, found by [`Engine::service`].
pub struct Service {
    plan: Arc<Plan>,
    number: u16,
    /// What is advertised for it.
    pub info: ServiceInfo,
    /// The virtual host that it is under.
    pub vhost: String,
}

impl Engine {
    /// Ask plugins about a stanza, one after the other, until one has dealt with it. When this
    /// returns, their writes are durable and their stanzas have left.
    pub async fn call(&self, calls: Calls, event: &Event, stanza: Stanza) -> Outcome {
        self.ask(calls, event, None, stanza).await
    }

    /// Ask plugins about a stanza that is about to be written to a session's stream.
    pub async fn filter(&self, calls: Calls, event: &Event, session: &Jid, stanza: Stanza) -> Outcome {
        self.ask(calls, event, Some(session), stanza).await
    }

    /// Tell plugins what has happened to a session. Returns when all are done: their stanzas are
    /// queued, and if they delete what they have delivered, those are written and deleted. Events
    /// of one account must come one at a time.
    pub async fn session_event(&self, session: &Jid, change: Change) {
        let (plan, vhost) = (self.plan(), session.domain());
        let roles = plan.roles(vhost);
        for number in &roles.sessions {
            let plugin = plan.plugins.get(usize::from(*number));
            if let Some(plugin) = plugin.filter(|plugin| plugin.description.events.contains(change.event()))
                && self.is_of_use(roles, *number, vhost)
            {
                self.tell(plugin, session, &change).await;
            }
        }
    }

    /// The service at a domain, `bot.example.org` under a virtual host `example.org`.
    pub fn service(&self, domain: &str) -> Option<Service> {
        let (name, vhost) = domain.split_once('.')?;
        let plan = self.plan();
        let (info, number) = plan.roles(vhost).service(name)?.clone();
        let host = self.host.upgrade()?;
        host.is_local(vhost).then(|| Service { plan, number, info, vhost: vhost.to_owned() })
    }

    /// Hand a stanza to the plugin whose service it is addressed to.
    pub async fn serve(&self, service: &Service, event: &Event, stanza: &Stanza) -> Outcome {
        let plugin = service.plan.plugins.get(usize::from(service.number));
        let Some((plugin, host)) = plugin.zip(self.host.upgrade()) else {
            return Outcome::Next(stanza.clone());
        };
        let head = Head::of(stanza);
        let question = Question {
            host: &host,
            hook: Hook::Service(head.event(stanza, event)),
            stanza: Some(stanza),
            sender: stanza.from.as_ref().map_or("", Jid::bare_str),
            recipient: stanza.to.as_ref().map_or("", Jid::bare_str),
            ahead: None,
            client: event.client,
            accepted: event.accepted,
        };
        let result = self.consult(plugin, &question).await;
        outcome(result, plugin.spec.policy.at(Stage::Process))
            .unwrap_or_else(|| Outcome::Next(stanza.clone()))
    }

    /// Run one step of an ad-hoc command of a virtual host.
    ///
    /// # Errors
    /// What the user is to be told.
    pub async fn run_command(&self, request: &CommandRequest) -> Result<CommandReply, StanzaError> {
        let plan = self.plan();
        let commands = &plan.roles(&request.vhost).commands;
        let command = commands.iter().find(|(command, _)| command.node == request.node);
        let plugin = command.and_then(|(_, number)| plan.plugins.get(usize::from(*number)));
        let plugin = plugin.ok_or(Condition::ItemNotFound)?;
        let host = self.host.upgrade().ok_or(Condition::ServiceUnavailable)?;
        let sender = waxwing_xmpp::Jid::parse(&request.user)
            .map_or_else(|_| String::new(), |jid| jid.bare().to_string());
        let question = Question {
            host: &host,
            hook: Hook::Command(request),
            stanza: None,
            sender: &sender,
            recipient: &request.vhost,
            ahead: None,
            client: None,
            accepted: false,
        };
        match self.consult(plugin, &question).await {
            Ok(Decision::Command(reply)) => reply,
            Ok(_) => Err(Condition::InternalServerError.into()),
            Err(failure) => Err(failure.condition().into()),
        }
    }

    /// Bring the reply to a request of a plugin to it; `false` if this is none.
    pub async fn reply(&self, stanza: &Stanza) -> bool {
        let Some(request) = self.common.requests.close(stanza) else { return false };
        self.answer(request, Some(stanza)).await;
        true
    }

    /// Tell a plugin what came of its request.
    pub(crate) async fn answer(&self, request: Request, stanza: Option<&Stanza>) {
        let plan = self.plan();
        let Some(host) = self.host.upgrade() else { return };
        let Some(vhost) = vhost_of(request.from.domain(), &*host) else { return };
        let Some(plugin) = plan.plugin(&request.plugin, vhost) else { return };
        let from = request.to.to_string();
        let error = stanza.and_then(Stanza::stanza_error).map(|error| lend_error(&error));
        let answer = match (stanza, &error) {
            (None, _) => replies::Answer::Timeout,
            (Some(_), Some(error)) => replies::Answer::Failure(error),
            (Some(_), None) => replies::Answer::Success,
        };
        let question = Question {
            host: &host,
            hook: Hook::Reply { from: &from, context: &request.context, answer, stanza: stanza.is_some() },
            stanza,
            sender: request.to.bare_str(),
            recipient: request.from.bare_str(),
            ahead: None,
            client: None,
            accepted: false,
        };
        let _ = self.consult(plugin, &question).await;
    }

    /// Ring an alarm; `None` if there is no such plugin for its owner now.
    pub(crate) async fn ring(&self, alarm: &Alarm) -> Option<Result<(), Failure>> {
        let plan = self.plan();
        let owner = Jid::parse(&alarm.owner).ok()?;
        let host = self.host.upgrade()?;
        let plugin = plan.plugin(&alarm.plugin, vhost_of(owner.domain(), &*host)?)?;
        let question = Question {
            host: &host,
            hook: Hook::Alarm { owner: &alarm.owner, name: &alarm.name, due: alarm.at, data: &alarm.data },
            stanza: None,
            sender: "",
            recipient: &alarm.owner,
            ahead: None,
            client: None,
            accepted: false,
        };
        Some(self.consult(plugin, &question).await.map(drop))
    }

    async fn ask(&self, calls: Calls, event: &Event, session: Option<&Jid>, mut stanza: Stanza) -> Outcome {
        let Calls { stage, plan, plugins } = calls;
        let Some((plan, host)) = plan.zip(self.host.upgrade()) else { return Outcome::Next(stanza) };
        let session = session.map(ToString::to_string);
        let mut head = Head::of(&stanza);
        for number in plugins {
            let Some(plugin) = plan.plugins.get(usize::from(number)) else { continue };
            let lent = head.event(&stanza, event);
            let hook = match (stage, &session) {
                (Stage::Pre, _) => Hook::Pre(lent),
                (Stage::Incoming, _) => Hook::Incoming(lent),
                (Stage::Process, _) => Hook::Process(lent),
                (Stage::Post, _) => Hook::Post(lent),
                (Stage::Filter, Some(session)) => Hook::Filter(session, lent),
                (Stage::Filter, None) => continue,
            };
            let question = Question::about(&host, hook, &stanza, event);
            match self.consult(plugin, &question).await {
                Ok(Decision::Replace(new)) => {
                    stanza = new;
                    head = Head::of(&stanza);
                }
                result => {
                    if let Some(outcome) = outcome(result, plugin.spec.policy.at(stage)) {
                        return outcome;
                    }
                }
            }
        }
        Outcome::Next(stanza)
    }

    /// Tell one plugin, again for each page that it wants to send.
    async fn tell(&self, plugin: &Arc<Plugin>, session: &Jid, change: &Change) {
        let Some(host) = self.host.upgrade() else { return };
        let name = session.to_string();
        let question = Question {
            host: &host,
            hook: Hook::Session(&name, lend_change(change)),
            stanza: None,
            sender: session.bare_str(),
            recipient: session.bare_str(),
            ahead: change.holds_back().then_some(session),
            client: None,
            accepted: false,
        };
        for _ in 0..PAGES {
            if !matches!(self.consult(plugin, &question).await, Ok(Decision::Flow(Flow::Again))) {
                return;
            }
        }
        tracing::warn!(plugin = plugin.name(), %session, "it asked for {PAGES} pages; no more");
    }

    /// Ask one plugin and, where that is a new version that fails, the version before it.
    pub(crate) async fn consult(
        &self,
        plugin: &Arc<Plugin>,
        question: &Question<'_>,
    ) -> Result<Decision, Failure> {
        let result = plugin.ask(question).await;
        match self.previous(plugin, &result, || question.host.now()) {
            Some(previous) => previous.ask(question).await,
            None => result,
        }
    }

    /// The version to be asked in place of a new one that has failed.
    pub(crate) fn previous<T>(
        &self,
        plugin: &Arc<Plugin>,
        result: &Result<T, Failure>,
        now: impl FnOnce() -> u64,
    ) -> Option<Arc<Plugin>> {
        match result {
            Ok(_) => plugin.trial.passed(),
            Err(failure) if failure.is_its_own() => match plugin.trial.failed()? {
                Failed::Ask(previous) => return Some(previous),
                Failed::RollBack(previous) => {
                    *previous.rolled_back.lock() =
                        Some(RolledBack::new(&plugin.description.version, plugin.sha256, failure, now()));
                    self.put_back(plugin, &previous, failure);
                    return Some(previous);
                }
            },
            Err(_) => {}
        }
        None
    }

    fn put_back(&self, plugin: &Arc<Plugin>, previous: &Arc<Plugin>, failure: &Failure) {
        if !self.roll_back(plugin, previous) {
            return;
        }
        let (name, version) = (plugin.name(), &plugin.description.version);
        let before = &previous.description.version;
        tracing::error!(plugin = name, %version, "rolled back to {before}: it fails in its first calls: {failure}");
    }
}

/// The virtual host that a domain is, or that it is a service under.
fn vhost_of<'a>(domain: &'a str, host: &dyn Host) -> Option<&'a str> {
    let under = || domain.split_once('.').map(|(_, vhost)| vhost);
    Some(domain)
        .filter(|domain| host.is_local(domain))
        .or_else(|| under().filter(|vhost| host.is_local(vhost)))
}

/// What a result means for the stanza; `None` if it simply goes on.
pub(crate) fn outcome(result: Result<Decision, Failure>, policy: Policy) -> Option<Outcome> {
    match result {
        Ok(Decision::Handled) => Some(Outcome::Handled),
        Ok(Decision::Reply(inner)) => Some(Outcome::Reply(inner)),
        Ok(Decision::Drop) => Some(Outcome::Drop),
        Ok(Decision::Reject(error)) => Some(Outcome::Reject(error)),
        Ok(
            Decision::Next
            | Decision::Replace(_)
            | Decision::Flow(_)
            | Decision::Command(_)
            | Decision::Page(_)
            | Decision::Taken(_),
        ) => None,
        Err(failure) => match policy {
            Policy::Drop => Some(Outcome::Drop),
            Policy::Bounce => Some(Outcome::Reject(failure.condition().into())),
            Policy::Pass | Policy::ByStage => None,
        },
    }
}
