//! One hook call: bounded in time, and all or nothing.

use crate::breaker::{Breaker, Gate};
use crate::counters::add;
use crate::effects::Effects;
use crate::grants::Grant;
use crate::instance::{Answer, Hook};
use crate::lanes::Turn;
use crate::pool::{Lease, Pool};
use crate::state::{Call, CpuSpent, Shared};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use waxwing_xmpp::Condition;

/// Why a call came to nothing. None of its effects have happened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("it trapped: {0}")]
    Trap(String),
    #[error(transparent)]
    Cpu(CpuSpent),
    #[error("the call took more than {} ms", .0.as_millis())]
    Timeout(Duration),
    #[error("too many calls are waiting for it")]
    Busy,
    #[error("a new instance does not start: {0}")]
    Refused(String),
    #[error("it returned `{0}`, which this stage or stanza does not have")]
    WrongVerdict(&'static str),
    #[error("it returned `{0}` with XML that cannot be sent")]
    BadXml(&'static str),
    #[error("its answer with what it sends has more than {0} bytes")]
    LargeAnswer(usize),
    #[error("its step left more than {} bytes of state", crate::command::STATE)]
    BigState,
    #[error("the storage did not do as asked: {0}")]
    Storage(#[from] waxwing_storage::Error),
    #[error("its stanzas lead to calls that send more, without end")]
    Chain,
    #[error("it has failed too often lately")]
    Suspended,
}

impl Failure {
    /// Whether it tells something about the plugin itself.
    pub fn is_its_own(&self) -> bool {
        !matches!(self, Failure::Storage(_) | Failure::Suspended | Failure::Busy)
    }

    /// What a sender hears whose stanza comes back because of it. What will pass is of type `wait`.
    pub fn condition(&self) -> Condition {
        match self {
            Failure::Storage(waxwing_storage::Error::Unavailable(_)) | Failure::Busy => {
                Condition::ResourceConstraint
            }
            _ => Condition::InternalServerError,
        }
    }
}

impl From<wasmtime::Error> for Failure {
    fn from(error: wasmtime::Error) -> Self {
        let error = match error.downcast::<CpuSpent>() {
            Ok(spent) => return Failure::Cpu(spent),
            Err(error) => error,
        };
        match error.downcast::<waxwing_storage::Error>() {
            Ok(error) => Failure::Storage(error),
            Err(error) => Failure::Trap(one_line(&error)),
        }
    }
}

/// The innermost reason first, then where it happened.
fn one_line(error: &wasmtime::Error) -> String {
    let place = error.to_string();
    let first = |text: &str| text.lines().take(4).map(str::trim).collect::<Vec<_>>().join("; ");
    match error.root_cause().to_string() {
        cause if cause == place => cause,
        cause => format!("{cause} ({})", first(&place)),
    }
}

/// What a call costs.
pub(crate) struct Meter {
    started: Instant,
    /// Time during which it really ran.
    pub cpu: Duration,
}

impl Meter {
    pub fn start() -> Meter {
        Meter { started: Instant::now(), cpu: Duration::ZERO }
    }

    /// Time since the start.
    pub fn time(&self) -> Duration {
        self.started.elapsed()
    }

    /// Run a future and add the time during which it really runs.
    async fn run<T>(&mut self, mut future: Pin<Box<impl Future<Output = T>>>) -> T {
        std::future::poll_fn(|context| {
            let start = Instant::now();
            let poll = future.as_mut().poll(context);
            self.cpu += start.elapsed();
            poll
        })
        .await
    }
}

/// A plugin that can be called.
pub(crate) struct Callable {
    pub shared: Arc<Shared>,
    pub pool: Pool,
    pub breaker: Breaker,
}

impl Callable {
    /// Wait for the turn of calls with this key.
    pub async fn turn(&self, key: &str) -> Result<Turn, Failure> {
        let limit = self.shared.limits.call_timeout;
        tokio::time::timeout(limit, self.shared.lanes.enter(key)).await.map_err(|_| Failure::Busy)
    }

    /// Call a hook and give back what it answers and wants done.
    pub async fn call(
        &self,
        call: Box<Call>,
        hook: &Hook<'_>,
        sender: &str,
        meter: &mut Meter,
    ) -> Result<(Answer, Effects), Failure> {
        if self.breaker.gate(sender) == Gate::Shut {
            return Err(Failure::Suspended);
        }
        self.run(call, hook, Lease::Warm, meter).await
    }

    /// The same whatever the breaker says.
    pub async fn run(
        &self,
        call: Box<Call>,
        hook: &Hook<'_>,
        lease: Lease,
        meter: &mut Meter,
    ) -> Result<(Answer, Effects), Failure> {
        let limit = self.shared.limits.call_timeout;
        // Boxed where it is made: each layer of futures above would copy it.
        let bounded = Box::pin(tokio::time::timeout(limit, self.attempt(call, hook, lease)));
        meter.run(bounded).await.unwrap_or(Err(Failure::Timeout(limit)))
    }

    async fn attempt(
        &self,
        call: Box<Call>,
        hook: &Hook<'_>,
        lease: Lease,
    ) -> Result<(Answer, Effects), Failure> {
        let mut lent = self.pool.lend(lease).await?;
        let (answer, call) = lent.instance.call(call, hook).await?.ok_or(Failure::WrongVerdict("nothing"))?;
        lent.give_back();
        Ok((answer, call.effects))
    }

    /// Note how a call of a hook has gone in the end.
    pub fn note<T>(&self, hook: Grant, sender: &str, result: &Result<T, Failure>, meter: Meter) {
        let (plugin, counters) = (self.shared.name.as_str(), &self.shared.counters);
        add(&counters.calls, 1);
        add(&counters.cpu, meter.cpu.as_nanos() as u64);
        self.shared.gauges.add(hook, result.is_err(), meter.cpu, meter.time());
        match result {
            Ok(_) => self.breaker.success(sender),
            Err(failure) => {
                add(&counters.failures, 1);
                match failure {
                    Failure::Suspended => tracing::debug!(plugin, %hook, "not called: {failure}"),
                    // The storage itself says so, once, not for every stanza.
                    Failure::Storage(waxwing_storage::Error::Unavailable(_)) => {
                        tracing::debug!(plugin, %hook, "call failed: {failure}");
                    }
                    _ => tracing::warn!(plugin, %hook, "call failed: {failure}"),
                }
                if failure.is_its_own()
                    && let Some(pause) = self.breaker.failure(sender)
                {
                    let all = self.breaker.is_shut().0;
                    let whom = if all { "everybody" } else { sender };
                    tracing::error!(
                        plugin,
                        ?pause,
                        "it keeps failing and is left alone by {whom} for a while"
                    );
                }
            }
        }
    }
}
