//! That the database finds rows by their index, whatever it knew of the tables when it planned.

use super::*;
use crate::LogQuery;

/// Plans are made for good after a few uses: here while the tables have no page, when reading all of one is cheapest.
#[tokio::test(flavor = "multi_thread")]
async fn statements_that_were_planned_for_empty_tables_use_the_indexes() {
    let database = Database::new();
    let options = PostgresOptions { pool_size: 1, ..PostgresOptions::default() };
    let storage = Postgres::open(&database.address(), options).await.unwrap();
    database.execute("VACUUM ANALYZE");
    // The first five are for their values only.
    for _ in 0..8 {
        read(&storage, "nobody@example.org").await;
    }
    for _ in 0..8 {
        delete(&storage, "nobody@example.org").await;
    }
    for (table, values) in [
        ("account", "'example.org', owner, 1, '', '', '', 1, '', '', '', 0, true"),
        ("roster", "owner, 1"),
        ("roster_item", "owner, 'c@example.org', '', '[]', true, true, false, NULL, false, false, 1"),
        ("table_entry", "owner, 's', 'k', ''"),
        ("log_entry", "n, owner, 's', 1, NULL, NULL, ''"),
        ("alarm", "owner, 'p', 'a', n, ''"),
    ] {
        let owners =
            "(SELECT 'u' || n || '@example.org' AS owner, n FROM generate_series(1, 5000) AS n) AS owners";
        database.execute(&format!("INSERT INTO {table} SELECT {values} FROM {owners}"));
    }
    read(&storage, "u2500@example.org").await;
    delete(&storage, "u2500@example.org").await;
    storage.close().await.unwrap();
    database.end_connections();
    let address = database.address();
    let counted = std::thread::spawn(move || {
        let mut client = blocking::connect(&address, Duration::from_secs(30)).unwrap();
        let sql = "SELECT relname::text, seq_tup_read, coalesce(idx_scan, 0) FROM pg_stat_user_tables
             WHERE relname IN ('account', 'roster', 'roster_item', 'table_entry', 'log_entry', 'alarm')";
        let rows = client.query(sql, &[]).unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect::<Vec<_>>()
    });
    let counted: Vec<(String, i64, i64)> = counted.join().unwrap();
    assert_eq!(counted.len(), 6);
    for (table, rows, by_index) in counted {
        assert_eq!(rows, 0, "{table}: rows that were looked at without an index");
        assert!(by_index > 0, "{table} was not asked for anything");
    }
}

/// What is asked about an account or an owner, once each.
async fn read(storage: &Postgres, owner: &str) {
    let jid = Jid::parse(owner).unwrap();
    storage.account(&jid).await.unwrap();
    storage.accounts("example.org", Some(&jid), 1).await.unwrap();
    storage.roster(&jid).await.unwrap();
    storage.account_data(owner).await.unwrap();
    storage.table_get("s", owner, "k").await.unwrap();
    storage.table_keys("s", owner, "", None, 9).await.unwrap();
    storage.log_count("s", owner, None).await.unwrap();
    storage.alarms(1, 1).await.unwrap();
    storage.next_alarm().await.unwrap();
    for backwards in [false, true] {
        let range = TableRange { backwards, limit: 9, ..TableRange::default() };
        storage.table_scan("s", owner, &range).await.unwrap();
        let query = LogQuery { backwards, limit: 9, ..LogQuery::default() };
        storage.log_read("s", owner, query).await.unwrap();
    }
}

/// What changes or deletes a few rows of an owner, if they are there.
async fn delete(storage: &Postgres, owner: &str) {
    let jid = Jid::parse(owner).unwrap();
    let (store, name) = (|| "s".to_owned(), || owner.to_owned());
    let writes = [
        Write::EnableAccount { jid: jid.clone(), enabled: true },
        Write::TableSwap { store: store(), owner: name(), key: "k".into(), old: Some(vec![]), new: vec![1] },
        Write::TableDelete { store: store(), owner: name(), key: "k".into() },
        Write::LogRemove { store: store(), owner: name(), id: 2500 },
        Write::LogTrim { store: store(), owner: name(), through: 5000 },
        Write::ClearAlarm { plugin: "p".into(), owner: name(), name: "a".into(), at: None },
        Write::Roster { owner: jid.clone(), expect: 1, put: vec![], remove: vec![jid.clone()] },
        Write::RemoveAccount(jid),
    ];
    for write in writes {
        match storage.commit(Batch::one(write)).await {
            Ok(_) | Err(Error::Conflict | Error::Account(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}
