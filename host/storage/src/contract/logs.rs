//! Values in the order of arrival.

use super::*;
use crate::{LogEntry, LogQuery};

async fn read(storage: &dyn Storage, query: LogQuery) -> Vec<LogEntry> {
    storage.log_read(STORE, OWNER, query).await.expect("a read succeeds")
}

fn expiring(value: &str, expires: u64) -> Write {
    let (store, owner, tag) = (STORE.into(), OWNER.into(), Some("t".into()));
    Write::LogAppend { store, owner, at: 1, tag, value: value.into(), expires: Some(expires) }
}

/// Not even after the newest are deleted and the engine is opened again.
pub async fn ids_rise_and_are_never_given_again(place: &dyn Place) {
    let mut last = 0;
    for round in 0..3 {
        let storage = place.open().await;
        for n in 0..5 {
            commit(&*storage, [append(OWNER, 100 - n, None, "x"), append("b@example.org", 1, None, "x")])
                .await
                .unwrap();
        }
        for owner in [OWNER, "b@example.org"] {
            let entries = storage.log_read(STORE, owner, LogQuery::default()).await.unwrap();
            assert_eq!(entries.len(), 5, "round {round}");
            assert!(entries.iter().map(|entry| entry.id).is_sorted_by(|a, b| a < b));
            assert!(entries.iter().all(|entry| entry.id > last && entry.id > 0), "round {round}");
        }
        last = read(&*storage, LogQuery::default()).await.last().unwrap().id;
        let trim =
            |owner: &str| Write::LogTrim { store: STORE.into(), owner: owner.into(), through: u64::MAX };
        commit(&*storage, [trim(OWNER), trim("b@example.org")]).await.unwrap();
        storage.close().await.unwrap();
    }
}

/// In the order of the appends, whatever else is in the batch and whoever commits beside it.
pub async fn a_commit_tells_the_ids_of_what_it_appends(place: &dyn Place) {
    let storage = place.open().await;
    assert!(storage.commit(Batch::one(swap("k", None, b"1"))).await.unwrap().is_empty());
    let commits = (0..20).map(|n| {
        let (first, second) = (format!("{n}a"), format!("{n}b"));
        let writes = vec![
            append(OWNER, n, None, first),
            Write::TableDelete { store: STORE.into(), owner: OWNER.into(), key: n.to_string() },
            append("b@example.org", n, None, "between"),
            append(OWNER, n, None, second),
        ];
        storage.commit(Batch { writes })
    });
    // One that is refused takes no ids from the others.
    let refused = storage.commit(Batch { writes: vec![append(OWNER, 1, None, "x"), swap("k", None, b"2")] });
    let (told, refused) = futures_util::join!(futures_util::future::join_all(commits), refused);
    assert!(matches!(refused, Err(Error::Conflict)));
    let entries = read(&*storage, LogQuery::default()).await;
    for (n, told) in told.into_iter().enumerate() {
        let ids = told.unwrap();
        assert!(ids.len() == 3 && ids.is_sorted());
        for (id, letter) in [(ids[0], 'a'), (ids[2], 'b')] {
            let entry = entries.iter().find(|entry| entry.id == id).expect("an entry of this id");
            assert_eq!(entry.value, format!("{n}{letter}").into_bytes());
        }
    }
}

/// All fields.
pub async fn an_entry_comes_back_as_appended(place: &dyn Place) {
    let storage = place.open().await;
    let writes = [append(OWNER, 0, None, ""), append(OWNER, 1_700_000_000_123, Some(""), b"\0\xff")];
    commit(&*storage, writes).await.unwrap();
    let entries = read(&*storage, LogQuery::default()).await;
    let found: Vec<_> =
        entries.iter().map(|entry| (entry.at, entry.tag.as_deref(), &entry.value[..])).collect();
    assert_eq!(found, [(0, None, &b""[..]), (1_700_000_000_123, Some(""), b"\0\xff")]);
}

