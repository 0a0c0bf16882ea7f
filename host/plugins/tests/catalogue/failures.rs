//! What goes wrong changes nothing, and what fails is put back.

use super::common::{VHOST, file, spec_of};
use super::world::*;
use super::{interfaces, setting};
use std::collections::BTreeSet;
use std::sync::Arc;
use waxwing_plugins::*;
use waxwing_storage::{InstalledPlugin, Write};

#[tokio::test]
async fn files_that_are_no_plugins() {
    let world = World::new().await;
    world.install("greeter", Wish::default()).await;
    let half: Arc<[u8]> = bytes("greeter")[..1000].into();
    let large: Arc<[u8]> = vec![0; (4 << 20) + 1].into();
    for bad in [Arc::from(*b"#!/bin/sh"), Arc::from(*b""), half, large] {
        let error = world.catalogue.install(bad.clone(), Wish::default()).await.unwrap_err().to_string();
        assert!(error.contains("cannot be used") || error.contains("plugin-file-bytes"), "{error}");
        assert!(world.catalogue.upgrade(bad, None, None, &Consent::to_everything()).await.is_err());
    }
    let other = world.catalogue.upgrade(bytes("greeter_two"), Some("ping"), None, &Consent::default()).await;
    assert!(
        matches!(other, Err(CatalogueError::Other { wanted, found }) if wanted == "ping" && found == "greeter")
    );
    let absent = Which { name: "ping".into(), scope: None };
    assert!(matches!(world.catalogue.disable(&absent).await, Err(CatalogueError::NotInstalled(_))));
    assert!(matches!(world.catalogue.rollback(&greeter()).await, Err(CatalogueError::NoPrevious(_))));
    let refused = Wish { vhosts: vec![OTHER.into()], settings: vec![setting("x", "y")], ..Wish::default() };
    let error = world.catalogue.install(bytes("greeter"), allowed(refused)).await.unwrap_err();
    assert!(matches!(error, CatalogueError::Load(_)), "{error}");
    assert_eq!((world.greeting().await, world.rows().await.len()), ("Hello".into(), 1));
}

#[tokio::test]
async fn what_cannot_be_kept_is_undone() {
    let world = World::new().await;
    let wish = allowed(Wish { vhosts: vec![VHOST.into(), OTHER.into()], ..Wish::default() });
    // It is looked up, then it is to be stored.
    world.break_after(1);
    let error = world.catalogue.install(bytes("greeter"), wish.clone()).await.unwrap_err();
    assert!(error.to_string().contains("nothing has changed"), "{error}");
    assert_eq!((world.greeting().await, world.engine.plugins().len()), ("nobody".into(), 0));
    world.mend();
    world.install("greeter", wish).await;
    let rows = world.rows().await;

    world.break_after(1);
    let agreed = Consent::to_everything();
    let upgrade = world.catalogue.upgrade(bytes("greeter_two"), None, Some(VHOST.into()), &agreed);
    assert!(matches!(upgrade.await, Err(CatalogueError::Storage(_))));
    assert_eq!(world.greeting().await, "Hello");
    assert!(world.engine.plugins().iter().all(|plugin| plugin.version == "0.1.0" && plugin.trial.is_none()));
    for change in ["disable", "remove", "set"] {
        // The component is read in between.
        world.break_after(if change == "set" { 2 } else { 1 });
        let set = SettingChange { set: vec![setting("greeting", "Ho")], ..SettingChange::default() };
        let failed = match change {
            "disable" => world.catalogue.disable(&greeter_at(VHOST)).await,
            "remove" => world.catalogue.remove(&greeter_at(VHOST), false).await,
            _ => world.catalogue.set(&greeter_at(VHOST), &set).await,
        };
        assert!(failed.is_err(), "{change}");
        world.mend();
        assert_eq!((world.greeting().await, world.rows().await), ("Hello".into(), rows.clone()), "{change}");
    }
}

