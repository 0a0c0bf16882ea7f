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
        said.contains("Greets whoever asks") && said.contains("(process)") && said.contains("no terminal"),
        "{said}"
    );
    assert!(
        said.contains("be shown IQs of type get with <greet xmlns='urn:test:greeter'> to the server"),
        "{said}"
    );
    assert_eq!(greeting(&mut romeo), "nobody");

    let said = server.command(&["plugin", "install", &file, "--allow", "process,stanzas", "--yes"]);
    assert!(said.contains("greeter 0.1.0 is installed and runs for all virtual hosts"), "{said}");
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
    let said = server.failing_command(&["plugin", "rollback", "greeter"]);
    assert!(said.contains("no earlier version"), "{said}");
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
    let told = |server: &Server| {
        let list = line(&server.command(&["plugin", "list"]), "greeter");
        assert!(list.contains("runs; 0.3.0 was rolled back: it trapped: "), "{list}");
        let info = server.command(&["plugin", "info", "greeter"]);
        assert!(info.contains("greeter 0.1.0") && info.contains("0.3.0 was rolled back: "), "{info}");
    };
    told(&server);
    assert!(server.log().contains("rolled back to 0.1.0"), "{}", server.log());
    romeo.close();
    assert!(server.stop().success());
    server.start();
    let mut romeo = server.online("romeo/orchard");
    assert_eq!(greeting(&mut romeo), "Hello");
    assert!(line(&server.command(&["plugin", "list"]), "greeter").contains("0.1.0"));
    told(&server);
    server.command(&["plugin", "upgrade", &server.component("greeter_two"), "--yes"]);
    let list = line(&server.command(&["plugin", "list"]), "greeter");
    assert!(list.contains("0.2.0") && !list.contains("rolled back"), "{list}");
}

#[test]
fn a_version_beside_the_live_one_is_compared_with_it() {
    let server = server();
    let mut romeo = server.online("romeo/orchard");
    server.command(&["plugin", "install", &server.component("greeter_two"), "--yes"]);
    let said = server.failing_command(&["plugin", "shadow", "greeter"]);
    assert!(said.contains("no other version runs beside it"), "{said}");
    let said = server.command(&["plugin", "shadow", "greeter", &server.component("greeter")]);
    assert!(said.contains("`waxwing plugin shadow greeter`"), "{said}");
    for _ in 0..3 {
        greeting(&mut romeo);
    }
    // It is asked after the live one has answered.
    let report = loop {
        let report = server.command(&["plugin", "shadow", "greeter"]);
        if line(&report, "0.1.0").split_whitespace().nth(2) == Some("3") {
            break report;
        }
    };
    let [beside, live] = ["0.1.0", "0.2.0"].map(|version| line(&report, version));
    let counts = |line: &str| line.split_whitespace().skip(1).take(6).collect::<Vec<_>>().join(" ");
    assert_eq!(counts(&beside), "beside 3 0 3 0 0", "{report}");
    assert_eq!(counts(&live), "runs 3 3 0 0 0", "{report}");
    assert!(line(&report, "differs").contains("process: answer: "), "{report}");
    let json = server.command(&["plugin", "shadow", "greeter", "--json"]);
    assert!(json.contains("\"different\": 3"), "{json}");
    let list = line(&server.command(&["plugin", "list"]), "greeter");
    assert!(list.ends_with("0.1.0 runs beside it: 0 of 3 calls are the same"), "{list}");
    let info = server.command(&["plugin", "info", "greeter"]);
    assert!(info.contains("  0.1.0 beside"), "{info}");
    server.command(&["plugin", "shadow", "greeter", "--off"]);
    server.failing_command(&["plugin", "shadow", "greeter"]);

    // What the live one has counted: a key of a byte and a value of another.
    assert!(info.contains("store      counts has 2 bytes of 64.0 MiB (0 %)"), "{info}");
    assert!(server.command(&["plugin", "info", "greeter", "--json"]).contains("\"bytes\": 2"));
}

