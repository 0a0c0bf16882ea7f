//! A database as it was at one moment, whoever writes it meanwhile.

use super::cell::Cell;
use super::postgres_source::PostgresSource;
use super::sqlite_source::SqliteSource;
use super::tables::{Column, TABLES, Table};
use super::{OnProgress, Progress, REPORT_EVERY, Result, ToolError};
use crate::Location;

/// Told each row.
pub(super) type Each<'f> = dyn FnMut(&[Cell<'_>]) -> Result<()> + 'f;

/// One moment of a database.
pub(super) trait Source {
    /// The version of its schema; 0 of one that has none yet.
    fn version(&self) -> i64;
    /// That of this program.
    fn known(&self) -> i64;
    /// What runs it, with its version.
    fn engine(&mut self) -> Result<String>;
    /// The tables that it has, those of the engine itself aside.
    fn tables(&mut self) -> Result<Vec<String>>;
    /// The columns of a table, in order.
    fn columns(&mut self, table: &str) -> Result<Vec<OwnColumn>>;
    /// All rows in order of their key.
    fn rows(&mut self, table: &'static Table, each: &mut Each<'_>) -> Result<()>;
    /// The greatest id that was ever given in the table whose ids are not given twice.
    fn last_id(&mut self) -> Result<i64>;
    /// What a query answers that both engines understand, as text.
    fn ask(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>>;
    /// Bytes on the disk.
    fn bytes(&mut self) -> Result<u64>;
    /// What the engine itself finds damaged, a sentence each.
    fn self_check(&mut self) -> Result<Vec<String>>;
    /// The SQLite connection, if it is one, and its file.
    fn as_sqlite(&self) -> Option<&SqliteSource> {
        None
    }

    /// How many rows a table has.
    fn count(&mut self, table: &str) -> Result<u64> {
        let rows = self.ask(&format!("SELECT CAST(count(*) AS TEXT) FROM {table}"))?;
        Ok(number(rows.first().and_then(|row| row.first())))
    }
}

/// A column as an engine describes it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OwnColumn {
    pub(super) name: String,
    /// In capitals, as the engine calls it.
    pub(super) kind: String,
    pub(super) nullable: bool,
    /// Its place in the primary key, from 1 on; 0 if it is none of it.
    pub(super) key: i64,
}

/// A number that a query answers as text.
pub(super) fn number(text: Option<&Option<String>>) -> u64 {
    text.and_then(|text| text.as_deref()?.parse().ok()).unwrap_or(0)
}

/// Look at a database. Of an SQLite file there must be one.
pub(super) fn open(location: &Location) -> Result<Box<dyn Source>> {
    Ok(match location {
        Location::Sqlite(path) => Box::new(SqliteSource::open(path)?),
        Location::Postgres(address) => Box::new(PostgresSource::open(address)?),
    })
}

/// The same, when its tables are to be read: if need be from a migrated copy.
pub(super) fn open_current(location: &Location) -> Result<Box<dyn Source>> {
    let source = open(location)?;
    let (found, known) = (source.version(), source.known());
    match source.as_sqlite() {
        _ if found == known => Ok(source),
        Some(sqlite) if found > 0 => Ok(Box::new(sqlite.migrated_copy()?)),
        _ => Err(ToolError::Older { found, known }),
    }
}

/// All rows of a table, with reports of progress.
pub(super) fn read(
    source: &mut dyn Source,
    table: &'static Table,
    progress: &mut OnProgress<'_>,
    each: &mut Each<'_>,
) -> Result<u64> {
    let total = source.count(table.name)?;
    let mut done = 0;
    progress(Progress { table: table.name, done, total });
    source.rows(table, &mut |row| {
        each(row)?;
        done += 1;
        if done % REPORT_EVERY == 0 {
            progress(Progress { table: table.name, done, total });
        }
        Ok(())
    })?;
    progress(Progress { table: table.name, done, total });
    if done == total {
        Ok(done)
    } else {
        Err(ToolError::Differs { table: table.name, read: total, written: done })
    }
}

/// The first table that has any rows, and how many. Tables that are not there yet have none.
pub(super) fn first_rows(source: &mut dyn Source) -> Result<Option<(&'static str, u64)>> {
    let there = source.tables()?;
    for table in TABLES.iter().filter(|table| there.iter().any(|name| name == table.name)) {
        let rows = source.count(table.name)?;
        if rows > 0 {
            return Ok(Some((table.name, rows)));
        }
    }
    Ok(None)
}

/// How the columns of a table differ from those that it is declared with.
pub(super) fn differs(table: &Table, own: &[OwnColumn]) -> Option<String> {
    let fits = |(column, own): (&Column, &OwnColumn)| {
        let place = table.position(column.name).filter(|at| *at < table.key).map_or(0, |at| at as i64 + 1);
        let kinds: &[&str] = match column.kind {
            super::tables::Kind::Text => &["TEXT"],
            super::tables::Kind::Int => &["BIGINT", "INTEGER"],
            super::tables::Kind::Bool => &["BOOLEAN"],
            super::tables::Kind::Bytes => &["BLOB", "BYTEA"],
        };
        column.name == own.name
            && kinds.contains(&own.kind.as_str())
            && column.nullable == own.nullable
            && place == own.key
    };
    if own.is_empty() {
        return Some("is not there".to_owned());
    }
    if let Some((column, _)) = table.columns.iter().zip(own).find(|(column, own)| !fits((column, own))) {
        return Some(format!("has another column in the place of {}", column.name));
    }
    (table.columns.len() != own.len()).then(|| "has not as many columns as it should have".to_owned())
}
