//! What a server makes of its database when it starts: one that is not there yet, one that is not for it, and one that
//! it may not use.
//!
//! On PostgreSQL, whatever engine the other tests run on: each test has a server of its own.

use std::net::TcpStream;

use waxwing_tests::{Postgres, Server, eventually};

/// Started before its database, as after a power cut: it waits, says so, and goes on by itself.
#[test]
fn before_the_database() {
    let mut postgres = Postgres::start();
    let mut server = Server::builder().users(["romeo"]).data_source(&postgres.data_source()).start();
    server.stop();
    postgres.stop();
    let before = server.log().len();
    server.launch();
    eventually("the server says what it waits for", || {
        let log = server.log();
        let complaint = log[before..].lines().find(|line| line.contains("No such file"));
        complaint.is_some_and(|line| line.contains("again"))
    });
    for addr in [server.addr(), server.tls_addr()] {
        assert!(TcpStream::connect(addr).is_err(), "it accepts clients without a database");
    }
    postgres.start_again();
    server.wait_until_ready();
    server.online("romeo/orchard").expect_nothing();
}

/// While it waits it can be stopped.
#[test]
fn given_up() {
    let mut postgres = Postgres::start();
    let mut server = Server::builder().data_source(&postgres.data_source()).start();
    server.stop();
    postgres.kill();
    let before = server.log().len();
    server.launch();
    eventually("the server says what it waits for", || server.log()[before..].contains("again"));
    server.stop();
}

/// A command does not wait: somebody sits before it.
#[test]
fn commands_fail_at_once() {
    let mut postgres = Postgres::start();
    let server = Server::builder().data_source(&postgres.data_source()).unstarted();
    let add = ["user", "add", "romeo@localhost", "--password", "secret"];
    let socket = postgres.data().display().to_string();
    postgres.stop();
    let said = server.failing_command(&add);
    assert!(said.contains(&socket) && said.contains("No such file") && !said.contains("secret"), "{said}");
    postgres.start_again();
    postgres.kill();
    let said = server.failing_command(&add);
    assert!(said.contains(&socket) && said.contains("refused"), "{said}");
    postgres.start_again();
    postgres.freeze();
    let said = server.failing_command(&add);
    assert!(said.contains(&socket), "{said}");
    postgres.thaw();
    server.command(&add);
}

#[test]
fn a_newer_schema() {
    let postgres = Postgres::start();
    let mut server = Server::builder().data_source(&postgres.data_source()).start();
    server.stop();
    let known = postgres.ask_waxwing("SELECT max(version) FROM migration").expect("the version");
    postgres.execute_waxwing("INSERT INTO migration (version, applied) VALUES (99, 0)");
    let said = server.failing_command(&["serve"]);
    assert!(said.contains("99") && said.contains(&format!("up to {known}")), "{said}");
}

/// Tables of somebody else.
#[test]
fn a_database_of_another_program() {
    let postgres = Postgres::start();
    postgres.execute_waxwing("CREATE TABLE account (id INT)");
    let mut server = Server::builder().data_source(&postgres.data_source()).unstarted();
    server.launch();
    assert!(!server.wait().success());
    assert!(server.log().contains("another program"), "{}", server.log());
}

/// Two servers that each believe to be the only one would each keep half of what is said.
#[test]
fn a_database_in_use() {
    let postgres = Postgres::start();
    let mut first = Server::builder().users(["romeo"]).data_source(&postgres.data_source()).start();
    let mut second = Server::builder().data_source(&postgres.data_source()).unstarted();
    let said = second.failing_command(&["serve"]);
    assert!(said.contains("in use by another server"), "{said}");
    first.online("romeo/orchard").expect_nothing();
    // It is not in use by one that is gone, however that came about.
    first.kill();
    second.start();
    second.online("romeo/orchard").expect_nothing();
}

/// A role that may not do anything: it is not worth waiting until it may.
#[test]
fn a_role_without_rights() {
    let postgres = Postgres::start();
    postgres.execute("CREATE ROLE stranger LOGIN");
    let data_source = format!("{}\nuser = 'stranger'", postgres.data_source());
    let server = Server::builder().data_source(&data_source).unstarted();
    let said = server.failing_command(&["serve"]);
    assert!(said.contains("permission denied"), "{said}");
    let data_source = format!("{}\nuser = 'nobody-there'", postgres.data_source());
    let server = Server::builder().data_source(&data_source).unstarted();
    let said = server.failing_command(&["serve"]);
    assert!(said.contains("nobody-there"), "{said}");
}
