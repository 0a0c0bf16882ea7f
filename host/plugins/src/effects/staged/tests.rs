//! What is left to commit. What a call sees of it is tested with real plugins.

use super::*;

const QUOTA: Quota = Quota { count: 10, bytes: 100 };
const CELL: Cell<'static> = Cell { store: "s", owner: "o", key: "k" };

fn append(value: &[u8]) -> Append {
    Append { at: 1, tag: None, value: value.into(), expires: None }
}

#[test]
fn the_last_change_of_a_key_wins() {
    let mut staged = Staged::default();
    staged.set(CELL, b"1".into(), QUOTA).unwrap();
    staged.set(CELL, b"2".into(), QUOTA).unwrap();
    staged.delete(CELL, QUOTA).unwrap();
    staged.delete(CELL, QUOTA).unwrap();
    assert_eq!(staged.deletes.len(), 1);
    // Deletes commit after writes: this one must not survive.
    staged.set(CELL, b"3".into(), QUOTA).unwrap();
    let (writes, deletes) = staged.into_writes();
    assert!(matches!(&writes[..], [Write::TableSet { value, .. }] if value == b"3"));
    assert!(deletes.is_empty());
}

#[test]
fn what_is_unset_goes_with_the_writes() {
    let mut staged = Staged::default();
    staged.delete(CELL, QUOTA).unwrap();
    staged.set(CELL, b"1".into(), QUOTA).unwrap();
    staged.unset(CELL, QUOTA).unwrap();
    staged.unset(CELL, QUOTA).unwrap();
    let (writes, deletes) = staged.into_writes();
    assert!(matches!(&writes[..], [Write::TableDelete { .. }]) && deletes.is_empty());

    let mut staged = Staged::default();
    staged.unset(CELL, QUOTA).unwrap();
    staged.set(CELL, b"2".into(), QUOTA).unwrap();
    let (writes, _) = staged.into_writes();
    assert!(matches!(&writes[..], [Write::TableSet { value, .. }] if value == b"2"));
}

/// The guard of a swap stays whatever is done to its value later.
#[test]
fn what_a_crash_may_lose_must_last_with_anything_else() {
    let mut staged = Staged::default();
    staged.set_soon(CELL, b"1".into(), QUOTA).unwrap();
    staged.set_soon(CELL, b"2".into(), QUOTA).unwrap();
    assert!(!staged.must_last());
    staged.set(CELL, b"3".into(), QUOTA).unwrap();
    staged.set_soon(CELL, b"4".into(), QUOTA).unwrap();
    assert!(staged.must_last() && staged.writes.len() == 1);

    for append_too in [true, false] {
        let mut staged = Staged::default();
        staged.set_soon(Cell { key: "other", ..CELL }, b"1".into(), QUOTA).unwrap();
        match append_too {
            true => staged.append("s", "o", append(b"1"), QUOTA).unwrap(),
            false => staged.unset(CELL, QUOTA).unwrap(),
        }
        assert!(staged.must_last());
    }
}

#[test]
fn a_swap_outlives_what_comes_after_it() {
    let mut staged = Staged::default();
    let swap = Write::TableSwap {
        store: CELL.store.into(),
        owner: CELL.owner.into(),
        key: CELL.key.into(),
        old: None,
        new: b"1".into(),
    };
    staged.push(swap);
    staged.unset(CELL, QUOTA).unwrap();
    assert!(matches!(&staged.writes[..], [swap, unset]
        if matches!(swap.write, Write::TableSwap { .. }) && matches!(unset.write, Write::TableDelete { .. })));
    staged.set(CELL, b"2".into(), QUOTA).unwrap();
    let (writes, _) = staged.into_writes();
    assert!(matches!(&writes[..], [Write::TableSwap { new, .. }] if new == b"2"));
}

#[test]
fn what_was_only_staged_needs_no_delete() {
    let mut staged = Staged::default();
    for value in [b"1", b"2", b"3"] {
        staged.append("s", "o", append(value), QUOTA).unwrap();
    }
    staged.remove("s", "o", log::STAGED, QUOTA).unwrap();
    staged.remove("s", "other", log::STAGED + 1, QUOTA).unwrap();
    staged.trim("s", "o", log::STAGED + 1, QUOTA).unwrap();
    staged.remove("s", "o", 7, QUOTA).unwrap();
    let (writes, deletes) = staged.into_writes();
    assert!(matches!(&writes[..], [Write::LogAppend { value, .. }] if value == b"3"));
    assert!(matches!(&deletes[..], [Write::LogRemove { id: 7, .. }]));
}

#[test]
fn count_and_bytes_are_limited() {
    let mut staged = Staged::default();
    assert_eq!(staged.set(CELL, vec![0; 101], QUOTA), Err(OverQuota));
    for _ in 0..10 {
        staged.set(CELL, b"1".into(), QUOTA).unwrap();
    }
    assert_eq!(staged.append("s", "o", append(b""), QUOTA), Err(OverQuota));
    assert_eq!(staged.delete(CELL, QUOTA), Err(OverQuota));
    let mut staged = Staged::default();
    staged.append("s", "o", append(&[0; 60]), QUOTA).unwrap();
    assert_eq!(staged.append("s", "o", append(&[0; 60]), QUOTA), Err(OverQuota));
}