/// Every combination of fields gives what filtering the whole log by hand gives.
pub async fn a_query_narrows_by_each_field_together(place: &dyn Place) {
    let storage = place.open().await;
    // Times mostly rise, as in life, but not always.
    let times = [10, 20, 20, 30, 25, 40, 5, 50, 60, 60];
    let tags =
        [None, Some("a"), Some("b"), Some("a"), None, Some("A"), Some("a"), Some("b"), Some("a"), None];
    for (at, tag) in times.into_iter().zip(tags) {
        // What lies between belongs to others.
        commit(&*storage, [append(OWNER, at, tag, "v"), append("b@example.org", at, tag, "v")])
            .await
            .unwrap();
    }
    let all = read(&*storage, LogQuery::default()).await;
    assert!(all.iter().map(|entry| entry.at).eq(times));
    let ids = [all[0].id, all[3].id, all[9].id];
    let bounds = |values: [u64; 3]| [None, Some(values[0]), Some(values[1]), Some(values[2]), Some(u64::MAX)];
    let mut queries = Vec::new();
    for after in bounds(ids) {
        for before in bounds(ids) {
            for since in bounds([0, 20, 60]) {
                for until in bounds([0, 25, 60]) {
                    for tag in [None, Some("a"), Some("none")] {
                        for (backwards, limit) in
                            [(false, 100), (true, 100), (false, 2), (true, 2), (false, 0)]
                        {
                            let (after, tag) = (after.unwrap_or(0), tag.map(str::to_owned));
                            queries.push(LogQuery { after, before, since, until, tag, backwards, limit });
                        }
                    }
                }
            }
        }
    }
    for query in queries {
        let mut expected: Vec<_> = all
            .iter()
            .filter(|entry| entry.id > query.after && query.before.is_none_or(|before| entry.id < before))
            .filter(|entry| query.since.is_none_or(|since| entry.at >= since))
            .filter(|entry| query.until.is_none_or(|until| entry.at < until))
            .filter(|entry| query.tag.is_none() || entry.tag == query.tag)
            .cloned()
            .collect();
        if query.backwards {
            expected.reverse();
        }
        expected.truncate(query.limit as usize);
        assert_eq!(read(&*storage, query.clone()).await, expected, "{query:?}");
    }
    for (tag, count) in [(None, 10), (Some("a"), 4), (Some("A"), 1), (Some("none"), 0)] {
        assert_eq!(storage.log_count(STORE, OWNER, tag).await.unwrap(), count, "{tag:?}");
    }
}

/// And nothing of another owner or store, even when its id is named.
pub async fn trim_and_remove_delete_what_they_name(place: &dyn Place) {
    let storage = place.open().await;
    let other = "b@example.org";
    for n in 0..6 {
        commit(&*storage, [append(OWNER, n, None, "v"), append(other, n, None, "v")]).await.unwrap();
    }
    let ids: Vec<_> = read(&*storage, LogQuery::default()).await.iter().map(|entry| entry.id).collect();
    let left =
        async || read(&*storage, LogQuery::default()).await.iter().map(|entry| entry.id).collect::<Vec<_>>();
    let remove =
        |store: &str, owner: &str, id| Write::LogRemove { store: store.into(), owner: owner.into(), id };
    let trim = |store: &str, owner: &str, through| Write::LogTrim {
        store: store.into(),
        owner: owner.into(),
        through,
    };

    let misses = [
        remove(STORE, other, ids[1]),
        remove("other", OWNER, ids[1]),
        remove(STORE, OWNER, 0),
        remove(STORE, OWNER, u64::MAX),
        trim("other", OWNER, ids[5]),
        trim(STORE, "c@example.org", ids[5]),
        trim(STORE, OWNER, 0),
        trim(STORE, OWNER, ids[0] - 1),
    ];
    commit(&*storage, misses).await.unwrap();
    assert_eq!(left().await, ids);
    commit(&*storage, [remove(STORE, OWNER, ids[3])]).await.unwrap();
    assert_eq!(left().await, [ids[0], ids[1], ids[2], ids[4], ids[5]]);
    commit(&*storage, [trim(STORE, OWNER, ids[1])]).await.unwrap();
    assert_eq!(left().await, [ids[2], ids[4], ids[5]]);
    assert_eq!(storage.log_count(STORE, OWNER, None).await.unwrap(), 3);
    commit(&*storage, [trim(STORE, OWNER, u64::MAX)]).await.unwrap();
    assert!(left().await.is_empty());
    assert_eq!(storage.log_count(STORE, other, None).await.unwrap(), 6);
}

