//! Small values by key.

use super::*;

/// Text that has tripped databases before.
const ODD: [&str; 12] = [
    "",
    " ",
    "'",
    "\"; DROP TABLE table_entry; --",
    "%",
    "_",
    "*?[a-z]",
    "a\0b",
    "\0",
    "line\r\nbreak",
    "\u{1f426}\u{10ffff}",
    "e\u{301} is not \u{e9}",
];

/// The last value set, or none.
pub async fn a_value_comes_back_as_set(place: &dyn Place) {
    let storage = place.open().await;
    assert_eq!(get(&*storage, "k").await, None);
    for value in [&b"one"[..], b"", b"\0\xff not UTF-8"] {
        commit(&*storage, [set(OWNER, "k", value)]).await.unwrap();
        assert_eq!(get(&*storage, "k").await.as_deref(), Some(value));
    }
}

/// `None` stands for absence, which is not the empty value.
pub async fn a_swap_needs_the_old_value(place: &dyn Place) {
    let storage = place.open().await;
    type Step<'a> = (Option<&'a [u8]>, &'a [u8], bool);
    let steps: [Step<'_>; 9] = [
        (Some(b""), b"x", false),
        (Some(b"a"), b"x", false),
        (None, b"a", true),
        (None, b"x", false),
        (Some(b"A"), b"x", false),
        (Some(b"a\0"), b"x", false),
        (Some(b"a"), b"", true),
        (None, b"x", false),
        (Some(b""), b"b", true),
    ];
    let mut value = None;
    for (old, new, good) in steps {
        let result = commit(&*storage, [swap("k", old, new)]).await;
        assert_eq!((result.is_ok(), is_conflict(&result)), (good, !good), "{old:?} to {new:?}: {result:?}");
        value = if good { Some(new) } else { value };
        assert_eq!(get(&*storage, "k").await.as_deref(), value);
    }
}

/// And deleting it once more is no error.
pub async fn deleting_a_key_forgets_it(place: &dyn Place) {
    let storage = place.open().await;
    let delete = Write::TableDelete { store: STORE.into(), owner: OWNER.into(), key: "k".into() };
    commit(&*storage, [set(OWNER, "k", "v"), set(OWNER, "l", "v")]).await.unwrap();
    commit(&*storage, [delete.clone()]).await.unwrap();
    commit(&*storage, [delete]).await.unwrap();
    assert_eq!(get(&*storage, "k").await, None);
    assert_eq!(storage.table_keys(STORE, OWNER, "", None, 10).await.unwrap(), ["l"]);
}

/// No locale, no folding of case.
pub async fn keys_come_in_byte_order(place: &dyn Place) {
    let storage = place.open().await;
    let mut keys = vec!["b", "B", "a", "aa", "a b", "a-b", "10", "9", "é", "z", "Ω", "\u{ffff}", "\u{10000}"];
    commit(&*storage, keys.iter().map(|key| set(OWNER, key, "v"))).await.unwrap();
    keys.sort_unstable();
    assert_eq!(storage.table_keys(STORE, OWNER, "", None, 100).await.unwrap(), keys);
}

/// A prefix is text, not a pattern.
pub async fn keys_are_found_by_prefix(place: &dyn Place) {
    let storage = place.open().await;
    let mut keys = vec![
        "a",
        "a%",
        "a%b",
        "a_",
        "a_b",
        "ab",
        "abc",
        "A",
        "b",
        "a\u{7f}",
        "a\u{80}",
        "a\u{d7ff}",
        "a\u{e000}",
        "a\u{10ffff}",
        "a\u{10ffff}z",
        "\u{10ffff}",
        "\u{10ffff}a",
        "'",
        "''",
    ];
    keys.extend(ODD);
    keys.sort_unstable();
    keys.dedup();
    commit(&*storage, keys.iter().map(|key| set(OWNER, key, "v"))).await.unwrap();
    for prefix in keys.iter().copied().chain(["zzz", "a\u{d7ff}x"]) {
        let expected: Vec<_> = keys.iter().copied().filter(|key| key.starts_with(prefix)).collect();
        assert_eq!(
            storage.table_keys(STORE, OWNER, prefix, None, 100).await.unwrap(),
            expected,
            "{prefix:?}"
        );
        for after in &keys {
            let expected: Vec<_> = expected.iter().copied().filter(|key| key > after).take(3).collect();
            let found = storage.table_keys(STORE, OWNER, prefix, Some(after), 3).await.unwrap();
            assert_eq!(found, expected, "{prefix:?} after {after:?}");
        }
    }
}

