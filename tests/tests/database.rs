//! `waxwing db`: backups of a running server, restores, copies to the other engine and back, and what is refused.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;

use rusqlite::Connection;
use waxwing_tests::{Client, Incoming, OwnDatabase, Server, ServerBuilder, eventually};

/// A server whose database is the file `waxwing.db` in its folder, whatever engine the other tests are run on.
fn on_sqlite() -> ServerBuilder {
    Server::builder().data_source("uri = 'sqlite:waxwing.db'").endless_queues()
}

/// Sends juliet numbered messages until the connection breaks; says how many have been acknowledged.
fn talk(mut romeo: Client, acknowledged: &AtomicU32) {
    for next in 1.. {
        romeo.send(format!("<message to='juliet@localhost' type='chat'><body>{next}</body></message>"));
        romeo.send(format!("<iq type='get' id='{next}' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>"));
        match romeo.read() {
            Incoming::Element(answer) if answer.attr("id") == Some(&next.to_string()) => {
                acknowledged.store(next, SeqCst);
            }
            Incoming::Element(other) if other.name != "error" => panic!("{other}"),
            _ => return,
        }
    }
}

/// How many messages wait for juliet: from the first on, without a gap.
fn waiting(server: &Server) -> u32 {
    let mut juliet = server.login("juliet/balcony");
    juliet.send("<presence/>");
    let bodies: Vec<String> = juliet
        .drain()
        .iter()
        .filter(|node| node.name == "message")
        .map(|node| node.body().to_owned())
        .collect();
    let expected: Vec<String> = (1..=bodies.len()).map(|n| n.to_string()).collect();
    assert_eq!(bodies, expected, "each once, in order, without a gap");
    bodies.len() as u32
}

#[test]
fn a_backup_has_all_that_was_acknowledged_before_it() {
    let mut server = on_sqlite().users(["romeo", "juliet"]).start();
    let acknowledged = AtomicU32::new(0);
    let romeo = server.online("romeo/orchard");
    let before = thread::scope(|scope| {
        scope.spawn(|| talk(romeo, &acknowledged));
        eventually("something was acknowledged", || acknowledged.load(SeqCst) >= 30);
        let before = acknowledged.load(SeqCst);
        let said = server.command(&["db", "backup", "backup.db"]);
        assert!(said.contains("backup.db: ") && said.contains("What comes after"), "{said}");
        // While it goes on.
        let after = acknowledged.load(SeqCst);
        eventually("it goes on", || acknowledged.load(SeqCst) > after);
        server.stop();
        before
    });
    server.command(&["user", "passwd", "juliet@localhost", "--password", "another"]);
    let said = server.failing_command(&["db", "restore", "backup.db"]);
    assert!(said.contains("is not empty") && said.contains("--force"), "{said}");
    server.command(&["db", "restore", "backup.db", "--force"]);
    assert!(server.command(&["db", "check"]).contains("is in order"));
    server.start();
    // With the password that she had.
    let waiting = waiting(&server);
    assert!(waiting >= before, "{before} were acknowledged, {waiting} are in the backup");
}