/// From the moment of expiry on, whether or not the engine has cleaned up.
pub async fn expired_entries_are_as_if_gone(place: &dyn Place) {
    let storage = place.open().await;
    let writes = [
        expiring("long ago", 0),
        expiring("gone", 1_000_000_000_000),
        expiring("some day", 1 << 50),
        expiring("never", u64::MAX),
        append(OWNER, 1, None, "stays"),
    ];
    commit(&*storage, writes).await.unwrap();
    let values = async |query| {
        let entries = read(&*storage, query).await;
        entries.into_iter().map(|entry| String::from_utf8(entry.value).unwrap()).collect::<Vec<_>>()
    };
    let tag = Some("t".to_owned());
    assert_eq!(values(LogQuery::default()).await, ["some day", "never", "stays"]);
    assert_eq!(
        values(LogQuery { backwards: true, limit: 2, ..LogQuery::default() }).await,
        ["stays", "never"]
    );
    assert_eq!(values(LogQuery { tag, limit: 2, ..LogQuery::default() }).await, ["some day", "never"]);
    assert_eq!(storage.log_count(STORE, OWNER, None).await.unwrap(), 3);
    assert_eq!(storage.log_count(STORE, OWNER, Some("t")).await.unwrap(), 2);
}

/// The same tag in another store or of another owner is another's.
pub async fn logs_are_apart_by_store_and_owner(place: &dyn Place) {
    let storage = place.open().await;
    let places =
        [("s", "a@example.org"), ("s", "b@example.org"), ("t", "a@example.org"), ("s2", "a@example.org")];
    for (n, (store, owner)) in places.into_iter().enumerate() {
        let appends = (0..=n).map(|_| Write::LogAppend {
            store: store.into(),
            owner: owner.into(),
            at: 1,
            tag: Some("t".into()),
            value: format!("{store} {owner}").into(),
            expires: None,
        });
        commit(&*storage, appends).await.unwrap();
    }
    for (n, (store, owner)) in places.into_iter().enumerate() {
        assert_eq!(storage.log_count(store, owner, Some("t")).await.unwrap(), n as u64 + 1);
        let entries = storage.log_read(store, owner, LogQuery::default()).await.unwrap();
        assert_eq!(entries.len(), n + 1);
        assert!(entries.iter().all(|entry| entry.value == format!("{store} {owner}").into_bytes()));
    }
}

/// Times and bounds up to the greatest numbers neither wrap round nor fail.
pub async fn extreme_numbers_are_kept_apart(place: &dyn Place) {
    let storage = place.open().await;
    commit(&*storage, [append(OWNER, 0, None, "first"), append(OWNER, u64::MAX, None, "last")])
        .await
        .unwrap();
    let count = async |query| read(&*storage, query).await.len();
    assert_eq!(count(LogQuery::default()).await, 2);
    assert_eq!(count(LogQuery { since: Some(1), ..LogQuery::default() }).await, 1);
    assert_eq!(count(LogQuery { until: Some(1), ..LogQuery::default() }).await, 1);
    assert_eq!(count(LogQuery { until: Some(0), ..LogQuery::default() }).await, 0);
    assert_eq!(count(LogQuery { after: u64::MAX, ..LogQuery::default() }).await, 0);
    assert_eq!(count(LogQuery { before: Some(u64::MAX), ..LogQuery::default() }).await, 2);
    assert_eq!(count(LogQuery { limit: u32::MAX, ..LogQuery::default() }).await, 2);
    let last = read(&*storage, LogQuery { backwards: true, ..LogQuery::default() }).await;
    assert!(last[0].at >= 1 << 62);
}
