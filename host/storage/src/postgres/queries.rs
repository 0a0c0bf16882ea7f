//! What is read, each with one statement: one round trip, and one state of the database.

use super::reads::Reads;
use super::steps::owners;
use super::text::{decode, encode};
use crate::convert::{after_prefix, from_json, int, jid, now, time, unsigned};
use crate::{
    ACCOUNT_DATA, Account, AccountData, AccountSummary, Alarm, Error, InstalledPlugin, LogEntry, LogQuery,
    Result, Roster, RosterItem, ScramKeys, TableRange, TableRows, Vhost,
};
use std::collections::BTreeMap;
use tokio_postgres::Row;
use waxwing_xmpp::Jid;

/// How long a text was before it was encoded.
macro_rules! bytes {
    ($text:literal) => {
        concat!("coalesce(octet_length(regexp_replace(", $text, r", '\x01.', '-', 'g')), 0)")
    };
}

impl Reads {
    pub(super) async fn account(&self, called: &Jid) -> Result<Option<Account>> {
        let sql = "SELECT sha1_iterations, sha1_salt, sha1_stored_key, sha1_server_key,
             sha256_iterations, sha256_salt, sha256_stored_key, sha256_server_key, created, enabled, jid
             FROM account WHERE domain = $1 AND jid = $2
             UNION ALL
             SELECT sha1_iterations, sha1_salt, sha1_stored_key, sha1_server_key,
             sha256_iterations, sha256_salt, sha256_stored_key, sha256_server_key, created, enabled, jid
             FROM account WHERE domain = $1 AND rfc6122 = $2 LIMIT 1";
        let rows = self.query(sql, &[&encode(called.domain()), &encode(called.bare_str())]).await?;
        let account = |row: &Row| {
            let (sha1, sha256, created) = (keys(row, 0)?, keys(row, 4)?, time(row.try_get(8)?)?);
            Ok(Account { jid: jid(&text(row, 10)?)?, sha1, sha256, created, enabled: row.try_get(9)? })
        };
        rows.first().map(account).transpose()
    }