#[tokio::test]
async fn a_version_that_fails_is_rolled_back_for_good() {
    let world = World::new().await;
    world.install("greeter", Wish::default()).await;
    let watch = tokio::spawn(world.catalogue.clone().watch());
    done(world.catalogue.upgrade(bytes("greeter_three"), None, None, &Consent::default()).await.unwrap());
    assert_eq!(world.manifest().await.version, "0.3.0");
    for _ in 0..3 {
        assert_eq!(world.greeting().await, "Hello", "no call is lost");
    }
    while world.manifest().await.version != "0.1.0" {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.manifest().await.previous_version, None, "nobody goes back to what has failed");
    assert!(matches!(world.catalogue.rollback(&greeter()).await, Err(CatalogueError::NoPrevious(_))));
    watch.abort();
    let world = world.restarted().await;
    assert_eq!((world.greeting().await, world.engine.plugins().len()), ("Hello".into(), 1));
}

#[tokio::test]
async fn a_change_made_after_a_rollback_is_not_undone_by_it() {
    let world = World::new().await;
    world.install("greeter", Wish::default()).await;
    done(world.catalogue.upgrade(bytes("greeter_three"), None, None, &Consent::default()).await.unwrap());
    for _ in 0..3 {
        world.greeting().await;
    }
    // Nobody has noted yet that it was rolled back.
    assert_eq!(world.manifest().await.version, "0.3.0");
    let agreed = Consent::to_everything();
    let said = done(world.catalogue.upgrade(bytes("greeter_two"), None, None, &agreed).await.unwrap());
    assert_eq!(said.what, What::Upgraded { from: "0.1.0".into() }, "it starts from what runs");
    world.catalogue.settle().await.unwrap();
    let set = SettingChange { set: vec![setting("greeting", "Ho")], ..SettingChange::default() };
    world.catalogue.set(&greeter(), &set).await.unwrap();
    let manifest = world.manifest().await;
    assert_eq!((world.greeting().await, &*manifest.version), ("Ho 1".into(), "0.2.0"));
    assert_eq!(manifest.previous_version.as_deref(), Some("0.1.0"));
}

#[tokio::test]
async fn what_has_been_taken_away_does_not_come_back() {
    let world = World::new().await;
    world.install("greeter", Wish::default()).await;
    let more = GrantChange::interfaces(interfaces(["router"]), Interfaces::NONE);
    world.catalogue.grant(&greeter(), &more).await.unwrap();
    let less = GrantChange::interfaces(Interfaces::NONE, interfaces(["router"]));
    world.catalogue.grant(&greeter(), &less).await.unwrap();
    assert_eq!(world.engine.plugins()[0].trial, None, "nobody stands by who may do more");
    assert_eq!(world.manifest().await.grants.allow, interfaces(["process", "stanzas"]));
}

#[tokio::test]
async fn what_the_config_file_lists_is_changed_there() {
    let path = file("greeter", &bytes("greeter"));
    let world = World::with(vec![spec_of("greeter", path.clone())]).await;
    let listed =
        |error: CatalogueError| assert!(error.to_string().contains("listed in the config file"), "{error}");
    listed(world.catalogue.install(bytes("greeter"), Wish::default()).await.unwrap_err());
    let upgrade =
        world.catalogue.upgrade(bytes("greeter_two"), None, None, &Consent::default()).await.unwrap_err();
    assert!(upgrade.to_string().contains("waxwing plugin reload greeter"), "{upgrade}");
    listed(world.catalogue.remove(&greeter(), false).await.unwrap_err());
    listed(world.catalogue.disable(&greeter()).await.unwrap_err());
    // A virtual host may have its own nevertheless.
    let own =
        Wish { vhosts: vec![OTHER.into()], settings: vec![setting("greeting", "Ours")], ..Wish::default() };
    world.install("greeter", own).await;
    assert_eq!((world.greeting().await, world.greeting_at(OTHER).await), ("Hello".into(), "Ours".into()));

    std::fs::write(&path, bytes("greeter_two")).unwrap();
    let said = world.catalogue.reload("greeter").await.unwrap().to_string();
    assert_eq!(said, "greeter 0.2.0 runs for all virtual hosts in the place of 0.1.0");
    assert_eq!(world.greeting().await, "Hello 1");
    std::fs::write(&path, "broken").unwrap();
    assert!(world.catalogue.reload("greeter").await.is_err());
    std::fs::remove_file(&path).unwrap();
    let error = world.catalogue.reload("greeter").await.unwrap_err();
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    assert_eq!(world.greeting().await, "Hello 2");
    let entries = world.catalogue.list().await.unwrap();
    assert_eq!(
        entries.iter().map(|entry| entry.kind == EntryKind::Listed).collect::<Vec<_>>(),
        [true, false]
    );
}

