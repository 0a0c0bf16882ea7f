//! Installed plugins and their components.

use super::*;
use crate::InstalledPlugin;

/// Stands for a digest: an engine cannot tell.
fn digest(seed: u8) -> [u8; 32] {
    std::array::from_fn(|byte| seed.wrapping_add(byte as u8))
}

fn component(seed: u8) -> Write {
    Write::PutComponent { sha256: digest(seed), bytes: vec![seed; 1000] }
}

fn plugin(name: &str, scope: &str, seed: u8, previous: Option<u8>) -> InstalledPlugin {
    let manifest = format!("{{\"name\": {name:?}}}");
    let (sha256, previous) = (digest(seed), previous.map(digest));
    InstalledPlugin { name: name.into(), scope: scope.into(), sha256, previous, manifest }
}

fn remove(name: &str, scope: &str) -> Write {
    Write::RemovePlugin { name: name.into(), scope: scope.into() }
}

/// Which of the first ten components are there, with the bytes that they were put with.
async fn components(storage: &dyn Storage) -> Vec<u8> {
    let mut found = Vec::new();
    for seed in 0..10 {
        if let Some(bytes) = storage.component(&digest(seed)).await.expect("a read succeeds") {
            assert_eq!(bytes, vec![seed; 1000]);
            found.push(seed);
        }
    }
    found
}

/// In order of name and scope; of one name and scope there is one.
pub async fn plugins_come_back_as_put(place: &dyn Place) {
    let storage = place.open().await;
    assert_eq!(storage.plugins().await.unwrap(), []);
    let everywhere = plugin("b", "*", 1, None);
    let one_host = plugin("b", "one.example", 2, Some(1));
    let other =
        InstalledPlugin { manifest: "not \0 looked into".into(), ..plugin("a", "one.example", 1, None) };
    let writes = [
        component(1),
        component(2),
        Write::PutPlugin(one_host.clone()),
        Write::PutPlugin(everywhere.clone()),
        Write::PutPlugin(other.clone()),
    ];
    commit(&*storage, writes).await.unwrap();
    assert_eq!(storage.plugins().await.unwrap(), [other.clone(), everywhere.clone(), one_host.clone()]);
    let upgraded = InstalledPlugin { manifest: "{}".into(), ..plugin("b", "*", 2, Some(1)) };
    commit(&*storage, [Write::PutPlugin(upgraded.clone())]).await.unwrap();
    assert_eq!(storage.plugins().await.unwrap(), [other.clone(), upgraded, one_host]);
    let back = everywhere;
    commit(&*storage, [Write::PutPlugin(back.clone()), remove("b", "one.example")]).await.unwrap();
    assert_eq!(storage.plugins().await.unwrap(), [other, back]);
    // What is not there can be removed too.
    commit(&*storage, [remove("a", "one.example"), remove("a", "*"), remove("b", "*")]).await.unwrap();
    assert_eq!(storage.plugins().await.unwrap(), []);
}

/// The error names it, and nothing of the batch is kept.
pub async fn a_plugin_needs_its_component(place: &dyn Place) {
    let storage = place.open().await;
    let early = [Write::PutPlugin(plugin("p", "*", 1, None)), component(1)];
    for writes in [early.to_vec(), early[..1].to_vec()] {
        let writes = [set(OWNER, "k", "v")].into_iter().chain(writes);
        let error = commit(&*storage, writes).await.unwrap_err();
        assert!(matches!(error, Error::NoComponent(sha256) if sha256 == digest(1)), "{error:?}");
        assert!(error.to_string().contains("0102030405"), "{error}");
        assert_eq!(storage.plugins().await.unwrap(), []);
        assert!(components(&*storage).await.is_empty());
        assert_eq!(get(&*storage, "k").await, None);
    }
}

/// Where there is one already, the first bytes stay.
pub async fn components_are_kept_by_digest(place: &dyn Place) {
    let storage = place.open().await;
    assert_eq!(storage.component(&digest(1)).await.unwrap(), None);
    let other_bytes = Write::PutComponent { sha256: digest(1), bytes: b"other".to_vec() };
    commit(&*storage, [component(1), component(2), other_bytes.clone()]).await.unwrap();
    commit(&*storage, [other_bytes]).await.unwrap();
    assert_eq!(components(&*storage).await, [1, 2]);
    let large: Vec<u8> = (0..20 << 20).map(|n: u32| (n % 251) as u8).collect();
    commit(&*storage, [Write::PutComponent { sha256: digest(3), bytes: large.clone() }]).await.unwrap();
    assert!(storage.component(&digest(3)).await.unwrap().unwrap() == large);
}

/// A component stays for as long as some plugin runs it or could go back to it.
pub async fn components_go_with_the_last_plugin_that_names_them(place: &dyn Place) {
    let storage = place.open().await;
    let storage = &*storage;
    let put = |scope: &str, seed, previous| Write::PutPlugin(plugin("p", scope, seed, previous));
    commit(storage, [component(1), component(2)]).await.unwrap();
    assert_eq!(components(storage).await, [1, 2], "none was put or removed yet");
    // The second is named only after the first was put.
    commit(storage, [component(1), component(2), put("*", 1, None), put("a.example", 2, None)])
        .await
        .unwrap();
    assert_eq!(components(storage).await, [1, 2]);
    commit(storage, [component(3), component(4), put("*", 3, Some(1))]).await.unwrap();
    assert_eq!(components(storage).await, [1, 2, 3], "nobody names the fourth");
    commit(storage, [component(4), put("*", 4, Some(3))]).await.unwrap();
    assert_eq!(components(storage).await, [2, 3, 4]);
    commit(storage, [put("a.example", 4, None)]).await.unwrap();
    assert_eq!(components(storage).await, [3, 4]);
    commit(storage, [remove("p", "*")]).await.unwrap();
    assert_eq!(components(storage).await, [4]);
    let failing = [remove("p", "a.example"), swap("absent", Some(b"x"), b"y")];
    assert!(is_conflict(&commit(storage, failing).await));
    assert_eq!(components(storage).await, [4]);
    commit(storage, [remove("p", "a.example")]).await.unwrap();
    assert!(components(storage).await.is_empty());
}
