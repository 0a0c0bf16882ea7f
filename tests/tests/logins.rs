//! What logins write: when somebody last did, together with what others write and not with a wait for the disk of each.

use std::time::Instant;
use waxwing_tests::{Client, Server, eventually};

/// The commits that the server has made, however many batches shared one.
fn commits(server: &Server) -> u64 {
    let status = server.command(&["db", "status", "--json"]);
    let (_, size) = status.split_once("\"batch_size\": {").expect("the size of batches");
    let (_, count) = size.split_once("\"count\": ").expect("a count");
    count.chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("a number")
}

fn last_login(server: &Server, account: &str) -> String {
    server.command(&["ctl", "sess-man", "get-user-lastlogin", &format!("accountjids={account}")])
}

#[track_caller]
fn is_known(server: &Server, account: &str) {
    let said = last_login(server, account);
    assert!(!said.contains("never") && said.contains('Z'), "{said}");
}

/// Neither the first of an account nor a later one, with all that is shipped.
#[test]
fn a_login_has_no_commit_of_its_own() {
    const LOGINS: u64 = 30;
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let (before, start) = (commits(&server), Instant::now());
    let clients: Vec<Client> = (0..LOGINS / 2)
        .flat_map(|n| ["romeo", "juliet"].map(|user| server.online_again(&format!("{user}/{n}"))))
        .collect();
    let (after, took) = (commits(&server), start.elapsed());
    // What waits is written every two seconds.
    let patient = took.as_secs() / 2 + 1;
    assert!(after - before <= patient, "{} commits for {LOGINS} logins within {took:?}", after - before);
    // It is known all the same.
    is_known(&server, "romeo@localhost");
    eventually("somebody writes it", || commits(&server) > before);
    drop(clients);
}

#[test]
fn the_last_login_outlives_the_server() {
    let mut server = Server::builder().users(["romeo", "juliet"]).start();
    assert!(last_login(&server, "romeo@localhost").contains("never"));
    // It is written when the server stops.
    let romeo = server.login("romeo/orchard");
    assert!(server.stop().success());
    drop(romeo);
    server.start();
    is_known(&server, "romeo@localhost");
    // So it is after a while, with nobody who writes anything else.
    let before = commits(&server);
    let juliet = server.login("juliet/balcony");
    eventually("it is written", || commits(&server) > before);
    server.kill();
    drop(juliet);
    server.start();
    is_known(&server, "juliet@localhost");
}

/// Nor has a logout, of somebody who leaves without a word.
#[test]
fn a_logout_has_no_commit_of_its_own() {
    const USERS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let mut server = Server::builder().users(USERS).start();
    let (before, start) = (commits(&server), Instant::now());
    for _ in 0..3 {
        for user in USERS {
            server.online(&format!("{user}/x")).close();
        }
    }
    let (after, took) = (commits(&server), start.elapsed());
    let patient = took.as_secs() / 2 + 1;
    assert!(after - before <= patient, "{} commits for 24 logouts within {took:?}", after - before);
    // When they were last there is known, and outlives the server.
    assert!(server.stop().success());
    server.start();
    for user in USERS {
        let mut client = server.login(&format!("{user}/x"));
        client.send("<iq type='get' id='l'><query xmlns='jabber:iq:last'/></iq>");
        client.expect("<iq type='result' id='l'><query xmlns='jabber:iq:last' seconds='*'/></iq>");
    }
}