/// Pages join up without gap or repetition.
pub async fn keys_come_by_page(place: &dyn Place) {
    let storage = place.open().await;
    let keys: Vec<_> = (0..50).map(|n| format!("key{n:02}")).collect();
    commit(&*storage, keys.iter().map(|key| set(OWNER, key, "v"))).await.unwrap();
    for limit in [1, 7, 50, 51] {
        let mut found: Vec<String> = Vec::new();
        loop {
            let after = found.last().map(String::as_str);
            let page = storage.table_keys(STORE, OWNER, "key", after, limit).await.unwrap();
            assert!(page.len() <= limit as usize);
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        assert_eq!(found, keys);
    }
    assert!(storage.table_keys(STORE, OWNER, "key", None, 0).await.unwrap().is_empty());
}

/// In either direction, with bounds that are keys themselves, that are not, and that exclude everything.
pub async fn a_range_narrows_by_each_bound(place: &dyn Place) {
    let storage = place.open().await;
    let mut keys = vec!["a", "a\0", "aa", "ab", "b", "b\u{10ffff}", "ba", "é", "\u{10ffff}", "'", "%"];
    keys.sort_unstable();
    commit(&*storage, keys.iter().map(|key| set(OWNER, key, format!("of {key}")))).await.unwrap();
    let bounds =
        [None, Some(""), Some("a"), Some("a\0"), Some("ab"), Some("abc"), Some("é"), Some("\u{10ffff}z")];
    for prefix in ["", "a", "a\0", "b", "\u{10ffff}", "c"] {
        for (after, before) in bounds.iter().flat_map(|after| bounds.map(|before| (*after, before))) {
            for (backwards, limit) in [(false, 100), (true, 100), (false, 2), (true, 2), (true, 0)] {
                let (after, before) = (after.map(String::from), before.map(String::from));
                let range = crate::TableRange { prefix: prefix.into(), after, before, backwards, limit };
                let mut expected: Vec<_> = keys.iter().filter(|key| range.contains(key)).collect();
                if backwards {
                    expected.reverse();
                }
                expected.truncate(limit as usize);
                let expected: Vec<_> =
                    expected.iter().map(|key| (key.to_string(), format!("of {key}").into_bytes())).collect();
                assert_eq!(storage.table_scan(STORE, OWNER, &range).await.unwrap(), expected, "{range:?}");
            }
        }
    }
    let all = crate::TableRange::default();
    assert!(storage.table_scan("other", OWNER, &all).await.unwrap().is_empty());
    assert!(storage.table_scan(STORE, "romeo@example.org", &all).await.unwrap().is_empty());
}

/// The same key of another store or owner is another key.
pub async fn tables_are_apart_by_store_and_owner(place: &dyn Place) {
    let storage = place.open().await;
    let places =
        [("s", "a@example.org"), ("s", "b@example.org"), ("t", "a@example.org"), ("S", "a@example.org")];
    let write = |(store, owner): (&str, &str)| Write::TableSet {
        store: store.into(),
        owner: owner.into(),
        key: "k".into(),
        value: format!("{store} {owner}").into(),
    };
    commit(&*storage, places.map(write)).await.unwrap();
    for (store, owner) in places {
        let value = storage.table_get(store, owner, "k").await.unwrap();
        assert_eq!(value, Some(format!("{store} {owner}").into_bytes()));
        assert_eq!(storage.table_keys(store, owner, "", None, 10).await.unwrap(), ["k"]);
    }
    let (store, owner) = places[0];
    commit(&*storage, [Write::TableDelete { store: store.into(), owner: owner.into(), key: "k".into() }])
        .await
        .unwrap();
    for (n, (store, owner)) in places.into_iter().enumerate() {
        assert_eq!(storage.table_get(store, owner, "k").await.unwrap().is_some(), n > 0);
    }
}

/// In keys, owners, stores and tags alike.
pub async fn odd_strings_come_back_unchanged(place: &dyn Place) {
    let storage = place.open().await;
    for odd in ODD {
        let writes = [
            Write::TableSet { store: odd.into(), owner: odd.into(), key: odd.into(), value: odd.into() },
            Write::LogAppend {
                store: odd.into(),
                owner: odd.into(),
                at: 1,
                tag: Some(odd.into()),
                value: odd.into(),
                expires: None,
            },
        ];
        commit(&*storage, writes).await.unwrap();
    }
    for odd in ODD {
        assert_eq!(
            storage.table_get(odd, odd, odd).await.unwrap().as_deref(),
            Some(odd.as_bytes()),
            "{odd:?}"
        );
        assert_eq!(storage.table_keys(odd, odd, odd, None, 10).await.unwrap(), [odd]);
        assert_eq!(storage.log_count(odd, odd, Some(odd)).await.unwrap(), 1, "{odd:?}");
        let query = crate::LogQuery { tag: Some(odd.into()), ..Default::default() };
        let entries = storage.log_read(odd, odd, query).await.unwrap();
        assert_eq!(entries.len(), 1, "{odd:?}");
        assert_eq!((entries[0].tag.as_deref(), &entries[0].value[..]), (Some(odd), odd.as_bytes()));
    }
}

/// Far beyond what fits a page or a queue.
pub async fn large_values_come_back_unchanged(place: &dyn Place) {
    let storage = place.open().await;
    for size in [4095, 4096, 65_536, 1 << 20, 24 << 20] {
        let value: Vec<u8> = (0..size).map(|n: u32| (n % 251) as u8).collect();
        commit(&*storage, [set(OWNER, "k", &value), append(OWNER, 1, None, &value)]).await.unwrap();
        assert!(get(&*storage, "k").await.unwrap() == value, "{size} bytes in a table");
        let query = crate::LogQuery { backwards: true, limit: 1, ..Default::default() };
        let entries = storage.log_read(STORE, OWNER, query).await.unwrap();
        assert!(entries[0].value == value, "{size} bytes in a log");
    }
}
