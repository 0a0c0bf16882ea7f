//! One database serves one server at a time: an advisory lock, held by the connection that writes.

use super::PostgresError;
use std::time::Duration;
use tokio::time::Instant;
use tokio_postgres::Client;

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
        if let Some(row) = holder {
            let (process, name, place): (i32, String, String) = (row.get(0), row.get(1), row.get(2));
            if name == own_name {
                client.query("SELECT pg_terminate_backend($1)", &[&process]).await?;
            }
            if Instant::now() >= deadline {
                return Err(PostgresError::InUse { name, place, process });
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}
