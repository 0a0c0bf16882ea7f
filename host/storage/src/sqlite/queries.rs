//! What is read, each with one statement and so from one state of the database.

use crate::convert::{after_prefix, from_json, int, jid, now, time, unsigned};
use crate::{
    ACCOUNT_DATA, Account, AccountData, AccountSummary, LogEntry, LogQuery, Result, Roster, RosterItem,
    ScramKeys, TableRange, TableRows, Vhost,
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::BTreeMap;
use waxwing_xmpp::Jid;

pub(super) fn account(db: &Connection, called: &Jid) -> Result<Option<Account>> {
    let mut statement = db.prepare_cached(
        "SELECT sha1_iterations, sha1_salt, sha1_stored_key, sha1_server_key,
         sha256_iterations, sha256_salt, sha256_stored_key, sha256_server_key, created, enabled, jid
         FROM account WHERE domain = ?1 AND jid = ?2
         UNION ALL
         SELECT sha1_iterations, sha1_salt, sha1_stored_key, sha1_server_key,
         sha256_iterations, sha256_salt, sha256_stored_key, sha256_server_key, created, enabled, jid
         FROM account WHERE domain = ?1 AND rfc6122 = ?2 LIMIT 1",
    )?;
    let found = statement
        .query_row([called.domain(), called.bare_str()], |row| {
            let name = row.get_ref(10)?.as_str()?;
            let other = (name != called.bare_str()).then(|| name.to_owned());
            Ok((keys(row, 0)?, keys(row, 4)?, row.get(8)?, row.get(9)?, other))
        })
        .optional()?;
    let Some((sha1, sha256, created, enabled, other)) = found else { return Ok(None) };
    let jid = other.map_or_else(|| Ok(called.bare()), |name| jid(&name))?;
    Ok(Some(Account { jid, sha1, sha256, created: time(created)?, enabled }))
}

/// The columns are never null: keys that an account does not have are 0 iterations and empty bytes.
fn keys(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<ScramKeys>> {
    let iterations: u32 = row.get(first)?;
    if iterations == 0 {
        return Ok(None);
    }
    Ok(Some(ScramKeys {
        iterations,
        salt: row.get(first + 1)?,
        stored_key: row.get(first + 2)?,
        server_key: row.get(first + 3)?,
    }))
}

pub(super) fn accounts(
    db: &Connection,
    domain: &str,
    after: &str,
    limit: u32,
) -> Result<Vec<AccountSummary>> {
    let mut statement = db.prepare_cached(
        "SELECT jid, created, enabled FROM account WHERE domain = ? AND jid > ? ORDER BY jid LIMIT ?",
    )?;
    let mut rows = statement.query(params![domain, after, limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (created, enabled) = (time(row.get(1)?)?, row.get(2)?);
        found.push(AccountSummary { jid: jid(text(row, 0)?)?, created, enabled });
    }
    Ok(found)
}

pub(super) fn account_domain(db: &Connection, after: &str) -> Result<Option<String>> {
    let mut statement = db.prepare_cached("SELECT min(domain) FROM account WHERE domain > ?")?;
    Ok(statement.query_row([after], |row| row.get(0))?)
}

pub(super) fn count_disabled(db: &Connection, domain: &str) -> Result<u64> {
    let mut statement = db.prepare_cached("SELECT count(*) FROM account WHERE domain = ? AND NOT enabled")?;
    Ok(unsigned(statement.query_row([domain], |row| row.get(0))?))
}

pub(super) fn count_accounts(db: &Connection, domain: &str) -> Result<u64> {
    let mut statement = db.prepare_cached("SELECT count(*) FROM account WHERE domain = ?")?;
    Ok(unsigned(statement.query_row([domain], |row| row.get(0))?))
}

pub(super) fn roster(db: &Connection, owner: &Jid) -> Result<Roster> {
    let mut statement = db.prepare_cached(
        "SELECT roster.version, contact, name, group_names, sub_from, sub_to, pending_out, pending_in,
         approved, hidden, roster_item.version
         FROM roster LEFT JOIN roster_item ON roster_item.owner = roster.owner
         WHERE roster.owner = ? ORDER BY contact",
    )?;
    let mut rows = statement.query([owner.bare_str()])?;
    let mut roster = Roster::default();
    while let Some(row) = rows.next()? {
        roster.version = unsigned(row.get(0)?);
        let Some(contact) = row.get_ref(1)?.as_str_or_null().map_err(rusqlite::Error::from)? else { break };
        roster.items.push(RosterItem {
            jid: jid(contact)?,
            name: row.get(2)?,
            groups: from_json(text(row, 3)?)?,
            from: row.get(4)?,
            to: row.get(5)?,
            pending_out: row.get(6)?,
            pending_in: row.get(7)?,
            approved: row.get(8)?,
            hidden: row.get(9)?,
            version: unsigned(row.get(10)?),
        });
    }
    Ok(roster)
}

pub(super) fn vhosts(db: &Connection) -> Result<Vec<Vhost>> {
    let mut statement = db.prepare_cached("SELECT domain, enabled, settings FROM vhost ORDER BY domain")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let settings: BTreeMap<String, String> = from_json(text(row, 2)?)?;
        let settings = settings.into_iter().collect();
        found.push(Vhost { domain: row.get(0)?, enabled: row.get(1)?, settings });
    }
    Ok(found)
}

pub(super) fn table_get(db: &Connection, store: &str, owner: &str, key: &str) -> Result<Option<Vec<u8>>> {
    let mut statement =
        db.prepare_cached("SELECT value FROM table_entry WHERE owner = ? AND store = ? AND key = ?")?;
    Ok(statement.query_row([owner, store, key], |row| row.get(0)).optional()?)
}

pub(super) fn table_keys(
    db: &Connection,
    (store, owner): (&str, &str),
    prefix: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<String>> {
    // A key cannot be both the prefix itself and after something, so one bound is enough.
    let (from, inclusive) = match after {
        Some(after) if after >= prefix => (after, false),
        _ => (prefix, true),
    };
    let sql = match inclusive {
        true => "SELECT key FROM table_entry WHERE owner = ? AND store = ? AND key >= ? ORDER BY key LIMIT ?",
        false => "SELECT key FROM table_entry WHERE owner = ? AND store = ? AND key > ? ORDER BY key LIMIT ?",
    };
    let until = after_prefix(prefix);
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params![owner, store, from, limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let key = text(row, 0)?;
        if until.as_deref().is_some_and(|until| key >= until) {
            break;
        }
        found.push(key.to_owned());
    }
    Ok(found)
}

/// Four statements: with an upper bound or without, forwards or backwards.
macro_rules! table_range {
    ($before:literal, $order:literal) => {
        concat!(
            "SELECT key, value FROM table_entry WHERE owner = ?1 AND store = ?2 AND key >= ?3 AND ",
            $before,
            " ORDER BY key ",
            $order,
            " LIMIT ?5"
        )
    };
}

/// The statement for a range, by whether it ends before a key and whether it goes backwards.
pub(super) fn table_range_sql(ends: bool, backwards: bool) -> &'static str {
    match (ends, backwards) {
        (false, false) => table_range!("?4 IS NULL", "ASC"),
        (false, true) => table_range!("?4 IS NULL", "DESC"),
        (true, false) => table_range!("key < ?4", "ASC"),
        (true, true) => table_range!("key < ?4", "DESC"),
    }
}

pub(super) fn table_scan(
    db: &Connection,
    (store, owner): (&str, &str),
    range: &TableRange,
) -> Result<TableRows> {
    // The next text after a key is the key with a zero.
    let after = range.after.as_ref().map(|after| after.clone() + "\0");
    let from = after.as_deref().map_or(&*range.prefix, |after| after.max(&range.prefix));
    let end = after_prefix(&range.prefix);
    let before = [end.as_deref(), range.before.as_deref()].into_iter().flatten().min();
    let mut statement = db.prepare_cached(table_range_sql(before.is_some(), range.backwards))?;
    let rows = statement
        .query_map(params![owner, store, from, before, range.limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) const ACCOUNT_DATA_SQL: &str = "SELECT store, key, value FROM table_entry
     WHERE owner = ? AND store >= ? ORDER BY store, key";

pub(super) fn account_data(db: &Connection, owner: &str) -> Result<AccountData> {
    let mut statement = db.prepare_cached(ACCOUNT_DATA_SQL)?;
    let mut rows = statement.query([owner, ACCOUNT_DATA])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(plugin) = text(row, 0)?.strip_prefix(ACCOUNT_DATA) else { break };
        found.push((plugin.to_owned(), row.get(1)?, row.get(2)?));
    }
    Ok(found)
}

/// Four statements: with a tag or without, forwards or backwards.
macro_rules! log_query {
    ($tag:literal, $order:literal) => {
        concat!(
            "SELECT id, at, tag, value FROM log_entry WHERE owner = ?1 AND store = ?2 AND id > ?3 AND id < ?4
             AND at >= ?5 AND at <= ?6 AND (expires IS NULL OR expires > ?7) ",
            $tag,
            " ORDER BY id ",
            $order,
            " LIMIT ?8"
        )
    };
}

/// The statement for a query, by whether it names a tag and whether it goes backwards.
pub(super) fn log_sql(tagged: bool, backwards: bool) -> &'static str {
    match (tagged, backwards) {
        (false, false) => log_query!("AND ?9 IS NULL", "ASC"),
        (false, true) => log_query!("AND ?9 IS NULL", "DESC"),
        (true, false) => log_query!("AND tag = ?9", "ASC"),
        (true, true) => log_query!("AND tag = ?9", "DESC"),
    }
}

pub(super) fn log_read(db: &Connection, store: &str, owner: &str, query: &LogQuery) -> Result<Vec<LogEntry>> {
    let mut statement = db.prepare_cached(log_sql(query.tag.is_some(), query.backwards))?;
    let rows = statement.query_map(
        params![
            owner,
            store,
            int(query.after),
            query.before.map_or(i64::MAX, int),
            query.since.map_or(0, int),
            query.until.map_or(i64::MAX, |until| int(until) - 1),
            now(),
            query.limit,
            query.tag,
        ],
        |row| {
            let (id, at) = (unsigned(row.get(0)?), unsigned(row.get(1)?));
            Ok(LogEntry { id, at, tag: row.get(2)?, value: row.get(3)? })
        },
    )?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn log_count(db: &Connection, store: &str, owner: &str, tag: Option<&str>) -> Result<u64> {
    let mut statement = db.prepare_cached(
        "SELECT count(*) FROM log_entry WHERE owner = ? AND store = ? AND (expires IS NULL OR expires > ?)
         AND (?4 IS NULL OR tag = ?4)",
    )?;
    Ok(unsigned(statement.query_row(params![owner, store, now(), tag], |row| row.get(0))?))
}

/// A text column without a copy.
fn text<'a>(row: &'a Row<'_>, column: usize) -> rusqlite::Result<&'a str> {
    Ok(row.get_ref(column)?.as_str()?)
}
