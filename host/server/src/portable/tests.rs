use super::{Imported, Progress};
use crate::testing::{World, jid};
use std::fs;
use std::path::PathBuf;
use waxwing_storage::{Account, Batch, Write};

/// Import this as a file.
async fn import(world: &World, text: &str) -> Imported {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    world.import(vec![file.path().to_owned()], false, &Progress::default()).await.unwrap()
}

/// Users of a host that is served.
async fn import_users(world: &World, users: &str) -> Imported {
    let open = "<server-data xmlns='urn:xmpp:pie:0'><host jid='verona.lit'>";
    import(world, &format!("{open}\n{users}</host></server-data>")).await
}

async fn export(world: &World) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("all.xml");
    let report = world.export(&file, &[], &Progress::default()).await.unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    fs::read_to_string(file).unwrap()
}

async fn account(world: &World, address: &str) -> Option<Account> {
    world.storage.account(&jid(address)).await.unwrap()
}

#[tokio::test]
async fn what_goes_out_comes_in() {
    let one = World::new().await;
    one.befriend("juliet@verona.lit", "romeo@verona.lit").await;
    one.create_account(&jid("nurse@verona.lit"), "angelica").await.unwrap();
    one.enable_account(&jid("romeo@verona.lit"), false).await.unwrap();
    one.add_vhost("mantua.lit", &[("register".into(), "true".into())]).await.unwrap();
    one.create_account(&jid("balthasar@mantua.lit"), "x").await.unwrap();
    let tybalt = one.online("tybalt@verona.lit/street").await;
    tybalt
        .send("<presence to='juliet@verona.lit' type='subscribe'><status>&lt;now&gt;</status></presence>")
        .await;
    tybalt.leave().await;
    let text = export(&one).await;
    let other = World::new().await;
    let report = import(&other, &text).await;
    assert!(report.problems.is_empty() && report.left_out.is_empty(), "{report:?}");
    assert_eq!(
        (report.accounts, report.requests, report.vhosts.as_slice()),
        (5, 1, &["mantua.lit".to_owned()][..])
    );
    assert_eq!(export(&other).await, text);
    for address in ["juliet@verona.lit", "romeo@verona.lit", "nurse@verona.lit", "balthasar@mantua.lit"] {
        assert_eq!(account(&one, address).await, account(&other, address).await);
    }
    assert!(other.vhost("mantua.lit").unwrap().register());
    assert_eq!(other.state("juliet@verona.lit", "tybalt@verona.lit").await, "none+in+hidden");
    assert_eq!(other.state("juliet@verona.lit", "romeo@verona.lit").await, "both");
    // Once more changes nothing.
    let again = import(&other, &text).await;
    assert_eq!((again.accounts, again.existing.1), (0, 5));
    assert_eq!(export(&other).await, text);
}

#[tokio::test]
async fn a_file_that_is_there_is_not_replaced() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("all.xml");
    let progress = Progress::default();
    world.account("juliet@verona.lit").await;
    let unknown = world.export(&file, &["mantua.lit".into()], &progress).await.unwrap_err();
    assert_eq!(unknown.to_string(), "'mantua.lit' is no virtual host here");
    fs::write(folder.path().join("all.xml.part"), "left by one that was interrupted").unwrap();
    world.export(&file, &["verona.lit".into()], &progress).await.unwrap();
    assert_eq!(progress.get(), (1, Some(1)));
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(&file).unwrap());
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let said = world.export(&file, &[], &progress).await.unwrap_err().to_string();
    assert!(said.contains("is there already"), "{said}");
    let nowhere = PathBuf::from("/nowhere/at/all.xml");
    assert!(world.export(&nowhere, &[], &progress).await.unwrap_err().to_string().contains("No such file"));
}

/// What is wrong with one account is no reason to leave out others.
#[tokio::test]
async fn bad_accounts_are_named_with_their_line() {
    let world = World::new().await;
    let keys = |count: &str, key: &str| {
        format!(
            "<scram-credentials xmlns='urn:xmpp:pie:0#scram' mechanism='SCRAM-SHA-1'><iter-count>{count}</iter-count>\
             <salt>AAAA</salt><server-key>{key}</server-key><stored-key>{key}</stored-key></scram-credentials>"
        )
    };
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let users = [
        format!("<user name='good'>{}</user>", keys("1", key)),
        format!("<user name='zero'>{}</user>", keys("0", key)),
        format!("<user name='many'>{}</user>", keys("4000000000", key)),
        format!("<user name='base'>{}</user>", keys("1", "***")),
        format!("<user name='two'>{}{}</user>", keys("1", key), keys("2", key)),
        "<user/>".to_owned(),
        "<user name='a@b'/>".to_owned(),
        "<user name='&quot;'/>".to_owned(),
        "<user name='control' password='&#9;'/>".to_owned(),
        "<user name='time'><account xmlns='urn:waxwing:export:0' created='yesterday'/></user>".to_owned(),
        "<user name='contact' password='x'><query xmlns='jabber:iq:roster'><item jid='@'/><item jid='a@b'/></query></user>"
            .to_owned(),
        "<user name='locked'><query xmlns='jabber:iq:privacy'/></user>".to_owned(),
    ];
    let report = import_users(&world, &users.join("\n")).await;
    let lines: Vec<&str> = report
        .problems
        .listed
        .iter()
        .map(|said| said.split_once(':').unwrap().1.split_once(':').unwrap().0)
        .collect();
    assert_eq!(lines, ["3", "4", "5", "6", "7", "8", "9", "10", "11", "12"], "{:#?}", report.problems);
    assert_eq!((report.accounts, report.roster_items, report.one_mechanism), (3, 1, 1));
    assert_eq!(report.without_password.0, ["locked@verona.lit"]);
    assert_eq!(report.left_out["{jabber:iq:privacy}query"], 1);
    for (name, there) in
        [("good", true), ("zero", false), ("two", false), ("contact", true), ("locked", true)]
    {
        assert_eq!(account(&world, &format!("{name}@verona.lit")).await.is_some(), there, "{name}");
    }
    let text = report.to_string();
    assert!(text.contains("1 element {jabber:iq:privacy}query was not imported"), "{text}");
}

