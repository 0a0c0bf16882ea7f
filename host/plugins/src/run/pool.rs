//! Warm instances of one plugin: one call at a time each, replaced after many, and as many of them as
//! are needed.

use crate::bindings::exports::xmpp::plugin::lifecycle::Setting;
use crate::common::failure::Failure;
use crate::common::shared::Shared;
use crate::run::instance::{Exports, Instance};
use crate::run::state::State;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use wasmtime::component::InstancePre;

/// Where making an instance takes less than this, one is made sooner than another is waited for.
const WORTH_WAITING: Duration = Duration::from_millis(1);

/// Makes, lends and keeps instances.
pub(crate) struct Pool {
    pre: InstancePre<State>,
    exports: Exports,
    shared: Arc<Shared>,
    settings: Vec<(String, Vec<String>)>,
    /// The last returned is the next lent, so that those that are not needed stay at the bottom.
    idle: Mutex<Vec<Instance>>,
    /// Tells who waits that one has been returned.
    returned: Notify,
    /// How long it took to make the last one, in microseconds.
    making: AtomicU64,
    /// One for each instance that may exist beside the idle.
    permits: Semaphore,
    waiting: AtomicUsize,
    lent: AtomicUsize,
    /// The most that were lent at a time since the pool was last trimmed.
    peak: AtomicUsize,
    /// Bytes of memory of the largest instance that was ever returned.
    memory: AtomicUsize,
}

/// Which instance a call gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lease {
    /// One that others have used and will use, if there is one.
    Warm,
    /// One of its own, that nobody has used or will use.
    Own,
}

/// An instance for one call. Dropping it throws the instance away.
pub(crate) struct Lent<'a> {
    pub instance: Instance,
    lease: Lease,
    place: Place<'a>,
}

/// The right to have an instance out.
struct Place<'a> {
    pool: &'a Pool,
    _permit: SemaphorePermit<'a>,
}

/// What a pool holds at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolFigures {
    /// Instances that wait for a call.
    pub idle: usize,
    /// Instances that are at work.
    pub busy: usize,
    /// Bytes of linear memory of all the idle ones together.
    pub memory: usize,
    /// Bytes of linear memory of the largest that there ever was.
    pub largest: usize,
}

impl Pool {
    pub fn new(
        pre: InstancePre<State>,
        exports: Exports,
        shared: Arc<Shared>,
        settings: Vec<(String, Vec<String>)>,
    ) -> Pool {
        let permits = Semaphore::new(shared.limits.instances.clamp(1, Semaphore::MAX_PERMITS));
        Pool {
            pre,
            exports,
            shared,
            settings,
            idle: Mutex::default(),
            returned: Notify::new(),
            making: AtomicU64::new(0),
            permits,
            waiting: AtomicUsize::new(0),
            lent: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            memory: AtomicUsize::new(0),
        }
    }

    /// An instance that is ready for a hook call, waiting for one if all are in use.
    pub async fn lend(&self, lease: Lease) -> Result<Lent<'_>, Failure> {
        let permit = match self.permits.try_acquire() {
            Ok(permit) => permit,
            Err(_) => self.wait().await?,
        };
        let idle = if lease == Lease::Warm { self.idle.lock().pop() } else { None };
        let idle = match idle {
            None if lease == Lease::Warm => self.returned_soon().await,
            idle => idle,
        };
        let instance = match idle {
            Some(instance) => instance,
            None => Box::pin(self.make()).await?,
        };
        let lent = self.lent.fetch_add(1, Ordering::Relaxed) + 1;
        self.peak.fetch_max(lent, Ordering::Relaxed);
        Ok(Lent { instance, lease, place: Place { pool: self, _permit: permit } })
    }

    /// Keep one that was made while the plugin was loaded, which took so long.
    pub fn keep(&self, instance: Instance, making: Duration) {
        self.note_making(making);
        self.memory.fetch_max(instance.memory(), Ordering::Relaxed);
        self.idle.lock().push(instance);
    }

    /// Let go of instances that were not needed lately.
    pub fn trim(&self) {
        let needed = self.peak.swap(self.lent.load(Ordering::Relaxed), Ordering::Relaxed).max(1);
        let spare: Vec<Instance> = {
            let mut idle = self.idle.lock();
            let surplus = idle.len().saturating_sub(needed);
            idle.drain(..surplus).collect()
        };
        // Unmapping takes a while.
        drop(spare);
    }

    /// What it holds now.
    pub fn figures(&self) -> PoolFigures {
        let idle = self.idle.lock();
        PoolFigures {
            idle: idle.len(),
            busy: self.lent.load(Ordering::Relaxed),
            memory: idle.iter().map(Instance::memory).sum(),
            largest: self.memory.load(Ordering::Relaxed),
        }
    }

    async fn wait(&self) -> Result<SemaphorePermit<'_>, Failure> {
        let _waiter = Waiter::of(&self.waiting, self.shared.limits.waiting).ok_or(Failure::Busy)?;
        self.permits.acquire().await.map_err(|_| Failure::Busy)
    }

    /// An instance that is returned within the time that it takes to make another. Those of interpreters take megabytes
    /// and longer to make than most calls last, so there are only as many as calls keep at work.
    async fn returned_soon(&self) -> Option<Instance> {
        let patience = Duration::from_micros(self.making.load(Ordering::Relaxed));
        if patience < WORTH_WAITING || self.shared.fresh || self.lent.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let returned = async {
            loop {
                let returned = self.returned.notified();
                if let Some(instance) = self.idle.lock().pop() {
                    return instance;
                }
                returned.await;
            }
        };
        tokio::time::timeout(patience, returned).await.ok()
    }

    fn note_making(&self, took: Duration) {
        self.making.store(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    async fn make(&self) -> Result<Instance, Failure> {
        let before = Instant::now();
        let mut instance = Instance::new(&self.pre, &self.exports, &self.shared).await?;
        init(&mut instance, &self.settings).await?.map_err(Failure::Refused)?;
        self.note_making(before.elapsed());
        Ok(instance)
    }
}

impl Lent<'_> {
    /// Give back an instance whose call went well.
    pub fn give_back(self) {
        let Lent { instance, lease, place } = self;
        let pool = place.pool;
        pool.memory.fetch_max(instance.memory(), Ordering::Relaxed);
        let worn =
            lease == Lease::Own || pool.shared.fresh || instance.calls >= pool.shared.limits.retire_after;
        if !worn {
            pool.idle.lock().push(instance);
            pool.returned.notify_one();
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.pool.lent.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Hand an instance the operator's settings.
pub(crate) async fn init(
    instance: &mut Instance,
    settings: &[(String, Vec<String>)],
) -> wasmtime::Result<Result<(), String>> {
    let values: Vec<Vec<&str>> =
        settings.iter().map(|(_, value)| value.iter().map(String::as_str).collect()).collect();
    let settings = settings.iter().zip(&values).map(|((key, _), value)| Setting { key, value });
    instance.init(&settings.collect::<Vec<_>>()).await
}

/// One place in the queue.
struct Waiter<'a>(&'a AtomicUsize);

impl<'a> Waiter<'a> {
    fn of(waiting: &'a AtomicUsize, most: usize) -> Option<Waiter<'a>> {
        let before = waiting.fetch_add(1, Ordering::Relaxed);
        let waiter = Waiter(waiting);
        (before < most).then_some(waiter)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
