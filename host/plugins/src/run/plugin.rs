//! A plugin that takes part.

use crate::bindings::exports::xmpp::plugin::sessions::Flow;
use crate::common::counters::Counters;
use crate::common::failure::Failure;
use crate::common::gauge::HookFigures;
use crate::common::lanes::Turn;
use crate::declare::declared::Declared;
use crate::declare::description::{Description, Serial};
use crate::declare::event::Stage;
use crate::declare::grants::Grant;
use crate::declare::options::{PluginSpec, Policy, Scope};
use crate::declare::reach::Reach;
use crate::declare::requested::Requested;
use crate::run::call::{Callable, Meter};
use crate::run::instance::Hook;
use crate::run::pool::PoolFigures;
use crate::run::question::Question;
use crate::run::rolled_back::RolledBack;
use crate::run::state::Call;
use crate::run::trial::Trial;
use crate::run::verdict::{Decision, Settled, settle};
use crate::run::watcher::{RecordingFigures, ShadowInfo, Watch};
use parking_lot::Mutex;

/// A plugin that takes part.
pub(crate) struct Plugin {
    pub callable: Callable,
    pub spec: PluginSpec,
    pub description: Description,
    pub hooks: Vec<Grant>,
    pub requested: Requested,
    pub size: usize,
    pub sha256: [u8; 32],
    /// While it has yet to show that it is as good as the one before it.
    pub trial: Trial<Plugin>,
    /// The version in whose place it has come back.
    pub rolled_back: Mutex<Option<RolledBack>>,
    /// Who watches its calls.
    pub watch: Watch,
}

/// A loaded plugin.
#[derive(Clone, Debug)]
pub struct PluginInfo {
    /// Its name, as in the config file.
    pub name: String,
    /// Its version, as it says itself.
    pub version: String,
    /// What it does, as it says itself.
    pub summary: String,
    /// The virtual hosts that it works for.
    pub scope: Scope,
    /// What it adds to service discovery of hosts.
    pub features: Vec<String>,
    /// The hooks that it has.
    pub hooks: Vec<&'static str>,
    /// How far it reaches with its grants, in sentences that each follow "it may".
    pub reach: Reach,
    /// What it asks for, all of which it is granted.
    pub requested: Requested,
    /// Bytes of the component.
    pub size: usize,
    /// The SHA-256 of the component.
    pub sha256: [u8; 32],
    /// Whether it has failed so often that it is not called for now, and for how many senders it is
    /// not called besides.
    pub suspended: (bool, usize),
    /// Calls that it has yet to serve before the version before it is let go.
    pub trial: Option<u32>,
    /// The version that failed in its first calls, so that this one runs again.
    pub rolled_back: Option<RolledBack>,
    /// What it has done so far.
    pub counters: CounterFigures,
    /// The same for each hook that has been called.
    pub figures: Vec<HookFigures>,
    /// Its instances.
    pub pool: PoolFigures,
    /// What has been recorded so far, while it is.
    pub recording: Option<RecordingFigures>,
    /// The version that runs beside it.
    pub shadow: Option<ShadowInfo>,
}

/// What a plugin has done so far; see [`Counters`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in `Counters`")]
pub struct CounterFigures {
    pub calls: u64,
    pub failures: u64,
    pub cpu: std::time::Duration,
    pub instances: u64,
    pub sends: u64,
    pub metrics: Vec<(String, u64)>,
}

impl Plugin {
    pub fn new(
        callable: Callable,
        spec: PluginSpec,
        description: Description,
        hooks: Vec<Grant>,
        requested: Requested,
        size: usize,
        sha256: [u8; 32],
    ) -> Plugin {
        let (trial, rolled_back, watch) = (Trial::default(), Mutex::default(), Watch::default());
        Plugin { callable, spec, description, hooks, requested, size, sha256, trial, rolled_back, watch }
    }

    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// Make one call and let happen what it wants, if its answer is one that can be carried out. What
    /// it writes is durable when this returns, and its stanzas have left.
    pub async fn ask(&self, question: &Question<'_>) -> Result<Decision, Failure> {
        let mut meter = Meter::start();
        let result = self.ask_metered(question, &mut meter).await;
        self.callable.note(question.hook.grant(), question.sender, &result, meter);
        result
    }

    /// Make one call and see what it wants, without letting it happen. With it comes the turn, if this is a plugin whose
    /// calls have one, to be held until that has happened.
    pub async fn hear(&self, question: &Question<'_>) -> Result<(Settled, Option<Turn>), Failure> {
        let mut meter = Meter::start();
        let result = self.hear_metered(question, &mut meter).await;
        self.callable.note(question.hook.grant(), question.sender, &result, meter);
        result
    }

