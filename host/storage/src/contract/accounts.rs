//! Accounts and virtual hosts.

use super::*;
use crate::{AccountError, LogQuery, Vhost};

/// All fields, to the millisecond.
pub async fn an_account_comes_back_as_created(place: &dyn Place) {
    let storage = place.open().await;
    let mut disabled = account("romeo@example.org");
    disabled.enabled = false;
    disabled.created = UNIX_EPOCH;
    disabled.sha1 = Some(ScramKeys {
        iterations: u32::MAX,
        salt: vec![],
        stored_key: vec![0],
        server_key: vec![255; 64],
    });
    let writes = [Write::CreateAccount(account(OWNER)), Write::CreateAccount(disabled.clone())];
    commit(&*storage, writes).await.unwrap();
    assert_eq!(storage.account(&jid(OWNER)).await.unwrap(), Some(account(OWNER)));
    assert_eq!(storage.account(&disabled.jid).await.unwrap(), Some(disabled));
    assert_eq!(storage.account(&jid("nobody@example.org")).await.unwrap(), None);
    assert_eq!(storage.account(&jid("juliet@example.com")).await.unwrap(), None);
    // A full address names the account that it belongs to.
    assert_eq!(storage.account(&jid("juliet@example.org/balcony")).await.unwrap(), Some(account(OWNER)));
}

/// The second fails and changes nothing.
pub async fn an_account_is_created_once(place: &dyn Place) {
    let storage = place.open().await;
    commit(&*storage, [Write::CreateAccount(account(OWNER))]).await.unwrap();
    let mut other = account(OWNER);
    other.sha1 = Some(keys(9));
    let result = commit(&*storage, [Write::CreateAccount(other)]).await;
    assert!(matches!(result, Err(Error::Account(AccountError::Exists))), "{result:?}");
    assert_eq!(storage.account(&jid(OWNER)).await.unwrap(), Some(account(OWNER)));
}

/// Names that software of RFC 6122 cannot tell from each other are one: the first to come has it, and is found by
/// either.
pub async fn a_name_has_one_account_however_old_the_software(place: &dyn Place) {
    let storage = place.open().await;
    let create = |name: &str| Write::CreateAccount(account(&format!("{name}@example.org")));
    commit(&*storage, [create("fu\u{df}ball"), create("\u{3c3}")]).await.unwrap();
    for name in ["fussball", "fu\u{df}ball", "\u{3c2}", "\u{3c3}"] {
        let result = commit(&*storage, [create(name)]).await;
        assert!(matches!(result, Err(Error::Account(AccountError::Exists))), "{name}: {result:?}");
    }
    for (called, name) in [("fussball", "fu\u{df}ball"), ("fu\u{df}ball", "fu\u{df}ball")] {
        let found = storage.account(&jid(&format!("{called}@example.org"))).await.unwrap();
        assert_eq!(found, Some(account(&format!("{name}@example.org"))), "{called}");
    }
    // Of another domain.
    commit(&*storage, [Write::CreateAccount(account("fussball@example.com"))]).await.unwrap();
    // Once it is gone, the other may come.
    commit(&*storage, [Write::RemoveAccount(jid("fu\u{df}ball@example.org"))]).await.unwrap();
    assert_eq!(storage.account(&jid("fussball@example.org")).await.unwrap(), None);
    commit(&*storage, [create("fussball")]).await.unwrap();
    let result = commit(&*storage, [create("fu\u{df}ball")]).await;
    assert!(matches!(result, Err(Error::Account(AccountError::Exists))), "{result:?}");
    // What it writes in its own way names nobody else.
    assert_eq!(storage.account(&jid("\u{3c2}@example.org")).await.unwrap(), None);
}

/// Both sets of keys change and nothing else does.
pub async fn keys_change_of_an_account_that_exists(place: &dyn Place) {
    let storage = place.open().await;
    let change = Write::SetKeys { jid: jid(OWNER), sha1: Some(keys(5)), sha256: Some(keys(6)) };
    let result = commit(&*storage, [change.clone()]).await;
    assert!(matches!(result, Err(Error::Account(AccountError::NotFound))), "{result:?}");
    let writes =
        [Write::CreateAccount(account(OWNER)), Write::CreateAccount(account("romeo@example.org")), change];
    commit(&*storage, writes).await.unwrap();
    let expected = Account { sha1: Some(keys(5)), sha256: Some(keys(6)), ..account(OWNER) };
    assert_eq!(storage.account(&jid(OWNER)).await.unwrap(), Some(expected));
    let other = storage.account(&jid("romeo@example.org")).await.unwrap();
    assert_eq!(other, Some(account("romeo@example.org")));
}

