use super::*;
use crate::testing::{World, jid};
use crate::vhosts::VhostError;

fn pairs(changes: &[(&str, &str)]) -> Vec<(String, String)> {
    changes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// `a.example` is green's, who is helped by blue; kim on it owns `b.example` and helps with `c.example`.
async fn tenants() -> World {
    let world = World::with(|settings| settings.admins = vec!["ops@a.example".into()]).await;
    for (domain, owner, admins) in [
        ("a.example", "green@verona.lit", "blue@verona.lit"),
        ("b.example", "kim@a.example", ""),
        ("c.example", "", "kim@a.example, newbie@a.example"),
    ] {
        world.add_vhost(domain, &pairs(&[("owner", owner), ("admins", admins)])).await.unwrap();
    }
    world.change_vhost("verona.lit", &pairs(&[("admins", "red@verona.lit")])).await.unwrap();
    world
}

#[tokio::test]
async fn whoever_manages_an_account_may_do_all_that_it_may() {
    let world = tenants().await;
    for (user, account, may) in [
        ("green@verona.lit/home", "tim@a.example", true),
        ("blue@verona.lit/home", "tim@a.example", true),
        ("red@verona.lit/home", "tim@a.example", false),
        ("red@verona.lit/home", "romeo@verona.lit", true),
        // They would come to other domains by way of these.
        ("red@verona.lit/home", "green@verona.lit", false),
        ("green@verona.lit/home", "kim@a.example", false),
        ("green@verona.lit/home", "newbie@a.example", false),
        ("green@verona.lit/home", "ops@a.example", false),
        ("kim@a.example/home", "kim@a.example", false),
        ("ops@a.example/home", "kim@a.example", true),
        // The admin socket.
        ("verona.lit", "ops@a.example", true),
    ] {
        assert_eq!(world.may_manage(&jid(user), &jid(account)), may, "{user} {account}");
    }
    // With the same rights, and with more.
    world.change_vhost("a.example", &pairs(&[("admins", "blue@verona.lit, tim@a.example")])).await.unwrap();
    assert!(world.may_manage(&jid("blue@verona.lit/home"), &jid("tim@a.example")));
    assert!(world.may_manage(&jid("green@verona.lit/home"), &jid("tim@a.example")));
    // One's own.
    assert!(world.may_manage(&jid("tim@a.example/home"), &jid("tim@a.example")));
}

#[tokio::test]
async fn nobody_erases_those_who_rank_higher() {
    let world = tenants().await;
    for account in ["ops@a.example", "kim@a.example", "tim@a.example"] {
        world.account(account).await;
    }
    let green = jid("green@verona.lit/home");
    let Err(VhostError::Above(above)) = world.remove_vhost_by(Some(&green), "a.example", true).await else {
        panic!("erased")
    };
    assert_eq!(above, [jid("kim@a.example"), jid("ops@a.example")]);
    assert!(world.vhost("a.example").unwrap().enabled());
    assert!(world.has_account(&jid("tim@a.example")).await.unwrap());
    world.remove_vhost_by(Some(&jid("ops@a.example/home")), "a.example", true).await.unwrap();
    assert!(!world.has_account(&jid("kim@a.example")).await.unwrap());
    // Whoever takes the name next has nothing of it.
    assert_eq!(world.authority_of(&jid("kim@a.example")), Authority::None);
}

#[tokio::test]
async fn some_settings_are_the_servers_and_none_goes_beyond_what_it_allows() {
    let world = World::with(|settings| {
        settings.vhost_max_users = 100;
        settings.vhost_tls_required = true;
    })
    .await;
    let changes = pairs(&[("owner", "green@verona.lit"), ("admins", "blue@verona.lit"), ("max-users", "50")]);
    world.add_vhost("a.example", &changes).await.unwrap();
    let (admin, green, blue) = (jid("verona.lit"), jid("green@verona.lit/x"), jid("blue@verona.lit/x"));
    for (user, key, value, why) in [
        (&green, "max-users", "0", "max-users: only an administrator of the server"),
        (&green, "without-plugins", "ping", "without-plugins: only an administrator of the server"),
        (&green, "tls-required", "false", "tls-required: this server takes TLS"),
        (&blue, "owner", "blue@verona.lit", "owner: only the owner"),
        (&admin, "max-users", "101", "max-users: a domain of this server has 100"),
    ] {
        let told = world.change_vhost_by(Some(user), "a.example", &pairs(&[(key, value)])).await.unwrap_err();
        assert!(told.to_string().starts_with(why), "{told}");
    }
    // What stays as it is may be sent along.
    let same = pairs(&[("max-users", "50"), ("owner", "green@verona.lit"), ("comment", "ours")]);
    world.change_vhost_by(Some(&blue), "a.example", &same).await.unwrap();
    world.change_vhost_by(Some(&admin), "a.example", &pairs(&[("max-users", "0")])).await.unwrap();
    assert_eq!(world.vhost("a.example").unwrap().max_users(), 100);

    let own = pairs(&[("owner", "green@verona.lit"), ("max-users", "0")]);
    world.add_vhost_by(Some(&green), "b.example", &own).await.unwrap();
    for (domain, changes) in [
        ("d.example", &[("owner", "green@verona.lit"), ("max-users", "5")][..]),
        ("d.example", &[("owner", "blue@verona.lit")]),
        ("d.example", &[]),
    ] {
        let told = world.add_vhost_by(Some(&green), domain, &pairs(changes)).await;
        assert!(matches!(told, Err(VhostError::Invalid(_))), "{changes:?}");
    }
}