    async fn hear_metered(
        &self,
        question: &Question<'_>,
        meter: &mut Meter,
    ) -> Result<(Settled, Option<Turn>), Failure> {
        let Question { host, hook, stanza, sender, client, accepted, .. } = question;
        let turn = match self.lane(question) {
            Some(key) => Some(self.callable.turn(key).await?),
            None => None,
        };
        let witness = self.watch.begin(&self.callable.shared, question);
        let mut call = match &witness {
            Some(witness) => witness.call(*stanza),
            None => Call::new(host, *stanza, None),
        };
        call.client = *client;
        call.accepted = *accepted;
        if let Hook::Session(session, _) = hook {
            call.session = Some((*session).clone());
        }
        let result = self.callable.call(call, hook, sender, meter).await;
        let limits = &self.callable.shared.limits;
        let settled =
            result.and_then(|(answer, effects)| settle(answer, effects, hook.grant(), *stanza, limits));
        if let Some(witness) = witness {
            witness.saw(&settled, hook.grant(), meter);
        }
        Ok((settled?, turn))
    }

    async fn ask_metered(&self, question: &Question<'_>, meter: &mut Meter) -> Result<Decision, Failure> {
        let Question { host, ahead, .. } = question;
        let (Settled { decision, effects }, turn) = self.hear_metered(question, meter).await?;
        let Some(effects) = effects else { return Ok(decision) };
        let shared = &self.callable.shared;
        let departure = effects.commit(&***host, shared).await?;
        if departure.is_empty() {
            return Ok(decision);
        }
        if let Some(turn) = turn {
            turn.leave(Box::pin(departure.leave_aside((*host).clone(), shared.clone()))).await;
        } else if let Decision::Flow(flow) = decision {
            let rest = departure.leave(&***host, shared, *ahead).await;
            // The next event of the account must not find what this one has delivered, so deletes are
            // waited for, or hidden. The same goes for the next page.
            let again = flow == Flow::Again;
            let written =
                !(again || rest.has_deletes()) || { rest.finish((*host).clone(), shared.clone()).await };
            return Ok(Decision::Flow(if again && written { Flow::Again } else { Flow::Done }));
        } else {
            departure.leave_aside((*host).clone(), shared.clone()).await;
        }
        Ok(decision)
    }

    /// The key of the calls that this one must not run beside. Events of one account come one at a time
    /// anyway.
    fn lane<'a>(&self, question: &Question<'a>) -> Option<&'a str> {
        let key = match (self.description.serial, &question.hook) {
            (Serial::None, _) | (_, Hook::Session(..)) => "",
            (Serial::BySender, _) => question.sender,
            (Serial::ByRecipient, _) => question.recipient,
        };
        (!key.is_empty()).then_some(key)
    }

    /// What it says of itself.
    pub fn declared(&self) -> Declared {
        Declared::of(&self.description, self.callable.shared.marks())
    }

    /// What is to be known of it.
    pub fn info(&self) -> PluginInfo {
        let (shared, watcher) = (&self.callable.shared, self.watch.watcher());
        PluginInfo {
            name: self.name().to_owned(),
            version: self.description.version.clone(),
            summary: self.description.summary.clone(),
            scope: self.spec.scope.clone(),
            features: self.description.features.clone(),
            reach: self.declared().reach(),
            hooks: self.hooks.iter().map(|hook| hook.name()).collect(),
            requested: self.requested.clone(),
            size: self.size,
            sha256: self.sha256,
            suspended: self.callable.breaker.is_shut(),
            trial: self.trial.left(),
            rolled_back: self.rolled_back.lock().clone(),
            counters: figures(&shared.counters),
            figures: shared.gauges.read(),
            pool: self.callable.pool.figures(),
            recording: watcher.as_ref().and_then(|watcher| watcher.recording()),
            shadow: watcher.as_ref().and_then(|watcher| watcher.shadow()),
        }
    }
}

fn figures(counters: &Counters) -> CounterFigures {
    let read = |counter: &std::sync::atomic::AtomicU64| counter.load(std::sync::atomic::Ordering::Relaxed);
    CounterFigures {
        calls: read(&counters.calls),
        failures: read(&counters.failures),
        cpu: std::time::Duration::from_nanos(read(&counters.cpu)),
        instances: read(&counters.instances),
        sends: read(&counters.sends),
        metrics: counters.metrics(),
    }
}

impl Policy {
    /// What it comes to at a stage.
    pub(crate) fn at(self, stage: Stage) -> Policy {
        match (self, stage) {
            (Policy::ByStage, Stage::Pre | Stage::Incoming | Stage::Filter) => Policy::Pass,
            (Policy::ByStage, Stage::Process | Stage::Post) => Policy::Bounce,
            (policy, _) => policy,
        }
    }
}
