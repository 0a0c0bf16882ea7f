//! Alarms: what is set, and what is due.

use super::apply::run;
use crate::convert::{int, unsigned};
use crate::{Alarm, Result};
use rusqlite::{Connection, params};

/// What is due, earliest first.
pub(super) const DUE_SQL: &str = "SELECT plugin, owner, name, at, data FROM alarm WHERE at <= ?
     ORDER BY at, owner, plugin, name LIMIT ?";
/// When the first is due.
pub(super) const NEXT_SQL: &str = "SELECT min(at) FROM alarm";

pub(super) fn set(db: &Connection, alarm: &Alarm) -> Result<()> {
    let Alarm { plugin, owner, name, at, data } = alarm;
    run(
        db,
        "INSERT INTO alarm (owner, plugin, name, at, data) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (owner, plugin, name) DO UPDATE SET at = excluded.at, data = excluded.data",
        params![owner, plugin, name, int(*at), data],
    )
    .map(drop)
}

pub(super) fn clear(db: &Connection, [owner, plugin, name]: [&String; 3], at: Option<u64>) -> Result<()> {
    match at {
        None => {
            run(db, "DELETE FROM alarm WHERE owner = ? AND plugin = ? AND name = ?", [owner, plugin, name])
        }
        Some(at) => run(
            db,
            "DELETE FROM alarm WHERE owner = ? AND plugin = ? AND name = ? AND at = ?",
            params![owner, plugin, name, int(at)],
        ),
    }
    .map(drop)
}

pub(super) fn due(db: &Connection, until: u64, limit: u32) -> Result<Vec<Alarm>> {
    let mut statement = db.prepare_cached(DUE_SQL)?;
    let rows = statement.query_map(params![int(until), limit], |row| {
        let (plugin, owner, name) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Alarm { plugin, owner, name, at: unsigned(row.get(3)?), data: row.get(4)? })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// All that a plugin has set.
pub(super) const BYTES_SQL: &str = "SELECT coalesce(sum(octet_length(owner) + octet_length(name) + octet_length(data)), 0) FROM alarm WHERE plugin = ?";

pub(super) fn bytes(db: &Connection, plugin: &str) -> Result<u64> {
    let mut statement = db.prepare_cached(BYTES_SQL)?;
    Ok(unsigned(statement.query_row([plugin], |row| row.get(0))?))
}

pub(super) fn next(db: &Connection) -> Result<Option<u64>> {
    let at: Option<i64> = db.prepare_cached(NEXT_SQL)?.query_row([], |row| row.get(0))?;
    Ok(at.map(unsigned))
}
