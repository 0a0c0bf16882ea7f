//! Deleting what has expired, and giving back the room of what was deleted.

use super::postgres_source::{SESSION, database_bytes};
use super::sqlite_source::file_bytes;
use super::tables::TABLES;
use super::{PATIENCE, Result, ToolError};
use crate::convert::now;
use crate::postgres::{blocking, migrations as postgres_migrations};
use crate::sqlite::{migrations as sqlite_migrations, open};
use crate::{Location, OpenError, PostgresError};

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vacuumed {
    /// Log values that had expired and are deleted now.
    pub expired: u64,
    /// Bytes on the disk before.
    pub before: u64,
    /// Bytes on the disk after.
    pub after: u64,
}

/// Delete log values that have expired and give back what room can be given back. An SQLite file is written anew, for
/// which no server may have it open and as much again must be free on the disk; PostgreSQL works beside a server.
///
/// # Errors
/// When it is in use, or the disk is full; then nothing is lost.
pub fn vacuum(location: &Location) -> Result<Vacuumed> {
    match location {
        Location::Sqlite(path) => {
            std::fs::metadata(path).map_err(ToolError::file(path))?;
            let _lock = open::Lock::take(path)?;
            let db = open::writer(path, &crate::SqliteOptions::default())?;
            let (found, known) = (sqlite_migrations::version(&db)?, sqlite_migrations::KNOWN);
            if found > known {
                return Err(OpenError::Newer { found, known }.into());
            }
            refuse_older(found, known)?;
            let before = file_bytes(path);
            let expired = db.execute("DELETE FROM log_entry WHERE expires <= ?", [now()])? as u64;
            db.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")?;
            db.close().map_err(|(_, error)| error)?;
            Ok(Vacuumed { expired, before, after: file_bytes(path) })
        }
        Location::Postgres(address) => {
            let mut client = blocking::connect(address, PATIENCE)?;
            client.batch_execute(SESSION)?;
            let (found, known) = (postgres_migrations::version(&mut client)?, postgres_migrations::KNOWN);
            if found > known {
                return Err(PostgresError::Newer { found, known }.into());
            }
            refuse_older(found, known)?;
            let before = database_bytes(&mut client)?;
            let expired = client.execute("DELETE FROM log_entry WHERE expires <= $1", &[&now()])?;
            for table in &TABLES {
                client.batch_execute(&format!("VACUUM (ANALYZE) {}", table.name))?;
            }
            Ok(Vacuumed { expired, before, after: database_bytes(&mut client)? })
        }
    }
}

fn refuse_older(found: i64, known: i64) -> Result<()> {
    if found >= known { Ok(()) } else { Err(ToolError::Older { found, known }) }
}
