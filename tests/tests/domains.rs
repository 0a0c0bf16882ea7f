//! The guide's chapters 11.6 and 11.7: an administrator adds a domain and a user in it, the user logs in, a bot hears
//! of that, the domain's owner changes an option, and the domain is removed. Once with a client that nobody here
//! wrote, and once from the shell.

use waxwing_tests::{Chat, Client, Server};

const COMMANDS: &str = "http://jabber.org/protocol/commands";
const ADMIN: &str = "http://jabber.org/protocol/admin";

fn server() -> Server {
    Server::builder()
        .users(["admin", "romeo", "bot"])
        .settings("admins = [ 'admin@localhost' ]\n'vhost-man' { 'vhost-disable-dns-check' = true }")
        .start()
}

/// What a client finds at an address, as `JID NODE NAME`.
fn discover(chat: &mut Chat, what: &str) -> Vec<String> {
    chat.tell(&format!("discover {what}"));
    let end = format!("discovered {}", what.split(' ').next().unwrap_or_default());
    let mut items = Vec::new();
    loop {
        let line = chat.starting_with_any(&["item ", "discovered "]);
        if line == end {
            return items;
        }
        items.push(line.trim_start_matches("item ").to_owned());
    }
}

/// Runs a command to its end; its note.
fn run(chat: &mut Chat, command: &str, fields: &str) -> String {
    chat.tell(&format!("run {command} {fields}"));
    chat.starting_with("completed").trim_start_matches("completed").trim().to_owned()
}

#[test]
fn with_a_client() {
    let server = server();
    let mut admin = Chat::slixmpp(&server, "admin");
    let mut romeo = Chat::slixmpp(&server, "romeo");
    let mut bot = Chat::slixmpp(&server, "bot");
    // Where no domain says whom to tell, the plugin is not asked.
    assert_eq!(forwarder_calls(&server), "0");

    // Service discovery shows the two managers, to those who may do something there.
    let found = discover(&mut admin, "localhost");
    assert!(found.contains(&"vhost-man@localhost - VHost Manager".to_owned()), "{found:?}");
    assert!(found.contains(&"sess-man@localhost - Session Manager".to_owned()), "{found:?}");
    assert!(!discover(&mut romeo, "localhost").iter().any(|item| item.contains("Manager")));
    let commands = discover(&mut admin, &format!("vhost-man@localhost {COMMANDS}"));
    assert!(
        commands.contains(&"vhost-man@localhost comp-repo-item-add Add new item".to_owned()),
        "{commands:?}"
    );

    let add = "vhost-man@localhost#comp-repo-item-add";
    let fields = "Domain name=a.example;Owner=romeo@localhost;Presence forward address=bot@localhost/slixmpp";
    assert!(run(&mut admin, add, fields).contains("Operation successful"));

    let add_user = format!("sess-man@localhost#{ADMIN}#add-user");
    let user = "accountjid=green@a.example;password=secret;password-verify=secret";
    assert!(run(&mut admin, &add_user, user).contains("Operation successful"));

    // The user logs in, and the bot hears of it.
    let green = Chat::slixmpp_elsewhere(&server, "green@a.example", "secret");
    bot.expect("presence available green@a.example/slixmpp");
    assert_eq!(forwarder_calls(&server), "1");

    // The owner finds the manager now, and his own domain only.
    let found = discover(&mut romeo, "localhost");
    assert!(found.contains(&"vhost-man@localhost - VHost Manager".to_owned()), "{found:?}");
    let update = "vhost-man@localhost#comp-repo-item-update";
    assert!(run(&mut romeo, update, "item-list=a.example;Comment=mine").contains("Operation successful"));
    assert!(run(&mut admin, update, "item-list=a.example;Max users=1").contains("Operation successful"));
    let user = "accountjid=blue@a.example;password=secret;password-verify=secret";
    assert!(!run(&mut admin, &add_user, user).contains("Operation successful"));

    green.quit();
    bot.expect("presence unavailable green@a.example/slixmpp");

    let remove = "vhost-man@localhost#comp-repo-item-remove";
    assert!(run(&mut admin, remove, "item-list=a.example").contains("Operation successful"));
    expect_gone(&server, "a.example");
}

/// How often the plugin that forwards presence has been called.
fn forwarder_calls(server: &Server) -> String {
    let list = server.command(&["plugin", "list"]);
    let line = list.lines().find(|line| line.starts_with("presence-forward ")).expect("the plugin");
    line.split_whitespace().nth(4).expect("its calls").to_owned()
}

/// The domain is not served.
fn expect_gone(server: &Server, domain: &str) {
    let mut client = Client::connect(server.addr(), domain);
    let header = client.header();
    client.send(header);
    client.expect_stream_error("host-unknown");
}

#[test]
fn from_the_shell() {
    let server = server();
    let mut bot = Chat::slixmpp(&server, "bot");
    let list = server.command(&["ctl", "--list"]);
    for line in ["vhost-man comp-repo-item-add", "sess-man add-user"] {
        assert!(list.contains(line), "{list}");
    }
    let ctl = |args: &[&str]| server.command(&[&["ctl"], args].concat());
    let fails = |args: &[&str]| server.failing_command(&[&["ctl"], args].concat());

    // Without fields, the form is shown.
    assert!(ctl(&["vhost-man", "comp-repo-item-add"]).contains("Domain name="));
    let add = ["vhost-man", "comp-repo-item-add", "Domain name=a.example", "Owner=romeo@localhost"];
    let forward = "presence-forward-address=bot@localhost/slixmpp";
    assert!(ctl(&[&add[..], &[forward]].concat()).contains("Operation successful"));
    assert!(fails(&add).contains("a.example"));
    let wrong = fails(&["vhost-man", "comp-repo-item-add", "Domain=b.example"]);
    assert!(wrong.contains("there is no field 'Domain'") && wrong.contains("Domain name"), "{wrong}");

    let add_user = |user: &str| {
        [
            "sess-man".to_owned(),
            "add-user".into(),
            format!("accountjid={user}"),
            "password=secret".into(),
            "password-verify=secret".into(),
        ]
    };
    let green = add_user("green@a.example");
    let green: Vec<&str> = green.iter().map(String::as_str).collect();
    assert!(ctl(&green).contains("Operation successful"));
    let green = Chat::slixmpp_elsewhere(&server, "green@a.example", "secret");
    bot.expect("presence available green@a.example/slixmpp");

    let online = ctl(&["sess-man", "get-online-users-list", "domainjid=a.example", "--json"]);
    assert!(online.contains("green@a.example"), "{online}");
    assert!(
        ctl(&["vhost-man", "comp-repo-item-update", "item-list=a.example", "max-users=1"])
            .contains("successful")
    );
    let blue = add_user("blue@a.example");
    let blue: Vec<&str> = blue.iter().map(String::as_str).collect();
    fails(&blue);
    let wrong = fails(&["vhost-man", "comp-repo-item-update", "item-list=a.example", "max-users=-1"]);
    assert!(wrong.contains("Max users"), "{wrong}");

    // Who is connected to a domain that is removed hears that it is gone.
    assert!(ctl(&["vhost-man", "comp-repo-item-remove", "item-list=a.example"]).contains("successful"));
    bot.expect("presence unavailable green@a.example/slixmpp");
    drop(green);
    expect_gone(&server, "a.example");
    assert!(fails(&["vhost-man", "comp-repo-item-remove", "item-list=localhost"]).contains("config file"));
}