#[tokio::test]
async fn of_a_plugin_that_is_both_listed_and_installed_the_listed_one_runs() {
    let world = World::new().await;
    world.install("greeter", Wish { vhosts: vec![OTHER.into()], ..Wish::default() }).await;
    let domains = BTreeSet::from([OTHER.to_owned(), VHOST.to_owned()]);
    let spec =
        PluginSpec { scope: Scope::Only(domains), ..spec_of("greeter", file("greeter", &bytes("greeter"))) };
    let world = world.again(vec![spec]).await;
    let trouble = world.trouble().await;
    assert!(trouble.contains(&format!("waxwing plugin remove greeter --vhost {OTHER}")), "{trouble}");
    world.catalogue.remove(&greeter(), false).await.unwrap();
    assert!(world.catalogue.start().await.unwrap().is_empty());
}

#[tokio::test]
async fn one_that_does_not_start_is_named_with_what_helps() {
    let world = World::new().await;
    world.install("greeter", Wish { vhosts: vec![OTHER.into()], ..Wish::default() }).await;
    let row = world.rows().await.remove(0);
    // As after a new version of the server that refuses what this one has accepted.
    let manifest = row.manifest.replace("\"settings\":[]", "\"settings\":[[\"volume\",[\"11\"]]]");
    assert_ne!(manifest, row.manifest);
    world.write(Write::PutPlugin(InstalledPlugin { manifest, ..row.clone() })).await;
    let world = world.again(Vec::new()).await;
    // Others do.
    world.install("greeter", Wish::default()).await;
    let trouble = world.trouble().await;
    assert!(trouble.contains(&format!("waxwing plugin disable greeter --vhost {OTHER}")), "{trouble}");
    assert!(trouble.contains("volume"), "{trouble}");
    assert_eq!(world.greeting().await, "Hello");

    // A list says so, here and beside the stopped server.
    let is_told = async |world: &World| {
        let entries = world.catalogue.list().await.unwrap();
        entries.iter().any(|entry| entry.trouble.as_ref().is_some_and(|why| why.contains("volume")))
    };
    assert!(is_told(&world).await);
    let world = world.again(Vec::new()).await;
    world.catalogue.start_what_loads().await.unwrap();
    assert!(is_told(&world).await);
    world.catalogue.disable(&greeter_at(OTHER)).await.unwrap();
    assert!(!is_told(&world).await);
    world.catalogue.remove(&greeter_at(EVERYWHERE), false).await.unwrap();

    // What cannot even be read can be removed.
    world.write(Write::PutPlugin(InstalledPlugin { manifest: "{".into(), ..row })).await;
    let trouble = world.trouble().await;
    assert!(trouble.contains("waxwing plugin remove greeter"), "{trouble}");
    assert!(world.catalogue.list().await.unwrap().remove(0).trouble.is_some());
    world.catalogue.remove(&greeter(), false).await.unwrap();
    assert!(world.catalogue.list().await.unwrap().is_empty());
}