#[test]
fn a_server_moves_to_postgresql_and_back() {
    let postgres = OwnDatabase::create();
    let mut server = on_sqlite().users(["romeo", "juliet", "nurse"]).start();
    let (mut romeo, mut nurse) = (server.online("romeo/orchard"), server.online("nurse/house"));
    server.befriend(&mut romeo, &mut nurse);
    for n in 1..=5 {
        romeo.send(format!("<message to='juliet@localhost' type='chat'><body>{n}</body></message>"));
    }
    romeo.expect_nothing();
    // The source may be in use, the target may not.
    let said = server.command(&["db", "copy", "--to", postgres.uri()]);
    assert!(said.contains("What comes to sqlite:waxwing.db after"), "{said}");
    server.stop();
    let said = server.failing_command(&["db", "copy", "--to", postgres.uri()]);
    assert!(said.contains("is not empty"), "{said}");
    server.command(&["db", "copy", "--to", postgres.uri(), "--force"]);

    server.reconfigure(|builder| builder.data_source(&postgres.data_source()));
    server.start();
    let said = server.failing_command(&["db", "restore", "waxwing.db", "--force"]);
    assert!(said.contains("in use by another server") && said.contains("Stop the server first"), "{said}");
    let mut romeo = server.login("romeo/orchard");
    romeo.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
    romeo.expect(
        "<iq type='result' id='r'><query xmlns='jabber:iq:roster'>\
        <item jid='nurse@localhost' subscription='both'/></query></iq>",
    );
    romeo.send("<message to='juliet@localhost' type='chat'><body>6</body></message>");
    romeo.drain();
    assert!(server.command(&["db", "check"]).contains("is in order"));
    server.command(&["db", "backup", "backup.db"]);
    server.stop();
    server.command(&["db", "copy", "--to", "sqlite:back.db"]);

    for name in ["back.db", "backup.db"] {
        server.reconfigure(|builder| builder.data_source(&format!("uri = 'sqlite:{name}'")));
        server.start();
        assert_eq!(waiting(&server), 6, "{name}");
        server.stop();
    }
}

