//! Tables.

use super::{OverQuota, Quota, Staged, Staging};
use std::collections::{BTreeMap, BTreeSet};
use waxwing_storage::{Result, Storage, TableRange, TableRows, Write};

/// One value of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell<'a> {
    pub store: &'a str,
    pub owner: &'a str,
    pub key: &'a str,
}

impl Cell<'_> {
    fn is(&self, store: &str, owner: &str, key: &str) -> bool {
        self.key == key && self.owner == owner && self.store == store
    }
}

/// Why a value cannot be swapped.
#[derive(Debug)]
pub(crate) enum SwapError {
    Conflict,
    OverQuota,
    Storage(waxwing_storage::Error),
}

impl Staged {
    /// What the call believes to be there.
    pub async fn get(&self, storage: &dyn Storage, cell: Cell<'_>) -> Result<Option<Vec<u8>>> {
        if self.deletes_cell(cell) {
            return Ok(None);
        }
        match self.writes.iter().rev().find_map(|staging| value(&staging.write, cell)) {
            Some(value) => Ok(value.map(<[u8]>::to_vec)),
            None => storage.table_get(cell.store, cell.owner, cell.key).await,
        }
    }

    pub fn set(
        &mut self,
        cell: Cell<'_>,
        value: Vec<u8>,
        quota: Quota,
    ) -> std::result::Result<(), OverQuota> {
        self.put(cell, value, quota, false)
    }

    /// As `set`, of what a crash may lose.
    pub fn set_soon(
        &mut self,
        cell: Cell<'_>,
        value: Vec<u8>,
        quota: Quota,
    ) -> std::result::Result<(), OverQuota> {
        self.put(cell, value, quota, true)
    }

    fn put(
        &mut self,
        cell: Cell<'_>,
        value: Vec<u8>,
        quota: Quota,
        soon: bool,
    ) -> std::result::Result<(), OverQuota> {
        self.charge(cell.key.len() + value.len(), quota)?;
        // Deletes commit last, so one that stayed would undo this.
        self.deletes.retain(|delete| !deletes(delete, cell));
        self.writes.retain(|staging| !deletes(&staging.write, cell));
        for staging in &mut self.writes {
            if let Some(staged) = value_mut(&mut staging.write, cell) {
                *staged = value;
                staging.soon &= soon;
                return Ok(());
            }
        }
        let (store, owner, key) = (cell.store.into(), cell.owner.into(), cell.key.into());
        let write = Write::TableSet { store, owner, key, value };
        self.writes.push(Staging { write, id: 0, soon });
        Ok(())
    }

    /// Forget a key with the other writes. A swap that was staged still guards against others.
    pub fn unset(&mut self, cell: Cell<'_>, quota: Quota) -> std::result::Result<(), OverQuota> {
        self.charge(cell.key.len(), quota)?;
        self.deletes.retain(|delete| !deletes(delete, cell));
        self.writes.retain(|staging| !sets(&staging.write, cell));
        if !self.writes.iter().any(|staging| deletes(&staging.write, cell)) {
            self.push(Write::TableDelete {
                store: cell.store.into(),
                owner: cell.owner.into(),
                key: cell.key.into(),
            });
        }
        Ok(())
    }

    pub async fn swap(
        &mut self,
        storage: &dyn Storage,
        cell: Cell<'_>,
        old: Option<Vec<u8>>,
        new: Vec<u8>,
        quota: Quota,
    ) -> std::result::Result<(), SwapError> {
        if self.get(storage, cell).await.map_err(SwapError::Storage)? != old {
            return Err(SwapError::Conflict);
        }
        let staged = self.deletes_cell(cell) || self.writes.iter().any(|s| value(&s.write, cell).is_some());
        if staged {
            // What the call itself has put there cannot change under it. A swap that was staged
            // keeps its `old`, and so still guards against others.
            return self.set(cell, new, quota).map_err(|OverQuota| SwapError::OverQuota);
        }
        let bytes = cell.key.len() + old.as_ref().map_or(0, Vec::len) + new.len();
        self.charge(bytes, quota).map_err(|OverQuota| SwapError::OverQuota)?;
        self.push(Write::TableSwap {
            store: cell.store.into(),
            owner: cell.owner.into(),
            key: cell.key.into(),
            old,
            new,
        });
        Ok(())
    }

    pub fn delete(&mut self, cell: Cell<'_>, quota: Quota) -> std::result::Result<(), OverQuota> {
        self.charge(cell.key.len(), quota)?;
        if !self.deletes_cell(cell) {
            self.deletes.push(Write::TableDelete {
                store: cell.store.into(),
                owner: cell.owner.into(),
                key: cell.key.into(),
            });
        }
        Ok(())
    }

