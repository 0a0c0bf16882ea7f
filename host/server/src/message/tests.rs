//! What becomes of messages when sessions come and go.

use crate::testing::{Client, World, jid};

async fn speak(from: &Client) {
    from.send("<message to='juliet@verona.lit' type='chat' id='m'><body>O</body></message>").await;
}

fn messages(client: &Client) -> usize {
    client.got().iter().filter(|xml| xml.starts_with("<message") && xml.contains("<body>O</body>")).count()
}

fn errors(client: &Client) -> usize {
    client.got().iter().filter(|xml| xml.contains("type='error'")).count()
}

#[tokio::test]
async fn what_one_session_could_not_write_goes_to_one_that_came_later() {
    let world = World::new().await;
    let romeo = world.online("romeo@verona.lit/orchard").await;
    let old = world.online("juliet@verona.lit/old").await;
    speak(&romeo).await;
    let new = world.online("juliet@verona.lit/new").await;
    old.leave().await;
    assert_eq!(messages(&new), 1);
    assert_eq!(errors(&romeo), 0);
}

#[tokio::test]
async fn a_copy_that_was_not_written_is_not_missed_where_another_was() {
    let world = World::new().await;
    let romeo = world.online("romeo@verona.lit/orchard").await;
    let balcony = world.online("juliet@verona.lit/balcony").await;
    let chamber = world.online("juliet@verona.lit/chamber").await;
    speak(&romeo).await;
    assert_eq!(messages(&balcony), 1);
    chamber.leave().await;
    assert_eq!(messages(&balcony), 0);
    balcony.leave().await;
    assert_eq!(errors(&romeo), 0);
}

#[tokio::test]
async fn of_copies_that_nobody_wrote_the_last_finds_another_way() {
    let world = World::new().await;
    let romeo = world.online("romeo@verona.lit/orchard").await;
    let balcony = world.online("juliet@verona.lit/balcony").await;
    let chamber = world.online("juliet@verona.lit/chamber").await;
    speak(&romeo).await;
    tokio::join!(balcony.leave(), chamber.leave());
    // Without plugins there is nobody to keep it; but romeo hears so, once.
    assert_eq!(errors(&romeo), 1);
}

#[tokio::test]
async fn a_request_to_a_session_that_ends_is_answered() {
    let world = World::new().await;
    let romeo = world.online("romeo@verona.lit/orchard").await;
    let juliet = world.online("juliet@verona.lit/balcony").await;
    romeo.send("<iq type='get' id='i' to='juliet@verona.lit/balcony'><query xmlns='urn:x'/></iq>").await;
    juliet.leave().await;
    assert_eq!(errors(&romeo), 1);
}

#[tokio::test]
async fn nobody_binds_a_resource_of_an_account_that_is_gone() {
    let world = World::new().await;
    let juliet = world.account("juliet@verona.lit").await;
    world.remove_account(&juliet).await.unwrap();
    assert!(world.bind(&juliet, Some("balcony")).await.is_err());
    assert!(world.directory.account(jid("juliet@verona.lit").as_str()).is_none());
}
