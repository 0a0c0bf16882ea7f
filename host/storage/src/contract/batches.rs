//! All or nothing, in order, beside each other.

use super::*;
use crate::{Alarm, InstalledPlugin, LogQuery};

/// Whichever write fails, and wherever it stands, nothing of its batch is kept.
pub async fn a_failing_batch_leaves_nothing(place: &dyn Place) {
    let storage = place.open().await;
    let storage = &*storage;
    let romeo = jid("romeo@example.org");
    commit(storage, [Write::CreateAccount(account("romeo@example.org")), set(OWNER, "old", "1")])
        .await
        .unwrap();
    let failures = [
        swap("old", Some(b"2"), b"3"),
        swap("old", None, b"3"),
        Write::CreateAccount(account("romeo@example.org")),
        Write::SetKeys { jid: jid("nobody@example.org"), sha1: Some(keys(3)), sha256: Some(keys(4)) },
        Write::Roster { owner: romeo.clone(), expect: 7, put: vec![item("a@example.org")], remove: vec![] },
        Write::PutPlugin(plugin([9; 32])),
    ];
    for failure in failures {
        let good = [
            set(OWNER, "new", "1"),
            set(OWNER, "old", "changed"),
            append(OWNER, 1, None, "x"),
            Write::CreateAccount(account(OWNER)),
            Write::Roster { owner: romeo.clone(), expect: 0, put: vec![item(OWNER)], remove: vec![] },
            Write::PutVhost(crate::Vhost { domain: "a.example".into(), enabled: true, settings: vec![] }),
            Write::TableDelete { store: STORE.into(), owner: OWNER.into(), key: "old".into() },
            set(OWNER, "old", "again"),
            Write::SetAlarm(alarm()),
            Write::PutComponent { sha256: [1; 32], bytes: vec![1] },
            Write::PutPlugin(plugin([1; 32])),
        ];
        for at in [0, 4, good.len()] {
            let mut writes = good.to_vec();
            writes.insert(at, failure.clone());
            let result = commit(storage, writes).await;
            assert!(
                matches!(result, Err(Error::Conflict | Error::Account(_) | Error::NoComponent(_))),
                "{failure:?} at {at}: {result:?}"
            );
            assert_eq!(get(storage, "new").await, None);
            assert_eq!(get(storage, "old").await.as_deref(), Some(&b"1"[..]));
            assert_eq!(storage.log_count(STORE, OWNER, None).await.unwrap(), 0);
            assert_eq!(storage.account(&jid(OWNER)).await.unwrap(), None);
            assert_eq!(storage.roster(&romeo).await.unwrap().version, 0);
            assert_eq!(storage.vhosts().await.unwrap(), []);
            assert_eq!(storage.next_alarm().await.unwrap(), None);
            assert_eq!(storage.plugins().await.unwrap(), []);
            assert_eq!(storage.component(&[1; 32]).await.unwrap(), None);
        }
    }
}

fn alarm() -> Alarm {
    Alarm { plugin: "p".into(), owner: OWNER.into(), name: "n".into(), at: 1, data: vec![1] }
}

fn plugin(sha256: [u8; 32]) -> InstalledPlugin {
    InstalledPlugin { name: "p".into(), scope: "*".into(), sha256, previous: None, manifest: "{}".into() }
}

/// However commits are grouped, each succeeds or fails by itself.
pub async fn a_failing_batch_does_not_take_others_along(place: &dyn Place) {
    let storage = place.open().await;
    let tasks: Vec<_> = (0..200)
        .map(|n: u32| {
            let storage = storage.clone();
            tokio::spawn(async move {
                let mut writes =
                    vec![set(OWNER, &format!("{n:03}"), "v"), append(OWNER, u64::from(n), None, "v")];
                if n.is_multiple_of(3) {
                    writes.push(swap("absent", Some(b"x"), b"y"));
                }
                storage.commit(Batch { writes }).await
            })
        })
        .collect();
    for (n, task) in tasks.into_iter().enumerate() {
        let result = task.await.unwrap();
        assert_eq!(is_conflict(&result), n % 3 == 0, "{n}: {result:?}");
        assert_eq!(result.is_ok(), n % 3 != 0, "{n}: {result:?}");
    }
    let keys = storage.table_keys(STORE, OWNER, "", None, 1000).await.unwrap();
    let expected: Vec<_> =
        (0..200).filter(|n: &u32| !n.is_multiple_of(3)).map(|n| format!("{n:03}")).collect();
    assert_eq!(keys, expected);
    assert_eq!(storage.log_count(STORE, OWNER, None).await.unwrap(), expected.len() as u64);
}

