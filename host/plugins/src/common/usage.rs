//! How much plugins hold. Counting is exact only where it matters: what is written is added up, what is
//! deleted is not, and when the sum reaches the limit the database is asked.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use waxwing_storage::Storage;

/// How often the database is asked, because it has to look at all of it.
const RECOUNT: Duration = Duration::from_secs(10);

/// What the names of stores begin with that plugins share.
const SHARED: &str = "shared/";

/// What a store is called in the storage that a plugin calls `name`.
pub(crate) fn store_name(plugin: &str, name: &str) -> String {
    if name.starts_with(SHARED) { name.to_owned() } else { format!("{plugin}/{name}") }
}

/// What has a size and a limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Held {
    /// A store, by its name in the database.
    Store(String),
    /// The alarms of a plugin.
    Alarms(String),
}

impl Held {
    /// A store, by its name in the database.
    pub fn store(name: &str) -> Held {
        Held::Store(name.to_owned())
    }

    async fn measure(&self, storage: &dyn Storage) -> waxwing_storage::Result<u64> {
        match self {
            Held::Store(store) => storage.store_bytes(store).await,
            Held::Alarms(plugin) => storage.alarm_bytes(plugin).await,
        }
    }

    fn is_of(&self, plugin: &str) -> bool {
        match self {
            Held::Store(store) => {
                *store == crate::host::account_data::store(plugin)
                    || store.strip_prefix(plugin).is_some_and(|rest| rest.starts_with('/'))
            }
            Held::Alarms(of) => of == plugin,
        }
    }
}

impl std::fmt::Display for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Held::Store(store) => write!(f, "the store {store}"),
            Held::Alarms(plugin) => write!(f, "the alarms of {plugin}"),
        }
    }
}

/// The bytes of one of them.
#[derive(Debug, Default)]
struct Usage {
    bytes: AtomicU64,
    /// Whether the database has been asked at all, and when last.
    counted: Mutex<Option<Instant>>,
}

impl Usage {
    /// Whether there is room for this many more bytes, and if so, count them, unless this is only to `look`.
    async fn reserve(&self, held: &Held, storage: &dyn Storage, more: u64, limit: u64, look: bool) -> bool {
        let due = |last: Option<Instant>| last.is_none_or(|last| last.elapsed() >= RECOUNT);
        let full = self.bytes.load(Ordering::Relaxed).saturating_add(more) > limit;
        let last = *self.counted.lock();
        if last.is_none() || full && due(last) {
            *self.counted.lock() = Some(Instant::now());
            match held.measure(storage).await {
                Ok(bytes) => self.bytes.store(bytes, Ordering::Relaxed),
                Err(error) => {
                    *self.counted.lock() = last;
                    error.log(format_args!("{held} could not be measured"));
                    return false;
                }
            }
        }
        let room = |bytes: u64| bytes.checked_add(more).filter(|bytes| *bytes <= limit);
        if look {
            return room(self.bytes.load(Ordering::Relaxed)).is_some();
        }
        self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_ok()
    }
}

/// What somebody has asked the size of, each once, whoever shares it.
#[derive(Debug, Default)]
pub(crate) struct Usages(Mutex<HashMap<Held, Arc<Usage>>>);

impl Usages {
    /// Whether there is room for this many more bytes within a limit, of which 0 is none; and if so, count them, unless
    /// this is only to `look`.
    pub async fn reserve(
        &self,
        held: &Held,
        storage: &dyn Storage,
        more: usize,
        limit: u64,
        look: bool,
    ) -> bool {
        if limit == 0 {
            return true;
        }
        let usage = self.of(held);
        usage.reserve(held, storage, more as u64, limit, look).await
    }

    fn of(&self, held: &Held) -> Arc<Usage> {
        let mut all = self.0.lock();
        match all.get(held) {
            Some(usage) => usage.clone(),
            None => all.entry(held.clone()).or_default().clone(),
        }
    }

    /// The stores of a plugin's own that it has written to, by the names that it gives them.
    pub fn names(&self, plugin: &str) -> Vec<String> {
        let own = |held: &Held| match held {
            Held::Store(store) => Some(store.strip_prefix(plugin)?.strip_prefix('/')?.to_owned()),
            Held::Alarms(_) => None,
        };
        self.0.lock().keys().filter_map(own).collect()
    }

    /// The data of a plugin has been erased: what was counted says nothing any more.
    pub fn forget(&self, plugin: &str) {
        self.0.lock().retain(|held, _| !held.is_of(plugin));
    }
}
