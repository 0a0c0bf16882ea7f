//! One hook call: bounded in time, and all or nothing.

use crate::breaker::{Breaker, Gate};
use crate::counters::add;
use crate::effects::Effects;
use crate::host::Host;
use crate::instance::{Answer, Hook};
use crate::pool::Pool;
use crate::state::{Call, CpuSpent, Shared};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};
use waxwing_xmpp::Stanza;

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
    #[error("its changes were not stored: {0}")]
    Storage(#[from] waxwing_storage::Error),
    #[error("its stanzas lead to calls that send more, without end")]
    Chain,
    #[error("it has failed too often lately")]
    Suspended,
}

impl Failure {
    /// Whether it tells something about the plugin itself.
    fn is_its_own(&self) -> bool {
        !matches!(self, Failure::Storage(_) | Failure::Suspended | Failure::Busy)
    }
}

impl From<wasmtime::Error> for Failure {
    fn from(error: wasmtime::Error) -> Self {
        match error.downcast::<CpuSpent>() {
            Ok(spent) => Failure::Cpu(spent),
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

/// A plugin that can be called.
pub(crate) struct Callable {
    pub shared: Arc<Shared>,
    pub pool: Pool,
    pub breaker: Breaker,
}

impl Callable {
    /// Call a hook and give back what it answers and wants done.
    pub async fn call(
        &self,
        host: &Arc<dyn Host>,
        stanza: Option<Stanza>,
        hook: &Hook<'_>,
    ) -> Result<(Answer, Effects), Failure> {
        if self.breaker.gate() == Gate::Shut {
            return Err(Failure::Suspended);
        }
        let call = Box::new(Call { host: host.clone(), stanza, effects: Effects::default() });
        let limit = self.shared.options.call_timeout;
        let bounded = tokio::time::timeout(limit, self.attempt(call, hook));
        let result = metered(&self.shared.counters.cpu, bounded).await;
        result.unwrap_or(Err(Failure::Timeout(limit)))
    }

    async fn attempt(&self, call: Box<Call>, hook: &Hook<'_>) -> Result<(Answer, Effects), Failure> {
        let mut lent = self.pool.lend().await?;
        let (answer, call) = lent.instance.call(call, hook).await?.ok_or(Failure::WrongVerdict("nothing"))?;
        self.pool.take_back(lent);
        Ok((answer, call.effects))
    }

    /// Note how a call of a hook has gone in the end.
    pub fn note<T>(&self, hook: &'static str, result: &Result<T, Failure>) {
        let (plugin, counters) = (self.shared.name.as_str(), &self.shared.counters);
        add(&counters.calls, 1);
        match result {
            Ok(_) => self.breaker.success(),
            Err(failure) => {
                add(&counters.failures, 1);
                if matches!(failure, Failure::Suspended) {
                    tracing::debug!(plugin, hook, "not called: {failure}");
                } else {
                    tracing::warn!(plugin, hook, "call failed: {failure}");
                }
                if failure.is_its_own()
                    && let Some(pause) = self.breaker.failure()
                {
                    tracing::error!(plugin, ?pause, "it keeps failing and is left alone for a while");
                }
            }
        }
    }
}

/// Run a future and add the time during which it really runs, in nanoseconds.
async fn metered<T>(total: &AtomicU64, future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| {
        let start = Instant::now();
        let poll = future.as_mut().poll(context);
        add(total, start.elapsed().as_nanos() as u64);
        poll
    })
    .await
}
