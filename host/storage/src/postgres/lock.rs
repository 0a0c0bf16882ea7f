//! One database serves one server at a time: an advisory lock, held by the connection that writes.

use super::PostgresError;
use std::time::Duration;
use tokio::time::Instant;
use tokio_postgres::{Client, Row};

/// Tells this lock from those of other programs ("waxw").
pub(crate) const KEY: i64 = 0x7761_7877;

/// Whoever asks gets it until his connection ends, or nobody does.
pub(crate) const TAKE: &str = "SELECT pg_try_advisory_lock($1)";

/// Who has it: process, name of the program, address.
pub(crate) const HOLDER: &str = "SELECT pid, coalesce(application_name, ''),
     coalesce(host(client_addr), 'the same machine')
     FROM pg_locks JOIN pg_stat_activity USING (pid)
     WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
     AND classid = 0 AND objid::bigint = $1 AND granted";

/// Who has the lock.
pub(crate) struct Holder {
    /// As he calls himself.
    pub(crate) name: String,
    /// His address.
    pub(crate) place: String,
    /// The process of the database that serves him.
    pub(crate) process: i32,
}

impl Holder {
    /// From what [`HOLDER`] gives.
    pub(crate) fn of(row: &Row) -> Self {
        Self { process: row.get(0), name: row.get(1), place: row.get(2) }
    }
}

impl From<Holder> for PostgresError {
    fn from(Holder { name, place, process }: Holder) -> Self {
        Self::InUse { name, place, process }
    }
}

/// Between two attempts.
const AGAIN: Duration = Duration::from_millis(100);

/// Take the lock, waiting for so long: of a server that was killed, the connection may outlive it for a moment. A
/// former connection of this server, by the name that it has given itself, is ended.
pub(super) async fn take(client: &Client, own_name: &str, patience: Duration) -> Result<(), PostgresError> {
    let deadline = Instant::now() + patience;
    loop {
        if client.query_one(TAKE, &[&KEY]).await?.get(0) {
            return Ok(());
        }
        let holder = client.query_opt(HOLDER, &[&KEY]).await?;
        if let Some(holder) = holder.as_ref().map(Holder::of) {
            if holder.name == own_name {
                client.query("SELECT pg_terminate_backend($1)", &[&holder.process]).await?;
            }
            if Instant::now() >= deadline {
                return Err(holder.into());
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}
