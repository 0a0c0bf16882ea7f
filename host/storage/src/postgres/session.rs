//! The connection that writes: it has the lock of the database, keeps its statements prepared, and sends many
//! without waiting in between.

use super::error::PostgresError;
use super::steps::Step;
use super::{Address, Connector, PostgresOptions, lock};
use crate::Ids;
use crate::convert::unsigned;
use futures_util::TryStreamExt as _;
use futures_util::future::maybe_done;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hasher as _};
use std::pin::pin;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::{Client, Config, Error, Statement};

/// What a session is opened with.
#[derive(Clone)]
pub(super) struct Opening {
    pub(super) config: Config,
    pub(super) connector: Connector,
    pub(super) options: PostgresOptions,
    /// Tells this server from others that use the database.
    pub(super) name: String,
}

pub(super) struct Session {
    client: Client,
    /// Carries what the client says; ends with the connection.
    driver: JoinHandle<()>,
    statements: HashMap<&'static str, Statement>,
    /// As last set, if it is not as the database has it.
    lock_patience: Option<Duration>,
}

/// What every connection is set to.
pub(super) fn settings(options: &PostgresOptions) -> String {
    let millis = options.statement_timeout.as_millis();
    // Statements are short: compiling them costs more than it saves. Each finds its rows by an index; one that was
    // planned while the table was empty would be content to read all of it, and would go on so.
    format!("SET statement_timeout = {millis}; SET jit = off; SET enable_seqscan = off")
}

impl Opening {
    pub(super) fn new(address: &Address, options: &PostgresOptions) -> Result<Self, PostgresError> {
        let (mut config, connector) = address.connecting(options.connect_timeout)?;
        // Processes of different machines may have the same number.
        let random = std::hash::RandomState::new().build_hasher().finish();
        let name = format!("waxwing {} {random:016x}", std::process::id());
        config.application_name(&name);
        Ok(Self { config, connector, options: options.clone(), name })
    }

    /// Connect and take the lock.
    pub(super) async fn open(&self) -> Result<Session, PostgresError> {
        let patience = self.options.connect_timeout;
        let open = async {
            let (client, connection) = self.config.connect(self.connector.clone()).await?;
            // Dropping the client ends the task. What goes wrong is also what its statements fail with.
            let driver = tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection to the database ended");
                }
            });
            Ok::<_, PostgresError>(Session {
                client,
                driver,
                statements: HashMap::new(),
                lock_patience: None,
            })
        };
        let session = timeout(patience, open).await.map_err(|_| PostgresError::Silent)??;
        let set_up = async {
            session.client.batch_execute(&settings(&self.options)).await?;
            // What the operator has made stricter stays.
            let durable = "SELECT set_config('synchronous_commit', 'on', false)
                 WHERE current_setting('synchronous_commit') = 'off'";
            session.client.query(durable, &[]).await?;
            lock::take(&session.client, &self.name, patience).await
        };
        // The lock has its own.
        timeout(patience * 2, set_up).await.map_err(|_| PostgresError::Silent)??;
        Ok(session)
    }
}

