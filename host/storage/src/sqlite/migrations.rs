//! The schema, as numbered files that are applied in order, each once.

use super::OpenError;
use crate::convert::now;
use crate::readdress::{Decision, Failed, Sql, readdress};
use rusqlite::{Connection, TransactionBehavior, params_from_iter};

/// File N is version N; a file that was released is never changed.
pub(crate) const FILES: [&str; 3] = [
    include_str!("migrations/0001_init.sql"),
    include_str!("migrations/0002_plugins.sql"),
    include_str!("migrations/0003_rfc7622.sql"),
];

/// With this version addresses are spelt as RFC 7622 has them.
pub(crate) const RFC7622: i64 = 3;

/// Marks the file as ours ("waxw"), for `file` and for us.
const APPLICATION_ID: i32 = 0x7761_7877;

/// The version of this program.
pub(crate) const KNOWN: i64 = FILES.len() as i64;

/// The version of a database; 0 of an empty one.
///
/// # Errors
/// When the file cannot be read, is no database or belongs to another program.
pub(crate) fn version(db: &Connection) -> Result<i64, OpenError> {
    let application: i32 =
        db.query_row("SELECT application_id FROM pragma_application_id", [], |row| row.get(0))?;
    let objects: i64 = db.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    match (application, objects) {
        (_, 0) => Ok(0),
        (APPLICATION_ID, _) => {
            Ok(db.query_row("SELECT coalesce(max(version), 0) FROM migration", [], |row| row.get(0))?)
        }
        _ => Err(OpenError::Foreign),
    }
}

/// Bring a database, new or old, to the version of this program. Answers the version that was found.
///
/// # Errors
/// When it is newer, belongs to another program, cannot be changed or has addresses that the operator must decide about;
/// then it is as it was.
pub(crate) fn migrate(db: &mut Connection, decisions: &[Decision]) -> Result<i64, OpenError> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    if found > KNOWN {
        return Err(OpenError::Newer { found, known: KNOWN });
    }
    if found == KNOWN {
        // Nothing to write: also a server whose disk is full can start.
        return Ok(found);
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS migration (version BIGINT NOT NULL PRIMARY KEY, applied BIGINT NOT NULL)",
    )?;
    for (version, file) in (1..).zip(FILES).filter(|(version, _)| *version > found) {
        transaction.execute_batch(file)?;
        if version == RFC7622 {
            readdress(&mut &*transaction, decisions).map_err(|failed| match failed {
                Failed::Sql(error) => OpenError::from(error),
                Failed::Undecided(undecided) => OpenError::Addresses(undecided),
            })?;
        }
        transaction.execute("INSERT INTO migration (version, applied) VALUES (?, ?)", [version, now()])?;
        tracing::info!(version, "database schema applied");
    }
    transaction.commit()?;
    Ok(found)
}

impl Sql for &Connection {
    type Error = rusqlite::Error;

    fn each(&mut self, sql: &str, values: &[&str], row: &mut dyn FnMut(&str)) -> rusqlite::Result<()> {
        let mut statement = self.prepare(&sql.replace('$', "?"))?;
        let mut rows = statement.query(params_from_iter(values))?;
        while let Some(found) = rows.next()? {
            row(found.get_ref(0)?.as_str()?);
        }
        Ok(())
    }

    fn run(&mut self, sql: &str, values: &[&str]) -> rusqlite::Result<()> {
        self.execute(&sql.replace('$', "?"), params_from_iter(values)).map(drop)
    }
}
