//! The `waxwing` command beside `serve`.

use waxwing_tests::{Mechanism, Scram, Server, password};

#[test]
fn accounts() {
    let mut server = Server::builder().users(["romeo"]).start();
    assert!(server.stop().success());
    let file = server.write_file("users.txt", "juliet@localhost parting is such\nnurse@localhost x\n");
    server.command(&["user", "add", "--from", &file]);
    let list = server.command(&["user", "list"]);
    let mut users: Vec<_> = list.lines().collect();
    users.sort_unstable();
    assert_eq!(users, ["juliet@localhost", "nurse@localhost", "romeo@localhost"]);
    let said = server.failing_command(&["user", "add", "juliet@localhost", "--password", "x"]);
    assert!(said.contains("juliet@localhost"), "{said}");
    server.command(&["user", "passwd", "juliet@localhost", "--password", "sweet sorrow"]);
    server.command(&["user", "remove", "romeo@localhost"]);
    server.start();

    let mut juliet = server.connect();
    juliet.login("juliet", "sweet sorrow", None);
    let mut romeo = server.connect();
    romeo.open();
    romeo.starttls();
    romeo.open();
    let result = romeo.authenticate(&mut Scram::new(Mechanism::Sha256, "romeo", &password("romeo")));
    assert!(result.is_err(), "he has been removed");
}

#[test]
fn a_password_is_read_if_none_is_given() {
    let mut server = Server::builder().start();
    assert!(server.stop().success());
    server.command_with_input(&["user", "add", "romeo@localhost"], "a rose\n");
    server.start();
    server.connect().login("romeo", "a rose", None);
}

#[test]
fn accounts_of_a_running_server() {
    let server = Server::builder().start();
    server.command(&["user", "add", "romeo@localhost", "--password", "a rose"]);
    let mut romeo = server.connect();
    romeo.login("romeo", "a rose", None);
    assert!(server.command(&["user", "list"]).contains("romeo@localhost"));
    server.command(&["user", "remove", "romeo@localhost"]);
    romeo.expect_end();
}

#[test]
fn the_first_start_makes_an_admin_and_says_how_to_log_in() {
    let server = Server::builder().start();
    let log = server.log();
    let line = log
        .lines()
        .find(|line| line.starts_with("Made the account admin@localhost"))
        .expect("a line about it");
    let password = line.split_whitespace().last().expect("a password");
    server.connect().login("admin", password, None);
}

#[test]
fn version_and_check() {
    let mut server = Server::builder().start();
    assert!(server.command(&["--version"]).starts_with("waxwing "));
    assert!(server.stop().success());
    server.command(&["check"]);
    let plugins = server.command(&["plugin", "list"]);
    for name in ["msgoffline", "ping", "message-carbons"] {
        assert!(plugins.contains(name), "{plugins}");
    }
    assert!(server.command(&["vhost", "list"]).contains("localhost"));
}

#[test]
fn a_mistake_in_the_config_is_shown_where_it_is() {
    let mut server = Server::builder().start();
    assert!(server.stop().success());
    server.reconfigure(|options| options.settings("limits {\n    'stanza-byts' = 10000\n}"));
    let said = server.failing_command(&["check"]);
    assert!(said.contains("config.tdsl:") && said.contains("stanza-byts"), "{said}");
    assert!(said.contains("stanza-bytes"), "it names the nearest key: {said}");
}
