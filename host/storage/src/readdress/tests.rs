//! A database that a release before RFC 7622 has left, in whatever engine. The engines' own tests make it.

use crate::{AccountError, Batch, Decision, Error, LogQuery, Storage, Write};
use waxwing_xmpp::Jid;

/// Rows in SQL that both engines take, but for bytes and booleans: `BYTES`, `TRUE` and `FALSE`.
pub(crate) const ROWS: &str = "
INSERT INTO account (domain, jid, sha1_iterations, sha1_salt, sha1_stored_key, sha1_server_key, sha256_iterations,
 sha256_salt, sha256_stored_key, sha256_server_key, created, enabled) VALUES
 ('xn--bcher-kva.example', 'a@xn--bcher-kva.example', 0, BYTES, BYTES, BYTES, 0, BYTES, BYTES, BYTES, 1, TRUE),
 ('localhost', 'b@localhost', 0, BYTES, BYTES, BYTES, 0, BYTES, BYTES, BYTES, 1, TRUE);
INSERT INTO roster (owner, version) VALUES ('a@xn--bcher-kva.example', 3), ('b@localhost', 7);
INSERT INTO roster_item (owner, contact, name, group_names, sub_from, sub_to, pending_out, approved, hidden, version) VALUES
 ('a@xn--bcher-kva.example', 'b@localhost', 'B', '[]', TRUE, TRUE, FALSE, FALSE, FALSE, 3),
 ('b@localhost', 'a@xn--bcher-kva.example', 'A', '[]', TRUE, FALSE, FALSE, FALSE, FALSE, 5),
 ('b@localhost', 'a@bücher.example', 'Same', '[]', FALSE, TRUE, FALSE, FALSE, FALSE, 6),
 ('b@localhost', 'c@xn--bcher-kva.example', 'C', '[]', FALSE, TRUE, FALSE, FALSE, FALSE, 7),
 ('b@localhost', 'd@e,f', 'Nobody', '[]', FALSE, FALSE, FALSE, FALSE, FALSE, 7);
INSERT INTO vhost (domain, enabled, settings) VALUES ('xn--bcher-kva.example', TRUE, '{}');
INSERT INTO table_entry (owner, store, key, value) VALUES
 ('a@xn--bcher-kva.example', 's', 'k', BYTES), ('', 'host/secrets', 'decoy', BYTES);
INSERT INTO log_entry (owner, store, at, value) VALUES ('a@xn--bcher-kva.example', 's', 1, BYTES);
INSERT INTO alarm (owner, plugin, name, at, data) VALUES ('a@xn--bcher-kva.example', 'p', 'n', 1, BYTES);
";

/// What would make two accounts and two domains one, and what no address is.
pub(crate) const COLLIDING: &str = "
INSERT INTO account (domain, jid, sha1_iterations, sha1_salt, sha1_stored_key, sha1_server_key, sha256_iterations,
 sha256_salt, sha256_stored_key, sha256_server_key, created, enabled) VALUES
 ('bücher.example', 'a@bücher.example', 0, BYTES, BYTES, BYTES, 0, BYTES, BYTES, BYTES, 1, TRUE),
 ('e,f', 'd@e,f', 0, BYTES, BYTES, BYTES, 0, BYTES, BYTES, BYTES, 1, TRUE);
INSERT INTO vhost (domain, enabled, settings) VALUES ('bücher.example', TRUE, '{}');
";

fn jid(text: &str) -> Jid {
    Jid::parse(text).unwrap()
}

/// All that was under another spelling is found under the one that addresses have.
pub(crate) async fn is_readdressed(storage: &dyn Storage) {
    let owner = jid("a@xn--bcher-kva.example");
    assert_eq!(owner, "a@bücher.example");
    assert_eq!(storage.account(&owner).await.unwrap().map(|account| account.jid), Some(owner.clone()));
    assert_eq!(storage.accounts("bücher.example", None, 9).await.unwrap().len(), 1);
    assert_eq!(storage.count_accounts("xn--bcher-kva.example").await.unwrap(), 0);
    assert_eq!(
        storage.vhosts().await.unwrap().first().map(|vhost| vhost.domain.as_str()),
        Some("bücher.example")
    );
    assert!(storage.table_get("s", owner.as_str(), "k").await.unwrap().is_some());
    assert!(storage.table_get("host/secrets", "", "decoy").await.unwrap().is_some());
    let log = storage.log_read("s", owner.as_str(), LogQuery::default()).await.unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!(
        storage.alarms(1, 9).await.unwrap().first().map(|alarm| alarm.owner.as_str()),
        Some(owner.as_str())
    );
    assert_eq!(storage.roster(&owner).await.unwrap().items.len(), 1);
    // Two spellings of one contact are one, and between the two is what either says.
    let roster = storage.roster(&jid("b@localhost")).await.unwrap();
    let contacts: Vec<_> = roster.items.iter().map(|item| (item.jid.as_str(), item.from, item.to)).collect();
    assert_eq!(contacts, [("a@bücher.example", true, true), ("c@bücher.example", false, true)]);
    assert_eq!(roster.version, 8);
    let again = Write::CreateAccount(storage.account(&owner).await.unwrap().unwrap());
    let result = storage.commit(Batch::one(again)).await;
    assert!(matches!(result, Err(Error::Account(AccountError::Exists))), "{result:?}");
}

/// What was told of a database that has `COLLIDING` in it.
pub(crate) fn is_undecided(said: &str) {
    for part in [
        "a@xn--bcher-kva.example is another spelling of a@bücher.example",
        "xn--bcher-kva.example is another spelling of bücher.example",
        "d@e,f is not a valid address",
        "waxwing db migrate",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("b@localhost"), "{said}");
}

/// Decisions of which one takes a name that somebody has.
pub(crate) fn taken() -> Vec<Decision> {
    let rename = |stored: &str, becomes| Decision { stored: stored.to_owned(), becomes: Some(jid(becomes)) };
    let erase = Decision { stored: "bücher.example".to_owned(), becomes: None };
    vec![erase, rename("d@e,f", "b@localhost")]
}

/// What is told of [`taken`].
pub(crate) fn is_taken(said: &str) {
    assert!(said.contains("d@e,f cannot become b@localhost, which is there already"), "{said}");
    assert!(said.contains("nothing was changed") && said.contains("waxwing db migrate"), "{said}");
}

/// The decisions that leave it as [`ROWS`] alone would be.
pub(crate) fn decisions() -> Vec<Decision> {
    let erase = |stored: &str| Decision { stored: stored.to_owned(), becomes: None };
    let rename = Decision { stored: "d@e,f".to_owned(), becomes: Some(jid("d@localhost")) };
    vec![erase("bücher.example"), rename]
}
