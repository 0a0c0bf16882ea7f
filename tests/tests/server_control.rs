//! The server as a whole, run by those who administer it (XEP-0133, sections 4.11, 4.12, 4.29 to 4.31).

use waxwing_tests::{Client, Node, Server, password};

const COMMANDS: &str = "http://jabber.org/protocol/commands";

fn server() -> Server {
    Server::builder().users(["nurse", "romeo", "juliet"]).settings("admins = [ 'nurse@localhost' ]").start()
}

/// Sends a command of XEP-0133 with these attributes and these fields filled in, if there are any; returns the answer.
#[track_caller]
fn run(client: &mut Client, command: &str, session: &str, fields: &[(&str, &[&str])]) -> Node {
    let field = |(var, values): &(&str, &[&str])| {
        let values: String = values.iter().map(|value| format!("<value>{value}</value>")).collect();
        format!("<field var='{var}'>{values}</field>")
    };
    let fields: String = fields.iter().map(field).collect();
    let form = match session {
        "" => String::new(),
        _ => format!("<x xmlns='jabber:x:data' type='submit'>{fields}</x>"),
    };
    let session =
        if session.is_empty() { String::new() } else { format!("sessionid='{session}' action='complete'") };
    client.send(format!(
        "<iq type='set' id='c' to='localhost'>\
         <command xmlns='{COMMANDS}' node='http://jabber.org/protocol/admin#{command}' {session}>{form}</command></iq>"
    ));
    client.expect("<iq id='c' from='localhost'/>")
}

/// Runs a command that asks for these fields, as a client does that shows its form first; returns the note at its end.
#[track_caller]
fn complete(client: &mut Client, command: &str, fields: &[(&str, &[&str])]) -> String {
    let first = run(client, command, "", &[]);
    let form = first.child_ns("command", COMMANDS).expect("a form");
    let session = form.attr("sessionid").expect("a session").to_owned();
    let last = run(client, command, &session, fields);
    let done = last.child_ns("command", COMMANDS).expect("the end of the command");
    assert_eq!(done.attr("status"), Some("completed"), "{last}");
    done.child("note").expect("a note").text.clone()
}

/// The addresses that a list has, as its form shows them.
#[track_caller]
fn listed(client: &mut Client, command: &str, var: &str) -> Vec<String> {
    let first = run(client, command, "", &[]);
    let form =
        first.child_ns("command", COMMANDS).and_then(|it| it.child_ns("x", "jabber:x:data")).expect("a form");
    let field = form.children.iter().find(|field| field.attr("var") == Some(var)).expect("the field");
    field.children.iter().filter(|child| child.name == "value").map(|value| value.text.clone()).collect()
}

#[test]
fn the_admin_list_lasts_as_long_as_the_account() {
    let mut server = server();
    let mut nurse = server.login("nurse/hall");
    let mut juliet = server.login("juliet/balcony");
    let denied = run(&mut juliet, "edit-admin", "", &[]);
    assert_eq!(denied.attr("type"), Some("error"), "{denied}");
    let both: [(&str, &[&str]); 1] = [("adminjids", &["nurse@localhost", "juliet@localhost"])];
    assert_eq!(complete(&mut nurse, "edit-admin", &both), "Operation successful.");
    assert_eq!(listed(&mut juliet, "edit-admin", "adminjids"), ["juliet@localhost", "nurse@localhost"]);
    // A field that was not sent was not emptied.
    assert_eq!(complete(&mut juliet, "edit-admin", &[]), "Nothing was filled in: the list is as it was.");

    assert!(server.stop().success());
    server.start();
    let mut juliet = server.login("juliet/balcony");
    assert_eq!(listed(&mut juliet, "edit-admin", "adminjids"), ["juliet@localhost", "nurse@localhost"]);

    server.command(&["user", "remove", "juliet@localhost"]);
    server.command(&["user", "add", "juliet@localhost", "--password", &password("juliet")]);
    let mut juliet = server.login("juliet/balcony");
    let denied = run(&mut juliet, "edit-admin", "", &[]);
    assert_eq!(denied.attr("type"), Some("error"), "{denied}");
    let mut nurse = server.login("nurse/hall");
    assert_eq!(listed(&mut nurse, "edit-admin", "adminjids"), ["nurse@localhost"]);
}

