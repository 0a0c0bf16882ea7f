//! The contract, and what is SQLite's alone.

use super::*;
use crate::contract::Place;
use crate::readdress::tests as readdress;
use crate::{Error, Write, contract_tests};
use rusqlite::{Connection, StatementStatus};
use std::path::PathBuf;
use tempfile::TempDir;

/// A folder of its own.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("waxwing.db")
    }

    fn sqlite(&self) -> std::result::Result<Sqlite, OpenError> {
        Sqlite::open(self.file(), SqliteOptions::default())
    }
}

impl Place for Folder {
    fn open(&self) -> BoxFuture<'_, Arc<dyn Storage>> {
        Box::pin(async { Arc::new(self.sqlite().unwrap()) as Arc<dyn Storage> })
    }
}

contract_tests!(Folder::new());

fn set(key: &str, value: impl Into<Vec<u8>>) -> Write {
    Write::TableSet { store: "s".into(), owner: "o@example.org".into(), key: key.into(), value: value.into() }
}

fn append(expires: Option<u64>) -> Write {
    let (store, owner) = ("s".into(), "o@example.org".into());
    Write::LogAppend { store, owner, at: 1, tag: None, value: vec![0; 100], expires }
}

fn sentence(result: std::result::Result<Sqlite, OpenError>) -> String {
    result.expect_err("it cannot be opened").to_string()
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = Folder::new();
    let path = folder.0.path().join("absent").join("waxwing.db");
    let said = sentence(Sqlite::open(&path, SqliteOptions::default()));
    assert!(said.contains("absent") && said.contains("No such file"), "{said}");
}

#[test]
fn a_folder_is_not_a_database() {
    let folder = Folder::new();
    std::fs::create_dir(folder.file()).unwrap();
    let said = sentence(folder.sqlite());
    assert!(said.contains("waxwing.db cannot be opened for reading and writing"), "{said}");
}

#[test]
fn another_file_is_refused_and_unchanged() {
    let folder = Folder::new();
    for content in
        [&b"a letter to my mother, long enough to be read as a header of something else"[..], &[7; 5000]]
    {
        std::fs::write(folder.file(), content).unwrap();
        assert_eq!(sentence(folder.sqlite()), "the file is not an SQLite database");
        assert_eq!(std::fs::read(folder.file()).unwrap(), content);
    }
}

#[test]
fn a_database_of_another_program_is_refused_and_unchanged() {
    let folder = Folder::new();
    Connection::open(folder.file()).unwrap().execute_batch("CREATE TABLE bookmark (url TEXT)").unwrap();
    let before = std::fs::read(folder.file()).unwrap();
    assert_eq!(sentence(folder.sqlite()), "the file is a database of another program");
    assert_eq!(std::fs::read(folder.file()).unwrap(), before);
}

#[test]
fn a_newer_database_is_refused() {
    let folder = Folder::new();
    drop(folder.sqlite().unwrap());
    let db = Connection::open(folder.file()).unwrap();
    db.execute("INSERT INTO migration (version, applied) VALUES (99, 0)", []).unwrap();
    drop(db);
    let said = sentence(folder.sqlite());
    assert!(said.contains("version 99") && said.contains("upgrade the server"), "{said}");
}

/// What was stored under an older schema is still there, and what is new works beside it.
#[tokio::test]
async fn an_older_database_is_brought_up_to_date() {
    for version in 1..migrations::FILES.len() {
        let folder = Folder::new();
        let db = Connection::open(folder.file()).unwrap();
        db.pragma_update(None, "application_id", 0x7761_7877).unwrap();
        db.execute_batch(
            "CREATE TABLE migration (version BIGINT NOT NULL PRIMARY KEY, applied BIGINT NOT NULL)",
        )
        .unwrap();
        for (n, file) in (1_i64..).zip(&migrations::FILES[..version]) {
            db.execute_batch(file).unwrap();
            db.execute("INSERT INTO migration (version, applied) VALUES (?, 0)", [n]).unwrap();
        }
        db.execute_batch(
            "INSERT INTO table_entry (owner, store, key, value) VALUES ('o@example.org', 's', 'k', x'05')",
        )
        .unwrap();
        drop(db);
        let storage = folder.sqlite().unwrap();
        assert_eq!(storage.table_get("s", "o@example.org", "k").await.unwrap(), Some(vec![5]));
        let alarm = Alarm {
            plugin: "p".into(),
            owner: "o@example.org".into(),
            name: "n".into(),
            at: 1,
            data: vec![],
        };
        storage.commit(Batch::one(Write::SetAlarm(alarm.clone()))).await.unwrap();
        assert_eq!(storage.alarms(1, 1).await.unwrap(), [alarm]);
    }
}

