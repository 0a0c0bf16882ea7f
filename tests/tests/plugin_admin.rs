//! Plugins that an operator installs, changes and removes while the server runs and clients are connected.

use waxwing_tests::{Client, Server};

fn server() -> Server {
    Server::builder().users(["romeo", "juliet"]).start()
}

/// What a domain says to a client who asks to be greeted.
fn greeting_at(client: &mut Client, domain: &str) -> String {
    client.send(format!("<iq type='get' id='g' to='{domain}'><greet xmlns='urn:test:greeter'/></iq>"));
    let answer = client.expect("<iq id='g'/>");
    match answer.attr("type") {
        Some("result") => answer.children[0].text.clone(),
        _ => "nobody".to_owned(),
    }
}

fn greeting(client: &mut Client) -> String {
    greeting_at(client, "localhost")
}

fn offers(client: &mut Client, feature: &str) -> bool {
    let query = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
    client.send(format!("<iq type='get' id='d' to='localhost'>{query}</iq>"));
    let info = client.expect(format!("<iq type='result' id='d'>{query}</iq>"));
    info.children[0].children.iter().any(|child| child.attr("var") == Some(feature))
}

/// The line of a list that begins with this name.
fn line(list: &str, name: &str) -> String {
    let line = list.lines().find(|line| line.split_whitespace().next() == Some(name));
    line.unwrap_or_default().to_owned()
}

#[test]
fn a_plugin_comes_into_a_running_server_and_goes_again() {
    let mut server = server();
    let mut romeo = server.online("romeo/orchard");
    let mut juliet = server.online("juliet/balcony");
    let file = server.component("greeter");
    assert_eq!(greeting(&mut romeo), "nobody");

    // Nobody has agreed to anything, and there is no terminal to ask on.
    let said = server.failing_command(&["plugin", "install", &file]);
    assert!(
        said.contains("Greets whoever asks") && said.contains("(process)") && said.contains("--yes"),
        "{said}"
    );
    assert_eq!(greeting(&mut romeo), "nobody");

    let said = server.command(&["plugin", "install", &file, "--allow", "process,stanzas"]);
    assert_eq!(said.trim(), "greeter 0.1.0 is installed and runs for all virtual hosts");
    assert_eq!(greeting(&mut romeo), "Hello");
    assert!(offers(&mut juliet, "urn:test:greeter"));
    let list = server.command(&["plugin", "list"]);
    assert!(line(&list, "greeter").contains("installed") && line(&list, "ping").contains("config"), "{list}");

    let said = server.command(&["plugin", "set", "greeter", "greeting=Good day"]);
    assert!(said.contains("with the change"), "{said}");
    assert_eq!(greeting(&mut romeo), "Good day");
    let said = server.failing_command(&["plugin", "set", "greeter", "greting=x"]);
    assert!(said.contains("no setting greting; there are: greeting"), "{said}");
    let said = server.failing_command(&["plugin", "grant", "greeter", "--deny", "stanzas"]);
    assert!(said.contains("`stanzas`"), "{said}");
    assert_eq!(greeting(&mut romeo), "Good day");
    // The sessions from before are still there.
    romeo.send("<message to='juliet@localhost' type='chat' id='1'><body>Still here</body></message>");
    juliet.expect("<message id='1'/>");

    romeo.close();
    juliet.close();
    assert!(server.stop().success());
    server.start();
    let mut romeo = server.online("romeo/orchard");
    assert_eq!(greeting(&mut romeo), "Good day");

    server.command(&["plugin", "disable", "greeter"]);
    assert_eq!(greeting(&mut romeo), "nobody");
    assert!(!offers(&mut romeo, "urn:test:greeter"));
    assert!(line(&server.command(&["plugin", "list"]), "greeter").contains("disabled"));
    server.command(&["plugin", "enable", "greeter"]);
    assert_eq!(greeting(&mut romeo), "Good day");
    server.command(&["plugin", "remove", "greeter", "--erase-data"]);
    assert_eq!(greeting(&mut romeo), "nobody");
    assert!(!offers(&mut romeo, "urn:test:greeter"));
    let said = server.failing_command(&["plugin", "enable", "greeter"]);
    assert!(said.contains("no plugin \"greeter\" is installed"), "{said}");
}