#[test]
fn data_can_be_erased_after_its_plugin() {
    let server = server();
    let mut romeo = server.online("romeo/orchard");
    let file = server.component("greeter_two");
    let install = || server.command(&["plugin", "install", &file, "--yes"]);
    install();
    assert_eq!(greeting(&mut romeo), "Hello 1");
    server.command(&["plugin", "remove", "greeter"]);
    install();
    assert_eq!(greeting(&mut romeo), "Hello 2");
    server.command(&["plugin", "remove", "greeter"]);
    server.failing_command(&["plugin", "remove", "greeter"]);
    let said = server.command(&["plugin", "remove", "greeter", "--erase-data"]);
    assert_eq!(said.trim(), "greeter is not installed; what it had stored is erased");
    install();
    assert_eq!(greeting(&mut romeo), "Hello 1");
}

/// Nor does the server compile what is large, nor let that take what it likes.
#[test]
fn a_large_component_is_compiled_within_limits() {
    let large = |server: &Server| {
        let mut bytes = std::fs::read(server.component("greeter")).unwrap();
        // A custom section of 300,001 bytes, all but one of them its content.
        bytes.extend([0, 0xe1, 0xa7, 0x12, 0]);
        bytes.resize(bytes.len() + 300_000, 1);
        let path = server.path("large.wasm");
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let small = Server::builder().users(["romeo"]).settings("'sess-man' { 'plugin-compile-memory' = 1024 }");
    let server = small.start();
    let said = server.failing_command(&["plugin", "install", &large(&server), "--yes"]);
    assert!(said.contains("more memory than `plugin-compile-memory` allows"), "{said}");
    assert!(!server.command(&["plugin", "list"]).contains("greeter"));

    let server = self::server();
    let mut romeo = server.online("romeo/orchard");
    server.command(&["plugin", "install", &large(&server), "--yes"]);
    assert_eq!(greeting(&mut romeo), "Hello");
}

#[test]
fn a_reader_who_has_seen_enough_is_nothing_to_complain_of() {
    let server = server();
    let output = server.unheard_command(&["plugin", "list"]);
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr)), (Some(141), "".into()));
}

/// An account was there before the component of its name: it stays one, and no such component is installed.
#[test]
fn a_component_does_not_take_the_place_of_an_account() {
    let mut server = Server::builder().users(["admin", "vhost-man"]).without_plugin("vhost-man").start();
    let component = waxwing_tests::plugins_dir().join("vhost-man.wasm");
    let said = server.failing_command(&["plugin", "install", &component.display().to_string(), "--yes"]);
    assert!(said.contains("the address of the account vhost-man@localhost"), "{said}");
    assert!(server.stop().success());
    server.reconfigure(|options| options.plugin("vhost-man").settings("admins = [ 'admin@localhost' ]"));
    server.start();
    let mut admin = server.online("admin/desk");
    let mut person = server.login("vhost-man/home");
    let vcard = "<vCard xmlns='vcard-temp'><FN>Viola Host-Man</FN></vCard>";
    person.send(format!("<iq type='set' id='s'>{vcard}</iq>"));
    person.expect("<iq type='result' id='s'/>");
    admin.send("<iq type='get' id='v' to='vhost-man@localhost'><vCard xmlns='vcard-temp'/></iq>");
    admin.expect(format!("<iq type='result' id='v'>{vcard}</iq>"));
    // Nothing reaches the component, so that nobody is shown it.
    admin.send(
        "<iq type='get' id='i' to='localhost'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>",
    );
    let items =
        admin.expect("<iq type='result' id='i'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>");
    assert!(!items.to_string().contains("vhost-man"), "{items}");
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

    // One for all virtual hosts does not take the place of one that rests.
    server.command(&["plugin", "install", &file, "--yes"]);
    assert_eq!(greeting(&mut romeo), "nobody");
    server.command(&["plugin", "enable", "greeter", "--vhost", "localhost"]);
    assert_eq!(greeting(&mut romeo), "Hello");
    server.command(&["plugin", "disable", "greeter", "--vhost", "localhost"]);
    assert_eq!(greeting(&mut romeo), "nobody");
    server.command(&["plugin", "remove", "greeter", "--vhost", "localhost"]);
    assert_eq!(greeting(&mut romeo), "Hello");
    let said = server.failing_command(&["plugin", "disable", "greeter", "--vhost", "localhost"]);
    assert!(said.contains("'Plugins not used=greeter'"), "{said}");
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
