//! What one plugin has of all owners, and what all plugins have of one.

use super::*;
use crate::{Alarm, LogQuery};

const OTHER: &str = "romeo@example.org";

fn table(store: &str, owner: &str, key: &str, value: &str) -> Write {
    Write::TableSet { store: store.into(), owner: owner.into(), key: key.into(), value: value.into() }
}

fn log(store: &str, owner: &str, tag: Option<&str>, value: &str, expires: Option<u64>) -> Write {
    let (store, owner, tag) = (store.into(), owner.into(), tag.map(str::to_owned));
    Write::LogAppend { store, owner, at: 1, tag, value: value.into(), expires }
}

fn alarm(plugin: &str, owner: &str) -> Write {
    let (plugin, owner, name) = (plugin.into(), owner.into(), "n".into());
    Write::SetAlarm(Alarm { plugin, owner, name, at: 1, data: Vec::new() })
}

/// Bytes, not characters, of the table and the log of that name, whoever the owner.
pub async fn store_bytes_are_of_one_store_and_all_owners(place: &dyn Place) {
    let storage = place.open().await;
    let bytes = async |store| storage.store_bytes(store).await.unwrap();
    assert_eq!(bytes("p/s").await, 0);
    commit(&*storage, [table("p/s", OWNER, "key", "value"), table("p/s", OTHER, "é\0x", "\0\0")])
        .await
        .unwrap();
    assert_eq!(bytes("p/s").await, 8 + 6);
    let writes = [
        log("p/s", OWNER, Some("tag\0é"), "value", None),
        log("p/s", "p.example", None, "1234567", Some(u64::MAX)),
        log("p/s", OTHER, None, "as if gone", Some(1)),
    ];
    commit(&*storage, writes).await.unwrap();
    assert_eq!(bytes("p/s").await, 14 + 11 + 7);
    let near = ["p/", "p/s/", "p/S", "p/t", "q/s", ""];
    commit(&*storage, near.map(|store| table(store, OWNER, "k", "v"))).await.unwrap();
    commit(&*storage, near.map(|store| log(store, OTHER, None, "vw", None))).await.unwrap();
    assert_eq!(bytes("p/s").await, 32);
    for store in near {
        assert_eq!(bytes(store).await, 4, "{store:?}");
    }
    let large = "x".repeat(1 << 20);
    commit(&*storage, [table("p/s", OWNER, "key", &large)]).await.unwrap();
    assert_eq!(bytes("p/s").await, 32 - 5 + (1 << 20));
}

/// By plugin and key, and nothing of other stores or owners.
pub async fn account_data_is_of_one_account_and_all_plugins(place: &dyn Place) {
    let storage = place.open().await;
    assert_eq!(storage.account_data(OWNER).await.unwrap(), []);
    let writes = [
        table("account-data/q", OWNER, "k", "4"),
        table("account-data/jabber:iq:last", OWNER, "b", ""),
        table("account-data/jabber:iq:last", OWNER, "a", "1\0"),
        table("account-data/é", OWNER, "", "5"),
        // What is near by.
        table("account-data", OWNER, "k", "x"),
        table("account-data0", OWNER, "k", "x"),
        table("account-dat/q", OWNER, "k", "x"),
        table("Account-data/q", OWNER, "k", "x"),
        table("q/account-data/q", OWNER, "k", "x"),
        table("account-data/q", OTHER, "k", "of another"),
        table("account-data/q", "juliet@example.org/balcony", "k", "x"),
        log("account-data/q", OWNER, None, "x", None),
    ];
    commit(&*storage, writes).await.unwrap();
    let entry = |plugin: &str, key: &str, value: &str| (plugin.to_owned(), key.to_owned(), value.into());
    let expected = [
        entry("jabber:iq:last", "a", "1\0"),
        entry("jabber:iq:last", "b", ""),
        entry("q", "k", "4"),
        entry("é", "", "5"),
    ];
    assert_eq!(storage.account_data(OWNER).await.unwrap(), expected);
    assert_eq!(storage.account_data(OTHER).await.unwrap(), [entry("q", "k", "of another")]);
    commit(&*storage, [Write::RemoveAccount(jid(OWNER))]).await.unwrap();
    assert_eq!(storage.account_data(OWNER).await.unwrap(), []);
}

/// Of every owner, and nothing of plugins with similar names.
pub async fn erasing_a_plugin_leaves_nothing_of_it(place: &dyn Place) {
    let storage = place.open().await;
    let erased = ["p:x/", "p:x/s", "p:x/s/t", "p:x/\u{10ffff}", "account-data/p:x"];
    let kept =
        ["p:x", "p:x0", "p:x.", "p:/s", "p:xy/s", "P:X/s", "q/p:x/s", "account-data/p:xy", "account-data/p"];
    let owners = [OWNER, OTHER, "p.example", "", "\u{10ffff}"];
    let mut writes = Vec::new();
    for store in erased.iter().chain(&kept) {
        for owner in owners {
            writes.push(table(store, owner, "k", "v"));
            writes.push(log(store, owner, None, "v", None));
        }
    }
    writes.extend(owners.map(|owner| alarm("p:x", owner)));
    writes.extend(owners.map(|owner| alarm("p:xy", owner)));
    commit(&*storage, writes).await.unwrap();
    let counts = async |store| {
        let mut counts = [0; 2];
        for owner in owners {
            counts[0] += u64::from(storage.table_get(store, owner, "k").await.unwrap().is_some());
            counts[1] += storage.log_count(store, owner, None).await.unwrap();
        }
        counts
    };
    let all = [owners.len() as u64; 2];
    for store in erased.into_iter().chain(kept) {
        assert_eq!(counts(store).await, all, "{store:?}");
    }
    let erase = Write::ErasePlugin { plugin: "p:x".into() };
    commit(&*storage, [erase.clone()]).await.unwrap();
    for store in erased {
        assert_eq!(counts(store).await, [0, 0], "{store:?}");
        assert_eq!(storage.log_read(store, OWNER, LogQuery::default()).await.unwrap(), []);
    }
    for store in kept {
        assert_eq!(counts(store).await, all, "{store:?}");
    }
    let alarms = storage.alarms(u64::MAX, 100).await.unwrap();
    assert_eq!(alarms.len(), owners.len());
    assert!(alarms.iter().all(|alarm| alarm.plugin == "p:xy"));
    // Once more is no error, nor is a plugin that nobody knows.
    commit(&*storage, [erase, Write::ErasePlugin { plugin: "unknown".into() }]).await.unwrap();
    assert_eq!(counts(kept[0]).await, all);
}
