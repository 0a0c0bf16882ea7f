//! `storage`: tables and logs of the plugin.

use super::NoOwner;
use crate::bindings::xmpp::plugin::storage::{Entry, Error, Host, HostLog, HostTable, Query, Range, Row};
use crate::bindings::{Log, Table};
use crate::common::pending::Pending;
use crate::common::shared::Shared;
use crate::common::usage::{Held, Usages, store_name};
use crate::effects::Effects;
use crate::effects::staged::{Append, Cell, OverQuota, Quota, Staged, SwapError};
use crate::run::state::{Call, OpenStore, State};
use std::sync::Arc;
use wasmtime::component::Resource;
use waxwing_storage::{LogQuery, Storage, TableRange};
use waxwing_xmpp::Jid;

/// Stores that one instance may have opened.
const STORES: usize = 64;
/// Handles of stores that one instance may hold.
const HANDLES: u32 = 1024;
/// Bytes of the name of a store or of a key, and of one value.
const NAME: usize = 64;
const KEY: usize = 1024;
const VALUE: usize = 256 << 10;
/// Keys and entries of one read: with values of the largest size, as much as an instance's memory.
const PAGE: u32 = 256;
/// Times are kept as signed numbers by databases.
const FAR: u64 = i64::MAX as u64;

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl Host for State {
    fn open_table(&mut self, name: String) -> Answer<Resource<Table>> {
        Ok(self.open(&name).map(Resource::new_own))
    }

    fn open_log(&mut self, name: String) -> Answer<Resource<Log>> {
        Ok(self.open(&name).map(Resource::new_own))
    }
}

impl HostTable for State {
    async fn get(&mut self, table: Resource<Table>, owner: String, key: String) -> Answer<Option<Vec<u8>>> {
        let store = self.store_of(table.rep())?;
        let Some(at) = self.at(&owner) else { return Ok(Err(Error::Denied)) };
        let cell = Cell { store: &store.name, owner: at.owner.as_str(), key: &key };
        Ok(at.staged.get(at.storage, cell).await.map_err(failed))
    }

    async fn set(
        &mut self,
        table: Resource<Table>,
        owner: String,
        key: String,
        value: Vec<u8>,
    ) -> Answer<()> {
        self.stage_value(table, &owner, &key, value, Staged::set).await
    }

    async fn set_soon(
        &mut self,
        table: Resource<Table>,
        owner: String,
        key: String,
        value: Vec<u8>,
    ) -> Answer<()> {
        self.stage_value(table, &owner, &key, value, Staged::set_soon).await
    }

    async fn swap(
        &mut self,
        table: Resource<Table>,
        owner: String,
        key: String,
        old: Option<Vec<u8>>,
        new: Vec<u8>,
    ) -> Answer<()> {
        let store = self.store_of(table.rep())?;
        let at = match self.at_to_keep(&owner).await {
            Ok(at) => at,
            Err(refused) => return Ok(Err(refused)),
        };
        if key.len() > KEY || new.len() > VALUE {
            return Ok(Err(Error::OverQuota));
        }
        if !at.has_room(&store, key.len() + new.len()).await {
            return Ok(Err(Error::OverQuota));
        }
        let cell = Cell { store: &store.name, owner: at.owner.as_str(), key: &key };
        Ok(at.staged.swap(at.storage, cell, old, new, at.quota).await.map_err(|error| match error {
            SwapError::Conflict => Error::Conflict,
            SwapError::OverQuota => Error::OverQuota,
            SwapError::Storage(error) => failed(error),
        }))
    }

    async fn delete(&mut self, table: Resource<Table>, owner: String, key: String) -> Answer<()> {
        let store = self.store_of(table.rep())?;
        let Some(at) = self.at(&owner) else { return Ok(Err(Error::Denied)) };
        let cell = Cell { store: &store.name, owner: at.owner.as_str(), key: &key };
        Ok(at.staged.delete(cell, at.quota).map_err(over))
    }

    async fn unset(&mut self, table: Resource<Table>, owner: String, key: String) -> Answer<()> {
        let store = self.store_of(table.rep())?;
        let Some(at) = self.at(&owner) else { return Ok(Err(Error::Denied)) };
        let cell = Cell { store: &store.name, owner: at.owner.as_str(), key: &key };
        Ok(at.staged.unset(cell, at.quota).map_err(over))
    }