/// A database of the release before RFC 7622.
fn spelt_by_older_rules(folder: &Folder, rows: &[&str]) {
    let db = Connection::open(folder.file()).unwrap();
    db.pragma_update(None, "application_id", 0x7761_7877).unwrap();
    let migration = "CREATE TABLE migration (version BIGINT NOT NULL PRIMARY KEY, applied BIGINT NOT NULL)";
    db.execute_batch(migration).unwrap();
    for (n, file) in (1_i64..migrations::RFC7622).zip(&migrations::FILES) {
        db.execute_batch(file).unwrap();
        db.execute("INSERT INTO migration (version, applied) VALUES (?, 0)", [n]).unwrap();
    }
    for rows in rows {
        db.execute_batch(&rows.replace("BYTES", "x''")).unwrap();
    }
}

#[tokio::test]
async fn addresses_are_spelt_anew() {
    let folder = Folder::new();
    spelt_by_older_rules(&folder, &[readdress::ROWS]);
    readdress::is_readdressed(&folder.sqlite().unwrap()).await;
}

#[tokio::test]
async fn addresses_that_collide_are_named_and_wait_for_a_decision() {
    let folder = Folder::new();
    spelt_by_older_rules(&folder, &[readdress::ROWS, readdress::COLLIDING]);
    for _ in 0..2 {
        readdress::is_undecided(&sentence(folder.sqlite()));
    }
    let location = crate::Location::Sqlite(folder.file());
    readdress::is_taken(&crate::tools::migrate(&location, &readdress::taken()).unwrap_err().to_string());
    crate::tools::migrate(&location, &readdress::decisions()).unwrap();
    let storage = folder.sqlite().unwrap();
    readdress::is_readdressed(&storage).await;
    let renamed = waxwing_xmpp::Jid::parse("d@localhost").unwrap();
    assert!(storage.account(&renamed).await.unwrap().is_some());
}

#[test]
fn a_second_server_is_refused_until_the_first_is_gone() {
    let folder = Folder::new();
    let first = folder.sqlite().unwrap();
    let said = sentence(folder.sqlite());
    assert!(said.contains("in use by another server"), "{said}");
    assert!(said.contains(&format!("process {}", std::process::id())), "{said}");
    drop(first);
    folder.sqlite().unwrap();
}

#[tokio::test]
async fn others_may_read_while_it_is_open() {
    let folder = Folder::new();
    let storage = folder.sqlite().unwrap();
    storage.commit(Batch::one(set("k", "v"))).await.unwrap();
    let other = Connection::open(folder.file()).unwrap();
    let count: i64 = other.query_row("SELECT count(*) FROM table_entry", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 1);
}

#[tokio::test]
async fn another_name_of_the_file_is_the_same_database() {
    let folder = Folder::new();
    let storage = folder.sqlite().unwrap();
    let (symbolic, hard) = (folder.0.path().join("symbolic.db"), folder.0.path().join("hard.db"));
    std::os::unix::fs::symlink(folder.file(), &symbolic).unwrap();
    std::fs::hard_link(folder.file(), &hard).unwrap();
    for other in [&symbolic, &hard] {
        let said = Sqlite::open(other, SqliteOptions::default()).err().unwrap().to_string();
        let process = std::process::id().to_string();
        assert!(said.contains("is in use by another server") && said.contains(&process), "{said}");
    }
    storage.commit(Batch::one(set("k", "v"))).await.unwrap();
    storage.close().await.unwrap();
    let storage = Sqlite::open(&symbolic, SqliteOptions::default()).unwrap();
    assert!(storage.table_get("s", "o@example.org", "k").await.unwrap().is_some());
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let storage = folder.sqlite().unwrap();
    storage.commit(Batch::one(set("k", "v"))).await.unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.0.path()).unwrap().map(|entry| entry.unwrap()).collect();
    assert_eq!(files.len(), 4, "database, log, index of the log, lock: {files:?}");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
}

