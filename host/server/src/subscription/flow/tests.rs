//! RFC 6121, section 3, between accounts.

use crate::testing::World;

const ROMEO: &str = "romeo@verona.lit";
const JULIET: &str = "juliet@verona.lit";

fn to(contact: &str, ty: &str) -> String {
    format!("<presence to='{contact}@verona.lit' type='{ty}'/>")
}

fn push(who: &str, version: u64, item: &str) -> String {
    format!(
        "<iq to='{who}' type='set' id='roster-{version}'><query xmlns='roster' ver='*'>{item}</query></iq>"
    )
}

#[tokio::test]
async fn two_people_subscribe_to_each_other() {
    let world = World::new().await;
    let (romeo, juliet) =
        (world.online("romeo@verona.lit/orchard").await, world.online("juliet@verona.lit/balcony").await);
    let idle = world.login("juliet@verona.lit/idle").await;

    romeo
        .send(
            "<presence to='juliet@verona.lit/balcony' type='subscribe' id='1'><status>Hi</status></presence>",
        )
        .await;
    assert_eq!(
        romeo.got(),
        [push("romeo/orchard", 1, "<item jid='juliet' subscription='none' ask='subscribe'/>")]
    );
    let request = "<presence from='romeo' to='juliet' type='subscribe' id='1'><status>Hi</status></presence>";
    assert_eq!(juliet.got(), [request], "bare addresses, everything inside kept, no push");
    assert_eq!(world.state(JULIET, ROMEO).await, "none+in+hidden");
    assert!(idle.got().is_empty());

    juliet.send(&to("romeo", "subscribed")).await;
    assert_eq!(juliet.got(), [push("juliet/balcony", 2, "<item jid='romeo' subscription='from'/>")]);
    assert_eq!(
        romeo.got(),
        [
            "<presence from='juliet' to='romeo' type='subscribed'/>".to_owned(),
            push("romeo/orchard", 2, "<item jid='juliet' subscription='to'/>"),
            "<presence from='juliet/balcony' to='romeo'/>".to_owned(),
        ]
    );

    juliet.send(&to("romeo", "subscribe")).await;
    romeo.send(&to("juliet", "subscribed")).await;
    assert_eq!(world.state(JULIET, ROMEO).await, "both");
    assert_eq!(world.state(ROMEO, JULIET).await, "both");
    juliet.received();
    romeo.received();

    // Section 3.2: while he may still see her he sees her leave.
    juliet.send(&to("romeo", "unsubscribed")).await;
    assert_eq!(
        romeo.got(),
        [
            "<presence from='juliet/balcony' to='romeo' type='unavailable'/>".to_owned(),
            "<presence from='juliet' to='romeo' type='unsubscribed'/>".to_owned(),
            push("romeo/orchard", 5, "<item jid='juliet' subscription='from'/>"),
        ]
    );
    juliet.received();

    // Section 3.3: he goes out of her sight as she asks for it.
    juliet.send(&to("romeo", "unsubscribe")).await;
    assert_eq!(
        juliet.got(),
        [
            push("juliet/balcony", 6, "<item jid='romeo' subscription='none'/>"),
            "<presence from='romeo/orchard' to='juliet' type='unavailable'/>".to_owned(),
        ]
    );
    assert_eq!(world.state(JULIET, ROMEO).await, "none");
    assert_eq!(world.state(ROMEO, JULIET).await, "none");
}

#[tokio::test]
async fn a_request_is_shown_at_each_login_until_it_is_answered() {
    let world = World::new().await;
    world.account(JULIET).await;
    let romeo = world.online("romeo@verona.lit/orchard").await;
    romeo.send(&to("juliet", "subscribe")).await;
    romeo.send(&to("juliet", "subscribe")).await;
    let request = "<presence from='romeo' to='juliet' type='subscribe'/>";
    for _ in 0..2 {
        let juliet = world.login("juliet@verona.lit/balcony").await;
        let roster = juliet.ask("<iq type='get' id='g'><query xmlns='jabber:iq:roster'/></iq>").await;
        assert!(!roster.contains("romeo"), "a stranger's request is not in the roster");
        juliet.send("<presence/>").await;
        let own = "<presence from='juliet/balcony' to='juliet'/>";
        assert_eq!(juliet.got(), [own, request]);
        juliet.leave().await;
    }
    let juliet = world.online("juliet@verona.lit/balcony").await;
    juliet.send(&to("romeo", "unsubscribed")).await;
    assert!(juliet.got().is_empty(), "nothing that she saw in her roster has changed");
    assert_eq!(world.state(JULIET, ROMEO).await, "");
    assert_eq!(world.state(ROMEO, JULIET).await, "none");
}

