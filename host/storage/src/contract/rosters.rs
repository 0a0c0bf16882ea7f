//! Rosters and their versions.

use super::*;

fn change(expect: u64, put: Vec<RosterItem>, remove: &[&str]) -> Write {
    Write::Roster {
        owner: jid(OWNER),
        expect,
        put,
        remove: remove.iter().map(|address| jid(address)).collect(),
    }
}

/// Version 0, no items.
pub async fn a_roster_nobody_touched_is_empty(place: &dyn Place) {
    let storage = place.open().await;
    assert_eq!(storage.roster(&jid(OWNER)).await.unwrap(), crate::Roster::default());
}

/// All fields, in order of JID; the version put is the roster's, whatever the item said.
pub async fn a_roster_comes_back_as_put(place: &dyn Place) {
    let storage = place.open().await;
    let full = RosterItem {
        name: "Römeo <'\"&\0>".into(),
        groups: vec!["A, B".into(), "[\"C\"]".into(), "Ω\n\u{1f}\0".into()],
        from: true,
        pending_out: true,
        pending_in: Some("<presence type='subscribe'><status>hi</status></presence>".into()),
        version: 99,
        ..item("romeo@example.org")
    };
    let other = RosterItem { to: true, approved: true, hidden: true, ..item("nurse@example.org") };
    let domain = item("example.com");
    commit(&*storage, [change(0, vec![full.clone(), other.clone(), domain.clone()], &[])]).await.unwrap();
    let roster = storage.roster(&jid(OWNER)).await.unwrap();
    assert_eq!(roster.version, 1);
    let versioned = |item: RosterItem| RosterItem { version: 1, ..item };
    assert_eq!(roster.items, [domain, other, full].map(versioned));
    assert_eq!(roster.item("nurse@example.org").map(|item| item.hidden), Some(true));
    assert_eq!(storage.roster(&jid("romeo@example.org")).await.unwrap().version, 0);
}

/// Any other version is a conflict that changes nothing.
pub async fn a_roster_changes_only_from_the_expected_version(place: &dyn Place) {
    let storage = place.open().await;
    for version in 0..3_u64 {
        for wrong in [version + 1, version.wrapping_sub(1), u64::MAX, 1 << 63] {
            let result =
                commit(&*storage, [change(wrong, vec![item("x@example.org")], &["a@example.org"])]).await;
            assert!(is_conflict(&result), "{wrong} at {version}: {result:?}");
        }
        let roster = storage.roster(&jid(OWNER)).await.unwrap();
        assert_eq!((roster.version, roster.items.len()), (version, usize::from(version > 0)));
        commit(&*storage, [change(version, vec![item("a@example.org")], &[])]).await.unwrap();
    }
    // A change of nothing raises the version too.
    commit(&*storage, [change(3, vec![], &[]), change(4, vec![], &["none@example.org"])]).await.unwrap();
    assert_eq!(storage.roster(&jid(OWNER)).await.unwrap().version, 5);
}

/// Only the items named change, each carrying the version of its last change.
pub async fn roster_items_are_replaced_and_removed(place: &dyn Place) {
    let storage = place.open().await;
    let names = ["a@example.org", "b@example.org", "c@example.org"];
    commit(&*storage, [change(0, names.map(item).to_vec(), &[])]).await.unwrap();
    let renamed = RosterItem { name: "B".into(), ..item(names[1]) };
    commit(&*storage, [change(1, vec![renamed], &[names[0]])]).await.unwrap();
    let roster = storage.roster(&jid(OWNER)).await.unwrap();
    let found: Vec<_> =
        roster.items.iter().map(|item| (item.jid.as_str(), item.name.as_str(), item.version)).collect();
    assert_eq!(found, [(names[1], "B", 2), (names[2], "", 1)]);
    commit(&*storage, [change(2, vec![], &[names[1], names[2]])]).await.unwrap();
    let roster = storage.roster(&jid(OWNER)).await.unwrap();
    assert_eq!((roster.version, roster.items.len()), (3, 0));
}

/// Whoever meets a conflict reads again, and nothing is lost.
pub async fn concurrent_roster_changes_lose_no_update(place: &dyn Place) {
    let storage = place.open().await;
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let storage = storage.clone();
            tokio::spawn(async move {
                loop {
                    let version = storage.roster(&jid(OWNER)).await.unwrap().version;
                    let put = vec![item(&format!("friend{n}@example.org"))];
                    let result = commit(&*storage, [change(version, put, &[])]).await;
                    if !is_conflict(&result) {
                        break result.unwrap();
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let roster = storage.roster(&jid(OWNER)).await.unwrap();
    assert_eq!((roster.version, roster.items.len()), (20, 20));
}