#[tokio::test]
async fn closing_leaves_one_file_to_copy() {
    let folder = Folder::new();
    let storage = folder.sqlite().unwrap();
    storage.commit(Batch::one(set("k", "v"))).await.unwrap();
    storage.close().await.unwrap();
    let copy = folder.0.path().join("copy.db");
    std::fs::copy(folder.file(), &copy).unwrap();
    let storage = Sqlite::open(copy, SqliteOptions::default()).unwrap();
    assert!(storage.table_get("s", "o@example.org", "k").await.unwrap().is_some());
    assert!(!folder.0.path().join("waxwing.db-wal").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_unavailable_and_passes() {
    let folder = Folder::new();
    let options = SqliteOptions { max_bytes: Some(1 << 20), ..SqliteOptions::default() };
    let storage = Arc::new(Sqlite::open(folder.file(), options).unwrap());
    storage.commit(Batch::one(set("before", "v"))).await.unwrap();
    let tasks: Vec<_> = (0..40)
        .map(|n| {
            let storage = storage.clone();
            let batch = Batch { writes: vec![set(&format!("{n:02}"), vec![0; 100_000]), append(None)] };
            tokio::spawn(async move { storage.commit(batch).await })
        })
        .collect();
    let mut kept = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => kept += 1,
            Err(Error::Unavailable(said)) => assert_eq!(said, "the disk is full"),
            Err(other) => panic!("{other}"),
        }
    }
    assert!(kept < 40);
    let count = storage.log_count("s", "o@example.org", None).await.unwrap();
    assert_eq!(count, kept);
    for n in 0..40 {
        let delete =
            Write::TableDelete { store: "s".into(), owner: "o@example.org".into(), key: format!("{n:02}") };
        storage.commit(Batch::one(delete)).await.unwrap();
    }
    storage.commit(Batch::one(set("after", vec![0; 100_000]))).await.unwrap();
    assert_eq!(storage.table_keys("s", "o@example.org", "", None, 10).await.unwrap(), ["after", "before"]);
}

/// A constraint that is checked at the end makes COMMIT itself fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_fails_answers_everybody_unavailable() {
    let folder = Folder::new();
    let storage = Arc::new(folder.sqlite().unwrap());
    let other = Connection::open(folder.file()).unwrap();
    other
        .execute_batch(
            "CREATE TABLE parent (id INTEGER PRIMARY KEY);
             CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
             CREATE TRIGGER poison AFTER INSERT ON table_entry WHEN new.key = 'poison'
             BEGIN INSERT INTO child VALUES (1); END;",
        )
        .unwrap();
    let commits = (0..20).map(|n| {
        let key = if n == 10 { "poison".to_owned() } else { n.to_string() };
        storage.commit(Batch::one(set(&key, "v")))
    });
    let results = futures_util::future::join_all(commits).await;
    assert!(matches!(results[10], Err(Error::Unavailable(_))), "{:?}", results[10]);
    for (n, result) in results.iter().enumerate() {
        let value = storage.table_get("s", "o@example.org", &n.to_string()).await.unwrap();
        assert_eq!(value.is_some(), result.is_ok(), "{n}: {result:?}");
        assert!(matches!(result, Ok(_) | Err(Error::Unavailable(_))), "{n}: {result:?}");
    }
    storage.commit(Batch::one(set("later", "v"))).await.unwrap();
}

/// The same text in the key of a table, damaged from outside.
#[tokio::test]
async fn what_cannot_be_read_back_is_corrupt() {
    let folder = Folder::new();
    let storage = folder.sqlite().unwrap();
    let other = Connection::open(folder.file()).unwrap();
    other
        .execute_batch(
            "INSERT INTO vhost VALUES ('a.example', 1, 'not JSON');
             INSERT INTO account VALUES ('a.example', '@@', 1, '', '', '', 1, '', '', '', 0, 1, NULL);
             INSERT INTO table_entry VALUES ('o@example.org', 's', 'k', 5);
             INSERT INTO plugin VALUES ('p', '*', x'0102', NULL, '{}');",
        )
        .unwrap();
    assert!(matches!(storage.vhosts().await, Err(Error::Corrupt(_))));
    assert!(matches!(storage.accounts("a.example", None, 5).await, Err(Error::Corrupt(_))));
    assert!(matches!(storage.table_get("s", "o@example.org", "k").await, Err(Error::Corrupt(_))));
    assert!(matches!(storage.plugins().await, Err(Error::Corrupt(_))));
}

