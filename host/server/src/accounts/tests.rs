use super::AccountError;
use crate::testing::{World, jid};
use std::time::Duration;

#[tokio::test]
async fn accounts_are_made_where_and_as_allowed() {
    let world = World::with(|settings| {
        settings.vhosts[0].max_users = 2;
    })
    .await;
    world.create_account(&jid("a@verona.lit"), "x").await.unwrap();
    let result = |address: &'static str, password: &'static str| {
        let world = &world;
        async move { world.create_account(&jid(address), password).await }
    };
    assert!(matches!(result("a@verona.lit", "x").await, Err(AccountError::Exists)));
    assert!(matches!(result("b@elsewhere.lit", "x").await, Err(AccountError::NotAllowed)));
    assert!(matches!(result("verona.lit", "x").await, Err(AccountError::Invalid)));
    assert!(matches!(result("b@verona.lit/c", "x").await, Err(AccountError::Invalid)));
    assert!(matches!(result("b@verona.lit", "").await, Err(AccountError::Invalid)));
    assert!(matches!(world.register(&jid("b@verona.lit"), "x").await, Err(AccountError::NotAllowed)));
    result("b@verona.lit", "x").await.unwrap();
    assert!(matches!(result("c@verona.lit", "x").await, Err(AccountError::NotAllowed)), "two are enough");
    assert!(matches!(world.set_password(&jid("c@verona.lit"), "x").await, Err(AccountError::NotFound)));
    assert!(matches!(world.remove_account(&jid("c@verona.lit")).await, Err(AccountError::NotFound)));
}

#[tokio::test]
async fn a_removed_account_leaves_its_contacts() {
    let world = World::new().await;
    world.befriend("romeo@verona.lit", "juliet@verona.lit").await;
    let juliet = world.online("juliet@verona.lit/balcony").await;
    let romeo = world.online("romeo@verona.lit/orchard").await;
    juliet.received();
    world.remove_account(&jid("romeo@verona.lit")).await.unwrap();
    assert_eq!(world.state("juliet@verona.lit", "romeo@verona.lit").await, "none");
    let got = juliet.got();
    assert_eq!(got[2], "<presence from='romeo/orchard' to='juliet' type='unavailable'/>", "{got:?}");
    romeo.received();
    let set = "<iq type='set' id='s'><query xmlns='jabber:iq:roster'><item jid='a@verona.lit'/></query></iq>";
    assert!(romeo.ask(set).await.contains("type='error'"));
    assert_eq!(world.storage.roster(&jid("romeo@verona.lit")).await.unwrap(), Default::default());
    tokio::time::sleep(super::LAST_WORDS + Duration::from_millis(50)).await;
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let end = romeo.session.poll_outgoing(&mut cx, &mut Vec::new(), 0);
    assert!(matches!(end, std::task::Poll::Ready(Err(_))));
    romeo.leave().await;
    assert!(juliet.got().is_empty());
    assert!(!world.has_account(&jid("romeo@verona.lit")).await.unwrap());
}
