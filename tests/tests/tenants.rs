//! The guide's chapter 11.6.2: anybody with an account adds a domain, owns it and manages its users, and has no say in
//! what is others'. Each command is filled in with its first request.

use waxwing_tests::{Client, Node, Server};

const COMMANDS: &str = "http://jabber.org/protocol/commands";
const ADMIN: &str = "http://jabber.org/protocol/admin";

fn server() -> Server {
    Server::builder()
        .users(["admin", "green", "blue"])
        .settings(
            "admins = [ 'admin@localhost' ]
             'vhost-man' {
                 'vhost-disable-dns-check' = true
                 'domains-per-user-limit' = 2
                 commands { 'comp-repo-item-add' = [ 'LOCAL' ] }
             }
             'sess-man' { commands { 'set-motd' = 'NONE' } }",
        )
        .start()
}

/// Runs a command; its answer.
#[track_caller]
fn run(client: &mut Client, to: &str, node: &str, fields: &[(&str, &str)]) -> Node {
    let field = |(var, value): &(&str, &str)| format!("<field var='{var}'><value>{value}</value></field>");
    let fields: String = fields.iter().map(field).collect();
    client.send(format!(
        "<iq type='set' id='c' to='{to}'><command xmlns='{COMMANDS}' node='{node}'>\
         <x xmlns='jabber:x:data' type='submit'>{fields}</x></command></iq>"
    ));
    client.expect(format!("<iq id='c' from='{to}'/>"))
}

/// Runs a command that succeeds.
#[track_caller]
fn succeed(client: &mut Client, to: &str, node: &str, fields: &[(&str, &str)]) {
    let answer = run(client, to, node, fields);
    let done = format!(
        "<iq type='result'><command xmlns='{COMMANDS}' status='completed'><note type='info'/></command></iq>"
    );
    assert!(answer.matches(&done), "{answer}");
}

fn is_made(answer: &Node) -> bool {
    answer.to_string().contains("Operation successful")
}

/// Runs a command that does not; what a person reads.
#[track_caller]
fn fail(client: &mut Client, to: &str, node: &str, fields: &[(&str, &str)]) -> String {
    let answer = run(client, to, node, fields);
    let done = format!(
        "<iq type='result'><command xmlns='{COMMANDS}' status='completed'><note type='info'/></command></iq>"
    );
    assert!(!answer.matches(&done), "{answer}");
    answer.to_string()
}

const VHOSTS: &str = "vhost-man@localhost";
const USERS: &str = "sess-man@localhost";
const ADD: &str = "comp-repo-item-add";
const UPDATE: &str = "comp-repo-item-update";
const REMOVE: &str = "comp-repo-item-remove";
const KEEP: (&str, &str) = ("Erase accounts and their data", "false");

fn user(command: &str) -> String {
    format!("{ADMIN}#{command}")
}

