//! kill -9 under load, again and again: of the server, of its database, of both. What was acknowledged is delivered, in
//! order, and nothing that was delivered for good comes again.
//!
//! `WAXWING_CRASH_ROUNDS` says how often; without, often enough to see each kind once.

use waxwing_tests::{Load, Postgres, SENDERS, Server, ServerBuilder, eventually, online};

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Victim {
    Server,
    Database,
    Both,
}

fn rounds(few: u32) -> u32 {
    std::env::var("WAXWING_CRASH_ROUNDS").map_or(few, |rounds| rounds.parse().expect("a number of rounds"))
}

fn people() -> ServerBuilder {
    let server = Server::builder().users(SENDERS).users(["juliet", "nurse"]).endless_queues();
    server.settings("limits { 'failed-logins' = 1000000 }")
}

fn kill(victim: Victim, server: &mut Server, database: &mut Option<Postgres>) {
    if let (Victim::Database | Victim::Both, Some(database)) = (victim, database) {
        database.kill();
    }
    if let Victim::Server | Victim::Both = victim {
        server.kill();
    }
}

fn revive(victim: Victim, server: &mut Server, database: &mut Option<Postgres>) {
    if let Victim::Server | Victim::Both = victim {
        server.launch();
    }
    if let (Victim::Database | Victim::Both, Some(database)) = (victim, database) {
        database.start_again();
    }
    server.wait_until_ready();
}

/// Kills in the middle of storing; every other time also in the middle of delivering.
fn round(n: u32, victim: Victim, load: &mut Load, server: &mut Server, database: &mut Option<Postgres>) {
    let talk = load.talk(server);
    talk.acknowledges(40 + n * 37 % 200);
    kill(victim, server, database);
    revive(victim, server, database);
    if victim == Victim::Database {
        // The connections are still there, and so are the senders.
        talk.acknowledges(60);
    }
    load.ends(talk);
    if n % 2 == 1 {
        let mut juliet = online(server, "juliet");
        load.deliver(server, &mut juliet, 20 + n as usize % 50);
        kill(victim, server, database);
        if victim != Victim::Database {
            load.rest(&mut juliet);
        }
        revive(victim, server, database);
        if victim == Victim::Database {
            // What has been written to her is hers. The rest waits for another session.
            load.deliver(server, &mut juliet, usize::MAX);
            juliet.close();
        }
    }
    let mut juliet = online(server, "juliet");
    assert!(load.deliver(server, &mut juliet, usize::MAX));
    juliet.close();
}

#[test]
fn of_the_server_and_its_database() {
    let postgres = Postgres::start();
    let mut server = people().data_source(&postgres.data_source()).start();
    let (mut load, mut database) = (Load::default(), Some(postgres));
    let victims = [Victim::Server, Victim::Database, Victim::Both];
    let rounds = rounds(6);
    for (n, victim) in (0..rounds).zip(victims.into_iter().cycle()) {
        round(n, victim, &mut load, &mut server, &mut database);
        let postgres = database.as_ref().expect("a database");
        eventually("what was delivered is gone", || {
            // Another session takes what is left because the database was not there when it was to be deleted.
            load.deliver(&server, &mut online(&server, "juliet"), usize::MAX);
            postgres.ask_waxwing("SELECT count(*) FROM log_entry").as_deref() == Some("0")
        });
        load.settle();
    }
    eprintln!("{rounds} rounds: {} acknowledged, {} came twice", load.acknowledged, load.repeated);
}

/// The same of a server whose database is a file.
#[test]
fn of_the_server_with_a_file() {
    let mut server = people().data_source("uri = 'sqlite:waxwing.db'").start();
    let mut load = Load::default();
    let rounds = rounds(2);
    for n in 0..rounds {
        round(n, Victim::Server, &mut load, &mut server, &mut None);
        // What is to be deleted is when it has stopped.
        server.stop();
        server.start();
        load.settle();
    }
    eprintln!("{rounds} rounds: {} acknowledged, {} came twice", load.acknowledged, load.repeated);
}

/// Its writing connection dies with whatever is under way, at any point between the first statement and the commit.
/// Nobody has noticed afterwards but those who were told to try again.
#[test]
fn of_the_connections_to_the_database() {
    let postgres = Postgres::start();
    let server = people().data_source(&postgres.data_source()).start();
    let mut load = Load::default();
    let talk = load.talk(&server);
    for _ in 0..20 {
        talk.acknowledges(30);
        postgres.disconnect_all();
    }
    talk.acknowledges(30);
    load.ends(talk);
    let mut juliet = online(&server, "juliet");
    assert!(load.deliver(&server, &mut juliet, usize::MAX));
    load.settle();
}
