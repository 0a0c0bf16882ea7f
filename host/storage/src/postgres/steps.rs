//! Each [`Write`] as statements that need no answer before the next is sent: a condition that does not hold is an
//! error of the database, which ends the transaction.

use super::keys;
use super::value::Value;
use crate::convert::{int, to_json};
use crate::{ACCOUNT_DATA, AccountError, Batch, Error, Result, RosterItem, Vhost, Write};
use std::collections::BTreeMap;
use waxwing_xmpp::Jid;

/// One statement with its values.
#[derive(Debug)]
pub(super) struct Step<'a> {
    pub(super) sql: &'static str,
    pub(super) values: Vec<Value<'a>>,
    /// What it means if its condition does not hold.
    pub(super) unmet: Unmet,
}

/// Why a condition does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unmet {
    /// There is none.
    Never,
    Conflict,
    Exists,
    NotFound,
    NoComponent([u8; 32]),
}

impl Unmet {
    pub(super) fn error(self) -> Error {
        match self {
            Self::Never => Error::Corrupt("a division by zero in a statement without a condition".into()),
            Self::Conflict => Error::Conflict,
            Self::Exists => Error::Account(AccountError::Exists),
            Self::NotFound => Error::Account(AccountError::NotFound),
            Self::NoComponent(sha256) => Error::NoComponent(sha256),
        }
    }
}

/// A statement that must change a row, else it divides by zero.
macro_rules! must {
    ($sql:literal) => {
        concat!("WITH changed AS (", $sql, " RETURNING 1) SELECT 1 / count(*) FROM changed")
    };
}

/// A step without a condition, or with one and what it means if it does not hold.
macro_rules! step {
    ($sql:expr, $($value:expr),* $(,)?) => {
        Step { sql: $sql, values: vec![$(Value::from($value)),*], unmet: Unmet::Never }
    };
    ($unmet:expr => $sql:literal, $($value:expr),* $(,)?) => {
        Step { sql: must!($sql), values: vec![$(Value::from($value)),*], unmet: $unmet }
    };
}

pub(super) use {must, step};

/// The statements of a batch, in order.
pub(super) fn of_batch(batch: &Batch) -> Result<Vec<Step<'_>>> {
    let mut steps = Vec::with_capacity(batch.writes.len());
    let mut installs = false;
    for write in &batch.writes {
        of_write(write, &mut steps)?;
        installs |= matches!(write, Write::PutPlugin(_) | Write::RemovePlugin { .. });
    }
    // Not after each: a later write of the batch may be the first to name a component.
    if installs {
        steps.push(step!(
            "DELETE FROM component WHERE NOT EXISTS
             (SELECT 1 FROM plugin WHERE plugin.sha256 = component.sha256 OR previous = component.sha256)",
        ));
    }
    Ok(steps)
}

