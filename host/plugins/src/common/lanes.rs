//! Calls that must not run at the same time: those of one plugin with the same key.
//!
//! A lane lets in one call at a time, in order of arrival, and lets stanzas leave in the order of the
//! calls. A call leaves its lane before its stanzas do: they may lead to calls on other lanes, and two
//! lanes that wait for each other would wait for ever.

use crate::common::chain::Chain;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

type Map = Mutex<HashMap<Box<str>, Arc<Lane>>>;

/// The lanes of one plugin that are in use.
#[derive(Default)]
pub(crate) struct Lanes {
    lanes: Arc<Map>,
}

impl std::fmt::Debug for Lanes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} lanes in use", self.lanes.lock().len())
    }
}

struct Lane {
    key: Box<str>,
    gate: Arc<Semaphore>,
    leaving: Mutex<Leaving>,
}

/// What the calls have left to be done, in order.
#[derive(Default)]
struct Leaving {
    queue: VecDeque<Departure>,
    /// A task is at it.
    busy: bool,
}

struct Departure {
    work: BoxFuture<'static, ()>,
    done: oneshot::Sender<()>,
}

/// The right to make a call. Dropping it lets the next one in.
pub(crate) struct Turn {
    /// There until the turn is dropped.
    lane: Option<Arc<Lane>>,
    lanes: Arc<Map>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Lanes {
    /// Wait for the turn of a key.
    pub async fn enter(&self, key: &str) -> Turn {
        let lane = {
            let mut lanes = self.lanes.lock();
            match lanes.get(key) {
                Some(lane) => lane.clone(),
                None => {
                    let gate = Arc::new(Semaphore::new(1));
                    let lane = Arc::new(Lane { key: key.into(), gate, leaving: Mutex::default() });
                    lanes.insert(key.into(), lane.clone());
                    lane
                }
            }
        };
        let gate = lane.gate.clone();
        let mut turn = Turn { lane: Some(lane), lanes: self.lanes.clone(), permit: None };
        // The gate is never closed.
        turn.permit = gate.acquire_owned().await.ok();
        turn
    }
}

impl Turn {
    /// Let the next call in, and this work be done after that of the calls before. Waits for it,
    /// unless this call is part of what another one has set off.
    pub async fn leave(self, work: BoxFuture<'static, ()>) {
        let (done, is_done) = oneshot::channel();
        if let Some(lane) = &self.lane {
            let idle = {
                let mut leaving = lane.leaving.lock();
                leaving.queue.push_back(Departure { work, done });
                !std::mem::replace(&mut leaving.busy, true)
            };
            if idle {
                let (lane, lanes) = (lane.clone(), self.lanes.clone());
                tokio::spawn(async move {
                    lane.let_leave().await;
                    let_go(&lanes, lane);
                });
            }
        }
        drop(self);
        if !Chain::is_nested() {
            let _ = is_done.await;
        }
    }
}

impl Lane {
    async fn let_leave(&self) {
        loop {
            let next = {
                let mut leaving = self.leaving.lock();
                let next = leaving.queue.pop_front();
                leaving.busy = next.is_some();
                next
            };
            let Some(Departure { work, done }) = next else { return };
            work.await;
            let _ = done.send(());
        }
    }
}

/// Give back a lane, and forget it with the last.
fn let_go(lanes: &Map, lane: Arc<Lane>) {
    let mut lanes = lanes.lock();
    let key = lane.key.clone();
    // Under the lock, so that of two that let go at the same time the second sees that it is the last.
    drop(lane);
    if lanes.get(&key).is_some_and(|lane| Arc::strong_count(lane) == 1) {
        lanes.remove(&key);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.permit.take());
        if let Some(lane) = self.lane.take() {
            let_go(&self.lanes, lane);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    #[tokio::test]
    async fn one_at_a_time_and_in_order() {
        let (lanes, running) = (Arc::new(Lanes::default()), Arc::new(AtomicUsize::new(0)));
        let left = Arc::new(Mutex::new(Vec::new()));
        let calls = (0..50).map(|number| {
            let (lanes, running, left) = (lanes.clone(), running.clone(), left.clone());
            async move {
                let turn = lanes.enter("room").await;
                assert_eq!(running.fetch_add(1, SeqCst), 0);
                tokio::task::yield_now().await;
                running.fetch_sub(1, SeqCst);
                let work = async move {
                    tokio::task::yield_now().await;
                    left.lock().push(number);
                };
                turn.leave(work.boxed()).await;
            }
        });
        futures_util::future::join_all(calls).await;
        assert_eq!(*left.lock(), (0..50).collect::<Vec<_>>());
        while !lanes.lanes.lock().is_empty() {
            // The last to leave is still on its way out; a key that was never forgotten would hang here.
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn other_keys_do_not_wait() {
        let lanes = Lanes::default();
        let held = lanes.enter("one").await;
        assert!(lanes.enter("two").now_or_never().is_some());
        assert!(lanes.enter("one").now_or_never().is_none());
        drop(held);
        assert!(lanes.enter("one").now_or_never().is_some());
    }
}
