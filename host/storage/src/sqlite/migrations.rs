//! The schema, as numbered files that are applied in order, each once.

use super::OpenError;
use crate::convert::now;
use rusqlite::{Connection, TransactionBehavior};

/// File N is version N; a file that was released is never changed.
pub(super) const FILES: [&str; 2] =
    [include_str!("migrations/0001_init.sql"), include_str!("migrations/0002_plugins.sql")];

/// Marks the file as ours ("waxw"), for `file` and for us.
const APPLICATION_ID: i32 = 0x7761_7877;

/// Bring a database, new or old, to the version of this program.
pub(super) fn migrate(db: &mut Connection) -> Result<(), OpenError> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let application: i32 =
        transaction.query_row("SELECT application_id FROM pragma_application_id", [], |row| row.get(0))?;
    let objects: i64 = transaction.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    if application != APPLICATION_ID && (application != 0 || objects != 0) {
        return Err(OpenError::Foreign);
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS migration (version BIGINT NOT NULL PRIMARY KEY, applied BIGINT NOT NULL)",
    )?;
    let found: i64 =
        transaction.query_row("SELECT coalesce(max(version), 0) FROM migration", [], |row| row.get(0))?;
    let known = FILES.len() as i64;
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    for (version, file) in (1..).zip(FILES).filter(|(version, _)| *version > found) {
        transaction.execute_batch(file)?;
        transaction.execute("INSERT INTO migration (version, applied) VALUES (?, ?)", [version, now()])?;
        tracing::info!(version, "database schema applied");
    }
    Ok(transaction.commit()?)
}