fn of_write<'a>(write: &'a Write, steps: &mut Vec<Step<'a>>) -> Result<()> {
    steps.push(match write {
        Write::CreateAccount(account) => keys::create(account),
        Write::SetKeys { jid, sha1, sha256 } => keys::set(jid, sha1.as_ref(), sha256.as_ref()),
        Write::CompleteKeys { jid, sha1, sha256 } => keys::complete(jid, sha1, sha256),
        Write::EnableAccount { jid, enabled } => step!(
            Unmet::NotFound => "UPDATE account SET enabled = $1 WHERE domain = $2 AND jid = $3",
            *enabled, jid.domain(), jid.bare_str(),
        ),
        Write::RemoveAccount(jid) => step!(
            "WITH a AS (DELETE FROM account WHERE domain = $1 AND jid = $2),
             b AS (DELETE FROM roster WHERE owner = $2),
             c AS (DELETE FROM roster_item WHERE owner = $2),
             d AS (DELETE FROM table_entry WHERE owner = $2),
             e AS (DELETE FROM log_entry WHERE owner = $2)
             DELETE FROM alarm WHERE owner = $2",
            jid.domain(),
            jid.bare_str(),
        ),
        Write::Roster { owner, expect, put, remove } => return change_roster(owner, *expect, put, remove, steps),
        Write::PutVhost(vhost) => put_vhost(vhost)?,
        Write::RemoveVhost(domain) => step!("DELETE FROM vhost WHERE domain = $1", domain),
        Write::TableSet { store, owner, key, value } => step!(
            "INSERT INTO table_entry (owner, store, key, value) VALUES ($1, $2, $3, $4)
             ON CONFLICT (owner, store, key) DO UPDATE SET value = excluded.value",
            owner, store, key, value,
        ),
        Write::TableSwap { store, owner, key, old: None, new } => step!(
            Unmet::Conflict => "INSERT INTO table_entry (owner, store, key, value) VALUES ($1, $2, $3, $4)
             ON CONFLICT (owner, store, key) DO NOTHING",
            owner, store, key, new,
        ),
        Write::TableSwap { store, owner, key, old: Some(old), new } => step!(
            Unmet::Conflict => "UPDATE table_entry SET value = $4
             WHERE owner = $1 AND store = $2 AND key = $3 AND value = $5",
            owner, store, key, new, old,
        ),
        Write::TableDelete { store, owner, key } => step!(
            "DELETE FROM table_entry WHERE owner = $1 AND store = $2 AND key = $3",
            owner, store, key,
        ),
        Write::LogAppend { store, owner, at, tag, value, expires } => step!(
            APPEND,
            owner, store, int(*at), Value::Int(expires.map(int)), tag, value,
        ),
        Write::LogRemove { store, owner, id } => step!(
            "DELETE FROM log_entry WHERE id = $1 AND owner = $2 AND store = $3",
            int(*id), owner, store,
        ),
        Write::LogTrim { store, owner, through } => step!(
            "DELETE FROM log_entry WHERE owner = $1 AND store = $2 AND id <= $3",
            owner, store, int(*through),
        ),
        Write::SetAlarm(alarm) => step!(
            "INSERT INTO alarm (owner, plugin, name, at, data) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (owner, plugin, name) DO UPDATE SET at = excluded.at, data = excluded.data",
            &alarm.owner, &alarm.plugin, &alarm.name, int(alarm.at), &alarm.data,
        ),
        Write::ClearAlarm { plugin, owner, name, at } => step!(
            "DELETE FROM alarm WHERE owner = $1 AND plugin = $2 AND name = $3 AND ($4::bigint IS NULL OR at = $4)",
            owner, plugin, name, Value::Int(at.map(int)),
        ),
        Write::PutComponent { sha256, bytes } => step!(
            "INSERT INTO component (sha256, bytes) VALUES ($1, $2) ON CONFLICT (sha256) DO NOTHING",
            sha256, bytes,
        ),
        Write::PutPlugin(plugin) => step!(
            Unmet::NoComponent(plugin.sha256) => "INSERT INTO plugin (name, scope, sha256, previous, manifest)
             SELECT $1::text, $2::text, sha256, $4::bytea, $5::text FROM component WHERE sha256 = $3
             ON CONFLICT (name, scope) DO UPDATE SET sha256 = excluded.sha256, previous = excluded.previous,
             manifest = excluded.manifest",
            &plugin.name, &plugin.scope, &plugin.sha256, &plugin.previous, &plugin.manifest,
        ),
        Write::RemovePlugin { name, scope } => {
            step!("DELETE FROM plugin WHERE name = $1 AND scope = $2", name, scope)
        }
        Write::ErasePlugin { plugin } => return erase_plugin(plugin, steps),
    });
    Ok(())
}

/// One append, with the values of these columns.
const APPEND: &str = "INSERT INTO log_entry (owner, store, at, expires, tag, value) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";

/// Several, with an array for each column, and ids in this order.
const APPENDS: &str = "INSERT INTO log_entry (owner, store, at, expires, tag, value)
     SELECT owner, store, at, expires, tag, value
     FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::bytea[])
     WITH ORDINALITY AS entry (owner, store, at, expires, tag, value, n) ORDER BY n RETURNING id";

impl Step<'_> {
    /// Whether it is an append to a log.
    pub(super) fn appends(&self) -> bool {
        self.sql == APPEND
    }

    /// Whether its answer is the ids of what it appends.
    pub(super) fn answers_ids(&self) -> bool {
        self.appends() || self.sql == APPENDS
    }
}

