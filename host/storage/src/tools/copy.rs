//! From one database into another, of whatever engine each is.

use super::draft::Draft;
use super::postgres_sink::PostgresSink;
use super::restore::replace_sqlite;
use super::sink::Sink;
use super::source::{self, Source};
use super::tables::TABLES;
use super::{OnProgress, Result, ToolError};
use crate::Location;
use std::path::Path;

/// Copy all that is in a database into another, which no server may have open. The source may be in use: what is
/// written to it after the beginning is not copied. A target that has data is refused, or emptied first with `replace`:
/// all of it changes at once, at the end. Answers how many rows there are.
///
/// # Errors
/// Whatever keeps it from being complete. The target is then as it was.
pub fn copy(from: &Location, to: &Location, replace: bool, progress: &mut OnProgress<'_>) -> Result<u64> {
    if is_same(from, to) {
        return Err(ToolError::Same(from.to_string()));
    }
    let mut source = source::open_current(from)?;
    match to {
        Location::Sqlite(path) => replace_sqlite(&mut *source, path, replace, progress),
        Location::Postgres(address) => {
            let mut sink = PostgresSink::begin(address, replace)?;
            let rows = all_rows(&mut *source, &mut sink, progress)?;
            sink.commit()?;
            Ok(rows)
        }
    }
}

fn is_same(from: &Location, to: &Location) -> bool {
    match (from, to) {
        (Location::Sqlite(from), Location::Sqlite(to)) => {
            from == to || from.canonicalize().is_ok_and(|from| to.canonicalize().is_ok_and(|to| from == to))
        }
        (from, to) => from == to,
    }
}

/// Every row of every table, counted once more where it has arrived.
pub(super) fn all_rows(
    source: &mut dyn Source,
    sink: &mut dyn Sink,
    progress: &mut OnProgress<'_>,
) -> Result<u64> {
    let mut rows = 0;
    for table in &TABLES {
        let mut read = 0;
        let written = sink.fill(table, &mut |each| {
            read = source::read(source, table, progress, each)?;
            Ok(read)
        })?;
        if written != read {
            return Err(ToolError::Differs { table: table.name, read, written });
        }
        rows += written;
    }
    sink.continue_after(source.last_id()?)?;
    Ok(rows)
}

/// A new SQLite file with all that is in the source, complete but for its name, and the number of its rows.
pub(super) fn sqlite_draft(
    source: &mut dyn Source,
    target: &Path,
    progress: &mut OnProgress<'_>,
) -> Result<(Draft, u64)> {
    let mut draft = Draft::create(target)?;
    let rows = match source.as_sqlite() {
        None => {
            draft.migrate()?;
            all_rows(source, &mut draft.sink()?, progress)?
        }
        Some(sqlite) => {
            draft.copy_pages(sqlite, progress)?;
            // One of an older schema is a copy of the new one from here on.
            draft.migrate()?;
            same_counts(source, &mut draft)?
        }
    };
    draft.verify()?;
    Ok((draft, rows))
}

fn same_counts(source: &mut dyn Source, draft: &mut Draft) -> Result<u64> {
    let mut rows = 0;
    let there = source.tables()?;
    for table in TABLES.iter().filter(|table| there.iter().any(|name| name == table.name)) {
        let (read, written) = (source.count(table.name)?, draft.count(table.name)?);
        if read != written {
            return Err(ToolError::Differs { table: table.name, read, written });
        }
        rows += written;
    }
    Ok(rows)
}
