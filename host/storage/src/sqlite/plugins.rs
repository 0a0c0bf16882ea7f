//! Installed plugins and their components, and what is asked or done about one plugin's data,
//! whoever the owner.

use super::apply::run;
use crate::convert::{now, unsigned};
use crate::{ACCOUNT_DATA, Error, InstalledPlugin, Result};
use rusqlite::{Connection, OptionalExtension, params};

pub(super) fn put_component(db: &Connection, sha256: &[u8; 32], bytes: &[u8]) -> Result<()> {
    run(
        db,
        "INSERT INTO component (sha256, bytes) VALUES (?, ?) ON CONFLICT (sha256) DO NOTHING",
        params![sha256, bytes],
    )
    .map(drop)
}

pub(super) fn put(db: &Connection, plugin: &InstalledPlugin) -> Result<()> {
    let InstalledPlugin { name, scope, sha256, previous, manifest } = plugin;
    if !db.prepare_cached("SELECT 1 FROM component WHERE sha256 = ?")?.exists([sha256])? {
        return Err(Error::NoComponent(*sha256));
    }
    run(
        db,
        "INSERT INTO plugin (name, scope, sha256, previous, manifest) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (name, scope) DO UPDATE SET sha256 = excluded.sha256, previous = excluded.previous,
         manifest = excluded.manifest",
        params![name, scope, sha256, previous, manifest],
    )
    .map(drop)
}

pub(super) fn remove(db: &Connection, name: &str, scope: &str) -> Result<()> {
    run(db, "DELETE FROM plugin WHERE name = ? AND scope = ?", [name, scope]).map(drop)
}

pub(super) fn delete_unused_components(db: &Connection) -> Result<()> {
    let sql = "DELETE FROM component WHERE NOT EXISTS
               (SELECT 1 FROM plugin WHERE plugin.sha256 = component.sha256 OR previous = component.sha256)";
    run(db, sql, []).map(drop)
}

pub(super) fn installed(db: &Connection) -> Result<Vec<InstalledPlugin>> {
    let sql = "SELECT name, scope, sha256, previous, manifest FROM plugin ORDER BY name, scope";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| {
        let (name, scope, manifest) = (row.get(0)?, row.get(1)?, row.get(4)?);
        Ok(InstalledPlugin { name, scope, sha256: row.get(2)?, previous: row.get(3)?, manifest })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn component(db: &Connection, sha256: &[u8; 32]) -> Result<Option<Vec<u8>>> {
    let mut statement = db.prepare_cached("SELECT bytes FROM component WHERE sha256 = ?")?;
    Ok(statement.query_row([sha256], |row| row.get(0)).optional()?)
}

/// The owners in a table, as a list for `IN`. The owner comes first in every key, so what is wanted
/// of all owners is found by hopping from one to the next, not by reading all that they have. The
/// last is NULL, which equals nothing.
macro_rules! owners {
    ($table:literal) => {
        concat!(
            "(WITH RECURSIVE hop (owner) AS (SELECT min(owner) FROM ",
            $table,
            " UNION ALL SELECT (SELECT min(owner) FROM ",
            $table,
            " WHERE owner > hop.owner) FROM hop WHERE hop.owner IS NOT NULL) SELECT owner FROM hop)"
        )
    };
}

/// What is deleted of the stores that one condition names.
macro_rules! erase {
    ($table:literal, $stores:literal) => {
        concat!("DELETE FROM ", $table, " WHERE owner IN ", owners!($table), " AND ", $stores)
    };
}

/// Deletes by a range of names.
pub(super) const ERASE_RANGE: [&str; 2] =
    [erase!("table_entry", "store >= ? AND store < ?"), erase!("log_entry", "store >= ? AND store < ?")];
/// Deletes by one name.
pub(super) const ERASE_STORE: [&str; 2] =
    [erase!("table_entry", "store = ?"), erase!("log_entry", "store = ?")];

pub(super) fn erase(db: &Connection, plugin: &str) -> Result<()> {
    // A zero is the character after a slash.
    let range = [format!("{plugin}/"), format!("{plugin}0")];
    for sql in ERASE_RANGE {
        run(db, sql, [&range[0], &range[1]])?;
    }
    for sql in ERASE_STORE {
        run(db, sql, [ACCOUNT_DATA.to_owned() + plugin])?;
    }
    run(db, "DELETE FROM alarm WHERE plugin = ?", [plugin]).map(drop)
}

/// Lengths are in bytes: of a text, `length` would count characters, and only up to a NUL.
pub(super) const STORE_BYTES_SQL: &str = concat!(
    "SELECT (SELECT coalesce(sum(octet_length(key) + octet_length(value)), 0)
      FROM table_entry WHERE owner IN ",
    owners!("table_entry"),
    " AND store = ?1)
     + (SELECT coalesce(sum(coalesce(octet_length(tag), 0) + octet_length(value)), 0)
      FROM log_entry WHERE owner IN ",
    owners!("log_entry"),
    " AND store = ?1 AND (expires IS NULL OR expires > ?2))"
);

pub(super) fn store_bytes(db: &Connection, store: &str) -> Result<u64> {
    let mut statement = db.prepare_cached(STORE_BYTES_SQL)?;
    Ok(unsigned(statement.query_row(params![store, now()], |row| row.get(0))?))
}