#[test]
fn commands_about_the_server_are_refused_even_where_the_config_offers_them() {
    let everybody: String = ["edit-admin", "edit-blacklist", "shutdown"]
        .map(|command| format!("'http://jabber.org/protocol/admin#{command}' = 'ALL'\n"))
        .concat();
    let mut server = Server::builder()
        .users(["nurse", "juliet"])
        .settings("admins = [ 'nurse@localhost' ]")
        .settings(&format!("'sess-man' {{ commands {{ {everybody} }} }}"))
        .start();
    let mut juliet = server.login("juliet/balcony");
    let forbidden =
        "<iq type='error'><error><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>";
    for command in ["edit-admin", "edit-blacklist"] {
        let answer = run(&mut juliet, command, "", &[]);
        assert!(answer.matches(forbidden), "{answer}");
    }
    let first = run(&mut juliet, "shutdown", "", &[]);
    let form = first.child_ns("command", COMMANDS).expect("a form");
    let session = form.attr("sessionid").expect("a session").to_owned();
    let answer = run(&mut juliet, "shutdown", &session, &[("delay", &["5"])]);
    assert!(answer.matches(forbidden), "{answer}");
    assert!(!server.log().contains("stop ordered"), "{}", server.log());
    assert!(server.stop().success());
}

#[test]
fn blacklisted_users_go_offline_for_the_others() {
    let mut server = server();
    let (mut nurse, mut romeo, mut juliet) =
        (server.login("nurse/hall"), server.online("romeo/orchard"), server.online("juliet/balcony"));
    server.befriend(&mut romeo, &mut juliet);
    let list: [(&str, &[&str]); 1] = [("blacklistjids", &["romeo@localhost", "evil.example"])];
    assert_eq!(complete(&mut nurse, "edit-blacklist", &list), "Operation successful.");
    juliet.expect("<presence type='unavailable' from='romeo@localhost/orchard'/>");
    romeo.expect("<presence type='unavailable' from='juliet@localhost/balcony'/>");
    let refused = "<message type='error' id='m'><error type='auth'>\
        <forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>";
    juliet.send("<message to='romeo@localhost' type='chat' id='m'><body>Hi</body></message>");
    juliet.expect(refused);
    romeo.expect_nothing();

    assert!(server.stop().success());
    server.start();
    let mut juliet = server.online_again("juliet/balcony");
    for to in ["romeo@localhost", "bob@evil.example"] {
        juliet.send(format!("<message to='{to}' type='chat' id='m'><body>Hi</body></message>"));
        juliet.expect(refused);
    }
    server.command(&["ctl", "sess-man", "edit-blacklist", "blacklistjids="]);
    let mut romeo = server.online_again("romeo/orchard");
    juliet.expect("<presence from='romeo@localhost/orchard'/>");
    juliet.send("<message to='romeo@localhost' type='chat' id='m'><body>Hi</body></message>");
    romeo.expect("<message from='juliet@localhost/balcony'><body>Hi</body></message>");
}

#[test]
fn a_restarted_server_goes_on_with_the_same_users() {
    let mut server = server();
    let mut nurse = server.online("nurse/hall");
    let mut juliet = server.online("juliet/balcony");
    let soon: [(&str, &[&str]); 2] = [("delay", &["5"]), ("announcement", &["Back in a minute."])];
    assert_eq!(
        complete(&mut nurse, "restart", &soon),
        "Operation successful. The server restarts in 5 seconds."
    );
    for client in [&mut nurse, &mut juliet] {
        client.expect("<message from='localhost'><body>Back in a minute.</body></message>");
        client.expect_stream_error("system-shutdown");
    }
    server.wait_until_ready();
    let mut juliet = server.login("juliet/street");
    juliet.send("<iq type='get' id='l' to='localhost'><query xmlns='jabber:iq:last'/></iq>");
    juliet.expect("<iq type='result' id='l'/>");
    assert_eq!(server.log().matches(" serves localhost on ").count(), 2, "{}", server.log());
    // It is the same process, and a signal stops it even while a restart is due.
    server.command(&["ctl", "sess-man", "restart", "delay=300"]);
    assert!(server.stop().success());
    assert_eq!(server.log().matches(" serves localhost on ").count(), 2, "{}", server.log());
}

#[test]
fn a_server_is_shut_down_with_an_announcement() {
    let mut server = server();
    let mut nurse = server.online("nurse/hall");
    let soon: [(&str, &[&str]); 2] = [("delay", &["5"]), ("announcement", &["Good", "night"])];
    assert_eq!(
        complete(&mut nurse, "shutdown", &soon),
        "Operation successful. The server shuts down in 5 seconds."
    );
    nurse.expect("<message from='localhost'><subject>Shutting down the service</subject><body>Good\nnight</body></message>");
    nurse.expect_stream_error("system-shutdown");
    assert!(server.wait().success());
    assert_eq!(server.log().matches(" serves localhost on ").count(), 1, "{}", server.log());
}
