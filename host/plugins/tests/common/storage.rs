//! Tables, logs and alarms in memory; of everything else there is nothing.

use super::host::Step;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use waxwing_storage::{
    ACCOUNT_DATA, Account, AccountData, AccountSummary, Alarm, Batch, Error, Ids, InstalledPlugin, LogEntry,
    LogQuery, Result, Roster, Storage, TableRange, TableRows, Vhost, Write,
};
use waxwing_xmpp::Jid;

type Place = (String, String);

#[derive(Default)]
pub struct Memory {
    data: Mutex<Data>,
    steps: Arc<Mutex<Vec<Step>>>,
    /// The next commit finds that somebody else was faster.
    pub conflict: AtomicBool,
    /// Reads take a while.
    pub slow: AtomicBool,
}

#[derive(Clone, Default)]
struct Data {
    tables: BTreeMap<Place, BTreeMap<String, Vec<u8>>>,
    logs: BTreeMap<Place, Vec<LogEntry>>,
    /// By owner, plugin and name.
    alarms: BTreeMap<(String, String, String), Alarm>,
    last: u64,
}

impl Memory {
    pub fn new(steps: Arc<Mutex<Vec<Step>>>) -> Memory {
        Memory { steps, ..Memory::default() }
    }

    /// Put something there without the engine.
    pub fn put(&self, writes: Vec<Write>) {
        self.data.lock().unwrap().apply(&writes).unwrap();
    }

    fn apply(&self, batch: Batch, step: Step) -> Result<Ids> {
        if self.conflict.swap(false, SeqCst) {
            return Err(Error::Conflict);
        }
        let mut data = self.data.lock().unwrap();
        let mut changed = data.clone();
        let ids = changed.apply(&batch.writes)?;
        *data = changed;
        self.steps.lock().unwrap().push(step);
        Ok(ids)
    }

    pub fn value(&self, store: &str, owner: &str, key: &str) -> Option<String> {
        let data = self.data.lock().unwrap();
        let value = data.tables.get(&place(store, owner)).and_then(|table| table.get(key));
        value.map(|value| String::from_utf8(value.clone()).unwrap())
    }

    pub fn entries(&self, store: &str, owner: &str) -> Vec<String> {
        let data = self.data.lock().unwrap();
        let log = data.logs.get(&place(store, owner)).cloned().unwrap_or_default();
        log.into_iter().map(|entry| String::from_utf8(entry.value).unwrap()).collect()
    }
}

fn place(store: &str, owner: &str) -> Place {
    (store.to_owned(), owner.to_owned())
}

impl Data {
    fn apply(&mut self, writes: &[Write]) -> Result<Ids> {
        let mut ids = Ids::new();
        for write in writes.iter().cloned() {
            match write {
                Write::TableSet { store, owner, key, value } => {
                    self.tables.entry((store, owner)).or_default().insert(key, value);
                }
                Write::TableSwap { store, owner, key, old, new } => {
                    let table = self.tables.entry((store, owner)).or_default();
                    if table.get(&key) != old.as_ref() {
                        return Err(Error::Conflict);
                    }
                    table.insert(key, new);
                }
                Write::TableDelete { store, owner, key } => {
                    self.tables.entry((store, owner)).or_default().remove(&key);
                }
                Write::LogAppend { store, owner, at, tag, value, .. } => {
                    self.last += 1;
                    ids.push(self.last);
                    let entry = LogEntry { id: self.last, at, tag, value };
                    self.logs.entry((store, owner)).or_default().push(entry);
                }
                Write::LogRemove { store, owner, id } => {
                    self.logs.entry((store, owner)).or_default().retain(|entry| entry.id != id);
                }
                Write::LogTrim { store, owner, through } => {
                    self.logs.entry((store, owner)).or_default().retain(|entry| entry.id > through);
                }
                Write::SetAlarm(alarm) => {
                    let key = (alarm.owner.clone(), alarm.plugin.clone(), alarm.name.clone());
                    self.alarms.insert(key, alarm);
                }
                Write::ClearAlarm { plugin, owner, name, at } => {
                    let key = (owner, plugin, name);
                    if at.is_none_or(|at| self.alarms.get(&key).is_some_and(|alarm| alarm.at == at)) {
                        self.alarms.remove(&key);
                    }
                }
                other => panic!("plugins do not write this: {other:?}"),
            }
        }
        Ok(ids)
    }
}

impl Storage for Memory {
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Ids>> {
        let step = Step::Commit(batch.writes.len());
        ready(self.apply(batch, step)).boxed()
    }