    pub(super) async fn accounts(
        &self,
        domain: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<AccountSummary>> {
        let sql =
            "SELECT jid, created, enabled FROM account WHERE domain = $1 AND jid > $2 ORDER BY jid LIMIT $3";
        let rows = self.query(sql, &[&encode(domain), &encode(after), &i64::from(limit)]).await?;
        let account = |row: &Row| {
            let jid = jid(&text(row, 0)?)?;
            Ok(AccountSummary { jid, created: time(row.try_get(1)?)?, enabled: row.try_get(2)? })
        };
        rows.iter().map(account).collect()
    }

    pub(super) async fn account_domain(&self, after: &str) -> Result<Option<String>> {
        let sql = "SELECT domain FROM account WHERE domain > $1 ORDER BY domain LIMIT 1";
        let rows = self.query(sql, &[&encode(after)]).await?;
        rows.first().map(|row| text(row, 0)).transpose()
    }

    pub(super) async fn count_accounts(&self, domain: &str) -> Result<u64> {
        let sql = "SELECT count(*) FROM account WHERE domain = $1";
        number(&self.query(sql, &[&encode(domain)]).await?)
    }

    pub(super) async fn count_disabled(&self, domain: &str) -> Result<u64> {
        let sql = "SELECT count(*) FROM account WHERE domain = $1 AND NOT enabled";
        number(&self.query(sql, &[&encode(domain)]).await?)
    }

    pub(super) async fn roster(&self, owner: &Jid) -> Result<Roster> {
        let sql =
            "SELECT roster.version, contact, name, group_names, sub_from, sub_to, pending_out, pending_in,
             approved, hidden, roster_item.version
             FROM roster LEFT JOIN roster_item ON roster_item.owner = roster.owner
             WHERE roster.owner = $1 ORDER BY contact";
        let rows = self.query(sql, &[&encode(owner.bare_str())]).await?;
        let mut roster = Roster { version: 0, items: Vec::with_capacity(rows.len()) };
        for row in &rows {
            roster.version = unsigned(row.try_get(0)?);
            let Some(contact) = optional_text(row, 1)? else { break };
            roster.items.push(RosterItem {
                jid: jid(&contact)?,
                name: text(row, 2)?,
                groups: from_json(row.try_get(3)?)?,
                from: row.try_get(4)?,
                to: row.try_get(5)?,
                pending_out: row.try_get(6)?,
                pending_in: optional_text(row, 7)?,
                approved: row.try_get(8)?,
                hidden: row.try_get(9)?,
                version: unsigned(row.try_get(10)?),
            });
        }
        Ok(roster)
    }

    pub(super) async fn vhosts(&self) -> Result<Vec<Vhost>> {
        let rows = self.query("SELECT domain, enabled, settings FROM vhost ORDER BY domain", &[]).await?;
        let vhost = |row: &Row| {
            let settings: BTreeMap<String, String> = from_json(row.try_get(2)?)?;
            let (domain, enabled) = (text(row, 0)?, row.try_get(1)?);
            Ok(Vhost { domain, enabled, settings: settings.into_iter().collect() })
        };
        rows.iter().map(vhost).collect()
    }

    pub(super) async fn table_get(&self, store: &str, owner: &str, key: &str) -> Result<Option<Vec<u8>>> {
        let sql = "SELECT value FROM table_entry WHERE owner = $1 AND store = $2 AND key = $3";
        let rows = self.query(sql, &[&encode(owner), &encode(store), &encode(key)]).await?;
        Ok(rows.first().map(|row| row.try_get(0)).transpose()?)
    }

    pub(super) async fn table_keys(
        &self,
        store: &str,
        owner: &str,
        range: &TableRange,
    ) -> Result<Vec<String>> {
        let sql = "SELECT key FROM table_entry WHERE owner = $1 AND store = $2 AND key >= $3
             AND ($4::text IS NULL OR key < $4) ORDER BY key LIMIT $5";
        let rows = self.range(sql, store, owner, range).await?;
        rows.iter().map(|row| text(row, 0)).collect()
    }

    pub(super) async fn table_scan(&self, store: &str, owner: &str, range: &TableRange) -> Result<TableRows> {
        let sql = match range.backwards {
            false => {
                "SELECT key, value FROM table_entry WHERE owner = $1 AND store = $2 AND key >= $3
                 AND ($4::text IS NULL OR key < $4) ORDER BY key LIMIT $5"
            }
            true => {
                "SELECT key, value FROM table_entry WHERE owner = $1 AND store = $2 AND key >= $3
                 AND ($4::text IS NULL OR key < $4) ORDER BY key DESC LIMIT $5"
            }
        };
        let rows = self.range(sql, store, owner, range).await?;
        rows.iter().map(|row| Ok((text(row, 0)?, row.try_get(1)?))).collect()
    }

    async fn range(
        &self,
        sql: &'static str,
        store: &str,
        owner: &str,
        range: &TableRange,
    ) -> Result<Vec<Row>> {
        let prefix = encode(&range.prefix);
        // The next text after a key is the key with a zero.
        let after = range.after.as_ref().map(|after| encode(&format!("{after}\0")).into_owned());
        let from = after.as_deref().map_or(&*prefix, |after| after.max(&prefix));
        let (end, before) = (after_prefix(&prefix), range.before.as_deref().map(encode));
        let before = [end.as_deref(), before.as_deref()].into_iter().flatten().min();
        let limit = i64::from(range.limit);
        self.query(sql, &[&encode(owner), &encode(store), &from, &before, &limit]).await
    }

    pub(super) async fn account_data(&self, owner: &str) -> Result<AccountData> {
        let sql = "SELECT store, key, value FROM table_entry
             WHERE owner = $1 AND store >= $2 AND store < $3 ORDER BY store, key";
        let end = after_prefix(ACCOUNT_DATA);
        let rows = self.query(sql, &[&encode(owner), &ACCOUNT_DATA, &end]).await?;
        let entry = |row: &Row| {
            let store = text(row, 0)?;
            let plugin = store.strip_prefix(ACCOUNT_DATA).unwrap_or_default().to_owned();
            Ok((plugin, text(row, 1)?, row.try_get(2)?))
        };
        rows.iter().map(entry).collect()
    }

    pub(super) async fn log_read(&self, store: &str, owner: &str, query: &LogQuery) -> Result<Vec<LogEntry>> {
        macro_rules! page {
            ($order:literal) => {
                concat!(
                    "SELECT id, at, tag, value FROM log_entry WHERE owner = $1 AND store = $2 AND id > $3 AND id < $4
                     AND at >= $5 AND at <= $6 AND (expires IS NULL OR expires > $7)
                     AND ($8::text IS NULL OR tag = $8) ORDER BY id ",
                    $order,
                    " LIMIT $9"
                )
            };
        }
        let rows = self
            .query(
                if query.backwards { page!("DESC") } else { page!("ASC") },
                &[
                    &encode(owner),
                    &encode(store),
                    &int(query.after),
                    &query.before.map_or(i64::MAX, int),
                    &query.since.map_or(0, int),
                    &query.until.map_or(i64::MAX, |until| int(until) - 1),
                    &now(),
                    &query.tag.as_deref().map(encode),
                    &i64::from(query.limit),
                ],
            )
            .await?;
        let entry = |row: &Row| {
            let (id, at) = (unsigned(row.try_get(0)?), unsigned(row.try_get(1)?));
            Ok(LogEntry { id, at, tag: optional_text(row, 2)?, value: row.try_get(3)? })
        };
        rows.iter().map(entry).collect()
    }

    pub(super) async fn log_count(&self, store: &str, owner: &str, tag: Option<&str>) -> Result<u64> {
        let sql = "SELECT count(*) FROM log_entry WHERE owner = $1 AND store = $2
             AND (expires IS NULL OR expires > $3) AND ($4::text IS NULL OR tag = $4)";
        number(&self.query(sql, &[&encode(owner), &encode(store), &now(), &tag.map(encode)]).await?)
    }

    pub(super) async fn store_bytes(&self, store: &str) -> Result<u64> {
        let sql = concat!(
            "SELECT ((SELECT coalesce(sum(",
            bytes!("key"),
            " + octet_length(value)), 0) FROM table_entry WHERE owner = ANY(",
            owners!("table_entry"),
            ") AND store = $1) + (SELECT coalesce(sum(",
            bytes!("tag"),
            " + octet_length(value)), 0) FROM log_entry WHERE owner = ANY(",
            owners!("log_entry"),
            ") AND store = $1 AND (expires IS NULL OR expires > $2)))::bigint"
        );
        number(&self.query(sql, &[&encode(store), &now()]).await?)
    }

    pub(super) async fn alarms(&self, until: u64, limit: u32) -> Result<Vec<Alarm>> {
        let sql = "SELECT plugin, owner, name, at, data FROM alarm WHERE at <= $1
             ORDER BY at, owner, plugin, name LIMIT $2";
        let rows = self.query(sql, &[&int(until), &i64::from(limit)]).await?;
        let alarm = |row: &Row| {
            let (plugin, owner, name) = (text(row, 0)?, text(row, 1)?, text(row, 2)?);
            Ok(Alarm { plugin, owner, name, at: unsigned(row.try_get(3)?), data: row.try_get(4)? })
        };
        rows.iter().map(alarm).collect()
    }

    pub(super) async fn alarm_bytes(&self, plugin: &str) -> Result<u64> {
        let sql = concat!(
            "SELECT coalesce(sum(",
            bytes!("owner"),
            " + ",
            bytes!("name"),
            " + octet_length(data)), 0)::bigint FROM alarm WHERE plugin = $1"
        );
        number(&self.query(sql, &[&encode(plugin)]).await?)
    }

    pub(super) async fn next_alarm(&self) -> Result<Option<u64>> {
        let rows = self.query("SELECT min(at) FROM alarm", &[]).await?;
        let at: Option<i64> = rows.first().map(|row| row.try_get(0)).transpose()?.flatten();
        Ok(at.map(unsigned))
    }

    pub(super) async fn plugins(&self) -> Result<Vec<InstalledPlugin>> {
        let sql = "SELECT name, scope, sha256, previous, manifest FROM plugin ORDER BY name, scope";
        let plugin = |row: &Row| {
            let previous: Option<&[u8]> = row.try_get(3)?;
            Ok(InstalledPlugin {
                name: text(row, 0)?,
                scope: text(row, 1)?,
                sha256: digest(row.try_get(2)?)?,
                previous: previous.map(digest).transpose()?,
                manifest: text(row, 4)?,
            })
        };
        self.query(sql, &[]).await?.iter().map(plugin).collect()
    }

    pub(super) async fn component(&self, sha256: &[u8; 32]) -> Result<Option<Vec<u8>>> {
        let rows = self.query("SELECT bytes FROM component WHERE sha256 = $1", &[&&sha256[..]]).await?;
        Ok(rows.first().map(|row| row.try_get(0)).transpose()?)
    }
}

/// 0 iterations are no keys.
fn keys(row: &Row, first: usize) -> Result<Option<ScramKeys>> {
    let iterations: i64 = row.try_get(first)?;
    if iterations == 0 {
        return Ok(None);
    }
    Ok(Some(ScramKeys {
        iterations: u32::try_from(iterations)
            .map_err(|_| Error::Corrupt(format!("{iterations} iterations of a password")))?,
        salt: row.try_get(first + 1)?,
        stored_key: row.try_get(first + 2)?,
        server_key: row.try_get(first + 3)?,
    }))
}

fn text(row: &Row, column: usize) -> Result<String> {
    Ok(decode(row.try_get(column)?)?.into_owned())
}

fn optional_text(row: &Row, column: usize) -> Result<Option<String>> {
    let text: Option<&str> = row.try_get(column)?;
    Ok(text.map(decode).transpose()?.map(Into::into))
}

fn digest(bytes: &[u8]) -> Result<[u8; 32]> {
    bytes.try_into().map_err(|_| Error::Corrupt(format!("a SHA-256 of {} bytes", bytes.len())))
}

fn number(rows: &[Row]) -> Result<u64> {
    let number: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0))?;
    Ok(unsigned(number))
}
