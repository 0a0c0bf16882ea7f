//! Plugins that are installed while the server runs, with a real database.

#[path = "../common/mod.rs"]
mod common;
mod failures;
mod world;

use common::{JULIET, VHOST};
use std::collections::{BTreeMap, BTreeSet};
use waxwing_plugins::*;
use world::*;

const ACCOUNT: &str = "juliet@capulet.example";

fn interfaces<const N: usize>(names: [&str; N]) -> Interfaces {
    Interfaces::named(names).unwrap()
}

fn setting(key: &str, value: &str) -> (String, Vec<String>) {
    (key.into(), vec![value.into()])
}

#[tokio::test]
async fn a_plugin_is_installed_with_what_it_is_allowed_and_survives_a_restart() {
    assert!(JULIET.starts_with(ACCOUNT));
    let world = World::new().await;
    assert!(world.catalogue.start().await.unwrap().is_empty());
    let asked = question(world.catalogue.install(bytes("greeter"), Wish::default()).await.unwrap());
    assert_eq!((&*asked.name, &*asked.version, asked.replaces), ("greeter", "0.1.0", None));
    assert_eq!(asked.summary, "Greets whoever asks.");
    assert_eq!(asked.missing.allow, interfaces(["process", "stanzas"]));
    assert!(asked.asks.iter().any(|sentence| sentence.contains("answer requests")), "{:?}", asked.asks);
    let shown = "be shown IQs of type get with <greet xmlns='urn:test:greeter'> to the server";
    assert_eq!(asked.reach, Reach::from([shown.to_owned()]));
    assert_eq!((world.greeting().await, world.rows().await.len()), ("nobody".into(), 0));

    let (grants, settings) = (asked.missing, vec![setting("greeting", "Hi")]);
    let wish = Wish { grants, settings, ..Wish::default() };
    let unseen = question(world.catalogue.install(bytes("greeter"), wish.clone()).await.unwrap());
    assert!(unseen.asks.is_empty() && unseen.reach == asked.reach, "what it is shown takes a yes, too");
    let wish = Wish { reach: asked.reach, ..wish };
    let said = done(world.catalogue.install(bytes("greeter"), wish.clone()).await.unwrap()).to_string();
    assert_eq!(said, "greeter 0.1.0 is installed and runs for all virtual hosts");
    assert_eq!(world.greeting().await, "Hi");
    assert!(world.engine.features(VHOST).contains(&"urn:test:greeter".to_owned()));
    let error = world.catalogue.install(bytes("greeter_two"), wish).await.unwrap_err();
    assert!(error.to_string().contains("waxwing plugin upgrade"), "{error}");

    let world = world.restarted().await;
    assert_eq!(world.greeting().await, "Hi");
    assert_eq!(world.manifest().await.grants.allow, interfaces(["process", "stanzas"]));
}

#[tokio::test]
async fn an_upgrade_that_asks_for_more_waits_for_a_yes_to_exactly_that() {
    let world = World::new().await;
    world.install("greeter", Wish::default()).await;
    let upgrade = |agreed: Consent| {
        let catalogue = world.catalogue.clone();
        async move { catalogue.upgrade(bytes("greeter_two"), None, None, &agreed).await.unwrap() }
    };
    let asked = question(upgrade(Consent::default()).await);
    assert_eq!(asked.replaces.as_deref(), Some("0.1.0"));
    assert_eq!(asked.missing.allow, interfaces(["storage"]));
    assert_eq!(asked.asks.len(), 2, "storage and how much of it: {:?}", asked.asks);
    assert_eq!((world.greeting().await, world.manifest().await.version), ("Hello".into(), "0.1.0".into()));

    // Whoever agrees to everything grants what is asked for.
    let said = done(upgrade(Consent::to_everything()).await).to_string();
    assert_eq!(said, "greeter is upgraded from 0.1.0 to 0.2.0 for all virtual hosts");
    assert_eq!(world.greeting().await, "Hello 1");
    let manifest = world.manifest().await;
    assert_eq!(manifest.grants.allow, interfaces(["process", "stanzas", "storage"]));
    assert_eq!(manifest.grants.stores, BTreeMap::from([("*".into(), STORE_BYTES)]));
    assert_eq!(done(upgrade(Consent::default()).await).what, What::AlreadyThere);

    let world = world.restarted().await;
    assert_eq!(world.greeting().await, "Hello 2");
    let back = world.catalogue.rollback(&greeter()).await.unwrap();
    assert_eq!((back.what, &*back.version), (What::RolledBack { from: "0.2.0".into() }, "0.1.0"));
    assert_eq!(world.greeting().await, "Hello");
    let world = world.restarted().await;
    assert_eq!(world.greeting().await, "Hello");
    assert!(matches!(world.catalogue.rollback(&greeter()).await, Err(CatalogueError::NoPrevious(_))));
}

