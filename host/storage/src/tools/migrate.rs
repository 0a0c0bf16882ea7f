//! The schema of a database that no server has.

use super::{PATIENCE, Result};
use crate::postgres::{blocking, migrations as postgres_migrations};
use crate::sqlite::{migrations as sqlite_migrations, open};
use crate::{Decision, Location};

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The version that was found; 0 of an empty database.
    pub from: i64,
    /// The version that it has now.
    pub to: i64,
}

/// Bring the schema of a database to the version of this program, as a server would. An SQLite file is made if there
/// is none. Decisions are about addresses that an earlier release has stored and that cannot stay as they are.
///
/// # Errors
/// When it is in use, newer, or cannot be changed; then it is as it was.
pub fn migrate(location: &Location, decisions: &[Decision]) -> Result<Migrated> {
    match location {
        Location::Sqlite(path) => {
            let mut lock = open::Lock::take(path)?;
            open::prepare(path)?;
            lock.cover(path)?;
            let mut db = open::writer(path, &crate::SqliteOptions::default())?;
            let from = sqlite_migrations::migrate(&mut db, decisions)?;
            db.close().map_err(|(_, error)| error)?;
            Ok(Migrated { from, to: sqlite_migrations::KNOWN })
        }
        Location::Postgres(address) => {
            let mut client = blocking::connect_alone(address, PATIENCE)?;
            let from = postgres_migrations::migrate(&mut client, decisions)?;
            Ok(Migrated { from, to: postgres_migrations::KNOWN })
        }
    }
}