#[test]
fn an_upgrade_that_asks_for_more_needs_a_yes() {
    let server = server();
    let mut romeo = server.online("romeo/orchard");
    server.command(&["plugin", "install", &server.component("greeter"), "--yes"]);
    let second = server.component("greeter_two");
    let said = server.failing_command(&["plugin", "upgrade", &second]);
    assert!(said.contains("greeter 0.2.0, in the place of 0.1.0, asks for more"), "{said}");
    let asks: Vec<&str> = said.lines().filter(|line| line.starts_with("  - ")).collect();
    assert!(asks.len() == 2 && asks[0].contains("(storage)") && asks[1].contains("64 MiB"), "{said}");
    assert_eq!(greeting(&mut romeo), "Hello");

    let said = server.command(&["plugin", "upgrade", &second, "--yes"]);
    assert!(said.contains("greeter is upgraded from 0.1.0 to 0.2.0"), "{said}");
    assert_eq!(greeting(&mut romeo), "Hello 1");
    assert!(offers(&mut romeo, "urn:test:greeter:2"));
    let said = server.command(&["plugin", "upgrade", &second]);
    assert!(said.contains("already"), "{said}");

    let info = server.command(&["plugin", "info", "greeter"]);
    for part in ["greeter 0.2.0", "(storage)", "before     0.1.0", "process", "on trial", "P99"] {
        assert!(info.contains(part), "{part} is not in\n{info}");
    }
    let json = server.command(&["plugin", "info", "greeter", "--json"]);
    assert!(json.contains("\"version\": \"0.2.0\"") && json.contains("\"hook\": \"process\""), "{json}");
    server.command(&["plugin", "rollback", "greeter"]);
    assert_eq!(greeting(&mut romeo), "Hello");
    assert!(!offers(&mut romeo, "urn:test:greeter:2"));
}

#[test]
fn a_version_that_crashes_is_rolled_back_and_stays_so() {
    let mut server = server();
    let mut romeo = server.online("romeo/orchard");
    server.command(&["plugin", "install", &server.component("greeter"), "--yes"]);
    let said = server.command(&["plugin", "upgrade", &server.component("greeter_three")]);
    assert!(said.contains("to 0.3.0"), "{said}");
    for _ in 0..4 {
        assert_eq!(greeting(&mut romeo), "Hello", "the version before it takes the calls that fail");
    }
    let list = server.command(&["plugin", "list"]);
    assert!(line(&list, "greeter").contains("0.1.0"), "{list}");
    let info = server.command(&["plugin", "info", "greeter"]);
    assert!(info.contains("greeter 0.1.0"), "{info}");
    assert!(server.log().contains("rolled back to 0.1.0"), "{}", server.log());
    romeo.close();
    assert!(server.stop().success());
    server.start();
    let mut romeo = server.online("romeo/orchard");
    assert_eq!(greeting(&mut romeo), "Hello");
    assert!(line(&server.command(&["plugin", "list"]), "greeter").contains("0.1.0"));
}

#[test]
fn a_broken_file_changes_nothing() {
    let server = server();
    let mut romeo = server.online("romeo/orchard");
    let file = server.component("greeter");
    server.command(&["plugin", "install", &file, "--yes"]);
    let before = server.command(&["plugin", "list"]);
    let cut = server.write_file("cut.wasm", "\0asm\x0d\0\x01\0 and nothing else");
    let text = server.write_file("text.wasm", "not a component");
    for bad in [&cut, &text] {
        let said = server.failing_command(&["plugin", "install", bad, "--yes"]);
        assert!(said.contains("the file cannot be used"), "{said}");
        let said = server.failing_command(&["plugin", "upgrade", bad, "--yes"]);
        assert!(said.contains("the file cannot be used"), "{said}");
    }
    let said = server.failing_command(&["plugin", "install", &file, "--yes"]);
    assert!(said.contains("waxwing plugin upgrade"), "{said}");
    assert_eq!(server.command(&["plugin", "list"]), before);
    assert_eq!(greeting(&mut romeo), "Hello");
}