/// One kind of keys comes back without the other, however it was written.
pub async fn an_account_may_have_keys_of_one_mechanism(place: &dyn Place) {
    let storage = place.open().await;
    let one = Account { sha256: None, ..account(OWNER) };
    let other = Account { sha1: None, ..account("romeo@example.org") };
    let none = Account { sha1: None, sha256: None, ..account("nurse@example.org") };
    let writes = [&one, &other, &none].map(|account| Write::CreateAccount(account.clone()));
    commit(&*storage, writes).await.unwrap();
    for account in [&one, &other, &none] {
        assert_eq!(storage.account(&account.jid).await.unwrap().as_ref(), Some(account));
    }
    let change = Write::SetKeys { jid: one.jid.clone(), sha1: None, sha256: Some(keys(7)) };
    commit(&*storage, [change]).await.unwrap();
    let changed = Account { sha1: None, sha256: Some(keys(7)), ..one };
    assert_eq!(storage.account(&changed.jid).await.unwrap(), Some(changed));
}

/// Only beside the keys of the password that was checked.
pub async fn missing_keys_are_completed(place: &dyn Place) {
    let storage = place.open().await;
    let complete = |sha1, sha256| Write::CompleteKeys { jid: jid(OWNER), sha1, sha256 };
    let result = commit(&*storage, [complete(keys(1), keys(2))]).await;
    assert!(is_conflict(&result), "there is no such account: {result:?}");
    for (lacking, known) in [
        (Account { sha256: None, ..account(OWNER) }, (keys(1), keys(9))),
        (Account { sha1: None, ..account(OWNER) }, (keys(9), keys(2))),
    ] {
        let other = Account { jid: jid("romeo@example.org"), ..lacking.clone() };
        let writes = [&lacking, &other].map(|account| Write::CreateAccount(account.clone()));
        commit(&*storage, writes).await.unwrap();
        let result = commit(&*storage, [complete(keys(8), keys(8))]).await;
        assert!(is_conflict(&result), "the password is another: {result:?}");
        assert_eq!(storage.account(&lacking.jid).await.unwrap(), Some(lacking.clone()));
        let (sha1, sha256) = known;
        commit(&*storage, [complete(sha1.clone(), sha256.clone())]).await.unwrap();
        let whole = Account { sha1: Some(sha1), sha256: Some(sha256), ..lacking };
        assert_eq!(storage.account(&whole.jid).await.unwrap(), Some(whole.clone()));
        assert_eq!(storage.account(&other.jid).await.unwrap(), Some(other.clone()));
        let result = commit(&*storage, [complete(keys(8), keys(8))]).await;
        assert!(is_conflict(&result), "nothing is lacking, and the password is another: {result:?}");
        let writes = [&whole, &other].map(|account| Write::RemoveAccount(account.jid.clone()));
        commit(&*storage, writes).await.unwrap();
    }
}

/// Nothing else of it changes, and only one that is there can be.
pub async fn an_account_is_switched_off_and_on(place: &dyn Place) {
    let storage = place.open().await;
    let switch = |enabled| Write::EnableAccount { jid: jid(OWNER), enabled };
    let result = commit(&*storage, [switch(false)]).await;
    assert!(matches!(result, Err(Error::Account(AccountError::NotFound))), "{result:?}");
    let writes = [Write::CreateAccount(account(OWNER)), Write::CreateAccount(account("romeo@example.org"))];
    commit(&*storage, writes).await.unwrap();
    commit(&*storage, [switch(false)]).await.unwrap();
    let off = Account { enabled: false, ..account(OWNER) };
    assert_eq!(storage.account(&jid(OWNER)).await.unwrap(), Some(off));
    let listed = storage.accounts("example.org", None, 10).await.unwrap();
    assert_eq!(listed.iter().map(|summary| summary.enabled).collect::<Vec<_>>(), [false, true]);
    assert_eq!(storage.count_disabled("example.org").await.unwrap(), 1);
    commit(&*storage, [switch(true)]).await.unwrap();
    assert_eq!(storage.account(&jid(OWNER)).await.unwrap(), Some(account(OWNER)));
    assert_eq!(storage.count_disabled("example.org").await.unwrap(), 0);
}

/// One after another, each once, whoever serves them.
pub async fn domains_with_accounts_are_found(place: &dyn Place) {
    let storage = place.open().await;
    assert_eq!(storage.account_domain("").await.unwrap(), None);
    let accounts = ["a@example.org", "b@example.org", "a@example.com", "z@a.example"];
    commit(&*storage, accounts.map(|jid| Write::CreateAccount(account(jid)))).await.unwrap();
    let mut found = vec![String::new()];
    while let Some(domain) = storage.account_domain(&found[found.len() - 1]).await.unwrap() {
        found.push(domain);
    }
    assert_eq!(found[1..], ["a.example", "example.com", "example.org"]);
}

