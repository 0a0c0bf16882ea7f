//! One hook call: bounded in time, and all or nothing.

use crate::common::counters::add;
use crate::common::failure::Failure;
use crate::common::lanes::Turn;
use crate::common::shared::Shared;
use crate::declare::grants::Grant;
use crate::effects::Effects;
use crate::run::breaker::{Breaker, Gate};
use crate::run::instance::{Answer, Hook};
use crate::run::pool::{Lease, Pool};
use crate::run::state::Call;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
