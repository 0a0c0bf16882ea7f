use super::*;
use crate::testing::{World, jid};
use waxwing_plugins::Authority;

fn pairs(changes: &[(&str, &str)]) -> Vec<(String, String)> {
    changes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn what_is_changed_is_stored_and_the_rest_follows_the_file() {
    let world = World::new().await;
    let (server, domain) = (&world.server, "a.example");
    server
        .add_vhost("A.Example", &pairs(&[("max-users", "3"), ("owner", "Green@Verona.lit")]))
        .await
        .unwrap();
    let vhost = server.vhost(domain).unwrap();
    assert_eq!((vhost.max_users(), vhost.register()), (3, false));
    assert!(matches!(server.add_vhost(domain, &[]).await, Err(VhostError::Exists)));
    server.change_vhost(domain, &pairs(&[("register", "true")])).await.unwrap();
    // Whoever holds it sees the change.
    assert!(vhost.register());
    let file = server.settings.vhosts.first().unwrap().domain.clone();
    server.change_vhost(&file, &pairs(&[("comment", "mine")])).await.unwrap();

    let again = load(&server.settings, &*server.storage).await.unwrap();
    let settings = again.get(domain).unwrap().settings();
    assert_eq!((settings.max_users, settings.register), (3, true));
    assert_eq!(settings.owner.as_deref(), Some("green@verona.lit"));
    assert_eq!(again.get(file.as_str()).unwrap().get(|settings| settings.comment.clone()), "mine");
    let stored = server.storage.vhosts().await.unwrap();
    let own = stored.iter().find(|stored| stored.domain == file).unwrap();
    assert_eq!(own.settings, pairs(&[("comment", "mine")]));
}

#[tokio::test]
async fn addresses_of_the_file_are_compared_as_all_are() {
    let world = World::new().await;
    let mut settings = Settings::clone(&world.server.settings);
    let mut own = VhostSettings::new("b.example");
    own.owner = Some("Green@Verona.lit".into());
    settings.vhosts.push(own.clone());
    let vhosts = load(&settings, &*world.server.storage).await.unwrap();
    let owner = vhosts.get("b.example").unwrap().get(|settings| settings.owner.clone());
    assert_eq!(owner.as_deref(), Some("green@verona.lit"));
    settings.vhosts.last_mut().unwrap().owner = Some("nobody".into());
    let why = load(&settings, &*world.server.storage).await.err().unwrap().to_string();
    assert!(why.contains("b.example: owner: 'nobody'"), "{why}");
}

#[tokio::test]
async fn what_makes_no_sense_changes_nothing() {
    let world = World::new().await;
    let server = &world.server;
    for (domain, changes, why) in [
        ("user@a.example", &[][..], "is not a domain"),
        ("a..example", &[], "is not a domain"),
        ("127.0.0.1", &[], "a virtual host has a name"),
        ("a.example", &[("max-users", "many")], "max-users must be a whole number"),
        ("a.example", &[("owner", "nobody")], "is not of the form user@domain"),
        ("a.example", &[("presence-forward", "@")], "is no address"),
        ("a.example", &[("sasl-mechanisms", "CRAM-MD5")], "'CRAM-MD5' is none of"),
        ("a.example", &[("domain-filter", "list")], "takes domains in domain-filter-domains"),
        ("a.example", &[("client-certificate", "required")], "it takes client-ca"),
        (
            "a.example",
            &[("c2s-ports", "5299")],
            "c2s-ports: no client could come in, because the ports that are open are",
        ),
        ("a.example", &[("colour", "red")], "there is no setting colour"),
    ] {
        let told = server.add_vhost(domain, &pairs(changes)).await.unwrap_err().to_string();
        assert!(told.contains(why), "{domain} {changes:?}: {told}");
    }
    assert!(server.vhost("a.example").is_none() && server.storage.vhosts().await.unwrap().is_empty());
    assert!(matches!(server.change_vhost("a.example", &[]).await, Err(VhostError::NotFound)));
    let file = server.settings.vhosts.first().unwrap().domain.clone();
    assert!(matches!(server.remove_vhost(&file, false).await, Err(VhostError::InFile)));
}

#[tokio::test]
async fn accounts_outlive_a_removed_domain_unless_erased() {
    let world = World::new().await;
    let (server, green) = (&world.server, jid("green@a.example"));
    server.add_vhost("a.example", &[]).await.unwrap();
    server.create_account(&green, "secret").await.unwrap();
    let session = server.bind(&green, Some("home")).await.unwrap();
    server.remove_vhost("a.example", false).await.unwrap();
    assert!(server.vhost("a.example").is_none());
    let ended = std::future::poll_fn(|cx| session.poll_outgoing(cx, &mut Vec::new(), 1)).await;
    assert!(format!("{ended:?}").contains("HostGone"), "{ended:?}");
    server.finish(&session).await;
    assert!(server.bind(&green, None).await.is_err());

    server.add_vhost("a.example", &[]).await.unwrap();
    assert!(server.has_account(&green).await.unwrap());
    server.remove_vhost("a.example", true).await.unwrap();
    server.add_vhost("a.example", &[]).await.unwrap();
    assert!(!server.has_account(&green).await.unwrap());
}

#[tokio::test]
async fn authority_is_the_operators_word_and_the_settings() {
    let world = World::new().await;
    let server = &world.server;
    let changes = pairs(&[("owner", "green@verona.lit"), ("admins", "blue@verona.lit, red@verona.lit")]);
    server.add_vhost("a.example", &changes).await.unwrap();
    let over = |user: &str, domain: &str| server.authority_over(&jid(user), domain);
    assert_eq!(over("green@verona.lit/home", "a.example"), Authority::Owner);
    assert_eq!(over("red@verona.lit/home", "a.example"), Authority::Admin);
    assert_eq!(over("green@verona.lit/home", "verona.lit"), Authority::None);
    assert_eq!(over("grey@verona.lit/home", "a.example"), Authority::None);
    // The admin socket.
    assert_eq!(over("verona.lit", "a.example"), Authority::Server);
    assert_eq!(over("elsewhere.example", "a.example"), Authority::None);
}

#[tokio::test]
async fn a_domain_that_is_switched_off_is_as_one_that_is_not_served() {
    let world = World::new().await;
    world.add_vhost("a.example", &[]).await.unwrap();
    world.befriend("tim@a.example", "romeo@verona.lit").await;
    world.change_vhost("a.example", &pairs(&[("enabled", "false")])).await.unwrap();
    let romeo = world.online("romeo@verona.lit/orchard").await;
    let ask = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
    for stanza in [
        format!("<iq type='get' id='1' to='a.example'>{ask}</iq>"),
        format!("<iq type='get' id='1' to='tim@a.example'>{ask}</iq>"),
        "<message to='tim@a.example' id='1'><body>hi</body></message>".to_owned(),
        "<message to='a.example' id='1'><body>hi</body></message>".to_owned(),
        "<presence to='tim@a.example' id='1' type='subscribe'/>".to_owned(),
        "<presence to='tim@a.example' id='1'/>".to_owned(),
    ] {
        let said = |xml: String| xml.replace("a.example", "nobody.example");
        let [own, other] = [romeo.ask(&stanza).await, romeo.ask(&said(stanza.clone())).await];
        assert!(own.contains("<remote-server-not-found "), "{stanza}: {own}");
        assert_eq!(said(own), other);
    }
}
