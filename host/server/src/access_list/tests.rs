use super::*;
use crate::testing::{Client, World, jid};
use waxwing_xmpp::Condition;

async fn set(world: &World, list: AccessList, entries: &[&str]) -> Result<(), AccessListError> {
    let entries: Vec<String> = entries.iter().map(|entry| (*entry).to_owned()).collect();
    world.set_access_list(list, &entries).await
}

async fn world() -> World {
    World::with(|settings| {
        settings.admins = vec!["nurse@verona.lit".into()];
        settings.limits.access_list_entries = 3;
    })
    .await
}

#[tokio::test]
async fn administrators_come_and_go_at_once() {
    let world = world().await;
    world.account("romeo@verona.lit").await;
    let (nurse, romeo) = (jid("nurse@verona.lit/hall"), jid("romeo@verona.lit/orchard"));
    assert!(world.is_admin(&nurse) && !world.is_admin(&romeo));
    set(&world, AccessList::Administrators, &["Romeo@verona.lit"]).await.unwrap();
    // The config file's stay, whoever leaves them out.
    assert!(world.is_admin(&nurse) && world.is_admin(&romeo));
    assert_eq!(world.access_list(AccessList::Administrators), ["nurse@verona.lit", "romeo@verona.lit"]);
    for nobody in ["verona.lit", "romeo@verona.lit/orchard", "paris@verona.lit", "romeo@mantua.lit", "@"] {
        let told = set(&world, AccessList::Administrators, &[nobody]).await.unwrap_err().to_string();
        assert!(told.contains(nobody), "{told}");
    }
    assert!(AccessLists::load(&*world.storage).await.unwrap().administers(&romeo));
    set(&world, AccessList::Administrators, &["nurse@verona.lit"]).await.unwrap();
    assert!(world.is_admin(&nurse) && !world.is_admin(&romeo));
}

#[tokio::test]
async fn the_name_of_a_removed_administrator_has_no_rights() {
    let world = World::with(|settings| settings.vhosts[0].register = true).await;
    let romeo = world.account("romeo@verona.lit").await;
    set(&world, AccessList::Administrators, &["romeo@verona.lit"]).await.unwrap();
    assert!(world.above(&jid("juliet@verona.lit"), "verona.lit").contains(&romeo));
    world.remove_account(&romeo).await.unwrap();
    assert!(!world.is_admin(&romeo));
    assert!(!AccessLists::load(&*world.storage).await.unwrap().administers(&romeo));
    world.register(&romeo, "secret").await.unwrap();
    assert!(!world.is_admin(&romeo));
}

#[tokio::test]
async fn the_blacklist_works_in_both_directions() {
    let world = world().await;
    let passes = |a: &str, b: &str| {
        let both = [world.lists_admit(&jid(a), &jid(b)), world.lists_admit(&jid(b), &jid(a))];
        assert_eq!(both[0], both[1], "{a} {b}");
        both[0]
    };
    let juliet = "juliet@verona.lit/balcony";
    set(&world, AccessList::Blacklist, &["evil.example", "paris@mantua.lit", "tybalt@verona.lit"])
        .await
        .unwrap();
    for (other, admitted) in [
        ("a@evil.example", false),
        ("a@sub.evil.example/x", false),
        ("devil.example", true),
        ("paris@mantua.lit/x", false),
        ("benvolio@mantua.lit", true),
        ("tybalt@verona.lit/street", false),
    ] {
        assert_eq!(passes(juliet, other), admitted, "{other}");
    }
    // Of this server, the own account and the server itself can be reached, and nobody else.
    for (other, admitted) in
        [("tybalt@verona.lit", true), ("verona.lit", true), ("nurse@verona.lit/hall", false)]
    {
        assert_eq!(passes("tybalt@verona.lit/street", other), admitted, "{other}");
    }
    assert!(!passes("a@evil.example", "verona.lit"));
    for entry in ["nurse@verona.lit", "verona.lit", "paris@mantua.lit/x"] {
        assert!(set(&world, AccessList::Blacklist, &[entry]).await.is_err(), "{entry}");
    }
    let many = ["a.example", "b.example", "c.example", "d.example"];
    assert!(set(&world, AccessList::Blacklist, &many).await.is_err());
    // A domain above those of the server is not meant to shut these out.
    set(&world, AccessList::Blacklist, &["lit"]).await.unwrap();
    assert!(passes(juliet, "romeo@verona.lit") && passes(juliet, "bot.verona.lit"));
    assert!(!passes(juliet, "benvolio@mantua.lit"));
    set(&world, AccessList::Blacklist, &[]).await.unwrap();
    assert!(passes(juliet, "a@evil.example"));
}

