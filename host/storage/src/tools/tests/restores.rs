use super::*;

fn backup_of(own: &Own) -> PathBuf {
    let file = own.file("backup.db");
    backup(&own.location, &file, false, &mut quiet).unwrap();
    file
}

#[test]
fn a_backup_becomes_a_database_of_either_engine() {
    for from in Own::both() {
        let from = from.filled();
        let file = backup_of(&from);
        for to in Own::both() {
            restore(&file, &to.location, false, &mut quiet).unwrap();
            assert_eq!(content(&to.location), content(&from.location));
            let served = to.serve();
            let account = served.runtime.block_on(served.storage.account(&jid(JULIET))).unwrap();
            assert_eq!(account, Some(account_of_juliet()));
            served.close();
        }
    }
}

fn account_of_juliet() -> Account {
    account(JULIET)
}

#[test]
fn a_backup_of_an_older_schema_is_migrated_first() {
    let older = backups::older();
    let Location::Sqlite(file) = &older.location else { unreachable!() };
    for to in Own::both() {
        assert_eq!(restore(file, &to.location, false, &mut quiet).unwrap(), 1);
        let served = to.serve();
        let value = served.runtime.block_on(served.storage.table_get("s", "o@example.org", "k")).unwrap();
        assert_eq!(value, Some(vec![5]));
        served.close();
    }
    assert_eq!(source::open(&older.location).unwrap().version(), 1);
}

#[test]
fn what_is_no_backup_is_refused() {
    for to in Own::both() {
        let to = to.filled();
        let before = content(&to.location);
        let file = to.file("backup");
        let refused = |said: &str| {
            let why = why(restore(&file, &to.location, true, &mut quiet));
            assert!(why.contains(said), "{why}");
            assert_eq!(content(&to.location), before);
        };
        refused("there is no database");
        std::fs::write(&file, vec![b'x'; 5000]).unwrap();
        refused("is no backup of Waxwing: the file is not an SQLite database");
        std::fs::write(&file, "").unwrap();
        refused("is no backup of Waxwing: the file is a database of another program");
        rusqlite::Connection::open(&file).unwrap().execute_batch("CREATE TABLE bookmark (url TEXT)").unwrap();
        refused("is no backup of Waxwing: the file is a database of another program");
        std::fs::remove_file(&file).unwrap();
        backup(&to.location, &file, false, &mut quiet).unwrap();
        let db = rusqlite::Connection::open(&file).unwrap();
        db.execute("INSERT INTO migration (version, applied) VALUES (99, 0)", []).unwrap();
        refused("schema version 99");
        db.execute("DELETE FROM migration WHERE version = 99", []).unwrap();
        drop(db);
        // A page that is not what it was.
        let mut bytes = std::fs::read(&file).unwrap();
        for byte in bytes.iter_mut().skip(4096).take(30_000) {
            *byte = 0xaa;
        }
        std::fs::write(&file, bytes).unwrap();
        refused("");
    }
}

/// The one case in which nothing better can be had.
#[test]
fn a_damaged_database_is_set_aside() {
    let (from, to) = (Own::sqlite().filled(), Own::sqlite());
    let file = backup_of(&from);
    let path = to.file("waxwing.db");
    std::fs::write(&path, vec![9; 20_000]).unwrap();
    let said = why(restore(&file, &to.location, false, &mut quiet));
    assert!(said.contains("cannot be read") && said.contains("--force"), "{said}");
    restore(&file, &to.location, true, &mut quiet).unwrap();
    assert_eq!(content(&to.location), content(&from.location));
    assert_eq!(std::fs::read(to.file("waxwing.db.damaged")).unwrap(), vec![9; 20_000]);
}

/// Of a server that was killed, commits may lie in the file beside the database: nothing of them may get into the one
/// that takes its place.
#[test]
fn what_a_killed_server_left_beside_the_file_is_not_mixed_in() {
    let (from, to) = (Own::sqlite().filled(), Own::sqlite().filled());
    let file = backup_of(&from);
    let killed = Own::sqlite();
    let served = to.serve();
    served.commit(vec![Write::CreateAccount(account("late@example.org"))]);
    for name in ["waxwing.db", "waxwing.db-wal"] {
        std::fs::copy(to.file(name), killed.file(name)).unwrap();
    }
    served.close();
    assert!(content(&killed.location).0.iter().any(|row| row.contains("late@")));
    restore(&file, &killed.location, true, &mut quiet).unwrap();
    assert_eq!(content(&killed.location), content(&from.location));
    assert!(!killed.file("waxwing.db-wal").exists());
}

/// The file of a server that may only be read by its group stays so.
#[test]
fn a_replaced_file_keeps_its_mode() {
    use std::os::unix::fs::PermissionsExt;
    let (from, to) = (Own::sqlite().filled(), Own::sqlite().filled());
    let (file, path) = (backup_of(&from), to.file("waxwing.db"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    restore(&file, &to.location, true, &mut quiet).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
}