    async fn scan(&mut self, table: Resource<Table>, owner: String, range: Range) -> Answer<Vec<Row>> {
        let store = self.store_of(table.rep())?;
        let Some(at) = self.at(&owner) else { return Ok(Err(Error::Denied)) };
        let Range { prefix, after, before, backwards, limit } = range;
        let range = TableRange { prefix, after, before, backwards, limit: limit.min(PAGE) };
        let rows = at.staged.scan(at.storage, &store.name, at.owner.as_str(), range).await.map_err(failed);
        Ok(rows.map(|rows| rows.into_iter().map(|(key, value)| Row { key, value }).collect()))
    }

    async fn keys(
        &mut self,
        table: Resource<Table>,
        owner: String,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> Answer<Vec<String>> {
        let store = self.store_of(table.rep())?;
        let Some(at) = self.at(&owner) else { return Ok(Err(Error::Denied)) };
        let (owner, after) = (at.owner.as_str(), after.as_deref());
        let keys = at.staged.keys(at.storage, &store.name, owner, &prefix, after, limit.min(PAGE)).await;
        Ok(keys.map_err(failed))
    }

    async fn drop(&mut self, _: Resource<Table>) -> wasmtime::Result<()> {
        self.handles = self.handles.saturating_sub(1);
        Ok(())
    }
}

impl HostLog for State {
    async fn append(
        &mut self,
        log: Resource<Log>,
        owner: String,
        at: u64,
        tag: Option<String>,
        value: Vec<u8>,
        expires: Option<u64>,
    ) -> Answer<()> {
        let store = self.store_of(log.rep())?;
        if value.len() > VALUE || tag.as_ref().is_some_and(|tag| tag.len() > KEY) {
            return Ok(Err(Error::OverQuota));
        }
        let append = Append { at: at.min(FAR), tag, value, expires: expires.map(|time| time.min(FAR)) };
        let at = match self.at_to_keep(&owner).await {
            Ok(at) => at,
            Err(refused) => return Ok(Err(refused)),
        };
        let bytes = append.value.len() + append.tag.as_ref().map_or(0, String::len);
        if !at.has_room(&store, bytes).await {
            return Ok(Err(Error::OverQuota));
        }
        Ok(at.staged.append(&store.name, at.owner.as_str(), append, at.quota).map_err(over))
    }

    async fn read(&mut self, log: Resource<Log>, owner: String, query: Query) -> Answer<Vec<Entry>> {
        let store = self.store_of(log.rep())?;
        let Some(mut at) = self.at(&owner) else { return Ok(Err(Error::Denied)) };
        let query = LogQuery {
            after: query.after,
            before: query.before,
            since: query.since.map(|time| time.min(FAR)),
            until: query.until.map(|time| time.min(FAR)),
            tag: query.tag,
            backwards: query.backwards,
            limit: query.limit.min(PAGE),
        };
        at.overlook_pending();
        let entries = at.staged.read(at.storage, &store.name, at.owner.as_str(), query).await.map_err(failed);
        Ok(entries.map(|entries| {
            let entries = entries.into_iter();
            entries.map(|e| Entry { id: e.id, at: e.at, tag: e.tag, value: e.value }).collect()
        }))
    }

    async fn remove(&mut self, log: Resource<Log>, owner: String, id: u64) -> Answer<()> {
        let store = self.store_of(log.rep())?;
        let Some(at) = self.at(&owner) else { return Ok(Err(Error::Denied)) };
        Ok(at.staged.remove(&store.name, at.owner.as_str(), id, at.quota).map_err(over))
    }

    async fn trim(&mut self, log: Resource<Log>, owner: String, through: u64) -> Answer<()> {
        let store = self.store_of(log.rep())?;
        let Some(at) = self.at(&owner) else { return Ok(Err(Error::Denied)) };
        Ok(at.staged.trim(&store.name, at.owner.as_str(), through, at.quota).map_err(over))
    }

    async fn count(&mut self, log: Resource<Log>, owner: String, tag: Option<String>) -> Answer<u64> {
        let store = self.store_of(log.rep())?;
        let Some(mut at) = self.at(&owner) else { return Ok(Err(Error::Denied)) };
        at.overlook_pending();
        Ok(at.staged.count(at.storage, &store.name, at.owner.as_str(), tag.as_deref()).await.map_err(failed))
    }