#[tokio::test]
async fn expired_values_are_deleted_step_by_step() {
    let folder = Folder::new();
    let storage = folder.sqlite().unwrap();
    let writes = (0..25)
        .map(|n| append((n % 5 != 0).then_some(if n % 5 == 1 { u64::MAX } else { 1000 + n })))
        .collect();
    storage.commit(Batch { writes }).await.unwrap();
    storage.close().await.unwrap();
    let db = Connection::open(folder.file()).unwrap();
    assert_eq!(apply::purge(&db, 999, 10).unwrap(), 0);
    assert_eq!(apply::purge(&db, 1_000_000, 10).unwrap(), 10);
    assert_eq!(apply::purge(&db, 1_000_000, 10).unwrap(), 5);
    assert_eq!(apply::purge(&db, i64::MAX - 1, 10).unwrap(), 0);
    let left: i64 = db.query_row("SELECT count(*) FROM log_entry", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 10);
}

/// Planning takes longer than reading a few rows.
#[test]
fn statements_are_planned_once() {
    let folder = Folder::new();
    drop(folder.sqlite().unwrap());
    for db in [
        open::reader(&folder.file()).unwrap(),
        open::writer(&folder.file(), &SqliteOptions::default()).unwrap(),
    ] {
        for n in 1..=3 {
            let owner = format!("{n}@example.org");
            queries::log_read(&db, "s", &owner, &LogQuery { limit: n, ..LogQuery::default() }).unwrap();
            queries::account_data(&db, &owner).unwrap();
            super::alarms::due(&db, n.into(), n).unwrap();
        }
        for sql in [queries::log_sql(false, false), queries::ACCOUNT_DATA_SQL, super::alarms::DUE_SQL] {
            let statement = db.prepare_cached(sql).unwrap();
            let counted =
                [StatementStatus::Run, StatementStatus::RePrepare].map(|of| statement.get_status(of));
            assert_eq!(counted, [3, 0], "{sql}");
        }
    }
}

/// Straight to the place in the index, in its order, and only there until a row is sure to be wanted.
#[test]
fn queries_use_the_indexes() {
    let folder = Folder::new();
    drop(folder.sqlite().unwrap());
    let db = Connection::open(folder.file()).unwrap();
    let plan = |sql: &str| {
        let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let mut rows = statement.raw_query();
        let mut plan = String::new();
        while let Some(row) = rows.next().unwrap() {
            plan += &(row.get::<_, String>(3).unwrap() + "\n");
        }
        plan
    };
    for tagged in [false, true] {
        for backwards in [false, true] {
            let plan = plan(queries::log_sql(tagged, backwards));
            let expected =
                "SEARCH log_entry USING INDEX log_entry_by_owner (owner=? AND store=? AND id>? AND id<?)\n";
            assert_eq!(plan, expected);
        }
    }
    let purge = plan("SELECT id FROM log_entry WHERE expires <= ? ORDER BY expires LIMIT ?");
    assert_eq!(purge, "SEARCH log_entry USING COVERING INDEX log_entry_by_expiry (expires<?)\n");
    let erase = plan("DELETE FROM log_entry WHERE owner = ?");
    assert!(erase.contains("log_entry_by_owner (owner=?)"), "{erase}");
    let trim = plan("DELETE FROM log_entry WHERE owner = ? AND store = ? AND id <= ?");
    assert!(trim.contains("log_entry_by_owner (owner=? AND store=? AND id<?)"), "{trim}");
    let account_data = plan(queries::ACCOUNT_DATA_SQL);
    assert_eq!(account_data, "SEARCH table_entry USING PRIMARY KEY (owner=? AND store>?)\n");
    assert_eq!(plan(super::alarms::DUE_SQL), "SEARCH alarm USING INDEX alarm_by_time (at<?)\n");
    assert_eq!(plan(super::alarms::NEXT_SQL), "SEARCH alarm USING COVERING INDEX alarm_by_time\n");
    let erase = plan("DELETE FROM alarm WHERE owner = ?");
    assert_eq!(erase, "SEARCH alarm USING PRIMARY KEY (owner=?)\n");
    // From owner to owner, past all that each has in other stores.
    let across = super::plugins::ERASE_RANGE.into_iter().chain(super::plugins::ERASE_STORE);
    for sql in across.chain([super::plugins::STORE_BYTES_SQL]) {
        let plan = plan(sql);
        assert!(plan.contains("(owner=? AND store=?)") || plan.contains("(owner=? AND store>?"), "{plan}");
        assert!(plan.contains("(owner>?)"), "{plan}");
        assert!(!plan.contains("SCAN table_entry") && !plan.contains("SCAN log_entry"), "{plan}");
    }
}
