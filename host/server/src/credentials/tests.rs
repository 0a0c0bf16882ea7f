use crate::testing::{World, jid};
use waxwing_storage::{Batch, Write};
use waxwing_xmpp::Jid;
use waxwing_xmpp::sasl::{Hash, derive_keys};

#[tokio::test]
async fn a_login_is_checked_with_the_keys_of_the_password() {
    let world = World::new().await;
    let romeo = jid("romeo@verona.lit");
    world.create_account(&romeo, "secret").await.unwrap();
    for hash in [Hash::Sha1, Hash::Sha256] {
        let stored = world.credentials(&romeo, hash).await.unwrap();
        let keys = |password| derive_keys(hash, password, &stored.salt, stored.iterations).unwrap();
        assert!(
            stored.enabled && stored.keys.matches(&keys("secret")) && !stored.keys.matches(&keys("Secret"))
        );
    }
    let before = world.credentials(&romeo, Hash::Sha1).await.unwrap();
    world.set_password(&romeo, "other").await.unwrap();
    let after = world.credentials(&romeo, Hash::Sha1).await.unwrap();
    assert_ne!(before.salt, after.salt);
    assert!(after.keys.matches(&derive_keys(Hash::Sha1, "other", &after.salt, after.iterations).unwrap()));
}

#[tokio::test]
async fn an_account_that_does_not_exist_looks_like_one() {
    let world = World::new().await;
    let nobody = jid("nobody@verona.lit");
    for (hash, length) in [(Hash::Sha1, 20), (Hash::Sha256, 32)] {
        let decoy = world.credentials(&nobody, hash).await.unwrap();
        let again = world.credentials(&nobody, hash).await.unwrap();
        assert_eq!((&decoy.salt, decoy.iterations), (&again.salt, again.iterations));
        assert_eq!((decoy.salt.len(), decoy.keys.stored_key.len()), (16, length));
        assert_eq!(decoy.iterations, world.settings.scram_iterations);
    }
    let sha1 = world.credentials(&nobody, Hash::Sha1).await.unwrap();
    assert_ne!(sha1.salt, world.credentials(&nobody, Hash::Sha256).await.unwrap().salt);
    assert_ne!(sha1.salt, world.credentials(&jid("noone@verona.lit"), Hash::Sha1).await.unwrap().salt);
}

/// Have an account keep only the keys of one hash, as one that came from another server.
async fn keep(world: &World, jid: &Jid, hash: Hash) {
    let account = world.storage.account(jid).await.unwrap().unwrap();
    let (sha1, sha256) = match hash {
        Hash::Sha1 => (account.sha1, None),
        Hash::Sha256 => (None, account.sha256),
    };
    let write = Write::SetKeys { jid: jid.clone(), sha1, sha256 };
    world.storage.commit(Batch::one(write)).await.unwrap();
}

#[tokio::test]
async fn a_mechanism_without_keys_looks_as_if_there_were_no_account() {
    let world = World::new().await;
    let romeo = jid("romeo@verona.lit");
    let decoy = world.credentials(&romeo, Hash::Sha256).await.unwrap();
    world.create_account(&romeo, "secret").await.unwrap();
    keep(&world, &romeo, Hash::Sha1).await;
    let lacking = world.credentials(&romeo, Hash::Sha256).await.unwrap();
    assert_eq!((lacking.salt, lacking.iterations), (decoy.salt, decoy.iterations));
    assert!(lacking.keys.matches(&decoy.keys) && !lacking.enabled);
    assert!(world.credentials(&romeo, Hash::Sha1).await.unwrap().enabled);
}

#[tokio::test]
async fn a_password_completes_the_keys() {
    let world = World::new().await;
    let romeo = jid("romeo@verona.lit");
    world.create_account(&romeo, "secret").await.unwrap();
    for (has, lacks) in [(Hash::Sha1, Hash::Sha256), (Hash::Sha256, Hash::Sha1)] {
        keep(&world, &romeo, has).await;
        let known = world.password_credentials(&romeo).await.unwrap();
        assert_eq!(known.hash, has);
        world.complete_keys(&romeo, "secret", &known).await;
        let completed = world.credentials(&romeo, lacks).await.unwrap();
        let keys = derive_keys(lacks, "secret", &completed.salt, completed.iterations).unwrap();
        assert!(completed.enabled && completed.keys.matches(&keys));
    }
    assert_eq!(world.password_credentials(&romeo).await.unwrap().hash, Hash::Sha256);
}

#[tokio::test]
async fn keys_of_an_old_password_are_not_completed() {
    let world = World::new().await;
    let romeo = jid("romeo@verona.lit");
    world.create_account(&romeo, "old").await.unwrap();
    keep(&world, &romeo, Hash::Sha1).await;
    let known = world.password_credentials(&romeo).await.unwrap();
    world.set_password(&romeo, "new").await.unwrap();
    let before = world.storage.account(&romeo).await.unwrap();
    world.complete_keys(&romeo, "old", &known).await;
    assert_eq!(world.storage.account(&romeo).await.unwrap(), before);
}