#[test]
fn whoever_has_an_account_may_have_a_domain() {
    let server = server();
    let mut green = server.login("green/home");
    let mut blue = server.login("blue/home");
    succeed(&mut green, VHOSTS, ADD, &[("Domain name", "Green.example")]);
    let new = |jid| [("accountjid", jid), ("password", "secret"), ("password-verify", "secret")];
    succeed(&mut green, USERS, &user("add-user"), &new("leaf@green.example"));
    let mut leaf = Client::connect(server.addr(), "green.example");
    leaf.login("leaf", "secret", Some("home"));

    // Nobody else has a say in it, and its owner has none in what is others'.
    let twice = fail(&mut blue, VHOSTS, ADD, &[("Domain name", "green.example")]);
    assert!(twice.contains("green.example is served here already"), "{twice}");
    for (command, fields) in [
        (user("add-user"), &new("thorn@localhost")[..]),
        (user("delete-user"), &[("accountjids", "blue@localhost")]),
        (user("change-user-password"), &[("accountjid", "admin@localhost"), ("password", "stolen")]),
        (user("disable-user"), &[("accountjids", "admin@localhost")]),
    ] {
        fail(&mut green, USERS, &command, fields);
    }
    assert!(server.command(&["user", "list", "localhost"]).contains("blue@localhost"));
    for (command, fields) in [(UPDATE, [("item-list", "localhost")]), (REMOVE, [("item-list", "localhost")])]
    {
        fail(&mut green, VHOSTS, command, &fields);
    }
    // Who owns nothing is not even shown these.
    blue.send(format!(
        "<iq type='set' id='d' to='{VHOSTS}'><command xmlns='{COMMANDS}' node='{UPDATE}'/></iq>"
    ));
    blue.expect("<iq type='error' id='d'><error><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
    blue.send(format!(
        "<iq type='get' id='e' to='{USERS}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>"
    ));
    blue.expect("<iq type='error' id='e'/>");

    // What the operator says of a component's commands holds for all plugins that have some there.
    let motd = fail(&mut green, USERS, &user("set-motd"), &[("motd", "hello")]);
    assert!(motd.contains("forbidden"), "{motd}");
    // Some settings are the operator's.
    for (field, value) in [("Plugins not used", "amp"), ("Max users", "5")] {
        let refused = fail(&mut green, VHOSTS, UPDATE, &[("item-list", "green.example"), (field, value)]);
        assert!(refused.contains("only an administrator of the server changes this"), "{refused}");
    }

    // A domain more, and then it is enough; those that are there can still be changed.
    succeed(&mut green, VHOSTS, ADD, &[("Domain name", "second.example")]);
    let enough = fail(&mut green, VHOSTS, ADD, &[("Domain name", "third.example")]);
    assert!(enough.contains("Maximum number of domains exceeded"), "{enough}");
    succeed(&mut green, VHOSTS, UPDATE, &[("item-list", "green.example"), ("Comment", "mine")]);

    // Whose domain goes hears of it. Its accounts are not for whoever comes next.
    succeed(&mut green, VHOSTS, REMOVE, &[("item-list", "green.example"), KEEP]);
    leaf.expect_stream_error("host-gone");
    let left = fail(&mut blue, VHOSTS, ADD, &[("Domain name", "green.example")]);
    assert!(left.contains("its accounts are still there"), "{left}");
}

#[test]
fn an_owner_names_those_who_help() {
    let server = server();
    let mut green = server.login("green/home");
    let mut blue = server.login("blue/home");
    succeed(
        &mut green,
        VHOSTS,
        ADD,
        &[("Domain name", "green.example"), ("Administrators", "blue@localhost")],
    );
    let new = |jid| [("accountjid", jid), ("password", "secret"), ("password-verify", "secret")];
    succeed(&mut blue, USERS, &user("add-user"), &new("leaf@green.example"));
    succeed(&mut blue, VHOSTS, UPDATE, &[("item-list", "green.example"), ("Comment", "ours")]);
    let mut admin = server.login("admin/desk");
    succeed(&mut admin, VHOSTS, UPDATE, &[("item-list", "green.example"), ("Max users", "1")]);
    fail(&mut blue, USERS, &user("add-user"), &new("branch@green.example"));
    // Not to make it his own, nor to end it.
    let refused =
        fail(&mut blue, VHOSTS, UPDATE, &[("item-list", "green.example"), ("Owner", "blue@localhost")]);
    assert!(refused.contains("only the owner changes this"), "{refused}");
    fail(&mut blue, VHOSTS, REMOVE, &[("item-list", "green.example")]);
    succeed(&mut green, VHOSTS, REMOVE, &[("item-list", "green.example"), KEEP]);
}

/// A domain has one owner however it is spelt, and clients that name it as the DNS does reach it.
#[test]
fn a_domain_is_one_in_every_spelling() {
    let server = server();
    let mut green = server.login("green/home");
    let mut blue = server.login("blue/home");
    succeed(&mut green, VHOSTS, ADD, &[("Domain name", "B\u{dc}CHER.example")]);
    for spelling in ["xn--bcher-kva.example", "b\u{fc}cher.example.", "XN--BCHER-KVA.example"] {
        let twice = fail(&mut blue, VHOSTS, ADD, &[("Domain name", spelling)]);
        assert!(twice.contains("b\u{fc}cher.example is served here already"), "{spelling}: {twice}");
    }
    let new =
        [("accountjid", "leaf@xn--bcher-kva.example"), ("password", "secret"), ("password-verify", "secret")];
    succeed(&mut green, USERS, &user("add-user"), &new);
    let mut leaf = Client::connect(server.addr(), "xn--bcher-kva.example");
    leaf.login("leaf", "secret", Some("home"));
    assert_eq!(leaf.bare(), "leaf@b\u{fc}cher.example");
    leaf.send("<iq type='get' id='p' to='B\u{dc}CHER.example'><ping xmlns='urn:xmpp:ping'/></iq>");
    leaf.expect("<iq type='result' id='p' from='b\u{fc}cher.example'/>");
    Client::connect(server.addr(), "b\u{fc}cher.example").open();
    succeed(&mut green, VHOSTS, UPDATE, &[("item-list", "b\u{fc}cher.example"), ("Comment", "5")]);
    succeed(&mut green, VHOSTS, ADD, &[("Domain name", "stra\u{df}e.example")]);
    let folded = fail(&mut blue, VHOSTS, ADD, &[("Domain name", "strasse.example")]);
    assert!(folded.contains("RFC 6122"), "{folded}");
}

#[test]
fn names_that_are_not_for_everybody() {
    let server = server();
    let mut green = server.login("green/home");
    let mut blue = server.login("blue/home");
    let odd = [
        "*.example",
        "com",
        "default",
        "127.0.0.1",
        "[::1]",
        "o&apos;x.example",
        "q&quot;x.example",
        "a_b.example",
        "a,b.example",
        "1.2",
    ];
    for name in odd {
        fail(&mut green, VHOSTS, ADD, &[("Domain name", name)]);
    }
    succeed(&mut green, VHOSTS, ADD, &[("Domain name", "shop.high.example")]);
    let above = fail(&mut blue, VHOSTS, ADD, &[("Domain name", "high.example")]);
    assert!(above.contains("shop.high.example, which is somebody"), "{above}");
    succeed(&mut green, VHOSTS, ADD, &[("Domain name", "high.example")]);
    let mut admin = server.login("admin/home");
    succeed(&mut admin, VHOSTS, ADD, &[("Domain name", "intranet")]);
    for name in ["127.0.0.1", "*.example"] {
        fail(&mut admin, VHOSTS, ADD, &[("Domain name", name)]);
    }
}

/// The accounts of all tenants are on the public domain: whoever helps there is not to come to their domains.
#[test]
fn a_password_is_no_way_to_the_domains_of_its_account() {
    let server = server();
    let mut admin = server.login("admin/desk");
    let mut green = server.login("green/home");
    let mut blue = server.login("blue/home");
    succeed(&mut admin, VHOSTS, UPDATE, &[("item-list", "localhost"), ("Administrators", "blue@localhost")]);
    succeed(&mut green, VHOSTS, ADD, &[("Domain name", "green.example")]);
    let new = |jid| [("accountjid", jid), ("password", "secret"), ("password-verify", "secret")];
    let refused = [
        (user("change-user-password"), &[("accountjid", "green@localhost"), ("password", "mine")][..]),
        (user("disable-user"), &[("accountjids", "green@localhost")]),
        (user("delete-user"), &[("accountjids", "green@localhost")]),
        ("modify-user".to_owned(), &[("accountjid", "green@localhost"), ("Account enabled", "false")]),
        (user("change-user-password"), &[("accountjid", "admin@localhost"), ("password", "mine")]),
    ];
    for (command, fields) in &refused {
        let why = fail(&mut blue, USERS, command, fields);
        assert!(why.contains("You may not manage"), "{command}: {why}");
    }
    // A name that has rights and no account yet is not to be made by who has less.
    succeed(
        &mut green,
        VHOSTS,
        UPDATE,
        &[("item-list", "green.example"), ("Administrators", "leaf@localhost")],
    );
    fail(&mut blue, USERS, &user("add-user"), &new("leaf@localhost"));
    succeed(&mut blue, USERS, &user("add-user"), &new("thorn@localhost"));

    // Who goes leaves no rights to whoever takes the name.
    succeed(&mut admin, USERS, &user("delete-user"), &[("accountjids", "green@localhost")]);
    green.expect_stream_error("not-authorized");
    // The name is free once its last session has gone.
    while !is_made(&run(&mut blue, USERS, &user("add-user"), &new("green@localhost"))) {}
    let domains = server.command(&["ctl", "vhost-man", "comp-repo-items"]);
    assert!(domains.contains("green.example") && !domains.contains("green@localhost"), "{domains}");
}

/// One who owns a domain does not own those who happen to have an account there.
#[test]
fn nobody_erases_who_ranks_higher() {
    let server = server();
    let mut green = server.login("green/home");
    let mut blue = server.login("blue/home");
    succeed(&mut green, VHOSTS, ADD, &[("Domain name", "green.example")]);
    let new = |jid| [("accountjid", jid), ("password", "secret"), ("password-verify", "secret")];
    for jid in ["kim@green.example", "leaf@green.example"] {
        succeed(&mut green, USERS, &user("add-user"), &new(jid));
    }
    succeed(
        &mut blue,
        VHOSTS,
        ADD,
        &[("Domain name", "blue.example"), ("Administrators", "kim@green.example")],
    );
    let erase = [("item-list", "green.example"), ("Erase accounts and their data", "true")];
    let why = fail(&mut green, VHOSTS, REMOVE, &erase);
    assert!(why.contains("kim@green.example") && !why.contains("leaf@green.example"), "{why}");
    assert!(server.command(&["user", "list", "green.example"]).contains("leaf@green.example"));
    succeed(&mut green, VHOSTS, REMOVE, &[("item-list", "green.example"), KEEP]);
}

/// Runs a step; the command's session.
#[track_caller]
fn step(client: &mut Client, node: &str, session: &str, fields: &[(&str, &str)]) -> (Node, String) {
    let session = if session.is_empty() { String::new() } else { format!("sessionid='{session}'") };
    let field = |(var, value): &(&str, &str)| format!("<field var='{var}'><value>{value}</value></field>");
    let fields: String = fields.iter().map(field).collect();
    client.send(format!(
        "<iq type='set' id='s' to='{VHOSTS}'><command xmlns='{COMMANDS}' node='{node}' {session}>\
         <x xmlns='jabber:x:data' type='submit'>{fields}</x></command></iq>"
    ));
    let answer = client.expect(format!("<iq type='result' id='s' from='{VHOSTS}'/>"));
    let session = answer.children[0].attr("sessionid").unwrap_or_default().to_owned();
    (answer, session)
}

#[test]
fn a_form_changes_what_its_user_has_changed_and_what_it_is_about() {
    let server = server();
    let mut green = server.login("green/home");
    let mut admin = server.login("admin/desk");
    for domain in ["green.example", "second.example"] {
        succeed(&mut green, VHOSTS, ADD, &[("Domain name", domain)]);
    }
    // Two have the same form in front of them.
    let (_, one) = step(&mut green, UPDATE, "", &[("item-list", "green.example")]);
    let (_, other) = step(&mut admin, UPDATE, "", &[("item-list", "green.example")]);
    step(&mut admin, UPDATE, &other, &[("Max users", "7")]);
    let (done, _) = step(&mut green, UPDATE, &one, &[("Max users", "0"), ("Comment", "mine")]);
    assert!(done.to_string().contains("Changed for green.example: Comment."), "{done}");
    let (form, again) = step(&mut green, UPDATE, "", &[("item-list", "green.example")]);
    assert!(form.matches(&format!(
        "<iq><command xmlns='{COMMANDS}'><x xmlns='jabber:x:data'><field var='Max users'><value>7</value></field></x></command></iq>"
    )), "{form}");
    // What a form says it is about is not another domain in its answer.
    let (wrong, _) =
        step(&mut green, UPDATE, &again, &[("Domain name", "second.example"), ("Comment", "whose?")]);
    assert!(wrong.to_string().contains("cannot be changed"), "{wrong}");
    let (_, remove) = step(&mut green, REMOVE, "", &[("item-list", "green.example")]);
    let erase = ("Erase accounts and their data", "true");
    let (wrong, _) = step(&mut green, REMOVE, &remove, &[("item-list", "second.example"), erase]);
    assert!(wrong.to_string().contains("cannot be changed"), "{wrong}");
    let domains = server.command(&["ctl", "vhost-man", "comp-repo-items"]);
    assert!(domains.contains("green.example") && domains.contains("second.example"), "{domains}");
}

/// A name that is misspelt is not taken for a plugin that is left out.
#[test]
fn only_plugins_that_are_there_are_left_out() {
    let mut server = server();
    let mut admin = server.login("admin/desk");
    succeed(&mut admin, VHOSTS, ADD, &[("Domain name", "green.example")]);
    let leave_out = |names| [("item-list", "green.example"), ("Plugins not used", names)];
    for names in ["blokcing", "amp, blokcing"] {
        let why = fail(&mut admin, VHOSTS, UPDATE, &leave_out(names));
        assert!(why.contains("there is no plugin &apos;blokcing&apos;"), "{why}");
    }
    succeed(&mut admin, VHOSTS, UPDATE, &leave_out("amp"));
    assert!(!server.log().contains("without-plugins"), "{}", server.log());
    // One that has gone since keeps nobody from anything, and is mentioned.
    server.stop();
    server.reconfigure(|options| options.without_plugin("amp"));
    server.start();
    assert!(server.log().contains("without-plugins: there is no plugin 'amp'"), "{}", server.log());
    let mut admin = server.login("admin/desk");
    succeed(&mut admin, VHOSTS, UPDATE, &[("item-list", "green.example"), ("Comment", "green")]);
}

#[test]
fn nobody_gets_more_domains_by_asking_fast() {
    let server = server();
    let mut clients: Vec<Client> = (0..6).map(|n| server.login(&format!("green/{n}"))).collect();
    for (n, client) in clients.iter_mut().enumerate() {
        client.send(format!(
            "<iq type='set' id='c' to='{VHOSTS}'><command xmlns='{COMMANDS}' node='{ADD}'>\
             <x xmlns='jabber:x:data' type='submit'><field var='Domain name'><value>d{n}.example</value></field></x>\
             </command></iq>"
        ));
    }
    let made = clients.iter_mut().filter_map(|client| {
        let answer = client.expect(format!("<iq id='c' from='{VHOSTS}'/>")).to_string();
        answer.contains("is served now").then_some(())
    });
    assert_eq!(made.count(), 2);
}

#[test]
fn without_an_address_of_its_own_a_server_gives_no_domains_away() {
    let server = Server::builder()
        .users(["admin", "green"])
        .settings("'vhost-man' { commands { 'comp-repo-item-add' = 'LOCAL' } }")
        .start();
    let why = fail(&mut server.login("green/home"), VHOSTS, ADD, &[("Domain name", "green.example")]);
    assert!(why.contains("dns-def-ip or dns-srv-def-addr"), "{why}");
}
