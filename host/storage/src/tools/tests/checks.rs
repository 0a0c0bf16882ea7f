use super::*;

fn findings(own: &Own) -> Vec<String> {
    let mut found = Vec::new();
    check(&own.location, &mut quiet, &mut |finding| found.push(finding.to_string())).unwrap();
    found.sort();
    found
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    for own in Own::both() {
        let own = own.filled();
        let served = own.serve();
        assert_eq!(findings(&own), Vec::<String>::new());
        served.close();
    }
}

#[test]
fn each_damage_is_found() {
    let damages = [
        (
            "UPDATE account SET jid = 'Juliet@example.org' WHERE enabled",
            "account, row example.org Juliet@example.org: jid is no bare JID",
        ),
        (
            "UPDATE account SET domain = 'other.example' WHERE enabled",
            "account, row other.example juliet@example.org: domain is not that of the jid",
        ),
        (
            "UPDATE account SET sha256_iterations = 0 WHERE enabled",
            "account, row example.org juliet@example.org: sha256_iterations is out of range: set a new password",
        ),
        (
            "UPDATE account SET sha1_stored_key = sha256_salt WHERE enabled",
            "account, row example.org juliet@example.org: the keys of sha1 have not the right length: set a new password",
        ),
        (
            "UPDATE account SET sha1_iterations = 0, sha1_salt = '', sha1_stored_key = '', sha1_server_key = '',
             sha256_iterations = 0, sha256_salt = '', sha256_stored_key = '', sha256_server_key = ''",
            "account, row example.org juliet@example.org: ",
        ),
        ("DELETE FROM account WHERE enabled", "roster, row juliet@example.org: there is no such account"),
        (
            "UPDATE roster SET version = 0",
            "roster_item, row juliet@example.org nurse@example.org: version is greater than that of the roster",
        ),
        (
            "DELETE FROM roster",
            "roster_item, row juliet@example.org romeo@example.org: its owner has no roster",
        ),
        (
            "UPDATE roster_item SET contact = 'a@b@c' WHERE contact LIKE 'r%'",
            "roster_item, row juliet@example.org a@b@c: contact is no bare JID",
        ),
        (
            "UPDATE roster_item SET group_names = '[1]'",
            "roster_item, row juliet@example.org nurse@example.org: group_names is no JSON array of strings",
        ),
        ("UPDATE vhost SET settings = '[]'", "vhost, row b.example: settings is no JSON object of strings"),
        ("UPDATE vhost SET domain = 'a@b'", "vhost, row a@b: domain is no domain"),
        (
            "UPDATE table_entry SET owner = 'o@x/r' WHERE key = 'large'",
            "table_entry, row o@x/r other/large large: owner is no bare JID",
        ),
        ("UPDATE log_entry SET owner = '' WHERE id = 1", "log_entry, row 1: owner is no bare JID"),
        ("UPDATE log_entry SET at = -5 WHERE id = 1", "log_entry, row 1: at is negative"),
        ("UPDATE alarm SET owner = '@'", "alarm, row @ amp : owner is no bare JID"),
        ("UPDATE component SET bytes = sha256", "component, row"),
        ("DELETE FROM component", "plugin, row greeter *: its component is not there"),
        ("UPDATE plugin SET manifest = '{'", "plugin, row greeter *: manifest is no JSON"),
        ("UPDATE plugin SET scope = 'a b'", "plugin, row greeter a b: scope is neither '*' nor a domain"),
        (
            "CREATE TABLE bookmark (url TEXT)",
            "bookmark: is no table of Waxwing: backups and copies do not have what is in it",
        ),
        ("DROP TABLE alarm", "alarm: is not there"),
    ];
    for own in Own::both() {
        let own = own.filled();
        let file = own.file("backup.db");
        backup(&own.location, &file, false, &mut quiet).unwrap();
        for (damage, expected) in damages {
            own.execute(damage);
            let found = findings(&own);
            assert!(
                found.iter().any(|line| line.starts_with(expected)),
                "{}: {damage}: {found:#?}",
                own.location
            );
            own.execute("DROP TABLE IF EXISTS bookmark");
            if damage.starts_with("DROP") {
                break;
            }
            restore(&file, &own.location, true, &mut quiet).unwrap();
            assert_eq!(findings(&own), Vec::<String>::new(), "{damage}");
        }
    }
}

/// Only of one engine each, or not to be put right by a restore.
#[test]
fn damage_that_an_engine_lets_in_is_found() {
    let own = Own::sqlite().filled();
    own.execute("UPDATE table_entry SET value = 'text' WHERE key = 'large'; UPDATE roster_item SET name = CAST(x'ff' AS TEXT)");
    own.execute("UPDATE sqlite_sequence SET seq = 2");
    assert_eq!(
        findings(&own),
        [
            "log_entry, row 3: its id is greater than the last one given, 2: ids would be given twice",
            "roster_item, row juliet@example.org nurse@example.org: name is not UTF-8",
            "roster_item, row juliet@example.org romeo@example.org: name is not UTF-8",
            "table_entry, row juliet@example.org other/large large: value is of another type than its column",
        ]
    );
    let own = Own::postgres().filled();
    own.execute(
        "UPDATE table_entry SET key = E'\\x01x' WHERE key = 'large'; SELECT setval('log_entry_id_seq', 2)",
    );
    assert_eq!(
        findings(&own),
        [
            "log_entry, row 3: its id is greater than the last one given, 2: ids would be given twice",
            "table_entry, row juliet@example.org other/large ?: key has a character that was not written by this program",
        ]
    );
}

#[test]
fn damaged_pages_are_found() {
    let own = Own::sqlite().filled();
    let path = own.file("waxwing.db");
    let mut bytes = std::fs::read(&path).unwrap();
    // All pages but the first, of which the schema is read.
    for byte in bytes.iter_mut().skip(30 * 4096).take(20_000) {
        *byte = 0xaa;
    }
    std::fs::write(&path, bytes).unwrap();
    assert!(!findings(&own).is_empty());
}