#[test]
fn a_status_is_of_the_database_and_of_the_server() {
    let mut server = on_sqlite().users(["romeo"]).start();
    server.command(&["user", "add", "juliet@localhost", "--password", "secret"]);
    let said = server.command(&["db", "status"]);
    for expected in
        ["sqlite:waxwing.db", "SQLite 3", "that of this program", "open by       process", "account "]
    {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert!(
        said.contains("server        runs") && said.contains("batches") && said.contains("half within"),
        "{said}"
    );
    let json = server.command(&["db", "status", "--json"]);
    assert!(
        json.contains("\"commit_micros\"") && json.contains("\"Process\"") && json.starts_with('{'),
        "{json}"
    );
    server.stop();
    let said = server.command(&["db", "status"]);
    assert!(
        said.contains("open by       no server") && said.contains("server        does not run"),
        "{said}"
    );
    assert!(server.command(&["db", "migrate"]).contains("nothing to do"));
    assert!(server.command(&["db", "vacuum"]).contains("bytes freed"));
    server.reconfigure(|builder| builder.data_source("uri = 'postgresql://u:secret@127.0.0.1:1/d'"));
    let said = server.failing_command(&["db", "status"]);
    assert!(
        said.contains("state         the database cannot be reached") && !said.contains("secret"),
        "{said}"
    );
}

/// The server says what it knows of a database that has gone.
#[test]
fn a_status_tells_that_the_database_is_away() {
    let postgres = OwnDatabase::create();
    let server = Server::builder().data_source(&postgres.data_source()).users(["romeo"]).start();
    let said = server.command(&["db", "status"]);
    assert!(said.contains("PostgreSQL 1") && said.contains("database    answers"), "{said}");
    assert!(said.contains("open by       waxwing") && said.contains("in use of"), "{said}");
    let name = postgres.name();
    postgres.on_server(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"));
    postgres.on_server(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    ));
    eventually("the server knows that its database is away", || {
        let said = server.failing_command(&["db", "status"]);
        assert!(said.contains("not currently accepting connections"), "{said}");
        said.contains("database    is away: ")
    });
    postgres.on_server(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"));
    eventually("it is back", || server.command(&["db", "status"]).contains("database    answers"));
}

#[test]
fn damage_is_found_beside_a_running_server() {
    let server = on_sqlite().users(["romeo", "juliet"]).start();
    assert!(server.command(&["db", "check"]).contains("is in order"));
    let db = Connection::open(server.path("waxwing.db")).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    db.execute_batch(
        "INSERT INTO vhost (domain, enabled, settings) VALUES ('b.example', 1, 'my secret');
         UPDATE account SET jid = 'Romeo@localhost' WHERE jid = 'romeo@localhost'",
    )
    .unwrap();
    let said = server.failing_command(&["db", "check"]);
    for expected in [
        "account, row localhost Romeo@localhost: jid is no bare JID",
        "vhost, row b.example: settings is no JSON object of strings",
        "2 found that should not be so",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert!(!said.contains("secret"), "{said}");
}

#[test]
fn what_cannot_be_done_is_said() {
    let mut server = on_sqlite().users(["romeo"]).start();
    server.write_file("letters", "my letters");
    for (command, expected) in [
        (&["db", "backup", "letters"][..], "exists already"),
        (
            &["db", "backup", "nowhere/backup.db"],
            "no backup of sqlite:waxwing.db was made: nowhere/backup.db.part: No such file",
        ),
        (&["db", "backup", "waxwing.db", "--force"], "onto itself"),
        (&["db", "migrate"], "in use by another server (process "),
        (&["db", "vacuum"], "Stop the server first"),
        (
            &["db", "restore", "letters", "--force"],
            "is no backup of Waxwing: the file is not an SQLite database",
        ),
        (&["db", "restore", "missing"], "there is no database missing"),
        (&["db", "copy", "--from", "mysql://u:secret@h/d"], "--from: 'mysql:' is no database"),
        (&["db", "copy", "--from", "sqlite:waxwing.db"], "onto itself"),
        (&["db", "copy"], "--from"),
    ] {
        let said = server.failing_command(command);
        assert!(said.contains(expected) && !said.contains("secret"), "{command:?}: {said}");
    }
    server.command(&["db", "backup", "backup.db"]);
    let said = server.failing_command(&["db", "restore", "backup.db", "--force"]);
    assert!(said.contains("in use by another server") && said.contains("Stop the server first"), "{said}");
    server.stop();
    server.start();
    server.online("romeo/orchard");
}

/// Killed at any moment, the old database is there, or the new one as a whole.
#[test]
fn a_restore_that_is_killed_leaves_a_whole_database() {
    let postgres = OwnDatabase::create();
    let mut server = on_sqlite().users(["romeo", "juliet"]).start();
    server.stop();
    server.command(&["db", "backup", "small.db"]);
    server.command(&["db", "backup", "large.db"]);
    let large = Connection::open(server.path("large.db")).unwrap();
    large
        .execute_batch(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 30000)
             INSERT INTO log_entry (owner, store, at, value)
             SELECT 'juliet@localhost', 'somebody-elses/log', n, zeroblob(1000) FROM n",
        )
        .unwrap();
    drop(large);
    let rows = |server: &Server| {
        let said = server.command(&["db", "status"]);
        let line = said.lines().find(|line| line.contains("log_entry")).expect("the table").to_owned();
        line.split_whitespace().last().and_then(|rows| rows.parse::<u32>().ok()).expect("a number")
    };
    for data_source in ["uri = 'sqlite:waxwing.db'".to_owned(), postgres.data_source()] {
        server.reconfigure(|builder| builder.data_source(&data_source));
        server.command(&["db", "restore", "small.db", "--force"]);
        let part = PathBuf::from(server.path("waxwing.db.part"));
        let mut child = server.start_command(&["db", "restore", "large.db", "--force"]);
        if data_source.contains("sqlite") {
            eventually("it has begun or ended", || {
                part.exists() || child.try_wait().expect("its status").is_some()
            });
        } else {
            // A line for each table that is complete, in the transaction.
            let mut lines = BufReader::new(child.stderr.take().expect("its output")).lines();
            assert!(lines.any(|line| line.expect("a line").starts_with("account: ")));
        }
        let _ = child.kill();
        child.wait().expect("its status");
        let left = rows(&server);
        assert!(left == 0 || left == 30_000, "{left} rows");
        assert!(server.command(&["db", "check"]).contains("is in order"));
        server.start();
        server.online("romeo/orchard");
        server.stop();
        // And what it has left does not stand in the way of the next.
        server.command(&["db", "restore", "large.db", "--force"]);
        assert_eq!(rows(&server), 30_000);
        assert!(!part.exists());
    }
}
