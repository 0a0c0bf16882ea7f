//! Kill the process at any moment: what it acknowledged is there, and no batch is half there.
//!
//! The test starts itself as a child process, which commits and says so, and kills it.

#![cfg(unix)]

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use waxwing_storage::{Batch, LogQuery, Sqlite, SqliteOptions, Storage, Write};

/// Tells the child which database to write.
const DATABASE: &str = "WAXWING_CRASH_DATABASE";
/// Tells the child where its numbers start, so that no round repeats another's.
const FIRST: &str = "WAXWING_CRASH_FIRST";
const ROUNDS: u64 = 8;
const COMMITTERS: u64 = 16;
const STORE: &str = "s";

/// A batch whose parts lie in different trees and pages.
fn batch(n: u64) -> Batch {
    let key = n.to_string();
    let value = vec![n as u8; 50 + (n as usize * 37) % 6000];
    let append = |owner: &str| Write::LogAppend {
        store: STORE.into(),
        owner: owner.into(),
        at: n,
        tag: Some(key.clone()),
        value: value.clone(),
        expires: None,
    };
    let set =
        Write::TableSet { store: STORE.into(), owner: "c".into(), key: key.clone(), value: value.clone() };
    Batch { writes: vec![append("a"), set, append("b")] }
}

/// Commits until it is killed. Does nothing when run as an ordinary test.
#[test]
fn child() {
    let (Ok(path), Ok(first)) = (std::env::var(DATABASE), std::env::var(FIRST)) else { return };
    let first: u64 = first.parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let storage = std::sync::Arc::new(Sqlite::open(path, SqliteOptions::default()).unwrap());
        let tasks = (0..COMMITTERS).map(|task| {
            let storage = storage.clone();
            tokio::spawn(async move {
                for n in (first + task..).step_by(COMMITTERS as usize) {
                    storage.commit(batch(n)).await.unwrap();
                    // One write, so that the line is there whole or not at all.
                    let _ = std::io::stdout().write_all(format!("\nkept {n}\n").as_bytes());
                }
            })
        });
        futures_util::future::join_all(tasks).await;
    });
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waxwing.db");
    let mut acknowledged = HashSet::new();
    for round in 0..ROUNDS {
        let kept = run_and_kill(&path, round * 1_000_000);
        assert!(!kept.is_empty(), "round {round} got nothing done");
        acknowledged.extend(kept);
        check(&path, &acknowledged).await;
    }
}

/// What the child acknowledged until it was killed, some random while after its first commit.
fn run_and_kill(path: &Path, first: u64) -> Vec<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture"])
        .env(DATABASE, path)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let number = |line: String| line.strip_prefix("kept ").and_then(|number| number.parse().ok());
    let mut kept: Vec<u64> = lines.by_ref().find_map(number).into_iter().collect();
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
    let killer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_micros(u64::from(nanos) / 7 % 300_000));
        child.kill().unwrap();
        child.wait().unwrap();
    });
    kept.extend(lines.filter_map(number));
    killer.join().unwrap();
    kept
}

/// That every acknowledged batch is there, and every batch that is there is whole.
async fn check(path: &Path, acknowledged: &HashSet<u64>) {
    let storage = Sqlite::open(path, SqliteOptions::default()).unwrap();
    let all = LogQuery { limit: u32::MAX, ..LogQuery::default() };
    let a = storage.log_read(STORE, "a", all.clone()).await.unwrap();
    let b = storage.log_read(STORE, "b", all).await.unwrap();
    let keys = storage.table_keys(STORE, "c", "", None, u32::MAX).await.unwrap();
    assert_eq!((a.len(), b.len()), (keys.len(), keys.len()));
    let found: HashSet<u64> = keys.iter().map(|key| key.parse().unwrap()).collect();
    for (a, b) in a.iter().zip(&b) {
        assert_eq!((a.at, &a.value), (b.at, &b.value));
        assert_eq!(batch(a.at).writes.first(), Some(&entry("a", a)));
        assert!(found.contains(&a.at));
        assert_eq!(storage.table_get(STORE, "c", &a.at.to_string()).await.unwrap().as_ref(), Some(&a.value));
    }
    let lost: Vec<_> = acknowledged.difference(&found).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    storage.close().await.unwrap();
}

fn entry(owner: &str, entry: &waxwing_storage::LogEntry) -> Write {
    let (store, owner) = (STORE.into(), owner.into());
    let (tag, value) = (entry.tag.clone(), entry.value.clone());
    Write::LogAppend { store, owner, at: entry.at, tag, value, expires: None }
}
