//! The schema, as numbered files that are applied in order, each once. The numbers are those of the other
//! engine: the same version keeps the same data.

use super::PostgresError;
use super::text::{decode, encode};
use crate::convert::now;
use crate::readdress::{Decision, Failed, Sql, readdress};
use crate::sqlite::migrations::RFC7622;
use postgres::fallible_iterator::FallibleIterator;
use postgres::{Client, Transaction};

/// File N is version N; a file that was released is never changed.
pub(super) const FILES: [&str; 3] = [
    include_str!("migrations/0001_init.sql"),
    include_str!("migrations/0002_plugins.sql"),
    include_str!("migrations/0003_rfc7622.sql"),
];

/// The version of this program.
pub(crate) const KNOWN: i64 = FILES.len() as i64;

/// The version of a database; 0 of an empty one.
///
/// # Errors
/// When the database cannot be read or belongs to another program.
pub(crate) fn version(client: &mut Client) -> Result<i64, PostgresError> {
    let ours: bool = client.query_one("SELECT to_regclass('migration') IS NOT NULL", &[])?.get(0);
    if ours {
        return Ok(client.query_one("SELECT coalesce(max(version), 0) FROM migration", &[])?.get(0));
    }
    // As psql's \dt sees it: what is in the schemas that names are looked up in.
    let foreign: i64 = client
        .query_one(
            "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm') AND pg_table_is_visible(oid)
             AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)",
            &[],
        )?
        .get(0);
    if foreign == 0 { Ok(0) } else { Err(PostgresError::Foreign) }
}

/// Bring a database, new or old, to the version of this program. To be called by whoever has the database for
/// himself. Answers the version that was found.
///
/// # Errors
/// When the database is newer, belongs to another program, cannot be changed or has addresses that the operator must
/// decide about; then it is as it was.
pub(crate) fn migrate(client: &mut Client, decisions: &[Decision]) -> Result<i64, PostgresError> {
    let found = version(client)?;
    if found > KNOWN {
        return Err(PostgresError::Newer { found, known: KNOWN });
    }
    if found == KNOWN {
        return Ok(found);
    }
    let mut transaction = client.transaction()?;
    transaction.batch_execute(
        "CREATE TABLE IF NOT EXISTS migration (version BIGINT NOT NULL PRIMARY KEY, applied BIGINT NOT NULL)",
    )?;
    for (version, file) in (1..).zip(FILES).filter(|(version, _)| *version > found) {
        transaction.batch_execute(file)?;
        if version == RFC7622 {
            readdress(&mut transaction, decisions).map_err(|failed| match failed {
                Failed::Sql(error) => PostgresError::from(error),
                Failed::Undecided(undecided) => PostgresError::Addresses(undecided),
            })?;
        }
        transaction
            .execute("INSERT INTO migration (version, applied) VALUES ($1, $2)", &[&version, &now()])?;
        tracing::info!(version, "database schema applied");
    }
    transaction.commit()?;
    Ok(found)
}

impl Sql for Transaction<'_> {
    type Error = postgres::Error;

    fn each(&mut self, sql: &str, values: &[&str], row: &mut dyn FnMut(&str)) -> Result<(), postgres::Error> {
        let mut rows = self.query_raw(sql, values.iter().map(|value| encode(value)))?;
        while let Some(found) = rows.next()? {
            let text: &str = found.try_get(0)?;
            // What was not written by this program is no address either.
            row(&decode(text).unwrap_or(std::borrow::Cow::Borrowed(text)));
        }
        Ok(())
    }

    fn run(&mut self, sql: &str, values: &[&str]) -> Result<(), postgres::Error> {
        let values: Vec<_> = values.iter().map(|value| encode(value)).collect();
        let values: Vec<&(dyn postgres::types::ToSql + Sync)> =
            values.iter().map(|value| value as _).collect();
        self.execute(sql, &values).map(drop)
    }
}
