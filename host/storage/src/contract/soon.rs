//! What need not be durable at once.

use super::*;

const DATA: &str = "account-data/p";

fn datum(key: &str, value: &str) -> Write {
    Write::TableSet { store: DATA.into(), owner: OWNER.into(), key: key.into(), value: value.into() }
}

async fn soon(storage: &dyn Storage, write: Write) {
    storage.commit_soon(Batch::one(write)).await.expect("there is room");
}

/// The keys of the store, which are read from what is stored.
async fn stored(storage: &dyn Storage) -> Vec<String> {
    storage.table_keys(STORE, OWNER, "", None, 10).await.unwrap()
}

/// It is durable by the time that anything is that was handed in after it, and in this order.
pub async fn what_may_wait_goes_ahead_of_what_comes_later(place: &dyn Place) {
    let storage = place.open().await;
    for (first, second) in [("a", "b"), ("b", "a"), ("a", "b")] {
        soon(&*storage, set(OWNER, first, "soon")).await;
        soon(&*storage, set(OWNER, "last", first)).await;
        commit(&*storage, [set(OWNER, second, "now")]).await.unwrap();
        assert_eq!(get(&*storage, first).await.as_deref(), Some(&b"soon"[..]));
        assert_eq!(get(&*storage, second).await.as_deref(), Some(&b"now"[..]));
        let last = storage.table_scan(STORE, OWNER, &only("last")).await.unwrap();
        assert_eq!(last, [("last".to_owned(), first.into())]);
    }
    // What replaces it is not undone.
    soon(&*storage, set(OWNER, "a", "soon")).await;
    commit(&*storage, [set(OWNER, "a", "now")]).await.unwrap();
    assert_eq!(get(&*storage, "a").await.as_deref(), Some(&b"now"[..]));
    // Nor does anything come back with it.
    soon(&*storage, set(OWNER, "a", "soon")).await;
    commit(&*storage, [Write::RemoveAccount(jid(OWNER))]).await.unwrap();
    assert_eq!(get(&*storage, "a").await, None);
}

/// It has a commit of its own only when nobody else has one for seconds.
pub async fn what_may_wait_shares_the_commit_of_others(place: &dyn Place) {
    let storage = place.open().await;
    let before = storage.metrics().batch_size.count;
    for n in 0..100 {
        soon(&*storage, set(OWNER, "a", n.to_string())).await;
    }
    assert_eq!(storage.metrics().batch_size.count, before);
    commit(&*storage, [set(OWNER, "b", "now")]).await.unwrap();
    assert_eq!(storage.metrics().batch_size.count, before + 1);
    soon(&*storage, set(OWNER, "c", "alone")).await;
    while stored(&*storage).await.len() < 3 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// By whoever looks for it by its key, or for all data of the account.
pub async fn what_may_wait_is_read_at_once(place: &dyn Place) {
    let storage = place.open().await;
    let read = async || {
        let data = storage.account_data(OWNER).await.unwrap();
        let data: Vec<_> =
            data.into_iter().map(|(plugin, key, value)| (plugin + "/" + &key, value)).collect();
        for (name, value) in &data {
            let (plugin, key) = name.split_once('/').unwrap();
            let alone = storage.table_get(&format!("account-data/{plugin}"), OWNER, key).await.unwrap();
            assert_eq!(alone.as_ref(), Some(value));
        }
        let data = data.into_iter().map(|(name, value)| name + "=" + &String::from_utf8(value).unwrap());
        data.collect::<Vec<_>>().join(" ")
    };
    let other = Write::TableSet {
        store: "account-data/o".into(),
        owner: OWNER.into(),
        key: "z".into(),
        value: b"0".to_vec(),
    };
    commit(&*storage, [datum("b", "1"), datum("d", "1"), other]).await.unwrap();
    let before = storage.metrics().batches;
    soon(&*storage, datum("b", "2")).await;
    soon(&*storage, datum("a", "2")).await;
    soon(&*storage, datum("b", "3")).await;
    soon(&*storage, set(OWNER, "e", "not an account's data")).await;
    let delete = Write::TableDelete { store: DATA.into(), owner: OWNER.into(), key: "d".into() };
    soon(&*storage, delete).await;
    assert_eq!(read().await, "o/z=0 p/a=2 p/b=3");
    assert_eq!(storage.table_get(DATA, OWNER, "d").await.unwrap(), None);
    assert_eq!(get(&*storage, "e").await.as_deref(), Some(&b"not an account's data"[..]));
    assert_eq!(storage.account_data("romeo@example.org").await.unwrap(), []);
    assert_eq!(storage.metrics().batches, before);
    commit(&*storage, [datum("c", "4")]).await.unwrap();
    assert_eq!(read().await, "o/z=0 p/a=2 p/b=3 p/c=4");
}

/// Nobody has to come after it.
pub async fn what_waits_is_kept_by_closing(place: &dyn Place) {
    let storage = place.open().await;
    for n in 0..2000 {
        soon(&*storage, set(OWNER, "last", n.to_string())).await;
    }
    storage.close().await.unwrap();
    let late = storage.commit_soon(Batch::one(set(OWNER, "last", "late"))).await;
    assert!(matches!(late, Err(Error::Unavailable(_))));
    drop(storage);
    let storage = place.open().await;
    assert_eq!(get(&*storage, "last").await.as_deref(), Some(&b"1999"[..]));
}

fn only(key: &str) -> crate::TableRange {
    crate::TableRange { prefix: key.into(), limit: 1, ..crate::TableRange::default() }
}