/// Several appends as one statement.
pub(super) fn of_appends(appends: Vec<Step<'_>>) -> Step<'_> {
    let mut columns: [Vec<Value<'_>>; 6] = Default::default();
    for append in appends {
        for (column, value) in columns.iter_mut().zip(append.values) {
            column.push(value);
        }
    }
    Step { sql: APPENDS, values: columns.map(Value::Array).into(), unmet: Unmet::Never }
}

fn change_roster<'a>(
    owner: &'a Jid,
    expect: u64,
    put: &'a [RosterItem],
    remove: &'a [Jid],
    steps: &mut Vec<Step<'a>>,
) -> Result<()> {
    let (owner, expect) = (owner.bare_str(), int(expect));
    // The greatest number is no roster's version, so the condition fails where the next would be too great.
    let version = expect.saturating_add(1);
    steps.push(match expect {
        0 => step!(
            Unmet::Conflict => "INSERT INTO roster (owner, version) VALUES ($1, $2) ON CONFLICT (owner) DO NOTHING",
            owner, version,
        ),
        _ => step!(
            Unmet::Conflict => "UPDATE roster SET version = $2 WHERE owner = $1 AND version = $3",
            owner, version, expect,
        ),
    });
    for contact in remove {
        let sql = "DELETE FROM roster_item WHERE owner = $1 AND contact = $2";
        steps.push(step!(sql, owner, contact.bare_str()));
    }
    for item in put {
        steps.push(step!(
            "INSERT INTO roster_item (owner, contact, name, group_names, sub_from, sub_to, pending_out, pending_in,
             approved, hidden, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             ON CONFLICT (owner, contact) DO UPDATE SET name = excluded.name, group_names = excluded.group_names,
             sub_from = excluded.sub_from, sub_to = excluded.sub_to, pending_out = excluded.pending_out,
             pending_in = excluded.pending_in, approved = excluded.approved, hidden = excluded.hidden,
             version = excluded.version",
            owner,
            item.jid.bare_str(),
            &item.name,
            to_json(&item.groups)?,
            item.from,
            item.to,
            item.pending_out,
            &item.pending_in,
            item.approved,
            item.hidden,
            version,
        ));
    }
    Ok(())
}

fn put_vhost(vhost: &Vhost) -> Result<Step<'_>> {
    let settings: BTreeMap<&str, &str> =
        vhost.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Ok(step!(
        "INSERT INTO vhost (domain, enabled, settings) VALUES ($1, $2, $3)
         ON CONFLICT (domain) DO UPDATE SET enabled = excluded.enabled, settings = excluded.settings",
        &vhost.domain,
        vhost.enabled,
        to_json(&settings)?,
    ))
}

/// The owners in a table, as an array. The owner comes first in every key, so what is wanted of all owners is
/// found by hopping from one to the next, not by reading all that they have.
macro_rules! owners {
    ($table:literal) => {
        concat!(
            "ARRAY(WITH RECURSIVE hop (owner) AS ((SELECT owner FROM ",
            $table,
            " ORDER BY owner LIMIT 1) UNION ALL SELECT (SELECT owner FROM ",
            $table,
            " WHERE owner > hop.owner ORDER BY owner LIMIT 1) FROM hop WHERE hop.owner IS NOT NULL)
             SELECT owner FROM hop WHERE owner IS NOT NULL)"
        )
    };
}
pub(super) use owners;

fn erase_plugin<'a>(plugin: &'a str, steps: &mut Vec<Step<'a>>) -> Result<()> {
    // A zero is the character after a slash.
    let range = || (format!("{plugin}/"), format!("{plugin}0"));
    let own = || format!("{ACCOUNT_DATA}{plugin}");
    macro_rules! erase {
        ($table:literal) => {
            concat!(
                "DELETE FROM ",
                $table,
                " WHERE owner = ANY(",
                owners!($table),
                ") AND (store >= $1 AND store < $2 OR store = $3)"
            )
        };
    }
    for sql in [erase!("table_entry"), erase!("log_entry")] {
        let (from, until) = range();
        steps.push(step!(sql, from, until, own()));
    }
    steps.push(step!("DELETE FROM alarm WHERE plugin = $1", plugin));
    Ok(())
}
