//! Opening and closing.

use super::*;
use crate::{Alarm, InstalledPlugin, LogQuery, Vhost};

/// Every kind of data.
pub async fn what_was_committed_is_there_after_reopening(place: &dyn Place) {
    let vhost = Vhost { domain: "a.example".into(), enabled: true, settings: vec![("a".into(), "b".into())] };
    let storage = place.open().await;
    let roster =
        Write::Roster { owner: jid(OWNER), expect: 0, put: vec![item("romeo@example.org")], remove: vec![] };
    let account = account(OWNER);
    let alarm = Alarm { plugin: "p".into(), owner: OWNER.into(), name: "n".into(), at: 1, data: vec![1] };
    let plugin = InstalledPlugin {
        name: "p".into(),
        scope: "*".into(),
        sha256: [1; 32],
        previous: Some([2; 32]),
        manifest: "{}".into(),
    };
    let writes = [
        Write::CreateAccount(account.clone()),
        roster,
        Write::PutVhost(vhost.clone()),
        set(OWNER, "k", "v"),
        append(OWNER, 1, Some("t"), "v"),
        Write::SetAlarm(alarm.clone()),
        Write::PutComponent { sha256: [1; 32], bytes: b"wasm".to_vec() },
        Write::PutPlugin(plugin.clone()),
    ];
    commit(&*storage, writes).await.unwrap();
    let roster = storage.roster(&jid(OWNER)).await.unwrap();
    let entries = storage.log_read(STORE, OWNER, LogQuery::default()).await.unwrap();
    storage.close().await.unwrap();
    drop(storage);

    let storage = place.open().await;
    assert_eq!(storage.account(&jid(OWNER)).await.unwrap(), Some(account));
    assert_eq!(storage.roster(&jid(OWNER)).await.unwrap(), roster);
    assert_eq!(storage.vhosts().await.unwrap(), [vhost]);
    assert_eq!(get(&*storage, "k").await.as_deref(), Some(&b"v"[..]));
    assert_eq!(storage.log_read(STORE, OWNER, LogQuery::default()).await.unwrap(), entries);
    assert_eq!(storage.alarms(1, 5).await.unwrap(), [alarm]);
    assert_eq!(storage.plugins().await.unwrap(), [plugin]);
    assert_eq!(storage.component(&[1; 32]).await.unwrap().as_deref(), Some(&b"wasm"[..]));
}

/// Reads and writes alike.
pub async fn a_closed_engine_answers_unavailable(place: &dyn Place) {
    let storage = place.open().await;
    storage.close().await.unwrap();
    let unavailable = |error: Option<Error>| matches!(error, Some(Error::Unavailable(_)));
    let tagged = LogQuery { tag: Some("t".into()), ..LogQuery::default() };
    assert!(unavailable(commit(&*storage, [set(OWNER, "k", "v")]).await.err()));
    assert!(unavailable(storage.account(&jid(OWNER)).await.err()));
    assert!(unavailable(storage.accounts("example.org", None, 1).await.err()));
    assert!(unavailable(storage.count_accounts("example.org").await.err()));
    assert!(unavailable(storage.roster(&jid(OWNER)).await.err()));
    assert!(unavailable(storage.vhosts().await.err()));
    assert!(unavailable(storage.table_get(STORE, OWNER, "k").await.err()));
    assert!(unavailable(storage.table_keys(STORE, OWNER, "", None, 1).await.err()));
    assert!(unavailable(storage.table_scan(STORE, OWNER, &Default::default()).await.err()));
    assert!(unavailable(storage.log_read(STORE, OWNER, LogQuery::default()).await.err()));
    assert!(unavailable(storage.log_read(STORE, OWNER, tagged).await.err()));
    assert!(unavailable(storage.log_count(STORE, OWNER, None).await.err()));
    assert!(unavailable(storage.store_bytes(STORE).await.err()));
    assert!(unavailable(storage.account_data(OWNER).await.err()));
    assert!(unavailable(storage.alarms(1, 1).await.err()));
    assert!(unavailable(storage.alarm_bytes("p").await.err()));
    assert!(unavailable(storage.next_alarm().await.err()));
    assert!(unavailable(storage.plugins().await.err()));
    assert!(unavailable(storage.component(&[1; 32]).await.err()));
}

/// Each commit under way when closing begins is either kept and acknowledged or refused.
pub async fn closing_finishes_what_is_queued(place: &dyn Place) {
    let storage = place.open().await;
    let tasks: Vec<_> = (0..100_u64)
        .map(|n| {
            let storage = storage.clone();
            tokio::spawn(async move { commit(&*storage, [append(OWNER, n, None, "v")]).await })
        })
        .collect();
    tokio::task::yield_now().await;
    storage.close().await.unwrap();
    let mut kept = Vec::new();
    for (n, task) in (0..).zip(tasks) {
        match task.await.unwrap() {
            Ok(()) => kept.push(n),
            Err(error) => assert!(matches!(error, Error::Unavailable(_)), "{error}"),
        }
    }
    drop(storage);
    let storage = place.open().await;
    let entries = storage.log_read(STORE, OWNER, LogQuery::default()).await.unwrap();
    let mut found: Vec<u64> = entries.iter().map(|entry| entry.at).collect();
    found.sort_unstable();
    assert_eq!(found, kept);
}

/// One after the other and at the same time.
pub async fn closing_twice_is_no_error(place: &dyn Place) {
    let storage = place.open().await;
    let (first, second) = futures_util::future::join(storage.close(), storage.close()).await;
    first.unwrap();
    second.unwrap();
    storage.close().await.unwrap();
}