/// Pages join up without gap or repetition.
pub async fn accounts_are_listed_in_order_by_page(place: &dyn Place) {
    let storage = place.open().await;
    let mut all: Vec<_> = (0..25).map(|n| jid(&format!("user{n}@example.org"))).collect();
    all.push(jid("é@example.org"));
    let writes = all.iter().map(|jid| Write::CreateAccount(account(jid.as_str())));
    commit(&*storage, writes).await.unwrap();
    all.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    for limit in [1, 7, 26, 100] {
        let mut found: Vec<Jid> = Vec::new();
        loop {
            let page = storage.accounts("example.org", found.last(), limit).await.unwrap();
            assert!(page.iter().all(|summary| summary.enabled && summary.created == account(OWNER).created));
            assert!(page.len() <= limit as usize);
            if page.is_empty() {
                break;
            }
            found.extend(page.into_iter().map(|summary| summary.jid));
        }
        assert_eq!(found, all);
    }
    assert!(storage.accounts("example.org", None, 0).await.unwrap().is_empty());
}

/// Lists and counts are of one domain.
pub async fn accounts_belong_to_their_domain(place: &dyn Place) {
    let storage = place.open().await;
    let addresses = ["a@one.example", "b@one.example", "a@two.example", "a@sub.one.example"];
    commit(&*storage, addresses.map(|address| Write::CreateAccount(account(address)))).await.unwrap();
    assert_eq!(storage.count_accounts("one.example").await.unwrap(), 2);
    assert_eq!(storage.count_accounts("two.example").await.unwrap(), 1);
    assert_eq!(storage.count_accounts("three.example").await.unwrap(), 0);
    let one = storage.accounts("one.example", None, 10).await.unwrap();
    let one: Vec<Jid> = one.into_iter().map(|summary| summary.jid).collect();
    assert_eq!(one, [jid("a@one.example"), jid("b@one.example")]);
    commit(&*storage, [Write::RemoveAccount(jid("a@one.example"))]).await.unwrap();
    assert_eq!(storage.count_accounts("one.example").await.unwrap(), 1);
}

/// Roster, tables and logs of every store go, and nothing of anybody else.
pub async fn removing_an_account_erases_what_it_owns(place: &dyn Place) {
    let storage = place.open().await;
    // Others whose addresses are near by.
    let owners = [OWNER, "juliet2@example.org", "julie@example.org", "juliet@example.orga"];
    for owner in owners {
        let roster = Write::Roster {
            owner: jid(owner),
            expect: 0,
            put: vec![item("romeo@example.org"), item("nurse@example.org")],
            remove: vec![],
        };
        let other_store = Write::LogAppend {
            store: "other".into(),
            owner: owner.into(),
            at: 1,
            tag: None,
            value: vec![1],
            expires: Some(u64::MAX),
        };
        let account = Write::CreateAccount(account(owner));
        let writes = [account, roster, set(owner, "k", "v"), append(owner, 1, Some("t"), "v"), other_store];
        commit(&*storage, writes).await.unwrap();
    }
    commit(&*storage, [Write::RemoveAccount(jid(OWNER))]).await.unwrap();
    for owner in owners {
        let left = u64::from(owner != OWNER);
        assert_eq!(u64::from(storage.account(&jid(owner)).await.unwrap().is_some()), left, "{owner}");
        let roster = storage.roster(&jid(owner)).await.unwrap();
        assert_eq!((roster.version, roster.items.len() as u64), (left, 2 * left), "{owner}");
        let value = storage.table_get(STORE, owner, "k").await.unwrap();
        assert_eq!(u64::from(value.is_some()), left, "{owner}");
        for store in [STORE, "other"] {
            assert_eq!(storage.log_count(store, owner, None).await.unwrap(), left, "{owner}");
            let entries = storage.log_read(store, owner, LogQuery::default()).await.unwrap();
            assert_eq!(entries.len() as u64, left, "{owner}");
        }
    }
    // Once more is no error, and the name is free again.
    let writes = [Write::RemoveAccount(jid(OWNER)), Write::CreateAccount(account(OWNER))];
    commit(&*storage, writes).await.unwrap();
}

