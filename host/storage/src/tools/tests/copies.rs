use super::*;

#[test]
fn everything_arrives_and_comes_back() {
    let (first, middle, last) = (Own::sqlite().filled(), Own::postgres(), Own::sqlite());
    let rows = copy(&first.location, &middle.location, false, &mut quiet).unwrap();
    let before = content(&first.location);
    assert_eq!(before.0.len() as u64, rows);
    assert!(TABLES.iter().all(|table| before.0.iter().any(|line| line.starts_with(table.name))));
    assert_eq!(content(&middle.location), before);
    assert_eq!(copy(&middle.location, &last.location, false, &mut quiet).unwrap(), rows);
    assert_eq!(content(&last.location), before);
    // From a file to a file, and between two databases of PostgreSQL.
    let (third, fourth) = (Own::sqlite(), Own::postgres());
    copy(&last.location, &third.location, false, &mut quiet).unwrap();
    copy(&middle.location, &fourth.location, false, &mut quiet).unwrap();
    assert_eq!(content(&third.location), before);
    assert_eq!(content(&fourth.location), before);
}

/// Also of values that are there no more.
#[test]
fn ids_go_on_after_the_last_that_was_given() {
    for (from, to) in [(Own::sqlite(), Own::postgres()), (Own::postgres(), Own::sqlite())] {
        let from = from.filled();
        copy(&from.location, &to.location, false, &mut quiet).unwrap();
        let (_, last) = content(&from.location);
        let served = to.serve();
        served.commit(vec![append(JULIET, b"next", None)]);
        served.close();
        let (rows, now) = content(&to.location);
        assert_eq!(now, last + 1);
        assert!(rows.iter().any(|row| row.starts_with(&format!("log_entry: [Int({now})"))), "{rows:?}");
        // What is replaced may have given more of them.
        copy(&from.location, &to.location, true, &mut quiet).unwrap();
        assert_eq!(content(&to.location), (content(&from.location).0, now));
    }
}

#[test]
fn a_target_with_data_is_replaced_only_when_asked() {
    for to in Own::both() {
        let (from, to) = (Own::sqlite().filled(), to);
        let served = to.serve();
        served.commit(vec![Write::CreateAccount(account("old@example.org"))]);
        served.close();
        let before = content(&to.location);
        let said = why(copy(&from.location, &to.location, false, &mut quiet));
        assert!(said.contains("is not empty (table account: 1 rows)") && said.contains("--force"), "{said}");
        assert_eq!(content(&to.location), before);
        copy(&from.location, &to.location, true, &mut quiet).unwrap();
        assert_eq!(content(&to.location).0, content(&from.location).0);
    }
}

#[test]
fn a_target_in_use_is_refused() {
    for to in Own::both() {
        let from = Own::sqlite().filled();
        let served = to.serve();
        let said = why(copy(&from.location, &to.location, true, &mut quiet));
        assert!(said.contains("in use by another server"), "{said}");
        served.close();
        assert!(content(&to.location).0.is_empty());
    }
}

#[test]
fn nothing_is_copied_onto_itself() {
    for own in Own::both() {
        let own = own.filled();
        assert!(why(copy(&own.location, &own.location, true, &mut quiet)).contains("onto itself"));
    }
    let own = Own::sqlite().filled();
    let other_spelling = Location::Sqlite(own.folder.path().join("./waxwing.db"));
    assert!(why(copy(&own.location, &other_spelling, true, &mut quiet)).contains("onto itself"));
    assert!(why(backup(&own.location, &own.file("waxwing.db"), true, &mut quiet)).contains("onto itself"));
}

/// Whatever goes wrong in the middle.
#[test]
fn a_copy_that_fails_leaves_the_target_as_it_was() {
    let (from, to) = (Own::sqlite().filled(), Own::postgres().filled());
    let before = content(&to.location);
    from.execute("UPDATE alarm SET data = 'text'");
    let said = why(copy(&from.location, &to.location, true, &mut quiet));
    assert!(
        said.contains("table alarm, row juliet@example.org amp : the value of data is of another type"),
        "{said}"
    );
    assert_eq!(content(&to.location), before);
    // Longer than an index of PostgreSQL takes.
    from.execute("UPDATE alarm SET data = x'00'");
    let random = "SELECT hex(randomblob(4000))";
    from.execute(&format!("UPDATE table_entry SET key = ({random}) WHERE key = 'large'"));
    let said = why(copy(&from.location, &to.location, true, &mut quiet));
    assert!(said.contains("too long for the database"), "{said}");
    assert_eq!(content(&to.location), before);
    // The other way there is no such limit, but here the source has what nobody wrote.
    let (from, to) = (to, from);
    from.execute("UPDATE roster_item SET name = E'\\x01'");
    let before = content(&to.location);
    let said = why(copy(&from.location, &to.location, true, &mut quiet));
    assert!(said.contains("table roster_item") && said.contains("not written by this program"), "{said}");
    assert_eq!(content(&to.location), before);
    assert!(!to.file("waxwing.db.part").exists());
}

#[test]
fn progress_is_told_for_every_table() {
    let (from, to) = (Own::sqlite().filled(), Own::postgres());
    let mut told = Vec::new();
    copy(&from.location, &to.location, false, &mut |progress| told.push(progress)).unwrap();
    for table in &TABLES {
        let of_table: Vec<&Progress> = told.iter().filter(|progress| progress.table == table.name).collect();
        assert_eq!(of_table.first().map(|progress| progress.done), Some(0), "{}", table.name);
        assert!(
            of_table.last().is_some_and(|progress| progress.done == progress.total && progress.total > 0)
        );
    }
}
