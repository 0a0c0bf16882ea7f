//! A database as one file, made while the server goes on.

use super::copy::sqlite_draft;
use super::{OnProgress, Result, ToolError, source};
use crate::Location;
use std::fs;
use std::path::Path;

/// Write all that is in a database now into a new file: an SQLite database of the schema of this program, which only
/// its owner may read. A server may have the database open. The file gets its name when it is complete and on the
/// disk; one that has it already is replaced only with `replace`. Answers how many rows there are.
///
/// # Errors
/// Whatever keeps it from being complete; then there is no new file.
pub fn backup(from: &Location, file: &Path, replace: bool, progress: &mut OnProgress<'_>) -> Result<u64> {
    let refuse_existing = || match fs::symlink_metadata(file) {
        Ok(_) if !replace => Err(ToolError::Exists(file.to_owned())),
        _ => Ok(()),
    };
    refuse_existing()?;
    if let Location::Sqlite(path) = from
        && path.canonicalize().is_ok_and(|path| file.canonicalize().is_ok_and(|file| path == file))
    {
        return Err(ToolError::Same(from.to_string()));
    }
    let mut source = source::open(from)?;
    let (found, known) = (source.version(), source.known());
    // An SQLite file is copied as it is and migrated afterwards.
    if found < known && (found == 0 || source.as_sqlite().is_none()) {
        return Err(ToolError::Older { found, known });
    }
    let (draft, rows) = sqlite_draft(&mut *source, file, progress)?;
    refuse_existing()?;
    draft.publish()?;
    Ok(rows)
}