#[test]
fn a_plugin_for_one_virtual_host() {
    let server = server();
    server.command(&["vhost", "add", "other.example"]);
    let mut romeo = server.online("romeo/orchard");
    let file = server.component("greeter");
    let said = server.failing_command(&["plugin", "install", &file, "--yes", "--vhost", "nowhere.example"]);
    assert!(said.contains("no virtual host") && said.contains("waxwing vhost list"), "{said}");
    server.command(&["plugin", "install", &file, "--yes", "--vhost", "localhost"]);
    assert_eq!(greeting(&mut romeo), "Hello");
    server.command(&["user", "add", "juliet@other.example", "--password", "x"]);
    let mut juliet = Client::connect(server.addr(), "other.example");
    juliet.login("juliet", "x", None);
    assert_eq!(greeting_at(&mut juliet, "other.example"), "nobody");
    let second = server.component("greeter_two");
    server.command(&[
        "plugin",
        "install",
        &second,
        "--yes",
        "--vhost",
        "other.example",
        "--set",
        "greeting=Ho",
    ]);
    assert_eq!(greeting_at(&mut juliet, "other.example"), "Ho 1");
    assert_eq!(greeting(&mut romeo), "Hello");
    let said = server.failing_command(&["plugin", "disable", "greeter"]);
    assert!(said.contains("--vhost"), "{said}");
    server.command(&["plugin", "disable", "greeter", "--vhost", "localhost"]);
    assert_eq!(greeting(&mut romeo), "nobody");
    assert_eq!(greeting_at(&mut juliet, "other.example"), "Ho 2");
}

#[test]
fn what_the_config_file_lists_is_changed_there() {
    let server = Server::builder().users(["romeo"]).guest("greeter").start();
    let mut romeo = server.online("romeo/orchard");
    assert_eq!(greeting(&mut romeo), "Hello");
    let second = server.component("greeter_two");
    let said = server.failing_command(&["plugin", "install", &second, "--yes"]);
    assert!(said.contains("listed in the config file; change it there"), "{said}");
    let said = server.failing_command(&["plugin", "upgrade", &second]);
    assert!(said.contains("waxwing plugin reload greeter"), "{said}");

    let listed = std::path::Path::new(&second).with_file_name("plugins").join("greeter.wasm");
    std::fs::copy(&second, &listed).unwrap();
    let said = server.command(&["plugin", "reload", "greeter"]);
    assert!(said.contains("greeter 0.2.0 runs"), "{said}");
    assert_eq!(greeting(&mut romeo), "Hello 1");
    std::fs::write(&listed, "half a file").unwrap();
    server.failing_command(&["plugin", "reload", "greeter"]);
    assert_eq!(greeting(&mut romeo), "Hello 2");

    std::fs::copy(&second, listed.with_file_name("stray.wasm")).unwrap();
    let list = server.command(&["plugin", "list"]);
    assert!(list.lines().any(|line| line.ends_with("stray.wasm is not listed in the config file")), "{list}");
}

/// The commands that put things right work without a server.
#[test]
fn a_stopped_server_can_be_put_right() {
    let mut server = Server::builder().users(["romeo"]).guest("greeter").without_plugin("greeter").start();
    server.command(&["plugin", "install", &server.component("greeter"), "--yes"]);
    assert!(server.stop().success());
    // The same plugin in the config file and in the database: the server does not know which is meant.
    server.reconfigure(|options| options.plugin("greeter"));
    let said = server.failing_command(&["check"]);
    assert!(said.contains("waxwing plugin remove greeter"), "{said}");
    let list = server.command(&["plugin", "list"]);
    assert!(list.contains("does not run"), "{list}");
    server.command(&["plugin", "remove", "greeter"]);
    server.command(&["check"]);
    server.start();
    let mut romeo = server.online("romeo/orchard");
    assert_eq!(greeting(&mut romeo), "Hello");
    romeo.close();
    assert!(server.stop().success());

    // Nor does it start without one that it was told to have.
    server.reconfigure(|options| options.without_plugin("greeter"));
    let installed = server.command(&["plugin", "install", &server.component("greeter"), "--yes"]);
    assert!(installed.contains("is installed"), "{installed}");
    server.command(&["plugin", "disable", "greeter"]);
    server.start();
    let mut romeo = server.online("romeo/orchard");
    assert_eq!(greeting(&mut romeo), "nobody");
}
