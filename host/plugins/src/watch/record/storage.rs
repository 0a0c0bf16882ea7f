//! The storage of a host that asks an oracle: it reads what plugins can read, and nothing else.

use super::exchange::{HostAnswer, HostQuestion, odd};
use super::host::{Asked, Oracle};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use waxwing_storage::{
    Account, AccountData, AccountSummary, Alarm, Batch, Error, Ids, InstalledPlugin, LogEntry, LogQuery,
    Result, Roster, Storage, TableRange, TableRows, Vhost,
};
use waxwing_xmpp::Jid;

/// What a question of no plugin, or a change, gets.
fn refused<'a, T: Send + 'a>() -> BoxFuture<'a, Result<T>> {
    ready(Err(Error::Unavailable("this call may read what plugins read, and change nothing".to_owned())))
        .boxed()
}

impl<O: Oracle> Storage for Asked<O> {
    fn table_get<'a>(
        &'a self,
        store: &'a str,
        owner: &'a str,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>>> {
        let question =
            HostQuestion::TableGet { store: store.to_owned(), owner: owner.to_owned(), key: key.to_owned() };
        let answer = self.oracle.answer(question);
        answer
            .map(|answer| match answer {
                HostAnswer::Value(value) => Ok(value.map(|value| value.0)),
                other => odd(other),
            })
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
        let question = HostQuestion::TableKeys {
            store: store.to_owned(),
            owner: owner.to_owned(),
            prefix: prefix.to_owned(),
            after: after.map(str::to_owned),
            limit,
        };
        let answer = self.oracle.answer(question);
        answer
            .map(|answer| match answer {
                HostAnswer::Keys(keys) => Ok(keys),
                other => odd(other),
            })
            .boxed()
    }

    fn table_scan<'a>(
        &'a self,
        store: &'a str,
        owner: &'a str,
        range: &'a TableRange,
    ) -> BoxFuture<'a, Result<TableRows>> {
        let (store, owner, range) = (store.to_owned(), owner.to_owned(), range.clone().into());
        let answer = self.oracle.answer(HostQuestion::TableScan { store, owner, range });
        answer
            .map(|answer| match answer {
                HostAnswer::Rows(rows) => Ok(rows.into_iter().map(|(key, value)| (key, value.0)).collect()),
                other => odd(other),
            })
            .boxed()
    }

    fn log_read<'a>(
        &'a self,
        store: &'a str,
        owner: &'a str,
        query: LogQuery,
    ) -> BoxFuture<'a, Result<Vec<LogEntry>>> {
        let (store, owner, query) = (store.to_owned(), owner.to_owned(), query.into());
        let answer = self.oracle.answer(HostQuestion::LogRead { store, owner, query });
        answer
            .map(|answer| match answer {
                HostAnswer::Entries(entries) => Ok(entries.into_iter().map(Into::into).collect()),
                other => odd(other),
            })
            .boxed()
    }

    fn log_count<'a>(
        &'a self,
        store: &'a str,
        owner: &'a str,
        tag: Option<&'a str>,
    ) -> BoxFuture<'a, Result<u64>> {
        let (store, owner, tag) = (store.to_owned(), owner.to_owned(), tag.map(str::to_owned));
        let answer = self.oracle.answer(HostQuestion::LogCount { store, owner, tag });
        answer
            .map(|answer| match answer {
                HostAnswer::Count(count) => Ok(count),
                other => odd(other),
            })
            .boxed()
    }

    fn account_data<'a>(&'a self, owner: &'a str) -> BoxFuture<'a, Result<AccountData>> {
        let answer = self.oracle.answer(HostQuestion::StoredAccountData(owner.to_owned()));
        let plugin = &self.shared.name;
        answer
            .map(move |answer| match answer {
                HostAnswer::Data(entries) => {
                    let entries = entries.into_iter().flatten();
                    Ok(entries.map(|(key, value)| (plugin.clone(), key, value.0)).collect())
                }
                other => odd(other),
            })
            .boxed()
    }

    fn store_bytes<'a>(&'a self, store: &'a str) -> BoxFuture<'a, Result<u64>> {
        self.oracle.store_bytes(store)
    }

    fn alarm_bytes<'a>(&'a self, plugin: &'a str) -> BoxFuture<'a, Result<u64>> {
        self.oracle.alarm_bytes(plugin)
    }

    fn commit(&self, _: Batch) -> BoxFuture<'_, Result<Ids>> {
        refused()
    }

    fn account<'a>(&'a self, _: &'a Jid) -> BoxFuture<'a, Result<Option<Account>>> {
        refused()
    }

    fn accounts<'a>(
        &'a self,
        _: &'a str,
        _: Option<&'a Jid>,
        _: u32,
    ) -> BoxFuture<'a, Result<Vec<AccountSummary>>> {
        refused()
    }

    fn account_domain<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<String>>> {
        refused()
    }

    fn count_accounts<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<u64>> {
        refused()
    }

    fn count_disabled<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<u64>> {
        refused()
    }

    fn roster<'a>(&'a self, _: &'a Jid) -> BoxFuture<'a, Result<Roster>> {
        refused()
    }

    fn vhosts(&self) -> BoxFuture<'_, Result<Vec<Vhost>>> {
        refused()
    }

    fn alarms(&self, _: u64, _: u32) -> BoxFuture<'_, Result<Vec<Alarm>>> {
        refused()
    }

    fn next_alarm(&self) -> BoxFuture<'_, Result<Option<u64>>> {
        refused()
    }

    fn plugins(&self) -> BoxFuture<'_, Result<Vec<InstalledPlugin>>> {
        refused()
    }

    fn component<'a>(&'a self, _: &'a [u8; 32]) -> BoxFuture<'a, Result<Option<Vec<u8>>>> {
        refused()
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        refused()
    }
}
