//! How full a store is. Counting is exact only where it matters: what is written is added up, what is
//! deleted is not, and when the sum reaches the limit the database is asked.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use waxwing_storage::Storage;

/// How often the database is asked, because it has to look at the whole store.
const RECOUNT: Duration = Duration::from_secs(10);

/// What the names of stores begin with that plugins share.
const SHARED: &str = "shared/";

/// What a store is called in the storage that a plugin calls `name`.
pub(crate) fn store_name(plugin: &str, name: &str) -> String {
    if name.starts_with(SHARED) { name.to_owned() } else { format!("{plugin}/{name}") }
}

/// The bytes of one store.
#[derive(Debug)]
pub(crate) struct Usage {
    bytes: AtomicU64,
    /// Whether the database has been asked at all, and when last.
    counted: Mutex<Option<Instant>>,
}

impl Usage {
    /// Whether there is room for this many more bytes, and if so, count them, unless this is only to `look`.
    pub async fn reserve(
        &self,
        storage: &dyn Storage,
        store: &str,
        more: u64,
        limit: u64,
        look: bool,
    ) -> bool {
        if limit == 0 {
            return true;
        }
        let due = |last: Option<Instant>| last.is_none_or(|last| last.elapsed() >= RECOUNT);
        let full = self.bytes.load(Ordering::Relaxed).saturating_add(more) > limit;
        let last = *self.counted.lock();
        if last.is_none() || full && due(last) {
            *self.counted.lock() = Some(Instant::now());
            match storage.store_bytes(store).await {
                Ok(bytes) => self.bytes.store(bytes, Ordering::Relaxed),
                Err(error) => {
                    *self.counted.lock() = last;
                    tracing::warn!(store, %error, "a store could not be measured");
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

/// The stores whose size somebody has asked for, each once, whoever shares it.
#[derive(Debug, Default)]
pub(crate) struct Usages(Mutex<HashMap<String, Arc<Usage>>>);

impl Usages {
    /// The store of this name.
    pub fn of(&self, store: &str) -> Arc<Usage> {
        let make = || Arc::new(Usage { bytes: AtomicU64::new(0), counted: Mutex::new(None) });
        self.0.lock().entry(store.to_owned()).or_insert_with(make).clone()
    }

    /// The stores of a plugin's own that it has written to, by the names that it gives them.
    pub fn names(&self, plugin: &str) -> Vec<String> {
        let own = |store: &String| Some(store.strip_prefix(plugin)?.strip_prefix('/')?.to_owned());
        self.0.lock().keys().filter_map(own).collect()
    }

    /// The data of a plugin has been erased: what was counted says nothing any more.
    pub fn forget(&self, plugin: &str) {
        let own = |store: &str| store.strip_prefix(plugin).is_some_and(|rest| rest.starts_with('/'));
        self.0.lock().retain(|store, _| !own(store));
    }
}