impl Session {
    /// When the connection has ended.
    pub(super) async fn ended(&mut self) {
        // It cannot be polled again after that, and is not: the session is given up.
        let _ = (&mut self.driver).await;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Say so if the database itself does not wait for its disk.
    pub(super) async fn warn_if_not_durable(&self) -> Result<(), Error> {
        if self.setting("fsync").await? == "off" {
            tracing::warn!("the database runs with fsync = off: a power cut may destroy all of it");
        }
        Ok(())
    }

    /// A setting of the database, as this connection has it.
    pub(super) async fn setting(&self, name: &str) -> Result<String, Error> {
        Ok(self.client.query_one("SELECT current_setting($1)", &[&name]).await?.get(0))
    }

    /// Whether the database answers.
    pub(super) async fn probe(&self) -> Result<(), Error> {
        self.client.check_connection().await
    }

    /// The statements that these steps need, of which each is prepared once.
    async fn prepared(&mut self, steps: &[Step<'_>]) -> Result<Vec<Statement>, Error> {
        let mut prepared = Vec::with_capacity(steps.len());
        for step in steps {
            let statement = match self.statements.get(step.sql) {
                Some(known) => known.clone(),
                None => {
                    let new = self.client.prepare(step.sql).await?;
                    self.statements.insert(step.sql, new.clone());
                    new
                }
            };
            prepared.push(statement);
        }
        Ok(prepared)
    }

    /// Send a statement, prepared steps and another statement in one go; answers the ids of what was appended to logs.
    /// The error is the first of all, with the number of its step if it is one's.
    pub(super) async fn run(
        &mut self,
        before: &str,
        steps: &[Step<'_>],
        after: &str,
    ) -> Result<Ids, (Option<usize>, Error)> {
        let statements = self.prepared(steps).await.map_err(|error| (None, error))?;
        let client = &self.client;
        let mut before = pin!(maybe_done(client.batch_execute(before)));
        let execute = |(step, statement)| {
            let (step, statement): (&Step<'_>, &Statement) = (step, statement);
            Box::pin(maybe_done(async move {
                let rows = client.query_raw(statement, &step.values).await?;
                let mut ids = Ids::new();
                let mut rows = pin!(rows);
                while let Some(row) = rows.try_next().await? {
                    if step.answers_ids() {
                        ids.push(unsigned(row.try_get(0)?));
                    }
                }
                // They were given in this order.
                ids.sort_unstable();
                Ok::<_, Error>(ids)
            }))
        };
        let mut sent: Vec<_> = steps.iter().zip(&statements).map(execute).collect();
        let mut after = pin!(maybe_done(client.batch_execute(after)));
        // A request is sent when its future is polled for the first time: here, in order.
        let _ = futures_util::poll!(&mut before);
        for step in &mut sent {
            let _ = futures_util::poll!(step);
        }
        let _ = futures_util::poll!(&mut after);
        before.as_mut().await;
        before.take_output().unwrap_or(Ok(())).map_err(|error| (None, error))?;
        let (mut failed, mut appended) = (None, Ids::new());
        for (at, step) in sent.iter_mut().enumerate() {
            step.as_mut().await;
            match step.as_mut().take_output() {
                Some(Ok(mut ids)) => appended.append(&mut ids),
                Some(Err(error)) if failed.is_none() => failed = Some((Some(at), error)),
                _ => {}
            }
        }
        after.as_mut().await;
        match (failed, after.take_output()) {
            (Some(failed), _) => Err(failed),
            (None, Some(Err(error))) => Err((None, error)),
            (None, _) => Ok(appended),
        }
    }

    /// Let what follows wait this long for others' locks, or as long as any statement. Preparing a statement waits for them, too.
    pub(super) async fn wait_for_locks(&mut self, patience: Option<Duration>) -> Result<(), Error> {
        if self.lock_patience != patience {
            let set = match patience {
                Some(patience) => format!("SET lock_timeout = {}", patience.as_millis()),
                None => "RESET lock_timeout".to_owned(),
            };
            self.statement(&set).await?;
            self.lock_patience = patience;
        }
        Ok(())
    }

    /// One statement by itself.
    pub(super) async fn statement(&self, sql: &str) -> Result<(), Error> {
        self.client.batch_execute(sql).await
    }

    /// Delete up to `limit` log values that had expired by `now`; answers how many.
    pub(super) async fn purge(&self, now: i64, limit: i64) -> Result<u64, Error> {
        let sql = "DELETE FROM log_entry WHERE id = ANY(ARRAY(
             SELECT id FROM log_entry WHERE expires <= $1 ORDER BY expires LIMIT $2))";
        self.client.execute(sql, &[&now, &limit]).await
    }
}