#[tokio::test]
async fn a_request_can_be_taken_back() {
    let world = World::new().await;
    let (romeo, juliet) =
        (world.online("romeo@verona.lit/orchard").await, world.online("juliet@verona.lit/balcony").await);
    romeo.send(&to("juliet", "subscribe")).await;
    juliet.received();
    romeo.send(&to("juliet", "unsubscribe")).await;
    assert_eq!(juliet.got(), ["<presence from='romeo' to='juliet' type='unsubscribe'/>"]);
    assert_eq!(world.state(JULIET, ROMEO).await, "");
}

#[tokio::test]
async fn nobody_hears_that_there_is_no_such_account() {
    let world = World::new().await;
    let romeo = world.online("romeo@verona.lit/orchard").await;
    romeo.send(&to("nobody", "subscribe")).await;
    assert_eq!(
        romeo.got(),
        [push("romeo/orchard", 1, "<item jid='nobody' subscription='none' ask='subscribe'/>")]
    );
    romeo.send(&to("nobody", "unsubscribe")).await;
    assert_eq!(romeo.got(), [push("romeo/orchard", 2, "<item jid='nobody' subscription='none'/>")]);
    romeo.send(&to("romeo", "subscribe")).await;
    assert!(romeo.got().is_empty());
}

#[tokio::test]
async fn approved_beforehand_the_request_is_answered_at_once() {
    let world = World::new().await;
    let (romeo, juliet) =
        (world.online("romeo@verona.lit/orchard").await, world.online("juliet@verona.lit/balcony").await);
    juliet.send(&to("romeo", "subscribed")).await;
    assert_eq!(
        juliet.got(),
        [push("juliet/balcony", 1, "<item jid='romeo' subscription='none' approved='true'/>")]
    );
    assert!(romeo.got().is_empty(), "not routed");

    romeo.send(&to("juliet", "subscribe")).await;
    assert_eq!(juliet.got(), [push("juliet/balcony", 2, "<item jid='romeo' subscription='from'/>")]);
    assert_eq!(
        romeo.got(),
        [
            push("romeo/orchard", 1, "<item jid='juliet' subscription='none' ask='subscribe'/>"),
            "<presence from='juliet' to='romeo' type='subscribed'/>".to_owned(),
            push("romeo/orchard", 2, "<item jid='juliet' subscription='to'/>"),
            "<presence from='juliet/balcony' to='romeo'/>".to_owned(),
        ]
    );
}

#[tokio::test]
async fn an_approval_can_be_taken_back() {
    let world = World::new().await;
    let juliet = world.online("juliet@verona.lit/balcony").await;
    juliet.send(&to("romeo", "subscribed")).await;
    juliet.send(&to("romeo", "unsubscribed")).await;
    assert_eq!(world.state(JULIET, ROMEO).await, "none");
}

#[tokio::test]
async fn a_request_that_was_granted_long_ago_is_granted_again() {
    let world = World::new().await;
    world.befriend(ROMEO, JULIET).await;
    let (romeo, juliet) =
        (world.online("romeo@verona.lit/orchard").await, world.online("juliet@verona.lit/balcony").await);
    romeo.received();
    romeo.send(&to("juliet", "subscribe")).await;
    assert_eq!(
        romeo.got(),
        ["<presence from='juliet/balcony' to='romeo'/>"],
        "`subscribed` tells him nothing new"
    );
    assert!(juliet.got().is_empty());
}

#[tokio::test]
async fn strangers_cannot_fill_the_storage() {
    let world = World::new().await;
    world.account(JULIET).await;
    let romeo = world.online("romeo@verona.lit/orchard").await;
    let long = "x".repeat(10_000);
    romeo.send(&format!("<presence to='{JULIET}' type='subscribe'><status>{long}</status></presence>")).await;
    let juliet = world.login("juliet@verona.lit/balcony").await;
    juliet.send("<presence/>").await;
    assert_eq!(juliet.got()[1], "<presence from='romeo' to='juliet' type='subscribe'/>");
}
