//! The contract, against a real server.

mod plans;

use super::*;
use crate::contract::Place;
use crate::readdress::tests as readdress;
use crate::sqlite::migrations::RFC7622;
use crate::{Error, Write, contract_tests};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::oneshot;

/// A database of its own in the server that `scripts/postgres.sh with` has started.
pub(crate) struct Database {
    server: Address,
    name: String,
}

impl Database {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let server = std::env::var("WAXWING_TEST_POSTGRES").expect(
            "these tests need PostgreSQL: run `make test`, or `scripts/postgres.sh with cargo test --workspace`",
        );
        let server = Address::parse(&server).unwrap();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let database = Self { server, name: format!("storage_{}_{number}", std::process::id()) };
        database.on_server(&format!("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'", database.name));
        database
    }

    fn on_server(&self, sql: &str) {
        let (server, sql) = (self.server.clone(), sql.to_owned());
        // The blocking client does not run within a runtime.
        let done = std::thread::spawn(move || {
            blocking::connect(&server, Duration::from_secs(30)).unwrap().batch_execute(&sql).unwrap();
        });
        done.join().unwrap();
    }

    pub(crate) fn address(&self) -> Address {
        let mut address = self.server.clone();
        address.set("dbname", &self.name).unwrap();
        address
    }

    /// Something that another program does in it.
    pub(crate) fn execute(&self, sql: &str) {
        Self { server: self.address(), name: String::new() }.on_server(sql);
    }

    /// End every connection, and come back when none is left.
    fn end_connections(&self) {
        self.on_server(&format!(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = '{}'",
            self.name
        ));
    }

    pub(crate) async fn postgres(&self) -> std::result::Result<Postgres, PostgresError> {
        let options = PostgresOptions { pool_size: 2, ..PostgresOptions::default() };
        Postgres::open(&self.address(), options).await
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if !self.name.is_empty() {
            self.on_server(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}

impl Place for Database {
    fn open(&self) -> BoxFuture<'_, Arc<dyn Storage>> {
        Box::pin(async { Arc::new(self.postgres().await.unwrap()) as Arc<dyn Storage> })
    }
}

contract_tests!(Database::new());

const OWNER: &str = "o@example.org";

fn set(key: &str, value: impl Into<Vec<u8>>) -> Write {
    Write::TableSet { store: "s".into(), owner: OWNER.into(), key: key.into(), value: value.into() }
}

fn append(expires: Option<u64>) -> Write {
    let (store, owner) = ("s".into(), OWNER.into());
    Write::LogAppend { store, owner, at: 1, tag: None, value: vec![0; 100], expires }
}

async fn sentence(database: &Database) -> String {
    database.postgres().await.expect_err("it cannot be opened").to_string()
}

/// Until a commit succeeds; what is answered before must be that the database does not answer.
async fn commit_at_last(storage: &Postgres, write: &Write) {
    while let Err(error) = storage.commit(Batch::one(write.clone())).await {
        assert!(matches!(error, Error::Unavailable(_)), "{error}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_program_is_refused_and_unchanged() {
    let database = Database::new();
    database.execute("CREATE TABLE bookmark (url TEXT)");
    assert!(sentence(&database).await.contains("of another program"));
    // It would fail if there were more.
    database.execute("DROP TABLE bookmark; CREATE TABLE migration (url TEXT)");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_database_is_refused() {
    let database = Database::new();
    database.postgres().await.unwrap().close().await.unwrap();
    database.execute("INSERT INTO migration (version, applied) VALUES (99, 0)");
    let said = sentence(&database).await;
    assert!(said.contains("version 99") && said.contains("upgrade the server"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_encoding_is_refused() {
    let mut database = Database::new();
    let latin = format!("{}_latin", database.name);
    database.on_server(&format!("CREATE DATABASE {latin} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'"));
    let utf8 = std::mem::replace(&mut database.name, latin);
    let said = sentence(&database).await;
    assert!(said.contains("LATIN1") && said.contains("must be UTF8"), "{said}");
    database.on_server(&format!("DROP DATABASE {utf8}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_is_refused_until_the_first_is_gone() {
    let database = Database::new();
    let first = database.postgres().await.unwrap();
    let options =
        PostgresOptions { connect_timeout: Duration::from_millis(500), ..PostgresOptions::default() };
    let said = Postgres::open(&database.address(), options).await.expect_err("it is in use").to_string();
    assert!(said.contains("in use by another server (waxwing"), "{said}");
    drop(first);
    database.postgres().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_or_database_is_the_databases_own_word() {
    let database = Database::new();
    let mut address = database.address();
    address.set("dbname", "there_is_none").unwrap();
    let said = Postgres::open(&address, PostgresOptions::default()).await.unwrap_err();
    assert!(said.to_string().contains("there_is_none") && !said.may_pass(), "{said}");
    address.set("host", "/there/is/none").unwrap();
    let said = Postgres::open(&address, PostgresOptions::default()).await.unwrap_err();
    assert!(said.to_string().contains("cannot be reached") && said.may_pass(), "{said}");
}

/// What was stored under an older schema is still there, and what is new works beside it.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_database_is_brought_up_to_date() {
    for version in 1..migrations::FILES.len() {
        let database = Database::new();
        database.execute("CREATE TABLE migration (version BIGINT PRIMARY KEY, applied BIGINT NOT NULL)");
        for (n, file) in (1..).zip(&migrations::FILES[..version]) {
            database.execute(&format!("{file}; INSERT INTO migration VALUES ({n}, 0)"));
        }
        database.execute("INSERT INTO table_entry VALUES ('o@example.org', 's', 'k', '\\x05')");
        let storage = database.postgres().await.unwrap();
        assert_eq!(storage.table_get("s", OWNER, "k").await.unwrap(), Some(vec![5]));
        let alarm = Alarm { plugin: "p".into(), owner: OWNER.into(), name: "n".into(), at: 1, data: vec![] };
        storage.commit(Batch::one(Write::SetAlarm(alarm.clone()))).await.unwrap();
        assert_eq!(storage.alarms(1, 1).await.unwrap(), [alarm]);
    }
}

/// A database of the release before RFC 7622.
fn spelt_by_older_rules(rows: &[&str]) -> Database {
    let database = Database::new();
    database.execute("CREATE TABLE migration (version BIGINT PRIMARY KEY, applied BIGINT NOT NULL)");
    for (n, file) in (1..RFC7622).zip(&migrations::FILES) {
        database.execute(&format!("{file}; INSERT INTO migration VALUES ({n}, 0)"));
    }
    for rows in rows {
        database.execute(&rows.replace("BYTES", "''"));
    }
    database
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_are_spelt_anew() {
    let database = spelt_by_older_rules(&[readdress::ROWS]);
    readdress::is_readdressed(&database.postgres().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_collide_are_named_and_wait_for_a_decision() {
    let database = spelt_by_older_rules(&[readdress::ROWS, readdress::COLLIDING]);
    for _ in 0..2 {
        readdress::is_undecided(&sentence(&database).await);
    }
    let location = crate::Location::Postgres(Box::new(database.address()));
    let migrated = std::thread::spawn(move || {
        readdress::is_taken(&crate::tools::migrate(&location, &readdress::taken()).unwrap_err().to_string());
        crate::tools::migrate(&location, &readdress::decisions()).unwrap();
    });
    migrated.join().unwrap();
    readdress::is_readdressed(&database.postgres().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_replaced() {
    let database = Database::new();
    let storage = database.postgres().await.unwrap();
    storage.commit(Batch::one(set("before", "v"))).await.unwrap();
    for round in 0..3 {
        database.end_connections();
        assert!(storage.table_get("s", OWNER, "before").await.unwrap().is_some());
        commit_at_last(&storage, &set(&round.to_string(), "v")).await;
    }
    assert_eq!(storage.table_keys("s", OWNER, "", None, 9).await.unwrap(), ["0", "1", "2", "before"]);
    assert!(storage.metrics().pool.unwrap().reconnects >= 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_database_keeps_nothing_and_recovers() {
    let database = Database::new();
    let storage = database.postgres().await.unwrap();
    let switch = |value: &str| {
        let name = &database.name;
        database.execute(&format!("ALTER DATABASE {name} SET default_transaction_read_only = {value}"));
        // The setting is for new connections.
        database.end_connections();
    };
    switch("on");
    let error = loop {
        match storage.commit(Batch::one(set("k", "v"))).await.unwrap_err() {
            Error::Unavailable(why) if why.contains("read-only") => break why,
            Error::Unavailable(_) => tokio::task::yield_now().await,
            other => panic!("{other}"),
        }
    };
    assert_eq!(error, "the database is read-only");
    assert_eq!(storage.table_get("s", OWNER, "k").await.unwrap(), None);
    // Its own statements may not be read-only, either.
    let name = &database.name;
    database.on_server(&format!("ALTER DATABASE {name} RESET default_transaction_read_only"));
    database.end_connections();
    commit_at_last(&storage, &set("k", "v")).await;
}

/// An index takes no entry of more than a third of a page. Random letters, since like ones would be compressed.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_too_long_is_refused_and_others_are_kept() {
    let database = Database::new();
    let storage = database.postgres().await.unwrap();
    let mut state = 1_u64;
    let letters = std::iter::from_fn(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from_u32(0x4e00 + (state >> 40) as u32 % 0x5000)
    });
    let long: String = letters.take(2000).collect();
    let writes = [set("a", "v"), set(&long, "v"), append(None), set(&long, "v"), set("b", "v")];
    let commits = writes.map(|write| storage.commit(Batch::one(write)));
    let results = futures_util::future::join_all(commits).await;
    for (n, result) in results.iter().enumerate() {
        match n {
            1 | 3 => assert!(matches!(result, Err(Error::TooLong(_))), "{result:?}"),
            _ => assert!(result.is_ok(), "{result:?}"),
        }
    }
    assert_eq!(storage.table_keys("s", OWNER, "", None, 9).await.unwrap(), ["a", "b"]);
    assert_eq!(storage.log_count("s", OWNER, None).await.unwrap(), 1);
    let metrics = storage.metrics();
    assert_eq!((metrics.batches, metrics.refused, metrics.errors), (3, 2, 0));
}

/// Somebody else keeps a table locked for longer than a statement may take.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_too_long_is_given_up() {
    let database = Database::new();
    let options =
        PostgresOptions { statement_timeout: Duration::from_millis(300), ..PostgresOptions::default() };
    let storage = Postgres::open(&database.address(), options).await.unwrap();
    let address = database.address();
    let (locked, unlock) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut other = blocking::connect(&address, Duration::from_secs(30)).unwrap();
            let mut transaction = other.transaction().unwrap();
            transaction.batch_execute("LOCK TABLE log_entry").unwrap();
            locked.wait();
            unlock.wait();
        });
        locked.wait();
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                let error = storage.commit(Batch::one(append(None))).await.unwrap_err();
                assert!(error.to_string().contains("took too long"), "{error}");
                let error = storage.log_count("s", OWNER, None).await.unwrap_err();
                assert!(error.to_string().contains("took too long"), "{error}");
                storage.commit(Batch::one(set("k", "v"))).await.unwrap();
            });
        });
        unlock.wait();
    });
    storage.commit(Batch::one(append(None))).await.unwrap();
    assert_eq!(storage.log_count("s", OWNER, None).await.unwrap(), 1);
}

/// What comes while somebody has a table locked is answered in the time that is promised, however many others wait,
/// and is not kept after that.
#[tokio::test(flavor = "multi_thread")]
async fn waiting_counts_from_when_a_batch_is_handed_in() {
    let database = Database::new();
    let timeout = Duration::from_secs(3);
    for queue_bytes in [16 << 20, 1024] {
        let options =
            PostgresOptions { statement_timeout: timeout, queue_bytes, pool_size: 2, ..Default::default() };
        let storage = Postgres::open(&database.address(), options).await.unwrap();
        let (address, (locked, unlock)) =
            (database.address(), (oneshot::channel(), oneshot::channel::<()>()));
        let other = std::thread::spawn(move || {
            let mut other = blocking::connect(&address, Duration::from_secs(30)).unwrap();
            let mut transaction = other.transaction().unwrap();
            transaction.batch_execute("LOCK TABLE log_entry").unwrap();
            locked.0.send(()).unwrap();
            let _ = unlock.1.blocking_recv();
        });
        locked.1.await.unwrap();
        let asked = (0_u64..50).map(|n| {
            let storage = &storage;
            async move {
                tokio::time::sleep(Duration::from_millis(100) * n as u32).await;
                let begin = std::time::Instant::now();
                let error = match n % 5 {
                    0 => storage.log_count("s", OWNER, None).await.map(drop),
                    _ => storage.commit(Batch::one(append(None))).await.map(drop),
                };
                (error.expect_err("the table is locked").to_string(), begin.elapsed())
            }
        });
        for (error, took) in futures_util::future::join_all(asked).await {
            assert!(error.contains("took too long"), "{error}");
            // One second for the database to say so itself, and one for a slow machine.
            assert!(took < timeout + Duration::from_secs(2), "{took:?}");
        }
        drop(unlock.0);
        other.join().unwrap();
        // What had been given up is not written now.
        storage.commit(Batch::one(set("k", "v"))).await.unwrap();
        assert_eq!(storage.log_count("s", OWNER, None).await.unwrap(), 0);
        storage.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_back_is_corrupt() {
    let database = Database::new();
    let storage = database.postgres().await.unwrap();
    database.execute(
        "INSERT INTO vhost VALUES ('a.example', true, 'not JSON');
         INSERT INTO account VALUES ('a.example', '@@', 1, '', '', '', 1, '', '', '', 0, true);
         INSERT INTO table_entry VALUES ('o@example.org', 's', E'k\\x01', '');
         INSERT INTO plugin VALUES ('p', '*', '\\x0102', NULL, '{}');",
    );
    assert!(matches!(storage.vhosts().await, Err(Error::Corrupt(_))));
    assert!(matches!(storage.accounts("a.example", None, 5).await, Err(Error::Corrupt(_))));
    assert!(matches!(storage.table_keys("s", OWNER, "", None, 5).await, Err(Error::Corrupt(_))));
    assert!(matches!(storage.plugins().await, Err(Error::Corrupt(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_values_are_deleted_step_by_step() {
    let database = Database::new();
    let storage = database.postgres().await.unwrap();
    let writes = (0..25)
        .map(|n| append((n % 5 != 0).then_some(if n % 5 == 1 { u64::MAX } else { u64::MAX / 4 + n })))
        .collect();
    storage.commit(Batch { writes }).await.unwrap();
    storage.close().await.unwrap();
    let options = PostgresOptions::default();
    let opening = Opening::new(&database.address(), &options).unwrap();
    let session = opening.open().await.unwrap();
    let all = i64::MAX / 2 + 1_000;
    assert_eq!(session.purge(999, 10).await.unwrap(), 0);
    assert_eq!(session.purge(all, 10).await.unwrap(), 10);
    assert_eq!(session.purge(all, 10).await.unwrap(), 5);
    assert_eq!(session.purge(all, 10).await.unwrap(), 0);
}

/// The operator's own setting for the database does not make commits less than durable.
#[tokio::test(flavor = "multi_thread")]
async fn commits_wait_for_the_disk() {
    let database = Database::new();
    let options = PostgresOptions::default();
    for (set, used) in [("off", "on"), ("remote_apply", "remote_apply")] {
        database.execute(&format!("ALTER DATABASE {} SET synchronous_commit = {set}", database.name));
        let opening = Opening::new(&database.address(), &options).unwrap();
        let session = opening.open().await.unwrap();
        assert_eq!(session.setting("synchronous_commit").await.unwrap(), used);
    }
}
