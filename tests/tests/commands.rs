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
        .find(|line| line.starts_with("Making the account admin@localhost"))
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

/// A person is asked twice, and nothing that is typed is shown.
#[test]
fn a_password_is_not_shown_while_it_is_typed() {
    let server = Server::builder().start();
    for (passwords, is_made) in [(["a rose", "a tulip"], false), (["a rose", "a rose"], true)] {
        let said = server.at_a_terminal(&["user", "add", "romeo@localhost"], &passwords);
        assert!(said.contains("Password of romeo@localhost: "), "{said}");
        assert!(!said.contains("rose") && !said.contains("tulip"), "{said}");
        assert_eq!(server.command(&["user", "list"]).contains("romeo@localhost"), is_made, "{said}");
    }
    server.connect().login("romeo", "a rose", None);
}

/// The server that runs does not mind what becomes of its config file, so nor do commands that it carries out.
#[test]
fn commands_work_while_the_config_file_is_being_edited() {
    let mut server = Server::builder().users(["romeo"]).start();
    server.reconfigure(|options| options.settings("limits {\n    'stanza-byts' = 10000\n}"));
    assert!(server.command(&["user", "list"]).contains("romeo@localhost"));
    assert!(server.command(&["ctl", "--list"]).contains("add-user"));
    assert!(server.stop().success());
    // Without a server, what the file says matters.
    let said = server.failing_command(&["user", "list"]);
    assert!(said.contains("stanza-byts"), "{said}");
}

#[test]
fn accounts_and_administrators_that_nobody_can_use_are_spoken_of() {
    let mut server = Server::builder()
        .users(["romeo"])
        .settings("admins = [ 'boss@localhost', 'boss@elsewhere.example' ]")
        .start();
    let log = server.log();
    assert!(log.contains("boss@elsewhere.example cannot log in"), "{log}");
    assert!(log.contains("waxwing user add boss@localhost"), "{log}");
    server.command(&["vhost", "add", "old.example"]);
    server.command(&["user", "add", "juliet@old.example", "--password", "x"]);
    server.command(&["ctl", "vhost-man", "comp-repo-item-remove", "item-list=old.example"]);
    server.command(&["user", "add", "boss@localhost", "--password", "x"]);
    assert!(server.stop().success());
    server.start();
    let log = server.log();
    assert!(log.contains("there are accounts of old.example"), "{log}");
    // It may not have said yet that it serves.
    let (_, since) = log.split_once("serves localhost").expect("two starts");
    assert!(!since.contains("waxwing user add"), "{since}");
}

#[test]
fn what_is_wrong_is_called_by_its_name() {
    let mut server = Server::builder().start();
    let said = server.failing_command(&["user", "add", "romeo@elsewhere.example", "--password", "x"]);
    assert!(said.contains("its domain is not served here"), "{said}");
    let said = server.failing_command(&["user", "add", "sess-man@localhost", "--password", "x"]);
    assert!(said.contains("belongs to a part of the server"), "{said}");
    let said = server.failing_command(&["ctl", "sess-man", "set-motd", "motd=a\u{1}b"]);
    assert!(said.contains("U+0001"), "{said}");
    assert!(server.stop().success());
    let announced = server.command(&["ctl", "sess-man", "announce", "announcement=Anybody?"]);
    assert!(announced.contains("Nobody is online"), "{announced}");
    let said = server.failing_command(&["user", "add", "--from", "/no/such/file"]);
    assert_eq!(said.matches("No such file").count(), 1, "{said}");
    server.reconfigure(|options| {
        options.settings(
            "'virtual-hosts' {\n    'x.example' {\n        'sasl-mechanisms' = [ 'NOPE' ]\n    }\n}",
        )
    });
    let said = server.failing_command(&["check"]);
    assert!(said.contains("virtual hosts: ") && said.contains("x.example"), "{said}");
    assert!(!said.contains("storage"), "{said}");
}
