//! A backup becomes the database.

use super::copy::{copy, sqlite_draft};
use super::draft::beside;
use super::source::{self, Source};
use super::sqlite_source::{self, SqliteSource};
use super::{OnProgress, PATIENCE, Result, ToolError};
use crate::sqlite::open::{self, Lock};
use crate::{Error, Location, LocationError, OpenError};
use rusqlite::{Connection, OpenFlags};
use std::fs;
use std::path::Path;

/// Put what is in a backup into a database, which no server may have open. A database that has data is refused, or
/// replaced with `replace`: all of it changes at once, at the end. Answers how many rows there are.
///
/// # Errors
/// Whatever keeps it from being complete. The database is then as it was.
pub fn restore(file: &Path, to: &Location, replace: bool, progress: &mut OnProgress<'_>) -> Result<u64> {
    let from = Location::Sqlite(file.to_owned());
    let why = match source::open(&from) {
        Ok(source) if source.version() > 0 => {
            drop(source);
            return copy(&from, to, replace, progress);
        }
        Ok(_) => OpenError::Foreign.into(),
        Err(why) if is_no_backup(&why) => why,
        Err(why) => return Err(why),
    };
    Err(ToolError::NotABackup { path: file.to_owned(), why: Box::new(why) })
}

fn is_no_backup(why: &ToolError) -> bool {
    matches!(
        why,
        ToolError::Open(LocationError::Sqlite(OpenError::NotADatabase | OpenError::Foreign))
            | ToolError::Storage(Error::Corrupt(_))
    )
}

/// What there is before a file gets its place.
enum Before {
    Nothing,
    /// A database, which is empty or may go, and the greatest id that it has given.
    Database(i64),
    /// Something that was one.
    Damaged,
}

/// Make an SQLite file of the source and put it into the place of another.
pub(super) fn replace_sqlite(
    source: &mut dyn Source,
    path: &Path,
    replace: bool,
    progress: &mut OnProgress<'_>,
) -> Result<u64> {
    let _lock = Lock::take(path)?;
    let before = before(path, replace)?;
    let (mut draft, rows) = sqlite_draft(source, path, progress)?;
    if let Before::Database(last_id) = before {
        draft.continue_after(last_id)?;
    }
    draft.close()?;
    match before {
        Before::Nothing => {}
        Before::Database(_) => {
            open::same_access(path, draft.path()).map_err(ToolError::file(draft.path()))?;
            write_back(path)?;
        }
        Before::Damaged => set_aside(path)?,
    }
    draft.publish()?;
    Ok(rows)
}

fn before(path: &Path, replace: bool) -> Result<Before> {
    let target = || format!("sqlite:{}", path.display());
    match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Before::Nothing),
        Err(error) => return Err(ToolError::file(path)(error)),
        Ok(_) => {}
    }
    let look = || {
        let mut source = SqliteSource::open(path)?;
        let rows = source::first_rows(&mut source)?;
        let last_id = if source.version() > 0 { sqlite_source::last_id(&source.db)? } else { 0 };
        Ok((rows, last_id))
    };
    match look() {
        Ok((Some((table, rows)), _)) if !replace => {
            Err(ToolError::NotEmpty { target: target(), table, rows })
        }
        Ok((_, last_id)) => Ok(Before::Database(last_id)),
        Err(
            why @ (ToolError::Open(LocationError::Sqlite(OpenError::NotADatabase))
            | ToolError::Storage(Error::Corrupt(_))),
        ) => match replace {
            true => Ok(Before::Damaged),
            false => Err(ToolError::Unreadable { target: target(), why: why.to_string() }),
        },
        Err(why) => Err(why),
    }
}

/// Have all that a database was given in its one file. What lies beside it would be taken for part of the next.
fn write_back(path: &Path) -> Result<()> {
    let db = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    db.busy_timeout(PATIENCE)?;
    // Of the file that goes now, nothing need be safer than it was.
    let mode: String = db.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
    if mode != "delete" {
        return Err(ToolError::Locked);
    }
    db.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// A damaged file and what lies beside it keep existing as `PATH.damaged`.
fn set_aside(path: &Path) -> Result<()> {
    let aside = beside(path, ".damaged");
    if fs::symlink_metadata(&aside).is_ok() {
        return Err(ToolError::Exists(aside));
    }
    fs::hard_link(path, &aside).map_err(ToolError::file(&aside))?;
    for side in ["-wal", "-journal"] {
        let from = beside(path, side);
        match fs::rename(&from, beside(&aside, side)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(ToolError::file(&from)(error));
            }
            _ => {}
        }
    }
    let _ = fs::remove_file(beside(path, "-shm"));
    open::sync_folder(path).map_err(ToolError::file(path))
}
