//! A little data of an account that plugins read with nearly no wait: in memory while the account has
//! sessions. The server keeps one of these for each such account.

use parking_lot::RwLock;
use std::collections::HashMap;
use tokio::sync::OnceCell;
use waxwing_storage::Storage;

/// Bytes that one plugin may keep for one account.
pub(crate) const MOST: usize = 64 << 10;

/// By plugin and key.
type Values = HashMap<(Box<str>, Box<str>), Option<Vec<u8>>>;

/// What plugins keep for one account that is online.
#[derive(Debug, Default)]
pub struct AccountData {
    loaded: OnceCell<()>,
    /// `None` is what was deleted since: it tells a read that was under way that
    /// its answer is old.
    values: RwLock<Values>,
}

impl AccountData {
    /// Read everything, once. Until this has succeeded, plugins read from storage.
    ///
    /// # Errors
    /// When the storage cannot answer; the next call tries again.
    pub async fn load(&self, storage: &dyn Storage, account: &str) -> Result<(), waxwing_storage::Error> {
        let load = async {
            let stored = storage.account_data(account).await?;
            let mut values = self.values.write();
            for (plugin, key, value) in stored {
                // What was written meanwhile is newer.
                values.entry((plugin.into(), key.into())).or_insert(Some(value));
            }
            Ok(())
        };
        self.loaded.get_or_try_init(|| load).await.copied()
    }

    /// With what one plugin keeps, and nothing of others.
    pub(crate) fn holding(plugin: &str, entries: Vec<(String, Vec<u8>)>) -> AccountData {
        let entries = entries.into_iter();
        let values = entries.map(|(key, value)| ((plugin.into(), key.into()), Some(value))).collect();
        AccountData { loaded: OnceCell::new_with(Some(())), values: RwLock::new(values) }
    }

    /// All that one plugin keeps, in order of the keys; `None` if that is not known here.
    pub(crate) fn entries(&self, plugin: &str) -> Option<Vec<(String, Vec<u8>)>> {
        self.loaded.get()?;
        let values = self.values.read();
        let own = values.iter().filter(|((owner, _), _)| **owner == *plugin);
        let own = own.filter_map(|((_, key), value)| Some((key.to_string(), value.clone()?)));
        let mut entries: Vec<_> = own.collect();
        entries.sort_unstable();
        Some(entries)
    }

    /// The value of a key; `None` if that is not known here.
    pub(crate) fn get(&self, plugin: &str, key: &str) -> Option<Option<Vec<u8>>> {
        self.loaded.get()?;
        Some(self.values.read().get(&(plugin.into(), key.into())).cloned().flatten())
    }

    /// The bytes that a plugin keeps, keys included; `None` if that is not known here.
    pub(crate) fn bytes(&self, plugin: &str) -> Option<usize> {
        self.loaded.get()?;
        let values = self.values.read();
        let own = values.iter().filter(|((owner, _), _)| **owner == *plugin);
        Some(own.map(|((_, key), value)| value.as_ref().map_or(0, |value| key.len() + value.len())).sum())
    }

    /// Take note of what has been committed.
    pub(crate) fn set(&self, plugin: &str, key: &str, value: Option<Vec<u8>>) {
        self.values.write().insert((plugin.into(), key.into()), value);
    }
}

/// The store of a plugin's account data.
pub(crate) fn store(plugin: &str) -> String {
    format!("account-data/{plugin}")
}
