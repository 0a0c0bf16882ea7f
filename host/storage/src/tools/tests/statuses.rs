use super::*;
use crate::convert::now;
use crate::sqlite::migrations::KNOWN;

#[test]
fn a_status_tells_what_is_there_and_who_has_it() {
    for own in Own::both() {
        let own = own.filled();
        let status = status(&own.location).unwrap();
        assert_eq!((status.schema, status.known, &status.holder), (KNOWN, KNOWN, &None));
        let rows = |name: &str| status.tables.iter().find(|table| table.name == name).map(|table| table.rows);
        assert_eq!((rows("account"), rows("table_entry"), rows("log_entry")), (Some(2), Some(5), Some(3)));
        assert_eq!(status.tables.len(), TABLES.len());
        let stores: Vec<_> =
            status.stores.iter().map(|store| (store.name.as_str(), store.rows, store.bytes)).collect();
        // Bytes, of which PostgreSQL needs two more for what it cannot hold as it is.
        let private = if own.postgres.is_some() { 13 } else { 11 };
        assert_eq!(
            stores,
            [
                ("other/large", 1, 300_005),
                ("msgoffline/messages", 3, 3 + 5000 + 3 * 17),
                ("host/secrets", 1, 37),
                ("account-data/private", 2, private),
                ("vcard-temp/vcard", 1, 8),
            ]
        );
        assert!(status.bytes > 300_000);
        let served = own.serve();
        let holder = super::status(&own.location).unwrap().holder;
        match (&own.postgres, holder) {
            (None, Some(Holder::Process(process))) => assert_eq!(process, std::process::id()),
            (Some(_), Some(Holder::Connection { name, process, .. })) => {
                assert!(name.starts_with("waxwing") && process > 0, "{name}");
            }
            (_, other) => panic!("{other:?}"),
        }
        served.close();
    }
}

#[test]
fn a_database_that_is_not_there_is_said_so() {
    let own = Own::sqlite();
    assert!(why(status(&own.location)).contains("there is no database"));
    let away = Location::parse("postgresql://u:secret@127.0.0.1:1/d").unwrap();
    let said = why(status(&away));
    assert!(said.contains("cannot be reached") && !said.contains("secret"), "{said}");
    // One without a schema is there.
    let status = status(&Own::postgres().location).unwrap();
    assert_eq!((status.schema, status.tables.len()), (0, 0));
}

#[test]
fn vacuum_deletes_what_has_expired_and_gives_back_room() {
    for own in Own::both() {
        let own = own.filled();
        let served = own.serve();
        for _ in 0..20 {
            served
                .commit((0..100).map(|_| append("romeo@example.org", &[1; 2000], Some(u64::MAX))).collect());
        }
        served.close();
        own.execute(&format!("UPDATE log_entry SET expires = {} WHERE owner LIKE 'romeo%'", now() - 1));
        let vacuumed = vacuum(&own.location).unwrap();
        assert_eq!(vacuumed.expired, 2001);
        assert!(vacuumed.after < vacuumed.before, "{vacuumed:?}");
        assert_eq!(content(&own.location).0.iter().filter(|row| row.starts_with("log_entry")).count(), 2);
    }
    let own = Own::sqlite().filled();
    let served = own.serve();
    assert!(why(vacuum(&own.location)).contains("in use by another server"));
    served.close();
}
