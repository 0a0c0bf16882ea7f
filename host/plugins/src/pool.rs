//! Warm instances of one plugin: one call at a time each, replaced after many.

use crate::bindings::exports::xmpp::plugin::lifecycle::Setting;
use crate::call::Failure;
use crate::instance::{Exports, Instance};
use crate::state::{Shared, State};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Semaphore, SemaphorePermit};
use wasmtime::component::InstancePre;

/// Makes, lends and keeps instances.
pub(crate) struct Pool {
    pre: InstancePre<State>,
    exports: Exports,
    shared: Arc<Shared>,
    settings: Vec<(String, Vec<String>)>,
    /// The last returned is the next lent, so that as few as possible stay in use.
    idle: Mutex<Vec<Instance>>,
    /// One for each instance that may exist beside the idle.
    permits: Semaphore,
    waiting: AtomicUsize,
}

/// An instance for one call. Dropping it throws the instance away.
pub(crate) struct Lent<'a> {
    pub instance: Instance,
    _permit: SemaphorePermit<'a>,
}

impl Pool {
    pub fn new(
        pre: InstancePre<State>,
        exports: Exports,
        shared: Arc<Shared>,
        settings: Vec<(String, Vec<String>)>,
    ) -> Pool {
        let permits = Semaphore::new(shared.options.instances.clamp(1, Semaphore::MAX_PERMITS));
        let idle = Mutex::new(Vec::new());
        Pool { pre, exports, shared, settings, idle, permits, waiting: AtomicUsize::new(0) }
    }

    /// An instance that is ready for a hook call, waiting for one if all are in use.
    pub async fn lend(&self) -> Result<Lent<'_>, Failure> {
        let permit = match self.permits.try_acquire() {
            Ok(permit) => permit,
            Err(_) => self.wait().await?,
        };
        let idle = self.idle.lock().pop();
        let instance = match idle {
            Some(instance) => instance,
            None => self.make().await?,
        };
        Ok(Lent { instance, _permit: permit })
    }

    /// Take back an instance whose call went well.
    pub fn take_back(&self, lent: Lent<'_>) {
        let worn = lent.instance.calls >= self.shared.options.retire_after;
        let mut idle = self.idle.lock();
        let spare = if worn || idle.len() >= self.shared.options.warm {
            Some(lent.instance)
        } else {
            idle.push(lent.instance);
            None
        };
        // Unmapping takes a while.
        drop(idle);
        drop(spare);
    }

    /// Keep one that was made while the plugin was loaded.
    pub fn keep(&self, instance: Instance) {
        self.idle.lock().push(instance);
    }

    async fn wait(&self) -> Result<SemaphorePermit<'_>, Failure> {
        let _waiter = Waiter::of(&self.waiting, self.shared.options.waiting).ok_or(Failure::Busy)?;
        self.permits.acquire().await.map_err(|_| Failure::Busy)
    }

    async fn make(&self) -> Result<Instance, Failure> {
        let mut instance = Instance::new(&self.pre, &self.exports, &self.shared).await?;
        init(&mut instance, &self.settings).await?.map_err(Failure::Refused)?;
        Ok(instance)
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