#[tokio::test]
async fn a_password_is_hashed() {
    let world = World::new().await;
    let report = import_users(&world, "<user name='juliet' password='secret'/>").await;
    assert_eq!((report.accounts, report.one_mechanism), (1, 0));
    let known = world.password_credentials(&jid("juliet@verona.lit")).await.unwrap();
    let keys = waxwing_xmpp::sasl::derive_keys(known.hash, "secret", &known.salt, known.iterations).unwrap();
    assert!(known.enabled && known.keys.matches(&keys));
    assert!(!export(&world).await.contains("secret"));
}

#[tokio::test]
async fn domains_that_cannot_be() {
    let world = World::new().await;
    let report = import(
        &world,
        "<server-data xmlns='urn:xmpp:pie:0'><host><user name='a' password='x'/></host>\n\
         <host jid='a@b'><user name='a' password='x'/></host>\n\
         <host jid='new.lit'><vhost xmlns='urn:waxwing:export:0'><setting key='colour'>blue</setting></vhost>\
         <user name='a' password='x'/></host>\n\
         <host jid='Verona.lit'><user name='Romeo' password='x'/></host></server-data>",
    )
    .await;
    assert_eq!((report.accounts, report.problems.listed.len()), (1, 3), "{:#?}", report.problems);
    assert!(report.problems.listed[2].contains("there is no setting colour"), "{:?}", report.problems);
    assert!(account(&world, "romeo@verona.lit").await.is_some());
    assert!(world.vhost("new.lit").is_none());
}

#[tokio::test]
async fn trying_it_changes_nothing() {
    let world = World::new().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = "<server-data xmlns='urn:xmpp:pie:0'><host jid='new.lit'><user name='a' password='x'/></host></server-data>";
    fs::write(file.path(), text).unwrap();
    let report = world.import(vec![file.path().to_owned()], true, &Progress::default()).await.unwrap();
    assert_eq!((report.accounts, report.vhosts.len()), (1, 1));
    assert!(report.to_string().starts_with("1 account would be imported"));
    assert!(world.vhost("new.lit").is_none());
    assert!(account(&world, "a@new.lit").await.is_none());
}

/// As a crash leaves it: a placeholder, and some of what plugins have taken.
#[tokio::test]
async fn an_import_that_was_interrupted_is_repeated() {
    let world = World::new().await;
    let (owner, key) = ("juliet@verona.lit", "k");
    let mut user = super::user::User::new(jid(owner), None);
    world.begin_user(&mut user).await.unwrap();
    let left = Write::TableSet { store: "p/s".into(), owner: owner.into(), key: key.into(), value: vec![1] };
    world.storage.commit(Batch::one(left)).await.unwrap();
    // Nobody can take the name, nobody can log in, and it is not exported.
    assert!(world.create_account(&jid(owner), "x").await.is_err());
    assert!(!world.password_credentials(&jid(owner)).await.unwrap().enabled);
    assert!(!export(&world).await.contains("juliet"));
    let report = import_users(&world, "<user name='juliet' password='secret'/>").await;
    assert_eq!((report.accounts, report.existing.1), (1, 0));
    assert_eq!(world.storage.table_get("p/s", owner, key).await.unwrap(), None);
    assert!(account(&world, owner).await.unwrap().enabled);
    assert_eq!(import_users(&world, "<user name='juliet' password='other'/>").await.existing.1, 1);
}

#[tokio::test]
async fn a_file_that_was_cut_off_leaves_no_half_account() {
    let world = World::new().await;
    let text = "<server-data xmlns='urn:xmpp:pie:0'><host jid='verona.lit'><user name='a' password='x'/><user name='b' password='x'>";
    let report = import(&world, text).await;
    assert_eq!((report.accounts, report.problems.listed.len()), (1, 1));
    assert!(account(&world, "a@verona.lit").await.is_some());
    assert!(account(&world, "b@verona.lit").await.is_none());
}