/// A write sees what those before it in its batch did.
pub async fn writes_take_place_in_order(place: &dyn Place) {
    let storage = place.open().await;
    let delete = Write::TableDelete { store: STORE.into(), owner: OWNER.into(), key: "b".into() };
    let writes = [
        set(OWNER, "a", "1"),
        swap("a", Some(b"1"), b"2"),
        set(OWNER, "b", "1"),
        delete,
        swap("b", None, b"2"),
        Write::CreateAccount(account(OWNER)),
        Write::RemoveAccount(jid(OWNER)),
        Write::CreateAccount(account(OWNER)),
        set(OWNER, "c", "1"),
    ];
    commit(&*storage, writes).await.unwrap();
    assert_eq!(storage.table_keys(STORE, OWNER, "", None, 10).await.unwrap(), ["c"]);
    assert!(storage.account(&jid(OWNER)).await.unwrap().is_some());
}

/// Nothing to do is done at once.
pub async fn the_empty_batch_succeeds(place: &dyn Place) {
    let storage = place.open().await;
    storage.commit(Batch::default()).await.unwrap();
}

/// Whoever was told of a commit can read it, and so can whoever they tell.
pub async fn a_commit_is_seen_by_later_reads(place: &dyn Place) {
    let storage = place.open().await;
    for n in 0..100_u64 {
        let value = n.to_be_bytes();
        commit(&*storage, [set(OWNER, "k", value), append(OWNER, n, None, value)]).await.unwrap();
        let other = storage.clone();
        let reads = async move {
            let last = LogQuery { backwards: true, limit: 1, ..LogQuery::default() };
            let timed = LogQuery { since: Some(n), ..LogQuery::default() };
            assert_eq!(get(&*other, "k").await.as_deref(), Some(&value[..]));
            assert_eq!(other.log_read(STORE, OWNER, last).await.unwrap()[0].value, value);
            assert_eq!(other.log_read(STORE, OWNER, timed).await.unwrap().len(), 1);
            assert_eq!(other.log_count(STORE, OWNER, None).await.unwrap(), n + 1);
        };
        tokio::spawn(reads).await.unwrap();
    }
}

/// Many at once: each is kept exactly once.
pub async fn concurrent_commits_all_arrive(place: &dyn Place) {
    let storage = place.open().await;
    let tasks: Vec<_> = (0..64_u64)
        .map(|task| {
            let storage = storage.clone();
            tokio::spawn(async move {
                for n in 0..20_u64 {
                    let owner = format!("user{}@example.org", task % 8);
                    commit(&*storage, [append(&owner, n, Some(&task.to_string()), "x")]).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let mut ids = Vec::new();
    for owner in 0..8 {
        let query = LogQuery { limit: 1000, ..LogQuery::default() };
        let entries = storage.log_read(STORE, &format!("user{owner}@example.org"), query).await.unwrap();
        assert_eq!(entries.len(), 160);
        ids.extend(entries.iter().map(|entry| entry.id));
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 64 * 20);
}

/// Compare-and-set by many leaves what one after the other would.
pub async fn concurrent_swaps_lose_no_update(place: &dyn Place) {
    let storage = place.open().await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let storage = storage.clone();
            tokio::spawn(async move {
                for _ in 0..10 {
                    loop {
                        let old = get(&*storage, "counter").await;
                        let count =
                            old.as_deref().map_or(0, |old| u64::from_be_bytes(old.try_into().unwrap()));
                        let new = (count + 1).to_be_bytes();
                        let result = commit(&*storage, [swap("counter", old.as_deref(), &new)]).await;
                        if !is_conflict(&result) {
                            break result.unwrap();
                        }
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(get(&*storage, "counter").await.as_deref(), Some(&80_u64.to_be_bytes()[..]));
}

/// Commits that one task asks for one after the other, without waiting, take place in that order.
pub async fn one_committer_keeps_its_order(place: &dyn Place) {
    let storage = place.open().await;
    let commits = (0..100_u64).map(|n| storage.commit(Batch::one(append(OWNER, n, None, "x"))));
    for result in futures_util::future::join_all(commits).await {
        result.unwrap();
    }
    let entries = storage.log_read(STORE, OWNER, LogQuery::default()).await.unwrap();
    assert!(entries.iter().map(|entry| entry.at).eq(0..100));
}
