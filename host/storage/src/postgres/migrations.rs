//! The schema, as numbered files that are applied in order, each once. The numbers are those of the other
//! engine: the same version keeps the same data.

use super::PostgresError;
use crate::convert::now;
use postgres::Client;

/// File N is version N; a file that was released is never changed.
pub(super) const FILES: [&str; 2] =
    [include_str!("migrations/0001_init.sql"), include_str!("migrations/0002_plugins.sql")];

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
/// When the database is newer, belongs to another program or cannot be changed; then it is as it was.
pub(crate) fn migrate(client: &mut Client) -> Result<i64, PostgresError> {
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
        transaction
            .execute("INSERT INTO migration (version, applied) VALUES ($1, $2)", &[&version, &now()])?;
        tracing::info!(version, "database schema applied");
    }
    transaction.commit()?;
    Ok(found)
}
