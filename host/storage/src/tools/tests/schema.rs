use super::*;
use crate::tools::source::differs;
use crate::tools::tables::MIGRATIONS;

/// Whoever adds a migration must say what is in it, or backups would not have it.
#[test]
fn the_tables_are_those_that_the_migrations_make() {
    for own in Own::both() {
        assert_eq!(migrate(&own.location, &[]).unwrap().from, 0);
        let mut source = source::open(&own.location).unwrap();
        let mut there = source.tables().unwrap();
        there.retain(|name| name != MIGRATIONS);
        there.sort();
        let mut listed: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
        listed.sort_unstable();
        assert_eq!(there, listed, "{}", own.location);
        for table in &TABLES {
            let columns = source.columns(table.name).unwrap();
            assert_eq!(differs(table, &columns), None, "{}: {} has {columns:?}", own.location, table.name);
            assert!(table.owner.is_none_or(|owner| table.position(owner).is_some()), "{}", table.name);
        }
    }
}

#[test]
fn a_table_of_another_form_is_seen() {
    for own in Own::both() {
        migrate(&own.location, &[]).unwrap();
        own.execute(
            "DROP TABLE vhost; ALTER TABLE alarm RENAME COLUMN data TO date; ALTER TABLE roster ADD x TEXT",
        );
        let mut source = source::open(&own.location).unwrap();
        let mut said = |name: &str| {
            let table = TABLES.iter().find(|table| table.name == name).unwrap();
            differs(table, &source.columns(name).unwrap())
        };
        assert_eq!(said("vhost").as_deref(), Some("is not there"));
        assert_eq!(said("alarm").as_deref(), Some("has another column in the place of data"));
        assert_eq!(said("roster").as_deref(), Some("has not as many columns as it should have"));
        assert_eq!(said("plugin"), None);
    }
}

#[test]
fn migrating_says_what_it_did() {
    for own in Own::both() {
        let first = migrate(&own.location, &[]).unwrap();
        assert!(first.from == 0 && first.to >= 2);
        assert_eq!(migrate(&own.location, &[]).unwrap(), Migrated { from: first.to, to: first.to });
        let served = own.serve();
        assert!(why(migrate(&own.location, &[])).contains("in use by another server"));
        served.close();
        own.execute("INSERT INTO migration (version, applied) VALUES (99, 0)");
        for said in [why(migrate(&own.location, &[])), why(status(&own.location)), why(vacuum(&own.location))]
        {
            assert!(said.contains("schema version 99") && said.contains("upgrade the server"), "{said}");
        }
    }
}