    async fn drop(&mut self, _: Resource<Log>) -> wasmtime::Result<()> {
        self.handles = self.handles.saturating_sub(1);
        Ok(())
    }
}

/// Everything that a change or a read of an owner's data needs.
struct At<'a> {
    owner: Jid,
    storage: &'a dyn Storage,
    staged: &'a mut Staged,
    usages: &'a Usages,
    pending: &'a Pending,
    session: Option<&'a str>,
    quota: Quota,
    /// Nothing of the call will be stored.
    dry: bool,
}

impl<'a> At<'a> {
    fn new((call, shared, owner): (&'a mut Call, &'a Shared, Jid)) -> Self {
        let dry = call.is_dry();
        let (storage, staged) = (call.host.storage(), &mut call.effects.staged);
        let session = call.session.as_deref();
        At {
            owner,
            storage,
            staged,
            usages: &shared.common.usages,
            pending: &shared.common.pending,
            session,
            quota: Effects::quota(&shared.limits),
            dry,
        }
    }

    /// What somebody has and is about to acknowledge is not there.
    fn overlook_pending(&mut self) {
        self.staged.overlook(self.pending.of(self.owner.as_str(), self.session));
    }

    /// Whether the store takes this many more bytes.
    async fn has_room(&self, store: &OpenStore, bytes: usize) -> bool {
        self.usages.reserve(&Held::store(&store.name), self.storage, bytes, store.limit, self.dry).await
    }
}

/// How a value is staged.
type Stage = fn(&mut Staged, Cell<'_>, Vec<u8>, Quota) -> Result<(), OverQuota>;

impl State {
    async fn stage_value(
        &mut self,
        table: Resource<Table>,
        owner: &str,
        key: &str,
        value: Vec<u8>,
        stage: Stage,
    ) -> Answer<()> {
        let store = self.store_of(table.rep())?;
        let at = match self.at_to_keep(owner).await {
            Ok(at) => at,
            Err(refused) => return Ok(Err(refused)),
        };
        if key.len() > KEY || value.len() > VALUE {
            return Ok(Err(Error::OverQuota));
        }
        if !at.has_room(&store, key.len() + value.len()).await {
            return Ok(Err(Error::OverQuota));
        }
        let cell = Cell { store: &store.name, owner: at.owner.as_str(), key };
        Ok(stage(at.staged, cell, value, at.quota).map_err(over))
    }

    /// The number of a store's handle. Stores are cheap names, so one opened again is the same.
    fn open(&mut self, name: &str) -> Result<u32, Error> {
        // Only while it is described. One that is being set up can open its stores, once.
        if self.shared.said.get().is_none() {
            return Err(Error::Denied);
        }
        if name.is_empty() || name.len() > NAME {
            return Err(Error::Denied);
        }
        let limit = self.shared.grants.store(name).ok_or(Error::Denied)?;
        let name = store_name(&self.shared.name, name);
        // The runtime keeps a handle until the guest drops it, so those that leak must not pile up.
        if self.handles >= HANDLES {
            return Err(Error::OverQuota);
        }
        self.handles += 1;
        if let Some(known) = self.stores.iter().position(|store| store.name == name) {
            return Ok(known as u32);
        }
        if self.stores.len() >= STORES {
            return Err(Error::OverQuota);
        }
        self.stores.push(Arc::new(OpenStore { name, limit }));
        Ok(self.stores.len() as u32 - 1)
    }

    fn store_of(&self, handle: u32) -> wasmtime::Result<Arc<OpenStore>> {
        let store = self.stores.get(handle as usize).cloned();
        store.ok_or_else(|| wasmtime::format_err!("this handle stands for no store"))
    }

    /// `None` where there is no call, or no such owner.
    fn at(&mut self, owner: &str) -> Option<At<'_>> {
        self.owned(owner).map(At::new)
    }

    /// The same for what adds to an owner's data.
    async fn at_to_keep(&mut self, owner: &str) -> Result<At<'_>, Error> {
        let keeping = self.keeping(owner).await;
        keeping.map(At::new).map_err(|why| match why {
            NoOwner::Denied => Error::Denied,
            NoOwner::Unavailable => Error::Unavailable,
        })
    }
}

fn over(OverQuota: OverQuota) -> Error {
    Error::OverQuota
}

fn failed(error: waxwing_storage::Error) -> Error {
    error.log(format_args!("a plugin's read failed"));
    Error::Unavailable
}
