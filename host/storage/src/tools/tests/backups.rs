use super::*;
use crate::sqlite::migrations;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

#[test]
fn a_backup_is_the_whole_database_in_one_file() {
    for own in Own::both() {
        let own = own.filled();
        let served = own.serve();
        let file = own.file("backup.db");
        let rows = backup(&own.location, &file, false, &mut quiet).unwrap();
        served.close();
        let copy = Location::Sqlite(file.clone());
        assert_eq!(content(&copy), content(&own.location));
        assert_eq!(content(&copy).0.len() as u64, rows);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let beside: Vec<_> = std::fs::read_dir(own.folder.path())
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with("backup"))
            .collect();
        assert_eq!(beside, ["backup.db"]);
        // It can be served as it is.
        assert_eq!(migrate(&copy, &[]).unwrap().from, migrations::KNOWN);
    }
}

#[test]
fn a_file_is_replaced_only_when_asked() {
    let own = Own::sqlite().filled();
    let file = own.file("backup.db");
    std::fs::write(&file, "my letters").unwrap();
    let said = why(backup(&own.location, &file, false, &mut quiet));
    assert!(said.contains("exists already") && said.contains("--force"), "{said}");
    assert_eq!(std::fs::read(&file).unwrap(), b"my letters");
    backup(&own.location, &file, true, &mut quiet).unwrap();
    assert_eq!(content(&Location::Sqlite(file)), content(&own.location));
}

/// What an interrupted backup has left is no backup, and does not stand in the way.
#[test]
fn an_interrupted_backup_has_another_name() {
    let own = Own::sqlite().filled();
    let part = own.file("backup.db.part");
    std::fs::write(&part, vec![7; 100_000]).unwrap();
    let held = std::fs::File::open(&part).unwrap();
    held.try_lock().unwrap();
    assert!(why(backup(&own.location, &own.file("backup.db"), false, &mut quiet)).contains("being written"));
    assert!(part.exists());
    drop(held);
    backup(&own.location, &own.file("backup.db"), false, &mut quiet).unwrap();
    assert!(!part.exists());
}

#[test]
fn a_folder_that_is_not_there_is_said_so() {
    let own = Own::sqlite().filled();
    let said = why(backup(&own.location, &own.file("nowhere/backup.db"), false, &mut quiet));
    assert!(said.contains("nowhere/backup.db.part"), "{said}");
    let said =
        why(backup(&Location::Sqlite(own.file("other.db")), &own.file("backup.db"), false, &mut quiet));
    assert!(said.contains("there is no database") && said.contains("other.db"), "{said}");
    assert!(!own.file("other.db").exists() && !own.file("backup.db").exists());
}

/// Each batch is in it whole or not at all, and everything that was durable before it began is.
#[test]
fn a_backup_is_one_moment_of_a_database_that_changes() {
    for own in Own::both() {
        let served = own.serve();
        let (kept, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // No more than a disk bears if nobody stops it.
                for n in 0..2000 {
                    if stop.load(SeqCst) {
                        break;
                    }
                    let set = |key: &str| Write::TableSet {
                        store: "s".into(),
                        owner: JULIET.into(),
                        key: key.into(),
                        value: u64::to_be_bytes(n).to_vec(),
                    };
                    // In three trees, so that a copy that is not of one moment would show it.
                    served.commit(vec![set("a"), append(JULIET, &vec![1; 3000], None), set("z")]);
                    kept.store(n + 1, SeqCst);
                }
            });
            for round in 0..5 {
                while kept.load(SeqCst) < (round + 1) * 10 {
                    std::thread::yield_now();
                }
                let (before, file) = (kept.load(SeqCst), own.file(&format!("backup-{round}.db")));
                backup(&own.location, &file, false, &mut quiet).unwrap();
                let mut source = source::open(&Location::Sqlite(file)).unwrap();
                let values = source.ask("SELECT hex(value) FROM table_entry ORDER BY key").unwrap();
                assert_eq!(values[0], values[1]);
                let last = u64::from_str_radix(values[0][0].as_deref().unwrap(), 16).unwrap();
                assert_eq!(source.count("log_entry").unwrap(), last + 1);
                assert!(last + 1 >= before, "{before} were kept, {last} is the last in the backup");
            }
            stop.store(true, SeqCst);
        });
        served.close();
    }
}

/// The program is newer than the server that runs, or than the last that ran.
#[test]
fn a_backup_of_an_older_schema_is_brought_up_to_date() {
    let own = older();
    let file = own.file("backup.db");
    backup(&own.location, &file, false, &mut quiet).unwrap();
    assert_eq!(source::open(&own.location).unwrap().version(), 1);
    let copy = source::open(&Location::Sqlite(file)).unwrap();
    assert_eq!(copy.version(), migrations::KNOWN);
    let postgres = Own::postgres();
    let said = why(backup(&postgres.location, &own.file("other.db"), false, &mut quiet));
    assert!(said.contains("schema version 0") && said.contains("waxwing db migrate"), "{said}");
}

/// An SQLite database as the first version made it, with a value.
pub(super) fn older() -> Own {
    let own = Own::sqlite();
    let Location::Sqlite(path) = &own.location else { unreachable!() };
    let db = rusqlite::Connection::open(path).unwrap();
    db.pragma_update(None, "application_id", 0x7761_7877).unwrap();
    db.execute_batch("CREATE TABLE migration (version BIGINT NOT NULL PRIMARY KEY, applied BIGINT NOT NULL)")
        .unwrap();
    db.execute_batch(migrations::FILES[0]).unwrap();
    db.execute_batch(
        "INSERT INTO migration (version, applied) VALUES (1, 0);
         INSERT INTO table_entry (owner, store, key, value) VALUES ('o@example.org', 's', 'k', x'05')",
    )
    .unwrap();
    own
}
