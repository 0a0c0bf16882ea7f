//! Durable appends by 1, 16 and 64 committers at a time, and reads beside which they are to be fast: on SQLite, and on
//! the PostgreSQL that `WAXWING_BENCH_POSTGRES` names, an empty database that the role owns.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use waxwing_storage::{Batch, Location, LogQuery, PostgresOptions, Storage, Write};

const STORE: &str = "msgoffline:messages";
const OWNERS: u64 = 1000;

fn owner(n: u64) -> String {
    // Spread, so that neighbours in time are not neighbours in the index.
    format!("user{}@example.org", n.wrapping_mul(7919) % OWNERS)
}

/// A message of ordinary length.
fn append(n: u64) -> Write {
    let (store, tag) = (STORE.into(), Some(format!("friend{}@example.org", n % 50)));
    Write::LogAppend {
        store,
        owner: owner(n),
        at: 1_700_000_000_000 + n,
        tag,
        value: vec![b'x'; 400],
        expires: None,
    }
}

/// An engine under test.
struct Engine {
    name: &'static str,
    storage: Arc<dyn Storage>,
    runtime: Runtime,
    _folder: TempDir,
}

fn engines() -> Vec<Engine> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = format!("sqlite:{}", folder.path().join("bench.db").display());
    let mut places = vec![("sqlite", file, folder)];
    if let Ok(uri) = std::env::var("WAXWING_BENCH_POSTGRES") {
        places.push(("postgres", uri, tempfile::tempdir().expect("a temporary folder")));
    }
    let open = |(name, uri, folder): (_, String, _)| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let location = Location::parse(&uri).expect("a location");
        let storage = runtime.block_on(location.open(PostgresOptions::default())).expect("a database");
        Engine { name, storage, runtime, _folder: folder }
    };
    places.into_iter().map(open).collect()
}

/// The time that `total` appends take, made by so many tasks that each wait for their commits.
async fn appends(storage: &Arc<dyn Storage>, committers: u64, total: u64) -> Duration {
    let start = Instant::now();
    let tasks: Vec<_> = (0..committers)
        .map(|first| {
            let storage = storage.clone();
            tokio::spawn(async move {
                for n in (first..total).step_by(committers as usize) {
                    storage.commit(Batch::one(append(n))).await.expect("a commit");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a task");
    }
    start.elapsed()
}

fn commits(criterion: &mut Criterion) {
    for Engine { name, storage, runtime, _folder } in engines() {
        let mut group = criterion.benchmark_group(format!("{name}: append"));
        group.throughput(Throughput::Elements(1)).sample_size(10).measurement_time(Duration::from_secs(10));
        for committers in [1, 16, 64] {
            group.bench_function(format!("{committers} committers"), |bencher| {
                bencher.iter_custom(|total| runtime.block_on(appends(&storage, committers, total)));
            });
        }
        group.finish();
        runtime.block_on(storage.close()).expect("an end");
    }
}

fn reads(criterion: &mut Criterion) {
    for Engine { name, storage, runtime, _folder } in engines() {
        runtime.block_on(async {
            for n in 0..200 {
                let writes = (n * OWNERS..(n + 1) * OWNERS).map(append).collect();
                storage.commit(Batch { writes }).await.expect("a commit");
            }
            for n in 0..OWNERS {
                let value = vec![b'x'; 200];
                let set = Write::TableSet { store: "t".into(), owner: owner(n), key: "k".into(), value };
                storage.commit(Batch::one(set)).await.expect("a commit");
            }
        });
        let mut n = 0;
        let mut next = move || {
            n += 1;
            owner(n)
        };
        let mut group = criterion.benchmark_group(format!("{name}: read"));
        group.bench_function("one key", |bencher| {
            bencher.iter(|| {
                let owner = next();
                black_box(runtime.block_on(storage.table_get("t", &owner, "k"))).expect("a value")
            });
        });
        let tagged = LogQuery { tag: Some("friend7@example.org".into()), ..LogQuery::default() };
        for (name, query) in
            [("a page of 100", LogQuery::default()), ("a page by tag of a log of 200", tagged)]
        {
            group.bench_function(name, |bencher| {
                bencher.iter(|| {
                    let owner = next();
                    black_box(runtime.block_on(storage.log_read(STORE, &owner, query.clone())))
                        .expect("a page")
                });
            });
        }
        group.bench_function("count of a log of 200", |bencher| {
            bencher.iter(|| {
                let owner = next();
                black_box(runtime.block_on(storage.log_count(STORE, &owner, None))).expect("a count")
            });
        });
        group.finish();
        runtime.block_on(storage.close()).expect("an end");
    }
}

criterion_group!(benches, commits, reads);
criterion_main!(benches);
