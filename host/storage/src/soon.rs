//! Table entries on their way to a writer that nobody waits for, so that reads answer with them meanwhile.

use crate::{ACCOUNT_DATA, AccountData, Batch, Write};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// By owner, the latest of each key. Bounded by the queue that the batches are in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Soon(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    of: HashMap<String, Vec<Entry>>,
    next: u64,
}

#[derive(Debug)]
struct Entry {
    batch: u64,
    store: String,
    key: String,
    value: Option<Vec<u8>>,
}

/// Reads answer with the entries of a batch until this is dropped.
#[derive(Debug)]
pub(crate) struct Shown {
    soon: Soon,
    batch: u64,
    owners: Vec<String>,
}

impl Soon {
    pub(crate) fn show(&self, batch: &Batch) -> Shown {
        let mut entries = self.0.lock();
        entries.next += 1;
        let number = entries.next;
        let mut owners = Vec::new();
        for write in &batch.writes {
            let (store, owner, key, value) = match write {
                Write::TableSet { store, owner, key, value } => (store, owner, key, Some(value.clone())),
                Write::TableDelete { store, owner, key } => (store, owner, key, None),
                _ => continue,
            };
            let own = entries.of.entry(owner.clone()).or_default();
            owners.push(owner.clone());
            match own.iter_mut().find(|entry| entry.is(store, key)) {
                Some(entry) => (entry.batch, entry.value) = (number, value),
                None => {
                    own.push(Entry { batch: number, store: store.clone(), key: key.clone(), value });
                }
            }
        }
        Shown { soon: self.clone(), batch: number, owners }
    }

    /// What a key is about to have; `None` if that is what is stored.
    pub(crate) fn get(&self, store: &str, owner: &str, key: &str) -> Option<Option<Vec<u8>>> {
        let entries = self.0.lock();
        let own = entries.of.get(owner)?;
        Some(own.iter().find(|entry| entry.is(store, key))?.value.clone())
    }

    /// What is about to change in an account's data.
    pub(crate) fn account_data(&self, owner: &str) -> Vec<Change> {
        let entries = self.0.lock();
        let own = entries.of.get(owner).into_iter().flatten();
        let change = |entry: &Entry| {
            let plugin = entry.store.strip_prefix(ACCOUNT_DATA)?.to_owned();
            Some(Change { plugin, key: entry.key.clone(), value: entry.value.clone() })
        };
        own.filter_map(change).collect()
    }
}

/// What a key of an account's data is about to have.
pub(crate) struct Change {
    plugin: String,
    key: String,
    value: Option<Vec<u8>>,
}

/// Bring what was read up to date, in the same order.
pub(crate) fn apply(changes: Vec<Change>, mut data: AccountData) -> AccountData {
    for Change { plugin, key, value } in changes {
        let place = data.binary_search_by(|(other, name, _)| (other, name).cmp(&(&plugin, &key)));
        match (place, value) {
            (Ok(at), Some(value)) => data.splice(at..=at, [(plugin, key, value)]).for_each(drop),
            (Ok(at), None) => drop(data.remove(at)),
            (Err(at), Some(value)) => data.insert(at, (plugin, key, value)),
            (Err(_), None) => {}
        }
    }
    data
}

impl Entry {
    fn is(&self, store: &str, key: &str) -> bool {
        self.key == key && self.store == store
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        let mut entries = self.soon.0.lock();
        for owner in &self.owners {
            let Some(own) = entries.of.get_mut(owner) else { continue };
            own.retain(|entry| entry.batch != self.batch);
            if own.is_empty() {
                entries.of.remove(owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_is_shown_until_its_own_batch_is_stored() {
        let soon = Soon::default();
        let set = |value: &str| {
            let (store, owner, key) = ("s".to_owned(), "o".to_owned(), "k".to_owned());
            Batch::one(Write::TableSet { store, owner, key, value: value.into() })
        };
        let value =
            || soon.get("s", "o", "k").map(|value| value.map(|value| String::from_utf8(value).unwrap()));
        let shown = ["1", "2", "3"].map(|value| soon.show(&set(value)));
        assert_eq!(soon.0.lock().of["o"].len(), 1, "whoever comes back often costs no more");
        assert_eq!(value(), Some(Some("3".into())));
        let [first, second, third] = shown;
        drop((first, second));
        assert_eq!(value(), Some(Some("3".into())));
        drop(third);
        assert_eq!(value(), None);
        assert!(soon.0.lock().of.is_empty());
    }
}