#[tokio::test]
async fn settings_are_changed_if_the_plugin_takes_them() {
    let world = World::new().await;
    world.install("greeter", Wish::default()).await;
    let set =
        |key: &str, value: &str| SettingChange { set: vec![setting(key, value)], ..SettingChange::default() };
    world.catalogue.set(&greeter(), &set("greeting", "Good day")).await.unwrap();
    assert_eq!(world.greeting().await, "Good day");
    let error = world.catalogue.set(&greeter(), &set("greting", "x")).await.unwrap_err();
    assert!(error.to_string().contains("no setting greting"), "{error}");
    assert_eq!(world.greeting().await, "Good day");
    let world = world.restarted().await;
    assert_eq!(world.greeting().await, "Good day");
    let unset = SettingChange { unset: BTreeSet::from(["greeting".into()]), ..SettingChange::default() };
    world.catalogue.set(&greeter(), &unset).await.unwrap();
    assert_eq!(world.greeting().await, "Hello");
    assert!(world.manifest().await.settings.is_empty());
}

#[tokio::test]
async fn grants_are_given_and_taken_but_not_those_that_it_needs() {
    let world = World::new().await;
    let grants = Grants { allow: interfaces(["storage", "router"]), ..Grants::default() };
    let stores = BTreeMap::from([("counts".to_owned(), 1000)]);
    let wish = Wish { grants: Grants { stores: stores.clone(), ..grants }, ..Wish::default() };
    world.install("greeter_two", wish).await;
    assert_eq!(world.manifest().await.grants.stores, stores);
    let take = |name| GrantChange::interfaces(Interfaces::NONE, interfaces([name]));
    let error = world.catalogue.grant(&greeter(), &take("storage")).await.unwrap_err();
    assert!(error.to_string().contains("with `storage` it may keep data"), "{error}");
    assert_eq!(world.greeting().await, "Hello 1");

    let change = GrantChange {
        limits: BTreeMap::from([("memory".into(), Some(8 << 20)), ("instances".into(), Some(2))]),
        policy: Some(Policy::Drop),
        fresh: Some(true),
        ..take("router")
    };
    world.catalogue.grant(&greeter(), &change).await.unwrap();
    assert_eq!(world.greeting().await, "Hello 2");
    let world = world.restarted().await;
    let entry = world.catalogue.list().await.unwrap().remove(0);
    assert_eq!(entry.grants.allow, interfaces(["process", "stanzas", "storage"]));
    assert_eq!((entry.limits.memory, entry.limits.instances, entry.fresh), (8 << 20, 2, true));
    assert_eq!(entry.policy, Policy::Drop);

    // A store that is full or gone is one, from the next call on.
    let gone = Grants { stores, ..Grants::default() };
    world.catalogue.grant(&greeter(), &GrantChange { take: gone, ..GrantChange::default() }).await.unwrap();
    assert!(world.greeting().await.contains("Reject"), "{}", world.greeting().await);
    for (name, value) in [("memory", Some(0)), ("memroy", Some(1))] {
        let limits = BTreeMap::from([(name.to_owned(), value)]);
        let change = GrantChange { limits, ..GrantChange::default() };
        let error = world.catalogue.grant(&greeter(), &change).await.unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[tokio::test]
async fn what_is_disabled_rests_with_all_that_it_has() {
    let world = World::new().await;
    world.install("greeter", Wish { settings: vec![setting("greeting", "Hi")], ..Wish::default() }).await;
    world.catalogue.disable(&greeter()).await.unwrap();
    assert_eq!(world.greeting().await, "nobody");
    // It can be changed meanwhile, within what it would accept.
    let set = SettingChange { set: vec![setting("greeting", "Ho")], ..SettingChange::default() };
    world.catalogue.set(&greeter(), &set).await.unwrap();
    assert_eq!(world.greeting().await, "nobody");
    let world = world.again(Vec::new()).await;
    assert!(world.catalogue.start().await.unwrap().is_empty());
    assert_eq!(world.greeting().await, "nobody");
    let entry = world.catalogue.list().await.unwrap().remove(0);
    assert!(entry.running.is_none() && entry.trouble.is_none());
    let said = world.catalogue.enable(&greeter()).await.unwrap().to_string();
    assert_eq!(said, "greeter 0.1.0 runs for all virtual hosts");
    assert_eq!(world.greeting().await, "Ho");
    assert_eq!(world.restarted().await.greeting().await, "Ho");
}

#[tokio::test]
async fn data_stays_unless_it_is_to_be_erased() {
    let world = World::new().await;
    let wish = || {
        let grants = Grants {
            stores: BTreeMap::from([("*".into(), 1000)]),
            allow: interfaces(["storage"]),
            ..Grants::default()
        };
        Wish { grants, ..Wish::default() }
    };
    world.install("greeter_two", wish()).await;
    assert_eq!((world.greeting().await, world.greeting().await), ("Hello 1".into(), "Hello 2".into()));
    world.catalogue.remove(&greeter(), false).await.unwrap();
    assert_eq!((world.greeting().await, world.rows().await.len()), ("nobody".into(), 0));
    assert_eq!(world.value("greeter/counts", ACCOUNT, "n").await.as_deref(), Some("2"));

    world.install("greeter_two", wish()).await;
    assert_eq!(world.greeting().await, "Hello 3");
    world.install("greeter", Wish { vhosts: vec![OTHER.into()], ..Wish::default() }).await;
    let error = world.catalogue.remove(&greeter_at("*"), true).await.unwrap_err();
    assert!(error.to_string().contains(OTHER), "{error}");
    assert_eq!((world.greeting().await, world.rows().await.len()), ("Hello 4".into(), 2));
    world.catalogue.remove(&greeter_at(OTHER), false).await.unwrap();
    world.catalogue.remove(&greeter(), true).await.unwrap();
    assert_eq!(world.value("greeter/counts", ACCOUNT, "n").await, None);
    world.install("greeter_two", wish()).await;
    assert_eq!(world.restarted().await.greeting().await, "Hello 1");
}

#[tokio::test]
async fn virtual_hosts_can_have_versions_of_their_own() {
    let world = World::new().await;
    let both = Wish { vhosts: vec![VHOST.to_uppercase(), OTHER.into(), OTHER.into()], ..Wish::default() };
    let said = world.install("greeter", both).await;
    assert_eq!(said.scopes, [VHOST, OTHER]);
    let upgrade = |scope: Option<&str>| {
        world.catalogue.upgrade(bytes("greeter_two"), Some("greeter"), scope.map(str::to_owned), &STORAGE)
    };
    static STORAGE: std::sync::LazyLock<Consent> = std::sync::LazyLock::new(Consent::to_everything);
    let error = upgrade(None).await.unwrap_err();
    assert!(error.to_string().contains(OTHER) && error.to_string().contains("--vhost"), "{error}");
    done(upgrade(Some(OTHER)).await.unwrap());
    let world = world.restarted().await;
    assert_eq!(world.greeting().await, "Hello");
    assert_eq!(world.greeting_at(OTHER).await, "Hello 1");
    world.catalogue.disable(&greeter_at(VHOST)).await.unwrap();
    assert_eq!(world.greeting().await, "nobody");
    assert_eq!(world.greeting_at(OTHER).await, "Hello 2");

    let nowhere = Wish { vhosts: vec!["elsewhere.example".into()], ..Wish::default() };
    let error = world.catalogue.install(bytes("greeter"), allowed(nowhere)).await.unwrap_err();
    assert!(matches!(error, CatalogueError::NoVhost(domain) if domain == "elsewhere.example"));
    // One for all may stand beside those for some, which go before it, and keep it away while they rest.
    world.install("greeter", Wish { settings: vec![setting("greeting", "All")], ..Wish::default() }).await;
    assert_eq!(world.greeting().await, "nobody");
    assert_eq!(world.greeting_at(OTHER).await, "Hello 3");
    let world = world.restarted().await;
    assert_eq!(world.greeting().await, "nobody");
    world.catalogue.enable(&greeter_at(VHOST)).await.unwrap();
    assert_eq!(world.greeting().await, "Hello");
    world.catalogue.disable(&greeter_at(VHOST)).await.unwrap();
    world.catalogue.remove(&greeter_at(VHOST), false).await.unwrap();
    assert_eq!(world.greeting().await, "All");
}
