//! RFC 6121, section 4.

use super::parse_priority;
use crate::testing::{World, jid};
use waxwing_xmpp::{Condition, Stanza};

#[test]
fn priorities_are_small_numbers() {
    let priority = |inner: &str| {
        parse_priority(&Stanza::parse(&format!("<presence>{inner}</presence>")).unwrap())
            .map_err(|e| e.condition)
    };
    assert_eq!(priority(""), Ok(0));
    assert_eq!(priority("<show>away</show><priority>5</priority>"), Ok(5));
    assert_eq!(priority("<priority> -128\n</priority>"), Ok(-128));
    assert_eq!(priority("<priority>127</priority>"), Ok(127));
    assert_eq!(priority("<priority xmlns='urn:other'>high</priority>"), Ok(0));
    for bad in ["", "128", "-129", "high", "1.5", "1 2"] {
        assert_eq!(priority(&format!("<priority>{bad}</priority>")), Err(Condition::BadRequest), "{bad}");
    }
    assert_eq!(priority("<priority>1</priority><priority>2</priority>"), Err(Condition::BadRequest));
}

#[tokio::test]
async fn contacts_and_own_resources_see_presence_come_change_and_go() {
    let world = World::new().await;
    world.befriend("romeo@verona.lit", "juliet@verona.lit").await;
    let juliet = world.online("juliet@verona.lit/balcony").await;
    let other = world.online("juliet@verona.lit/chamber").await;
    let silent = world.login("juliet@verona.lit/silent").await;
    let stranger = world.online("tybalt@verona.lit/street").await;
    juliet.received();

    let romeo = world.login("romeo@verona.lit/orchard").await;
    romeo.send("<presence id='p'><show>dnd</show><priority>1</priority></presence>").await;
    let seen =
        "<presence from='romeo/orchard' to='juliet' id='p'><show>dnd</show><priority>1</priority></presence>";
    assert_eq!(juliet.got(), [seen]);
    assert_eq!(other.got(), [seen]);
    assert!(silent.got().is_empty() && stranger.got().is_empty());
    assert_eq!(
        romeo.got(),
        [
            "<presence from='romeo/orchard' to='romeo' id='p'><show>dnd</show><priority>1</priority></presence>",
            "<presence from='juliet/balcony' to='romeo/orchard'/>",
            "<presence from='juliet/chamber' to='romeo/orchard'/>",
        ]
    );

    let second = world.login("romeo@verona.lit/street").await;
    second.send("<presence/>").await;
    assert_eq!(romeo.got(), ["<presence from='romeo/street' to='romeo'/>"]);
    assert!(second.got()[1].starts_with("<presence from='romeo/orchard' to='romeo/street' id='p'>"));
    juliet.received();

    romeo.send("<presence><show>away</show></presence>").await;
    assert_eq!(juliet.got(), ["<presence from='romeo/orchard' to='juliet'><show>away</show></presence>"]);
    assert_eq!(romeo.got().len(), 1, "no probes again");
    second.received();

    romeo.send("<presence type='unavailable'><status>Bye</status></presence>").await;
    let gone =
        "<presence from='romeo/orchard' to='juliet' type='unavailable'><status>Bye</status></presence>";
    assert_eq!(juliet.got(), [gone]);
    assert_eq!(second.got(), [gone.replace("to='juliet'", "to='romeo'")]);
    assert_eq!(romeo.got(), [gone.replace("to='juliet'", "to='romeo'")]);
    romeo.send("<presence type='unavailable'/>").await;
    assert!(romeo.got().is_empty() && juliet.got().is_empty(), "it was not available");
    romeo.leave().await;
    assert!(juliet.got().is_empty(), "it was gone already");

    second.leave().await;
    assert_eq!(juliet.got(), ["<presence from='romeo/street' to='juliet' type='unavailable'/>"]);
}

#[tokio::test]
async fn a_bad_priority_makes_nobody_available() {
    let world = World::new().await;
    let romeo = world.login("romeo@verona.lit/orchard").await;
    assert!(romeo.ask("<presence><priority>1000</priority></presence>").await.contains("<bad-request "));
    assert_eq!(romeo.session.priority(), None);
}

