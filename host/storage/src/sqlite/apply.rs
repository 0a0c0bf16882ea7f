//! What each [`Write`] does to the database, within a transaction that somebody else holds.

use super::{alarms, keys, plugins};
use crate::convert::{KeyColumns, int, millis, to_json, unsigned};
use crate::{Account, AccountError, Batch, Error, Ids, Result, RosterItem, Vhost, Write};
use rusqlite::{Connection, OptionalExtension, Params, params};
use std::collections::BTreeMap;
use waxwing_xmpp::Jid;

/// Apply a batch; answers the ids of its appends. After an error the caller rolls back.
pub(super) fn apply(db: &Connection, batch: &Batch) -> Result<Ids> {
    let (mut installs, mut appended) = (false, Ids::new());
    for write in &batch.writes {
        apply_one(db, write)?;
        if matches!(write, Write::LogAppend { .. }) {
            appended.push(unsigned(db.last_insert_rowid()));
        }
        installs |= matches!(write, Write::PutPlugin(_) | Write::RemovePlugin { .. });
    }
    // Not after each: a later write of the batch may be the first to name a component.
    if installs {
        plugins::delete_unused_components(db)?;
    }
    Ok(appended)
}

fn apply_one(db: &Connection, write: &Write) -> Result<()> {
    match write {
        Write::CreateAccount(account) => create_account(db, account),
        Write::SetKeys { jid, sha1, sha256 } => keys::set(db, jid, sha1.as_ref(), sha256.as_ref()),
        Write::CompleteKeys { jid, sha1, sha256 } => keys::complete(db, jid, sha1, sha256),
        Write::EnableAccount { jid, enabled } => enable_account(db, jid, *enabled),
        Write::RemoveAccount(jid) => remove_account(db, jid),
        Write::Roster { owner, expect, put, remove } => change_roster(db, owner, *expect, put, remove),
        Write::PutVhost(vhost) => put_vhost(db, vhost),
        Write::RemoveVhost(domain) => run(db, "DELETE FROM vhost WHERE domain = ?", [domain]).map(drop),
        Write::TableSet { store, owner, key, value } => run(
            db,
            "INSERT INTO table_entry (owner, store, key, value) VALUES (?, ?, ?, ?)
             ON CONFLICT (owner, store, key) DO UPDATE SET value = excluded.value",
            params![owner, store, key, value],
        )
        .map(drop),
        Write::TableSwap { store, owner, key, old, new } => {
            swap(db, [owner, store, key], old.as_deref(), new)
        }
        Write::TableDelete { store, owner, key } => {
            let sql = "DELETE FROM table_entry WHERE owner = ? AND store = ? AND key = ?";
            run(db, sql, [owner, store, key]).map(drop)
        }
        Write::LogAppend { store, owner, at, tag, value, expires } => run(
            db,
            "INSERT INTO log_entry (owner, store, at, expires, tag, value) VALUES (?, ?, ?, ?, ?, ?)",
            params![owner, store, int(*at), expires.map(int), tag, value],
        )
        .map(drop),
        Write::LogRemove { store, owner, id } => {
            let sql = "DELETE FROM log_entry WHERE id = ? AND owner = ? AND store = ?";
            run(db, sql, params![int(*id), owner, store]).map(drop)
        }
        Write::LogTrim { store, owner, through } => {
            let sql = "DELETE FROM log_entry WHERE owner = ? AND store = ? AND id <= ?";
            run(db, sql, params![owner, store, int(*through)]).map(drop)
        }
        Write::SetAlarm(alarm) => alarms::set(db, alarm),
        Write::ClearAlarm { plugin, owner, name, at } => alarms::clear(db, [owner, plugin, name], *at),
        Write::PutComponent { sha256, bytes } => plugins::put_component(db, sha256, bytes),
        Write::PutPlugin(plugin) => plugins::put(db, plugin),
        Write::RemovePlugin { name, scope } => plugins::remove(db, name, scope),
        Write::ErasePlugin { plugin } => plugins::erase(db, plugin),
    }
}

/// Delete up to `limit` log values that had expired by `now`; answers how many.
pub(super) fn purge(db: &Connection, now: i64, limit: u32) -> Result<usize> {
    run(
        db,
        "DELETE FROM log_entry WHERE id IN
         (SELECT id FROM log_entry WHERE expires <= ? ORDER BY expires LIMIT ?)",
        params![now, limit],
    )
}

/// Answers how many rows were changed.
pub(super) fn run(db: &Connection, sql: &str, params: impl Params) -> Result<usize> {
    Ok(db.prepare_cached(sql)?.execute(params)?)
}

