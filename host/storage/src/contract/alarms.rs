//! Alarms.

use super::*;
use crate::Alarm;

fn alarm(plugin: &str, owner: &str, name: &str, at: u64) -> Alarm {
    let data = format!("{plugin} {owner} {name} {at}").into_bytes();
    Alarm { plugin: plugin.into(), owner: owner.into(), name: name.into(), at, data }
}

fn clear(name: &str, at: Option<u64>) -> Write {
    Write::ClearAlarm { plugin: "p".into(), owner: OWNER.into(), name: name.into(), at }
}

async fn all(storage: &dyn Storage) -> Vec<Alarm> {
    storage.alarms(u64::MAX, u32::MAX).await.expect("a read succeeds")
}

/// Whatever it is called and carries.
pub async fn an_alarm_comes_back_as_set(place: &dyn Place) {
    let storage = place.open().await;
    assert_eq!(all(&*storage).await, []);
    assert_eq!(storage.next_alarm().await.unwrap(), None);
    let odd = Alarm {
        plugin: "jabber:iq:last".into(),
        owner: "'; é".into(),
        name: String::new(),
        at: 0,
        data: vec![0, 255],
    };
    let empty = Alarm { data: Vec::new(), ..alarm("p", OWNER, "a\0b", 1_800_000_000_123) };
    commit(&*storage, [Write::SetAlarm(odd.clone()), Write::SetAlarm(empty.clone())]).await.unwrap();
    assert_eq!(all(&*storage).await, [odd, empty]);
}

/// Of one plugin, owner and name there is one alarm; any of them differing, there are two.
pub async fn an_alarm_replaces_only_its_namesake(place: &dyn Place) {
    let storage = place.open().await;
    let alarms = [
        alarm("p", OWNER, "n", 40),
        alarm("q", OWNER, "n", 41),
        alarm("p", "romeo@example.org", "n", 42),
        alarm("p", OWNER, "N", 43),
    ];
    commit(&*storage, alarms.clone().map(Write::SetAlarm)).await.unwrap();
    assert_eq!(all(&*storage).await, alarms);
    for at in [50, 10] {
        let moved = alarm("p", OWNER, "n", at);
        commit(&*storage, [Write::SetAlarm(moved.clone())]).await.unwrap();
        let mut expected = [&[moved], &alarms[1..]].concat();
        expected.sort_by_key(|alarm| alarm.at);
        assert_eq!(all(&*storage).await, expected);
        assert_eq!(storage.next_alarm().await.unwrap(), Some(at.min(41)));
    }
}

/// Up to and including the time asked for, never more than asked for.
pub async fn alarms_come_earliest_first(place: &dyn Place) {
    let storage = place.open().await;
    // Set in another order than they are due; some at the same time.
    let mut alarms: Vec<_> = (0..30_u64)
        .map(|n| alarm(&format!("p{}", n % 3), &format!("user{}@example.org", n % 5), &n.to_string(), n / 2))
        .collect();
    let writes: Vec<_> = (0..30).map(|n: usize| Write::SetAlarm(alarms[n * 7 % 30].clone())).collect();
    commit(&*storage, writes).await.unwrap();
    alarms.sort_by(|a, b| (a.at, &a.owner, &a.plugin, &a.name).cmp(&(b.at, &b.owner, &b.plugin, &b.name)));
    assert_eq!(storage.next_alarm().await.unwrap(), Some(0));
    for until in [0, 1, 7, 14, 15, u64::MAX] {
        let due: Vec<_> = alarms.iter().filter(|alarm| alarm.at <= until).cloned().collect();
        for limit in [0, 1, 3, 30, u32::MAX] {
            let expected = &due[..due.len().min(limit as usize)];
            assert_eq!(storage.alarms(until, limit).await.unwrap(), expected, "{limit} until {until}");
        }
    }
}