/// A table with an owner, and what it can be given of somebody.
type Owned = (&'static str, fn(&str) -> Vec<Write>);

/// Stores of bundled plugins, of account data and of a plugin that nobody here has heard of.
const STORES: [&str; 4] =
    ["msgoffline/messages", "vcard-temp/vcard", "account-data/private", "somebody-elses/any thing"];

/// For each table that has an owner.
const OWNED: [Owned; 6] = [
    ("account", |owner| vec![Write::CreateAccount(account(owner))]),
    ("roster", |owner| vec![Write::Roster { owner: jid(owner), expect: 0, put: vec![], remove: vec![] }]),
    ("roster_item", |owner| {
        let put = vec![item("romeo@example.org"), RosterItem { hidden: true, ..item("nurse@example.org") }];
        vec![Write::Roster { owner: jid(owner), expect: 1, put, remove: vec![] }]
    }),
    ("table_entry", |owner| {
        let (key, value) = ("k".to_owned(), vec![1]);
        let set = |store: &str| Write::TableSet {
            store: store.into(),
            owner: owner.into(),
            key: key.clone(),
            value: value.clone(),
        };
        STORES.map(set).into()
    }),
    ("log_entry", |owner| {
        let append = |store: &str| Write::LogAppend {
            store: store.into(),
            owner: owner.into(),
            at: 1,
            tag: None,
            value: vec![1],
            expires: None,
        };
        STORES.map(append).into()
    }),
    ("alarm", |owner| {
        let alarm = |plugin: &str| crate::Alarm {
            plugin: plugin.into(),
            owner: owner.into(),
            name: "n".into(),
            at: 1,
            data: vec![],
        };
        ["amp", "somebody-elses"].map(alarm).map(Write::SetAlarm).into()
    }),
];

/// How much of each table with an owner is somebody's, in the order of [`OWNED`].
async fn owned(storage: &dyn Storage, owner: &str) -> Result<[usize; 6]> {
    let (mut values, mut entries) = (0, 0);
    for store in STORES {
        values += storage.table_scan(store, owner, &crate::TableRange::default()).await?.len();
        entries += storage.log_read(store, owner, LogQuery::default()).await?.len();
    }
    let roster = storage.roster(&jid(owner)).await?;
    let alarms = storage.alarms(u64::MAX, u32::MAX).await?;
    Ok([
        usize::from(storage.account(&jid(owner)).await?.is_some()),
        usize::from(roster.version > 0),
        roster.items.len(),
        values,
        entries,
        alarms.iter().filter(|alarm| alarm.owner == owner).count(),
    ])
}

/// Also in tables that come later: a table with an owner that this test does not know fails it.
pub async fn removing_an_account_erases_every_table_and_store(place: &dyn Place) {
    let tables = crate::tools::tables::TABLES.iter().filter(|table| table.owner.is_some());
    assert_eq!(tables.map(|table| table.name).collect::<Vec<_>>(), OWNED.map(|(table, _)| table));
    let storage = place.open().await;
    let other = "romeo@example.org";
    for owner in [OWNER, other] {
        commit(&*storage, OWNED.iter().flat_map(|(_, writes)| writes(owner))).await.unwrap();
        assert_eq!(owned(&*storage, owner).await.unwrap(), [1, 1, 2, 4, 4, 2]);
    }
    commit(&*storage, [Write::RemoveAccount(jid(OWNER))]).await.unwrap();
    assert_eq!(owned(&*storage, OWNER).await.unwrap(), [0; 6]);
    assert_eq!(owned(&*storage, other).await.unwrap(), [1, 1, 2, 4, 4, 2]);
    assert!(storage.account_data(OWNER).await.unwrap().is_empty());
    // The rest of each store is that of the other.
    for store in STORES {
        assert_eq!(storage.store_bytes(store).await.unwrap(), 1 + 1 + 1, "{store}");
    }
}

/// In order of domain, settings in order of name.
pub async fn vhosts_are_put_and_removed(place: &dyn Place) {
    let storage = place.open().await;
    assert_eq!(storage.vhosts().await.unwrap(), []);
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let b = Vhost {
        domain: "b.example".into(),
        enabled: false,
        settings: vec![setting("limit", "5"), setting("odd \"name\"", "two\nlines\0'")],
    };
    let a = Vhost { domain: "a.example".into(), enabled: true, settings: vec![] };
    commit(&*storage, [Write::PutVhost(b.clone()), Write::PutVhost(a.clone())]).await.unwrap();
    assert_eq!(storage.vhosts().await.unwrap(), [a.clone(), b.clone()]);
    let changed = Vhost { enabled: true, settings: vec![setting("limit", "6")], ..b };
    commit(&*storage, [Write::PutVhost(changed.clone())]).await.unwrap();
    assert_eq!(storage.vhosts().await.unwrap(), [a, changed.clone()]);
    let remove = |domain: &str| Write::RemoveVhost(domain.into());
    commit(&*storage, [remove("a.example"), remove("c.example")]).await.unwrap();
    assert_eq!(storage.vhosts().await.unwrap(), [changed]);
}
