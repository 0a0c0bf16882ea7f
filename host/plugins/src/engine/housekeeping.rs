//! What the engine does by the clock: it rings alarms, gives up requests and lets go of instances that
//! are not needed.

use crate::engine::Engine;
use crate::engine::ringing::Ringing;
use crate::host::Host;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use waxwing_storage::{Alarm, Batch, Write};

/// How often pools are trimmed, and the longest that the clock is not looked at.
const ROUND: Duration = Duration::from_secs(30);
/// Alarms that ring at the same time.
const AT_ONCE: usize = 16;
/// Alarms read at a time.
const PAGE: u32 = 256;
/// When an alarm whose call has failed rings again: the first time, and at the latest.
const FIRST_RETRY: Duration = Duration::from_secs(5);
const LAST_RETRY: Duration = Duration::from_secs(3600);
/// When one whose plugin is not there is looked at again.
const ABSENT: Duration = Duration::from_secs(600);

/// What is being done.
struct House {
    engine: Weak<Engine>,
    ringing: Ringing,
    bells: Arc<Semaphore>,
}

/// Keep house for as long as the engine lives.
pub(crate) fn start(engine: &Arc<Engine>) {
    let bells = Arc::new(Semaphore::new(AT_ONCE));
    let house = Arc::new(House { engine: Arc::downgrade(engine), ringing: Ringing::default(), bells });
    let common = engine.common.clone();
    tokio::spawn(async move {
        let mut trimmed = Instant::now();
        while let Some(engine) = house.engine.upgrade() {
            let pause = house.round(&engine).await;
            if trimmed.elapsed() >= ROUND {
                trimmed = Instant::now();
                engine.plan().plugins.iter().for_each(|plugin| plugin.callable.pool.trim());
            }
            drop(engine);
            // Either way there is something to look at.
            let _ = tokio::time::timeout(pause, common.wake.notified()).await;
        }
    });
}

impl Engine {
    /// Wait until what has reached its client is deleted. To be asked once all sessions have ended: those that have not are
    /// waited for.
    pub async fn deletions_made(&self) {
        self.common.deletions.all_done().await;
    }

    /// Have everything done that is due by the host's clock, and wait until calls have left nothing to be
    /// done: alarms have rung, requests are given up, stanzas are queued and what was delivered is deleted.
    /// Comes to no end while a plugin sets one alarm after the other, or a session does not read.
    pub async fn come_to_rest(&self) {
        let Some(host) = self.host.upgrade() else { return };
        loop {
            let mut changed = std::pin::pin!(self.common.work.changed());
            changed.as_mut().enable();
            if self.common.work.is_over() {
                if !self.is_due(&*host).await {
                    return;
                }
                self.common.wake.notify_one();
            }
            changed.await;
        }
    }

    async fn is_due(&self, host: &dyn Host) -> bool {
        let now = host.now();
        let alarms = host.storage().alarms(now, 1).await;
        // What cannot be read cannot be waited for.
        alarms.is_ok_and(|due| !due.is_empty())
            || self.common.requests.next_deadline().is_some_and(|deadline| deadline <= now)
    }

    /// Wait until copies of what clients have acknowledged are deleted, as far as the storage can.
    pub async fn copies_deleted(&self) {
        loop {
            let mut idle = std::pin::pin!(self.common.copies.idle());
            idle.as_mut().enable();
            if !self.common.copies.is_busy() {
                return;
            }
            idle.await;
        }
    }
}

impl House {
    /// Do what is due, and say for how long nothing is.
    async fn round(self: &Arc<Self>, engine: &Arc<Engine>) -> Duration {
        let Some(host) = engine.host.upgrade() else { return ROUND };
        let _job = engine.common.work.begin();
        let now = host.now();
        for request in engine.common.requests.expire(now) {
            let (engine, job) = (engine.clone(), engine.common.work.begin());
            tokio::spawn(async move {
                engine.answer(request, None).await;
                drop(job);
            });
        }
        let next_alarm = match engine.alarms.load(Ordering::Relaxed) {
            true => self.ring_due(engine, &*host, now).await,
            false => None,
        };
        let next = [next_alarm, engine.common.requests.next_deadline()].into_iter().flatten().min();
        let pause = next.map_or(ROUND, |next| Duration::from_millis(next.saturating_sub(now).max(1)));
        pause.min(ROUND)
    }

    /// Ring what is due and does not ring yet. Answers when the next is due.
    async fn ring_due(self: &Arc<Self>, engine: &Engine, host: &dyn Host, now: u64) -> Option<u64> {
        self.ringing.ask();
        let due = match host.storage().alarms(now, PAGE).await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "alarms cannot be read; they will ring later");
                return None;
            }
        };
        let full = due.len() == PAGE as usize;
        for alarm in due {
            if !self.ringing.begin(&alarm) {
                continue;
            }
            // Waits while as many ring as may.
            let Ok(bell) = self.bells.clone().acquire_owned().await else { return None };
            let (house, job) = (self.clone(), engine.common.work.begin());
            tokio::spawn(async move {
                house.ring(alarm).await;
                drop((bell, job));
            });
        }
        // Those that ring are still in storage, so what is due by then is not known yet.
        let ringing = self.ringing.is_any();
        match host.storage().next_alarm().await {
            Ok(Some(next)) if next > now => Some(next),
            Ok(Some(_)) if ringing && !full => None,
            Ok(Some(_)) => Some(now + 1000),
            Ok(None) | Err(_) => None,
        }
    }

    async fn ring(&self, alarm: Alarm) {
        let Some(engine) = self.engine.upgrade() else { return };
        let outcome = engine.ring(&alarm).await;
        let Some(host) = engine.host.upgrade() else { return };
        let failures = self.ringing.failures(&alarm);
        let (write, failures) = match outcome {
            Some(Ok(())) => (Self::over(&alarm), 0),
            Some(Err(_)) => {
                let wait = (FIRST_RETRY * 2u32.saturating_pow(failures.min(16))).min(LAST_RETRY);
                (later(&alarm, host.now(), wait), failures + 1)
            }
            None => (later(&alarm, host.now(), ABSENT), failures),
        };
        let stored = host.storage().commit(Batch::one(write)).await;
        if let Err(error) = &stored {
            tracing::warn!(%error, "an alarm could not be put off; it will ring again");
        }
        self.ringing.end(&alarm, failures, stored.is_ok());
        engine.common.wake.notify_one();
    }

    /// It is over, unless the call has set it anew.
    fn over(alarm: &Alarm) -> Write {
        let Alarm { plugin, owner, name, at, .. } = alarm.clone();
        Write::ClearAlarm { plugin, owner, name, at: Some(at) }
    }
}

/// The same alarm, later.
fn later(alarm: &Alarm, now: u64, wait: Duration) -> Write {
    Write::SetAlarm(Alarm { at: now + wait.as_millis() as u64, ..alarm.clone() })
}