fn create_account(db: &Connection, account: &Account) -> Result<()> {
    let Account { jid, sha1, sha256, created, enabled } = account;
    let (sha1, sha256) = (KeyColumns::of(sha1.as_ref()), KeyColumns::of(sha256.as_ref()));
    let older = jid.rfc6122();
    let older = older.as_ref().map(Jid::bare_str);
    let made = run(
        db,
        "INSERT INTO account (domain, jid, sha1_iterations, sha1_salt, sha1_stored_key, sha1_server_key,
         sha256_iterations, sha256_salt, sha256_stored_key, sha256_server_key, created, enabled, rfc6122)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13
         WHERE NOT EXISTS (SELECT 1 FROM account WHERE domain = ?1 AND (jid = ?14 OR rfc6122 = ?14))
         ON CONFLICT (domain, jid) DO NOTHING",
        params![
            jid.domain(),
            jid.bare_str(),
            sha1.iterations,
            sha1.salt,
            sha1.stored_key,
            sha1.server_key,
            sha256.iterations,
            sha256.salt,
            sha256.stored_key,
            sha256.server_key,
            millis(*created),
            enabled,
            older,
            older.unwrap_or(jid.bare_str()),
        ],
    )?;
    if made == 0 { Err(Error::Account(AccountError::Exists)) } else { Ok(()) }
}

fn remove_account(db: &Connection, jid: &Jid) -> Result<()> {
    run(db, "DELETE FROM account WHERE domain = ? AND jid = ?", [jid.domain(), jid.bare_str()])?;
    for sql in [
        "DELETE FROM roster WHERE owner = ?",
        "DELETE FROM roster_item WHERE owner = ?",
        "DELETE FROM table_entry WHERE owner = ?",
        "DELETE FROM log_entry WHERE owner = ?",
        "DELETE FROM alarm WHERE owner = ?",
    ] {
        run(db, sql, [jid.bare_str()])?;
    }
    Ok(())
}

fn change_roster(
    db: &Connection,
    owner: &Jid,
    expect: u64,
    put: &[RosterItem],
    remove: &[Jid],
) -> Result<()> {
    let owner = owner.bare_str();
    let version: Option<i64> = db
        .prepare_cached("SELECT version FROM roster WHERE owner = ?")?
        .query_row([owner], |row| row.get(0))
        .optional()?;
    let version = version.unwrap_or(0);
    if i64::try_from(expect) != Ok(version) {
        return Err(Error::Conflict);
    }
    let version = version.checked_add(1).ok_or(Error::Conflict)?;
    run(
        db,
        "INSERT INTO roster (owner, version) VALUES (?, ?)
         ON CONFLICT (owner) DO UPDATE SET version = excluded.version",
        params![owner, version],
    )?;
    for contact in remove {
        run(db, "DELETE FROM roster_item WHERE owner = ? AND contact = ?", [owner, contact.bare_str()])?;
    }
    for item in put {
        put_roster_item(db, owner, version, item)?;
    }
    Ok(())
}

fn put_roster_item(db: &Connection, owner: &str, version: i64, item: &RosterItem) -> Result<()> {
    run(
        db,
        "INSERT INTO roster_item (owner, contact, name, group_names, sub_from, sub_to, pending_out, pending_in,
         approved, hidden, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (owner, contact) DO UPDATE SET name = excluded.name, group_names = excluded.group_names,
         sub_from = excluded.sub_from, sub_to = excluded.sub_to, pending_out = excluded.pending_out,
         pending_in = excluded.pending_in, approved = excluded.approved, hidden = excluded.hidden,
         version = excluded.version",
        params![
            owner,
            item.jid.bare_str(),
            item.name,
            to_json(&item.groups)?,
            item.from,
            item.to,
            item.pending_out,
            item.pending_in,
            item.approved,
            item.hidden,
            version,
        ],
    )
    .map(drop)
}

fn enable_account(db: &Connection, jid: &Jid, enabled: bool) -> Result<()> {
    let changed = run(
        db,
        "UPDATE account SET enabled = ? WHERE domain = ? AND jid = ?",
        params![enabled, jid.domain(), jid.bare_str()],
    )?;
    if changed == 0 { Err(Error::Account(AccountError::NotFound)) } else { Ok(()) }
}

fn put_vhost(db: &Connection, vhost: &Vhost) -> Result<()> {
    let settings: BTreeMap<&str, &str> =
        vhost.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    run(
        db,
        "INSERT INTO vhost (domain, enabled, settings) VALUES (?, ?, ?)
         ON CONFLICT (domain) DO UPDATE SET enabled = excluded.enabled, settings = excluded.settings",
        params![vhost.domain, vhost.enabled, to_json(&settings)?],
    )
    .map(drop)
}

fn swap(db: &Connection, [owner, store, key]: [&String; 3], old: Option<&[u8]>, new: &[u8]) -> Result<()> {
    let changed = match old {
        None => run(
            db,
            "INSERT INTO table_entry (owner, store, key, value) VALUES (?, ?, ?, ?)
             ON CONFLICT (owner, store, key) DO NOTHING",
            params![owner, store, key, new],
        )?,
        Some(old) => run(
            db,
            "UPDATE table_entry SET value = ? WHERE owner = ? AND store = ? AND key = ? AND value = ?",
            params![new, owner, store, key, old],
        )?,
    };
    if changed == 0 { Err(Error::Conflict) } else { Ok(()) }
}
