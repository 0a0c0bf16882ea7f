use super::*;
use crate::tools::cell::Cell;
use crate::tools::draft::Draft;
use crate::tools::sink::Sink;
use std::time::Instant;

/// `WAXWING_TEST_COPY_SCALE=100` is 10,000 accounts, 200,000 contacts and 100,000 messages. For times, build with
/// `--release`, name a PostgreSQL that writes to its disk, and show them with `--nocapture`.
const SCALE: &str = "WAXWING_TEST_COPY_SCALE";
const CONTACTS: usize = 20;
const MESSAGES: usize = 10;

/// A server of many accounts.
fn crowd(own: &Own, accounts: usize) {
    let mut draft = Draft::create(&own.file("waxwing.db")).unwrap();
    draft.migrate().unwrap();
    let mut sink = draft.sink().unwrap();
    let address = |n: usize| format!("user{:06}@example.org", n % accounts);
    let table = |name: &str| TABLES.iter().find(|table| table.name == name).unwrap();
    let (text, int) = (|text: &str| Cell::Text(text.to_owned().into()), |int: usize| Cell::Int(int as i64));
    let fill = |sink: &mut dyn Sink, name: &str, count: usize, row: &dyn Fn(usize) -> Vec<Cell<'static>>| {
        sink.fill(table(name), &mut |each| {
            (0..count).try_for_each(|n| each(&row(n)))?;
            Ok(count as u64)
        })
        .unwrap();
    };
    fill(&mut sink, "account", accounts, &|n| {
        let keys =
            |key: &'static [u8]| [int(4096), Cell::Bytes(&[1; 16]), Cell::Bytes(key), Cell::Bytes(key)];
        let name = [text("example.org"), text(&address(n))];
        let rest = [int(1_700_000_000_000), Cell::Bool(true), Cell::Null];
        [&name[..], &keys(&[7; 20]), &keys(&[8; 32]), &rest].concat()
    });
    fill(&mut sink, "roster", accounts, &|n| vec![text(&address(n)), int(CONTACTS)]);
    fill(&mut sink, "roster_item", accounts * CONTACTS, &|n| {
        let names = [text(&address(n / CONTACTS)), text(&address(n / CONTACTS + 1 + n % CONTACTS))];
        let flags = [Cell::Bool(true), Cell::Bool(true), Cell::Bool(false), Cell::Null];
        let rest = [Cell::Bool(false), Cell::Bool(false), int(n % CONTACTS + 1)];
        [&names[..], &[text("A friend"), text("[\"Friends\"]")], &flags, &rest].concat()
    });
    fill(&mut sink, "log_entry", accounts * MESSAGES, &|n| {
        // As they come: not in order of their owners.
        let names =
            [int(n + 1), text(&address(n * 7919)), text("msgoffline/messages"), int(1_700_000_000_000 + n)];
        [&names[..], &[Cell::Null, text(&address(n)), Cell::Bytes(&[b'm'; 400])]].concat()
    });
    draft.publish().unwrap();
}

#[test]
fn many_accounts_are_copied_both_ways() {
    let scale = std::env::var(SCALE).map_or(1, |scale| scale.parse().unwrap());
    let (first, middle, last) = (Own::sqlite(), Own::postgres(), Own::sqlite());
    crowd(&first, scale * 100);
    let start = Instant::now();
    let rows = copy(&first.location, &middle.location, false, &mut quiet).unwrap();
    let there = start.elapsed();
    assert_eq!(rows, scale as u64 * 100 * (2 + CONTACTS as u64 + MESSAGES as u64));
    let start = Instant::now();
    assert_eq!(copy(&middle.location, &last.location, false, &mut quiet).unwrap(), rows);
    let back = start.elapsed();
    let start = Instant::now();
    backup(&first.location, &first.file("backup.db"), false, &mut quiet).unwrap();
    let kept = start.elapsed();
    let start = Instant::now();
    check(&middle.location, &mut quiet, &mut |finding| panic!("{finding}")).unwrap();
    let checked = start.elapsed();
    println!("{rows} rows: to PostgreSQL {there:.2?}, back {back:.2?}");
    println!("backup of SQLite {kept:.2?}, check of PostgreSQL {checked:.2?}");
    assert!(content(&first.location) == content(&last.location), "every row of every table is the same");
}