#[tokio::test]
async fn a_whitelist_that_is_not_empty_shuts_out_all_others() {
    let world = world().await;
    set(&world, AccessList::Whitelist, &["mantua.lit", "bob@padua.lit"]).await.unwrap();
    let juliet = jid("juliet@verona.lit/balcony");
    for (other, admitted) in [
        ("a@mantua.lit", true),
        ("bob@padua.lit/x", true),
        ("padua.lit", false),
        ("romeo@verona.lit", true),
        ("bot.verona.lit", true),
        ("a@b.example", false),
    ] {
        assert_eq!(world.lists_admit(&juliet, &jid(other)), admitted, "{other}");
    }
    // On both lists: the blacklist is stronger.
    set(&world, AccessList::Blacklist, &["paris@mantua.lit"]).await.unwrap();
    assert!(!world.lists_admit(&juliet, &jid("paris@mantua.lit")));
}

#[tokio::test]
async fn refused_stanzas_go_back() {
    let world = world().await;
    let romeo = world.online("romeo@verona.lit/orchard").await;
    let tybalt = world.online("tybalt@verona.lit/street").await;
    set(&world, AccessList::Blacklist, &["tybalt@verona.lit"]).await.unwrap();
    for (from, to) in [(&romeo, &tybalt), (&tybalt, &romeo)] {
        let body = format!("<message to='{}' type='chat'><body>Hi</body></message>", to.session.jid);
        let answer = from.ask(&body).await;
        assert!(
            answer.contains("type='error'") && answer.contains(Condition::Forbidden.as_str()),
            "{answer}"
        );
        assert_eq!(to.received(), [""; 0]);
    }
}

/// What comes until nothing more does.
async fn got_at_last(client: &Client, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    while all.len() < count {
        tokio::task::yield_now().await;
        all.extend(client.received());
    }
    all
}

#[tokio::test]
async fn blacklisted_users_go_offline_for_the_others() {
    let world = world().await;
    world.befriend("tybalt@verona.lit", "romeo@verona.lit").await;
    let romeo = world.online("romeo@verona.lit/orchard").await;
    let juliet = world.online("juliet@verona.lit/balcony").await;
    let tybalt = world.online("tybalt@verona.lit/street").await;
    juliet.send("<presence to='tybalt@verona.lit/street'/>").await;
    for client in [&romeo, &juliet, &tybalt] {
        client.received();
    }
    set(&world, AccessList::Blacklist, &["tybalt@verona.lit"]).await.unwrap();
    let gone = |from: &str, to: &str| format!("<presence from='{from}' to='{to}' type='unavailable'/>");
    assert_eq!(got_at_last(&romeo, 1).await, [gone("tybalt@verona.lit/street", "romeo@verona.lit")]);
    assert_eq!(
        got_at_last(&tybalt, 2).await,
        [
            gone("romeo@verona.lit/orchard", "tybalt@verona.lit"),
            gone("juliet@verona.lit/balcony", "tybalt@verona.lit/street")
        ]
    );
    // A session that comes later does not see him either.
    let street = world.online("romeo@verona.lit/street").await;
    street.send("<presence/>").await;
    assert!(!street.received().iter().any(|xml| xml.contains("tybalt")));
    assert_eq!(juliet.received(), [""; 0]);
}