    /// The keys that the call believes to be there.
    pub async fn keys(
        &self,
        storage: &dyn Storage,
        store: &str,
        owner: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>> {
        let deleted = self.deleted(store, owner);
        let more = limit.saturating_add(deleted.len() as u32);
        let mut keys = BTreeSet::from_iter(storage.table_keys(store, owner, prefix, after, more).await?);
        // A page that is full says nothing of the keys after its last.
        let end = (keys.len() as u32 == more).then(|| keys.last().cloned()).flatten();
        keys.extend(self.writes.iter().filter_map(|staging| match &staging.write {
            Write::TableSet { store: s, owner: o, key, .. }
            | Write::TableSwap { store: s, owner: o, key, .. }
                if s == store
                    && o == owner
                    && key.starts_with(prefix)
                    && after.is_none_or(|after| key.as_str() > after)
                    && end.as_ref().is_none_or(|end| key < end) =>
            {
                Some(key.clone())
            }
            _ => None,
        }));
        Ok(keys.into_iter().filter(|key| !deleted.contains(key.as_str())).take(limit as usize).collect())
    }

    /// The keys and values of a range that the call believes to be there.
    pub async fn scan(
        &self,
        storage: &dyn Storage,
        store: &str,
        owner: &str,
        range: TableRange,
    ) -> Result<TableRows> {
        let deleted = self.deleted(store, owner);
        let more = range.limit.saturating_add(deleted.len() as u32);
        let stored = storage.table_scan(store, owner, &TableRange { limit: more, ..range.clone() }).await?;
        // A page that is full says nothing of the keys beyond its last.
        let end = (stored.len() as u32 == more).then(|| stored.last().map(|(key, _)| key.clone())).flatten();
        let beyond = |key: &str| match &end {
            Some(end) if range.backwards => key < end.as_str(),
            Some(end) => key > end.as_str(),
            None => false,
        };
        let mut rows = BTreeMap::from_iter(stored);
        rows.extend(self.writes.iter().filter_map(|staging| match &staging.write {
            Write::TableSet { store: s, owner: o, key, value: new }
            | Write::TableSwap { store: s, owner: o, key, new, .. }
                if s == store && o == owner && range.contains(key) && !beyond(key) =>
            {
                Some((key.clone(), new.clone()))
            }
            _ => None,
        }));
        rows.retain(|key, _| !deleted.contains(key.as_str()));
        let limit = range.limit as usize;
        Ok(match range.backwards {
            true => rows.into_iter().rev().take(limit).collect(),
            false => rows.into_iter().take(limit).collect(),
        })
    }

    /// The keys that the call has deleted, in either way.
    fn deleted(&self, store: &str, owner: &str) -> BTreeSet<&str> {
        let unset = self.writes.iter().map(|staging| &staging.write);
        let deleted = self.deletes.iter().chain(unset).filter_map(|write| match write {
            Write::TableDelete { store: s, owner: o, key } if s == store && o == owner => Some(key.as_str()),
            _ => None,
        });
        deleted.collect()
    }

    fn deletes_cell(&self, cell: Cell<'_>) -> bool {
        self.deletes.iter().any(|delete| deletes(delete, cell))
    }

    pub(super) fn push(&mut self, write: Write) {
        self.writes.push(Staging { write, id: 0, soon: false });
    }
}

fn deletes(write: &Write, cell: Cell<'_>) -> bool {
    matches!(write, Write::TableDelete { store, owner, key } if cell.is(store, owner, key))
}

fn sets(write: &Write, cell: Cell<'_>) -> bool {
    matches!(write, Write::TableSet { store, owner, key, .. } if cell.is(store, owner, key))
}

/// What a write leaves of a value: nothing, if it deletes it. `None` for one that is about another.
fn value<'a>(write: &'a Write, cell: Cell<'_>) -> Option<Option<&'a [u8]>> {
    match write {
        Write::TableSet { store, owner, key, value: new }
        | Write::TableSwap { store, owner, key, new, .. }
            if cell.is(store, owner, key) =>
        {
            Some(Some(new))
        }
        Write::TableDelete { store, owner, key } if cell.is(store, owner, key) => Some(None),
        _ => None,
    }
}

fn value_mut<'a>(write: &'a mut Write, cell: Cell<'_>) -> Option<&'a mut Vec<u8>> {
    match write {
        Write::TableSet { store, owner, key, value: new }
        | Write::TableSwap { store, owner, key, new, .. }
            if cell.is(store, owner, key) =>
        {
            Some(new)
        }
        _ => None,
    }
}