#[tokio::test]
async fn those_who_got_directed_presence_hear_of_the_end() {
    let world = World::new().await;
    world.befriend("romeo@verona.lit", "juliet@verona.lit").await;
    let juliet = world.online("juliet@verona.lit/balcony").await;
    let tybalt = world.online("tybalt@verona.lit/street").await;
    let paris = world.online("paris@verona.lit/square").await;
    let romeo = world.online("romeo@verona.lit/orchard").await;
    juliet.received();

    for to in ["juliet@verona.lit", "tybalt@verona.lit/street", "paris@verona.lit"] {
        romeo.send(&format!("<presence to='{to}'/>")).await;
    }
    assert_eq!(tybalt.got(), ["<presence from='romeo/orchard' to='tybalt/street'/>"]);
    assert_eq!(paris.got(), ["<presence from='romeo/orchard' to='paris'/>"]);
    romeo.send("<presence to='paris@verona.lit' type='unavailable'/>").await;
    assert_eq!(paris.got(), ["<presence from='romeo/orchard' to='paris' type='unavailable'/>"]);
    juliet.received();

    romeo.leave().await;
    assert_eq!(tybalt.got(), ["<presence from='romeo/orchard' to='tybalt/street' type='unavailable'/>"]);
    assert_eq!(juliet.got().len(), 1, "once, by broadcast");
    assert!(paris.got().is_empty(), "was told before");

    let hidden = world.login("romeo@verona.lit/orchard").await;
    hidden.send("<presence to='tybalt@verona.lit/street'/>").await;
    tybalt.received();
    hidden.leave().await;
    assert_eq!(tybalt.got(), ["<presence from='romeo/orchard' to='tybalt/street' type='unavailable'/>"]);
}

#[tokio::test]
async fn directed_presence_is_not_without_end() {
    let world = World::new().await;
    let romeo = world.login("romeo@verona.lit/orchard").await;
    for room in 0..super::MAX_DIRECTED {
        assert_eq!(romeo.ask(&format!("<presence to='x{room}@verona.lit'/>")).await, "");
    }
    assert!(romeo.ask("<presence to='more@verona.lit'/>").await.contains("<resource-constraint "));
    assert_eq!(romeo.ask("<presence to='x1@verona.lit'/>").await, "", "again to one that is known");
}

#[tokio::test]
async fn probes_are_answered_to_those_who_may_see() {
    let world = World::new().await;
    world.befriend("romeo@verona.lit", "juliet@verona.lit").await;
    world.account("paris@verona.lit").await;
    let romeo = world.online("romeo@verona.lit/orchard").await;
    let probe = |to: &str| format!("<presence to='{to}' type='probe'/>");
    romeo.send(&probe("juliet@verona.lit")).await;
    assert_eq!(romeo.got(), ["<presence from='juliet' to='romeo/orchard' type='unavailable'/>"]);

    let juliet = world.online("juliet@verona.lit/balcony").await;
    juliet.send("<presence><show>chat</show></presence>").await;
    romeo.received();
    let there = "<presence from='juliet/balcony' to='romeo/orchard'><show>chat</show></presence>";
    for to in ["juliet@verona.lit", "juliet@verona.lit/balcony"] {
        romeo.send(&probe(to)).await;
        assert_eq!(romeo.got(), [there]);
    }
    romeo.send(&probe("juliet@verona.lit/chamber")).await;
    assert_eq!(romeo.got(), ["<presence from='juliet/chamber' to='romeo/orchard' type='unavailable'/>"]);
    romeo.send(&probe("romeo@verona.lit")).await;
    assert_eq!(romeo.got(), ["<presence from='romeo/orchard' to='romeo/orchard'/>"]);

    // `unsubscribed` changes nothing for him, and so is not delivered: he learns nothing.
    for to in ["paris@verona.lit", "nobody@verona.lit", "paris@verona.lit/x", "verona.lit"] {
        romeo.send(&probe(to)).await;
        assert!(romeo.got().is_empty(), "{to}");
    }
    let paris = world.online("paris@verona.lit/square").await;
    paris.send("<presence to='romeo@verona.lit/orchard'/>").await;
    romeo.received();
    romeo.send(&probe("paris@verona.lit/square")).await;
    assert_eq!(romeo.got(), ["<presence from='paris/square' to='romeo/orchard'/>"]);
}