/// An alarm that was set anew while its plugin was called outlives the call's clearing of it.
pub async fn clearing_an_alarm_can_depend_on_its_time(place: &dyn Place) {
    let storage = place.open().await;
    let (a, b) = (alarm("p", OWNER, "a", 10), alarm("p", OWNER, "b", 20));
    let others = [alarm("q", OWNER, "a", 30), alarm("p", "romeo@example.org", "a", 31)];
    let set: Vec<_> = [a.clone(), b.clone()].into_iter().chain(others.clone()).collect();
    commit(&*storage, set.iter().cloned().map(Write::SetAlarm)).await.unwrap();
    commit(&*storage, [clear("a", Some(9)), clear("a", Some(11)), clear("c", None), clear("c", Some(10))])
        .await
        .unwrap();
    assert_eq!(all(&*storage).await, set);
    commit(&*storage, [clear("a", Some(10))]).await.unwrap();
    assert_eq!(all(&*storage).await, set[1..]);
    assert_eq!(storage.next_alarm().await.unwrap(), Some(20));
    commit(&*storage, [clear("b", None), clear("b", None)]).await.unwrap();
    assert_eq!(all(&*storage).await, others);
}

/// The alarms of every plugin go, and none of anybody else.
pub async fn removing_an_account_erases_its_alarms(place: &dyn Place) {
    let storage = place.open().await;
    let others = [alarm("p", "juliet2@example.org", "n", 1), alarm("p", "julie@example.org", "n", 2)];
    let own = [alarm("p", OWNER, "n", 0), alarm("p", OWNER, "o", 5), alarm("q", OWNER, "n", 1)];
    commit(&*storage, own.into_iter().chain(others.clone()).map(Write::SetAlarm)).await.unwrap();
    // Also where there was never an account.
    commit(&*storage, [Write::RemoveAccount(jid(OWNER))]).await.unwrap();
    assert_eq!(all(&*storage).await, others);
    assert_eq!(storage.next_alarm().await.unwrap(), Some(1));
}

/// The greatest times neither wrap round nor fail.
pub async fn alarms_may_be_set_for_never(place: &dyn Place) {
    let storage = place.open().await;
    commit(
        &*storage,
        [alarm("p", OWNER, "never", u64::MAX), alarm("p", OWNER, "soon", 1)].map(Write::SetAlarm),
    )
    .await
    .unwrap();
    assert_eq!(storage.alarms(1 << 60, 10).await.unwrap(), [alarm("p", OWNER, "soon", 1)]);
    assert_eq!(all(&*storage).await.len(), 2);
    commit(&*storage, [clear("soon", None)]).await.unwrap();
    assert!(storage.next_alarm().await.unwrap().unwrap() >= 1 << 62);
    commit(&*storage, [clear("never", Some(u64::MAX))]).await.unwrap();
    assert_eq!(storage.next_alarm().await.unwrap(), None);
}

/// Bytes, not characters, of owners, names and data.
pub async fn alarm_bytes_are_of_one_plugin_and_all_owners(place: &dyn Place) {
    let storage = place.open().await;
    let bytes = async |plugin| storage.alarm_bytes(plugin).await.unwrap();
    assert_eq!(bytes("p").await, 0);
    let set = |plugin: &str, owner: &str, name: &str, data: &[u8]| {
        let (plugin, owner, name) = (plugin.to_owned(), owner.to_owned(), name.to_owned());
        Write::SetAlarm(Alarm { plugin, owner, name, at: 1, data: data.to_vec() })
    };
    let alarms = [
        set("p", "owner", "name", b"1234"),
        set("p", "o", "\u{e9}\0", b""),
        set("q", "owner", "name", b"12"),
    ];
    commit(&*storage, alarms).await.unwrap();
    assert_eq!((bytes("p").await, bytes("q").await), (13 + 4, 11));
    commit(&*storage, [set("p", "owner", "name", b"")]).await.unwrap();
    assert_eq!(bytes("p").await, 9 + 4);
}
