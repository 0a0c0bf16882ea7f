use super::AccountError;
use crate::testing::{World, jid};

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
    assert!(matches!(result("b@elsewhere.lit", "x").await, Err(AccountError::NotServed)));
    assert!(matches!(result("verona.lit", "x").await, Err(AccountError::Invalid)));
    assert!(matches!(result("b@verona.lit/c", "x").await, Err(AccountError::Invalid)));
    assert!(matches!(result("b@verona.lit", "").await, Err(AccountError::Invalid)));
    assert!(matches!(world.register(&jid("b@verona.lit"), "x").await, Err(AccountError::NotAllowed)));
    result("b@verona.lit", "x").await.unwrap();
    assert!(matches!(result("c@verona.lit", "x").await, Err(AccountError::Full)), "two are enough");
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
    // Nothing more is heard of its sessions, which end at once.
    assert_eq!(romeo.ask(set).await, "");
    romeo.send("<message to='juliet@verona.lit'><body>still here</body></message>").await;
    assert_eq!(world.storage.roster(&jid("romeo@verona.lit")).await.unwrap(), Default::default());
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let end = romeo.session.poll_outgoing(&mut cx, &mut Vec::new(), 0);
    assert!(matches!(end, std::task::Poll::Ready(Err(_))));
    assert!(!world.has_account(&jid("romeo@verona.lit")).await.unwrap());
    // Whoever gets the name does not meet them.
    world.create_account(&jid("romeo@verona.lit"), "x").await.unwrap();
    assert_eq!(world.session_count(), 1);
    assert!(juliet.got().is_empty());
}

/// An administrator's address that has no account, or none any more.
#[tokio::test]
async fn nobody_registers_a_name_that_has_rights() {
    let world = World::with(|settings| {
        settings.vhosts[0].register = true;
        settings.admins = vec!["boss@verona.lit".into()];
    })
    .await;
    let owner = [("owner".to_owned(), "lady@verona.lit".to_owned())];
    world.add_vhost("mantua.lit", &owner).await.unwrap();
    for name in ["boss@verona.lit", "lady@verona.lit"] {
        assert!(matches!(world.register(&jid(name), "x").await, Err(AccountError::Exists)), "{name}");
    }
    world.register(&jid("romeo@verona.lit"), "x").await.unwrap();
    world.create_account(&jid("boss@verona.lit"), "x").await.unwrap();
}

/// Or whoever registers the name next would have them.
#[tokio::test]
async fn a_removed_account_leaves_its_virtual_hosts() {
    let world = World::new().await;
    let accounts = ["romeo@verona.lit", "juliet@verona.lit"];
    for account in accounts {
        world.create_account(&jid(account), "x").await.unwrap();
    }
    let settings = [("owner", accounts[0]), ("admins", "juliet@verona.lit, romeo@verona.lit")];
    let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
    world.add_vhost("mantua.lit", &settings).await.unwrap();
    let batches = world.storage.metrics().batches;
    world.remove_account(&jid(accounts[0])).await.unwrap();
    assert_eq!(world.storage.metrics().batches, batches + 1, "in one step");
    let vhost = world.vhost("mantua.lit").unwrap();
    assert_eq!(
        (vhost.settings().owner.clone(), vhost.settings().admins.clone()),
        (None, vec![accounts[1].into()])
    );
    let stored = world.storage.vhosts().await.unwrap();
    assert!(!format!("{stored:?}").contains("romeo"), "{stored:?}");
    // Erasing a whole domain goes the same way.
    world.create_account(&jid("a@mantua.lit"), "x").await.unwrap();
    world.change_vhost("mantua.lit", &[("admins".to_owned(), "a@mantua.lit".to_owned())]).await.unwrap();
    world.remove_vhost("mantua.lit", true).await.unwrap();
    assert!(!world.has_account(&jid("a@mantua.lit")).await.unwrap());
}

/// Not every message to somebody offline is a question for the storage.
#[tokio::test]
async fn whether_an_account_exists_is_asked_once() {
    let world = World::new().await;
    let (romeo, nobody) = (world.account("romeo@verona.lit").await, jid("nobody@verona.lit"));
    let asked = async |account| {
        let before = world.storage.metrics().reads;
        let exists = world.has_account(account).await.unwrap();
        (exists, world.storage.metrics().reads - before)
    };
    assert_eq!([asked(&romeo).await, asked(&romeo).await], [(true, 1), (true, 0)]);
    // Remembered by its bare JID, or its removal would not be noticed.
    let orchard = jid("romeo@verona.lit/orchard");
    assert_eq!(asked(&orchard).await, (true, 0));
    // It may be made at any time.
    assert_eq!([asked(&nobody).await, asked(&nobody).await], [(false, 1), (false, 1)]);
    world.remove_account(&romeo).await.unwrap();
    assert_eq!(asked(&orchard).await, (false, 1));
    assert_eq!(asked(&romeo).await, (false, 1));
    world.account("romeo@verona.lit").await;
    assert_eq!(asked(&romeo).await, (true, 1));
}

/// What is asked of a name as RFC 6122 folds it goes to the account that is meant, and does not tell that there is one.
#[tokio::test]
async fn strangers_hear_of_a_folded_name_what_they_hear_of_none() {
    let world = World::new().await;
    world.account("straße@verona.lit").await;
    let tybalt = world.online("tybalt@verona.lit/street").await;
    for stanza in [
        "<iq type='get' id='i' to='NAME@verona.lit'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
        "<iq type='get' id='i' to='NAME@verona.lit/street'><ping xmlns='urn:xmpp:ping'/></iq>",
        "<message to='NAME@verona.lit'><body>Good morrow</body></message>",
        "<presence type='probe' to='NAME@verona.lit'/>",
    ] {
        let mut heard = Vec::new();
        for name in ["strasse", "nobody"] {
            tybalt.send(&stanza.replace("NAME", name)).await;
            heard.push(tybalt.received().concat().replace(name, "NAME"));
        }
        assert_eq!(heard[0], heard[1]);
        let is_answered = !stanza.contains("probe");
        assert_eq!(heard[0].contains("from='NAME@verona.lit"), is_answered, "{}", heard[0]);
    }
}

#[tokio::test]
async fn whoever_is_meant_by_a_folded_name_gets_what_clients_and_plugins_send() {
    let world = World::new().await;
    let owner = world.online("straße@verona.lit/window").await;
    let tybalt = world.online("tybalt@verona.lit/street").await;
    tybalt.send("<message to='strasse@verona.lit'><body>One</body></message>").await;
    assert_eq!(tybalt.received(), [""; 0]);
    let from_a_plugin = "<message from='verona.lit' to='strasse@verona.lit'><body>Two</body></message>";
    world.route(waxwing_xmpp::Stanza::parse(from_a_plugin).unwrap()).await;
    let got = owner.got();
    assert_eq!(got.len(), 2, "{got:?}");
    assert!(got.iter().all(|message| message.contains("to='straße'")), "{got:?}");
}

/// Or what is sent would be taken for something that is for nobody.
#[tokio::test]
async fn a_storage_that_cannot_tell_who_is_meant_is_not_taken_for_nobody() {
    let world = World::new().await;
    let tybalt = world.online("tybalt@verona.lit/street").await;
    world.storage.close().await.unwrap();
    let answer = tybalt.ask("<message to='strasse@verona.lit'><body>One</body></message>").await;
    assert!(answer.contains("type='wait'"), "{answer}");
}