    fn commit_soon(&self, batch: Batch) -> BoxFuture<'_, Result<()>> {
        let step = Step::CommitSoon(batch.writes.len());
        ready(self.apply(batch, step).map(drop)).boxed()
    }

    fn table_get<'a>(
        &'a self,
        store: &'a str,
        owner: &'a str,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>>> {
        async move {
            if self.slow.load(SeqCst) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let data = self.data.lock().unwrap();
            Ok(data.tables.get(&place(store, owner)).and_then(|table| table.get(key).cloned()))
        }
        .boxed()
    }

    fn table_keys<'a>(
        &'a self,
        store: &'a str,
        owner: &'a str,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<String>>> {
        let data = self.data.lock().unwrap();
        let table = data.tables.get(&place(store, owner)).cloned().unwrap_or_default();
        let keys = table
            .into_keys()
            .filter(|key| key.starts_with(prefix) && after.is_none_or(|after| &**key > after));
        ready(Ok(keys.take(limit as usize).collect())).boxed()
    }

    fn table_scan<'a>(
        &'a self,
        store: &'a str,
        owner: &'a str,
        range: &'a TableRange,
    ) -> BoxFuture<'a, Result<TableRows>> {
        let data = self.data.lock().unwrap();
        let table = data.tables.get(&place(store, owner)).cloned().unwrap_or_default();
        let mut rows: Vec<_> = table.into_iter().filter(|(key, _)| range.contains(key)).collect();
        if range.backwards {
            rows.reverse();
        }
        rows.truncate(range.limit as usize);
        ready(Ok(rows)).boxed()
    }

    fn log_read<'a>(
        &'a self,
        store: &'a str,
        owner: &'a str,
        query: LogQuery,
    ) -> BoxFuture<'a, Result<Vec<LogEntry>>> {
        let data = self.data.lock().unwrap();
        let mut log = data.logs.get(&place(store, owner)).cloned().unwrap_or_default();
        if query.backwards {
            log.reverse();
        }
        log.retain(|entry| {
            entry.id > query.after
                && query.before.is_none_or(|before| entry.id < before)
                && query.since.is_none_or(|since| entry.at >= since)
                && query.until.is_none_or(|until| entry.at < until)
                && (query.tag.is_none() || query.tag == entry.tag)
        });
        log.truncate(query.limit as usize);
        ready(Ok(log)).boxed()
    }

    fn log_count<'a>(
        &'a self,
        store: &'a str,
        owner: &'a str,
        tag: Option<&'a str>,
    ) -> BoxFuture<'a, Result<u64>> {
        let data = self.data.lock().unwrap();
        let log = data.logs.get(&place(store, owner)).cloned().unwrap_or_default();
        let tagged = log.iter().filter(|entry| tag.is_none() || entry.tag.as_deref() == tag);
        ready(Ok(tagged.count() as u64)).boxed()
    }

    fn store_bytes<'a>(&'a self, store: &'a str) -> BoxFuture<'a, Result<u64>> {
        let data = self.data.lock().unwrap();
        let tables = data.tables.iter().filter(|((name, _), _)| name == store);
        let in_tables = tables.flat_map(|(_, table)| table).map(|(key, value)| key.len() + value.len());
        let logs = data.logs.iter().filter(|((name, _), _)| name == store);
        let in_logs = logs
            .flat_map(|(_, log)| log)
            .map(|entry| entry.tag.as_ref().map_or(0, String::len) + entry.value.len());
        ready(Ok(in_tables.chain(in_logs).sum::<usize>() as u64)).boxed()
    }

    fn account_data<'a>(&'a self, owner: &'a str) -> BoxFuture<'a, Result<AccountData>> {
        let data = self.data.lock().unwrap();
        let tables = data.tables.iter().filter(|((_, of), _)| of == owner);
        let tables =
            tables.filter_map(|((store, _), table)| Some((store.strip_prefix(ACCOUNT_DATA)?, table)));
        let entries = tables.flat_map(|(plugin, table)| {
            table.iter().map(move |(key, value)| (plugin.to_owned(), key.clone(), value.clone()))
        });
        ready(Ok(entries.collect())).boxed()
    }

    fn alarm_bytes<'a>(&'a self, plugin: &'a str) -> BoxFuture<'a, Result<u64>> {
        let data = self.data.lock().unwrap();
        let own = data.alarms.values().filter(|alarm| alarm.plugin == plugin);
        ready(Ok(own.map(|own| own.owner.len() + own.name.len() + own.data.len()).sum::<usize>() as u64))
            .boxed()
    }

    fn alarms(&self, until: u64, limit: u32) -> BoxFuture<'_, Result<Vec<Alarm>>> {
        let data = self.data.lock().unwrap();
        let mut due: Vec<_> = data.alarms.values().filter(|alarm| alarm.at <= until).cloned().collect();
        // Stable: those of the same time stay in order of owner, plugin and name.
        due.sort_by_key(|alarm| alarm.at);
        due.truncate(limit as usize);
        ready(Ok(due)).boxed()
    }

    fn next_alarm(&self) -> BoxFuture<'_, Result<Option<u64>>> {
        let data = self.data.lock().unwrap();
        ready(Ok(data.alarms.values().map(|alarm| alarm.at).min())).boxed()
    }

    fn plugins(&self) -> BoxFuture<'_, Result<Vec<InstalledPlugin>>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn component<'a>(&'a self, _: &'a [u8; 32]) -> BoxFuture<'a, Result<Option<Vec<u8>>>> {
        ready(Ok(None)).boxed()
    }

    fn account<'a>(&'a self, _: &'a Jid) -> BoxFuture<'a, Result<Option<Account>>> {
        ready(Ok(None)).boxed()
    }

    fn accounts<'a>(
        &'a self,
        _: &'a str,
        _: Option<&'a Jid>,
        _: u32,
    ) -> BoxFuture<'a, Result<Vec<AccountSummary>>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn account_domain<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<String>>> {
        ready(Ok(None)).boxed()
    }

    fn count_accounts<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<u64>> {
        ready(Ok(0)).boxed()
    }

    fn count_disabled<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<u64>> {
        ready(Ok(0)).boxed()
    }

    fn roster<'a>(&'a self, _: &'a Jid) -> BoxFuture<'a, Result<Roster>> {
        ready(Ok(Roster::default())).boxed()
    }

    fn vhosts(&self) -> BoxFuture<'_, Result<Vec<Vhost>>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        ready(Ok(())).boxed()
    }
}
