//! The connections that read: a pool, whose connections keep their statements prepared.

use super::PostgresOptions;
use super::error::sentence;
use super::health::Health;
use crate::metrics::Pool as PoolMetrics;
use crate::turn::{closed, too_late};
use crate::{Error, Result};
use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, Row};

/// Between two attempts to open a connection, while others have them all.
const AGAIN: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(super) struct Reads {
    pool: Pool,
    health: Arc<Health>,
    /// For a connection, and for all of it.
    patience: [Duration; 2],
}

impl Reads {
    pub(super) fn new(
        config: Config,
        connector: super::Connector,
        options: &PostgresOptions,
        health: Arc<Health>,
    ) -> Result<Self> {
        let manager = Manager::from_config(
            config,
            connector,
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let session = super::session::settings(options);
        let pool = Pool::builder(manager)
            .max_size(options.pool_size.max(1))
            .runtime(Runtime::Tokio1)
            .post_create(Hook::async_fn(move |client, _| {
                let session = session.clone();
                Box::pin(async move { client.batch_execute(&session).await.map_err(HookError::Backend) })
            }))
            .build()
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        Ok(Self { pool, health, patience: [options.statement_timeout, options.patience()] })
    }

    /// All rows that a statement gives.
    pub(super) async fn query(&self, sql: &'static str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        tracing::trace!(sql, "read");
        self.health.check()?;
        let now = Instant::now();
        let [turn, deadline] = self.patience.map(|patience| now + patience);
        loop {
            let client = match timeout_at(turn, self.connection()).await {
                Ok(client) => client?,
                Err(_) => return Err(self.busy()),
            };
            // Less than the database gives a statement, if this has waited for its connection.
            let is_short = Instant::now() + self.patience[0] > deadline;
            let query = async {
                let statement = client.prepare_cached(sql).await?;
                client.query(&statement, values).await
            };
            match timeout_at(deadline, query).await {
                Ok(Ok(rows)) => return Ok(rows),
                // The connection was broken before: the next one is new, or says why there is none.
                Ok(Err(_)) if client.is_closed() && Instant::now() < deadline => {}
                Ok(Err(error)) => return Err(error.into()),
                Err(_) => {
                    // It may answer yet; not to the next who asks.
                    drop(Object::take(client));
                    if is_short {
                        return Err(too_late());
                    }
                    self.health.doubt();
                    return Err(Error::Unavailable("the database does not answer".into()));
                }
            }
        }
    }

    async fn connection(&self) -> Result<Object> {
        loop {
            let error = match self.pool.get().await {
                Ok(client) => return Ok(client),
                Err(PoolError::Closed) => return Err(closed()),
                Err(PoolError::Backend(error)) => error,
                Err(PoolError::Timeout(TimeoutType::Wait)) => return Err(self.busy()),
                Err(error) => return Err(Error::Unavailable(error.to_string())),
            };
            // Those that we have will be free again.
            let full = error.code() == Some(&SqlState::TOO_MANY_CONNECTIONS);
            if !full || self.pool.status().size == 0 {
                self.health.doubt();
                return Err(Error::Unavailable(sentence(&error)));
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// No connection became free in time.
    fn busy(&self) -> Error {
        self.health.doubt();
        too_late()
    }

    pub(super) fn close(&self) {
        self.pool.close();
    }

    pub(super) fn metrics(&self) -> PoolMetrics {
        let status = self.pool.status();
        PoolMetrics {
            limit: status.max_size as u64,
            open: status.size as u64,
            used: status.size.saturating_sub(status.available) as u64,
            waiting: status.waiting as u64,
            down: self.health.down(),
            reconnects: self.health.reconnects(),
        }
    }
}