#[tokio::test]
async fn rosters_that_differ_are_set_right_by_the_probe() {
    let world = World::new().await;
    world.befriend("romeo@verona.lit", "juliet@verona.lit").await;
    let juliet = world.online("juliet@verona.lit/balcony").await;
    // As if the server had stopped between the two rosters.
    world
        .edit_roster(&jid("juliet@verona.lit"), |roster| {
            let mut item = roster.item("romeo@verona.lit").cloned().unwrap();
            item.from = false;
            Ok(crate::roster::Edit {
                change: crate::roster::Change::Put(item),
                push: false,
                first: None,
                answer: (),
            })
        })
        .await
        .unwrap();
    let romeo = world.online("romeo@verona.lit/orchard").await;
    assert_eq!(world.state("romeo@verona.lit", "juliet@verona.lit").await, "from");
    assert_eq!(juliet.got().len(), 1, "he still shows her his presence");
    drop(romeo);
}

#[tokio::test]
async fn presence_for_nobody_is_ignored() {
    let world = World::new().await;
    world.account("juliet@verona.lit").await;
    let romeo = world.online("romeo@verona.lit/orchard").await;
    for to in ["juliet@verona.lit", "juliet@verona.lit/x", "nobody@verona.lit", "verona.lit"] {
        for ty in ["", "type='unavailable'", "type='error'"] {
            assert_eq!(romeo.ask(&format!("<presence to='{to}' {ty}/>")).await, "");
        }
    }
    assert!(romeo.ask("<presence type='subscribe'/>").await.contains("<bad-request "));
    assert!(romeo.ask("<presence to='juliet@elsewhere.lit'/>").await.contains("<remote-server-not-found "));
}

#[tokio::test]
async fn errors_go_to_the_session_that_they_name() {
    let world = World::new().await;
    let romeo = world.online("romeo@verona.lit/orchard").await;
    let tybalt = world.online("tybalt@verona.lit/street").await;
    romeo.send("<presence to='tybalt@verona.lit/street'/>").await;
    tybalt.received();
    let error = "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";
    tybalt.send(&format!("<presence to='romeo@verona.lit' type='error'>{error}</presence>")).await;
    assert!(romeo.got().is_empty());
    tybalt.send(&format!("<presence to='romeo@verona.lit/orchard' type='error'>{error}</presence>")).await;
    assert_eq!(romeo.got().len(), 1);
    romeo.leave().await;
    assert!(tybalt.got().is_empty(), "whoever answers with an error is told nothing more");
}

#[tokio::test]
async fn a_presence_that_comes_after_the_end_makes_no_ghost() {
    let world = World::new().await;
    world.befriend("romeo@verona.lit", "juliet@verona.lit").await;
    let juliet = world.online("juliet@verona.lit/balcony").await;
    let romeo = world.login("romeo@verona.lit/orchard").await;
    romeo.leave().await;
    romeo.send("<presence/>").await;
    romeo.send("<presence to='juliet@verona.lit/balcony'/>").await;
    assert!(juliet.got().is_empty());
}

#[tokio::test]
async fn a_presence_that_crosses_the_end_is_followed_by_the_end() {
    let world = World::new().await;
    world.befriend("romeo@verona.lit", "juliet@verona.lit").await;
    let juliet = world.online("juliet@verona.lit/balcony").await;
    for _ in 0..20 {
        let romeo = world.login("romeo@verona.lit/orchard").await;
        tokio::join!(romeo.send("<presence/>"), romeo.leave());
        let seen = juliet.got();
        assert!(seen.last().is_none_or(|last| last.contains("type='unavailable'")), "{seen:?}");
    }
}

/// A contact that was shown the presence by a probe, while nothing else had asked for the roster.
#[tokio::test]
async fn contacts_hear_of_the_end_also_when_the_storage_is_away() {
    let world = World::new().await;
    world.befriend("romeo@verona.lit", "juliet@verona.lit").await;
    let juliet = world.online("juliet@verona.lit/balcony").await;
    let romeo = world.login("romeo@verona.lit/orchard").await;
    // As after a first presence for which the roster could not be read.
    romeo.session.set_presence(Some((0, Stanza::parse("<presence/>").unwrap())));
    juliet.send("<presence type='probe' to='romeo@verona.lit'/>").await;
    assert_eq!(juliet.got(), ["<presence from='romeo/orchard' to='juliet/balcony'/>"]);
    world.storage.close().await.unwrap();
    romeo.leave().await;
    assert_eq!(juliet.got(), ["<presence from='romeo/orchard' to='juliet' type='unavailable'/>"]);
}
