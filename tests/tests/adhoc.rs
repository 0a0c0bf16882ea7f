//! Ad-hoc commands (XEP-0050) with forms (XEP-0004). The plugin is `kit` of the engine's own tests.

use waxwing_tests::{Client, Node, Server};

const COMMANDS: &str = "http://jabber.org/protocol/commands";

fn server() -> Server {
    Server::builder()
        .users(["romeo", "juliet"])
        .guest("kit")
        // Those of the bundled plugins are many.
        .without_plugin("sess-man")
        .without_plugin("motd")
        .without_plugin("vhost-man")
        .settings("admins = [ 'juliet@localhost' ]")
        .start()
}

/// Sends a command with these attributes and this inside; returns the answer.
#[track_caller]
fn run(client: &mut Client, attrs: &str, inner: &str) -> Node {
    client.send(format!(
        "<iq type='set' id='c' to='localhost'><command xmlns='{COMMANDS}' {attrs}>{inner}</command></iq>"
    ));
    client.expect("<iq id='c' from='localhost'/>")
}

/// The same, which must succeed; returns the `<command/>` and its session.
#[track_caller]
fn step(client: &mut Client, attrs: &str, inner: &str) -> (Node, String) {
    let answer = run(client, attrs, inner);
    assert_eq!(answer.attr("type"), Some("result"), "{answer}");
    let command = answer.child_ns("command", COMMANDS).cloned().unwrap_or_default();
    let session = command.attr("sessionid").unwrap_or_default().to_owned();
    (command, session)
}

#[track_caller]
fn expect_error(answer: &Node, condition: &str, extra: &str) {
    let condition = format!("<{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>");
    let extra = if extra.is_empty() { String::new() } else { format!("<{extra} xmlns='{COMMANDS}'/>") };
    let pattern = format!("<iq type='error' id='c'><error>{condition}{extra}</error></iq>");
    assert!(answer.matches(&pattern), "expected {condition}{extra}, not {answer}");
}

fn submit(fields: &[(&str, &str)]) -> String {
    let field = |(var, value): &(&str, &str)| format!("<field var='{var}'><value>{value}</value></field>");
    format!("<x xmlns='jabber:x:data' type='submit'>{}</x>", fields.iter().map(field).collect::<String>())
}

fn matches(node: &Node, pattern: &str) -> bool {
    node.matches(&pattern.replace("<command", &format!("<command xmlns='{COMMANDS}'")))
}

fn disco(client: &mut Client, what: &str, node: &str) -> Node {
    let ns = format!("http://jabber.org/protocol/disco#{what}");
    client.send(format!("<iq type='get' id='c' to='localhost'><query xmlns='{ns}' node='{node}'/></iq>"));
    client.expect("<iq id='c' from='localhost'/>")
}

#[test]
fn each_sees_what_it_may_run() {
    let server = server();
    let mut romeo = server.login("romeo/orchard");
    let mut juliet = server.login("juliet/balcony");
    let nodes = |client: &mut Client| {
        let iq = disco(client, "items", COMMANDS);
        let items = iq.children[0].children.iter();
        items.map(|item| item.attr("node").unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(nodes(&mut romeo), ["hello", "wizard"]);
    assert_eq!(nodes(&mut juliet), ["hello", "wizard", "secret"]);

    let info = disco(&mut romeo, "info", "hello");
    assert!(
        info.matches(&format!(
            "<iq type='result'><query xmlns='http://jabber.org/protocol/disco#info' node='hello'>\
             <identity category='automation' type='command-node' name='Say hello'/>\
             <feature var='{COMMANDS}'/><feature var='jabber:x:data'/></query></iq>"
        )),
        "{info}"
    );
    expect_error(&disco(&mut romeo, "info", "secret"), "forbidden", "");
    expect_error(&disco(&mut romeo, "items", "no-such-command"), "item-not-found", "");
    assert_eq!(disco(&mut romeo, "items", "hello").children[0].children.len(), 0);
    romeo.send(
        "<iq type='get' id='f' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
    );
    romeo.expect(format!(
        "<iq id='f'><query xmlns='http://jabber.org/protocol/disco#info'><feature var='{COMMANDS}'/></query></iq>"
    ));

    expect_error(&run(&mut romeo, "node='secret'", ""), "forbidden", "");
    expect_error(&run(&mut romeo, "node='no-such-command'", ""), "item-not-found", "");
    let (shown, _) = step(&mut juliet, "node='secret' action='execute'", "");
    assert!(
        matches(
            &shown,
            "<command node='secret' status='completed' sessionid='*'><x xmlns='jabber:x:data' type='result'>\
             <title>Secret</title><field type='fixed'><value>There is none</value></field></x></command>"
        ),
        "{shown}"
    );
}

#[test]
fn one_form_and_a_note() {
    let server = server();
    let mut romeo = server.login("romeo/orchard");
    let (form, id) = step(&mut romeo, "node='hello'", "");
    assert!(
        matches(
            &form,
            "<command node='hello' status='executing'><actions execute='complete'><complete/></actions>\
             <x xmlns='jabber:x:data' type='form'><title>Hello</title>\
             <field var='name' type='text-single' label='Your name'><required/></field></x></command>"
        ),
        "{form}"
    );
    // What is missing is for the plugin to say: this one asks again.
    let (again, same) = step(&mut romeo, &format!("node='hello' sessionid='{id}'"), &submit(&[]));
    assert!(matches(&again, "<command status='executing'/>"), "{again}");
    assert_eq!(same, id);
    let named = submit(&[("name", "Romeo &amp; co")]);
    let (note, _) = step(&mut romeo, &format!("node='hello' sessionid='{id}' action='complete'"), &named);
    let expected =
        "<command node='hello' status='completed'><note type='info'>Hello, Romeo &amp; co</note></command>";
    assert!(matches(&note, expected), "{note}");
    let over = run(&mut romeo, &format!("node='hello' sessionid='{id}'"), &named);
    expect_error(&over, "bad-request", "bad-sessionid");

    // An error of the plugin's ends the command.
    let (_, id) = step(&mut romeo, "node='hello'", "");
    let attrs = format!("node='hello' sessionid='{id}' action='complete'");
    expect_error(&run(&mut romeo, &attrs, &submit(&[("name", "nobody")])), "not-acceptable", "");
    expect_error(&run(&mut romeo, &attrs, &named), "bad-request", "bad-sessionid");
}

#[test]
fn there_and_back() {
    let server = server();
    let mut romeo = server.login("romeo/orchard");
    let (first, id) = step(&mut romeo, "node='wizard'", "");
    assert!(matches(
        &first,
        "<command status='executing'><actions execute='next'><next/></actions></command>"
    ));
    let at = |action: &str| format!("node='wizard' sessionid='{id}' action='{action}'");
    for wrong in ["prev", "complete"] {
        expect_error(&run(&mut romeo, &at(wrong), ""), "bad-request", "bad-action");
    }
    let (second, _) = step(&mut romeo, &at("next"), &submit(&[("colour", "red")]));
    assert!(
        matches(
            &second,
            "<command status='executing'><actions execute='complete'><prev/><complete/></actions>\
             <x xmlns='jabber:x:data' type='form'><field var='size' type='list-single'><value>s</value>\
             <option label='Small'><value>s</value></option><option label='Large'><value>l</value></option>\
             </field><field var='sure' type='boolean'/></x></command>"
        ),
        "{second}"
    );
    expect_error(&run(&mut romeo, &at("next"), ""), "bad-request", "bad-action");
    let (first, _) = step(&mut romeo, &at("prev"), "");
    let remembered =
        "<command><x xmlns='jabber:x:data'><field var='colour'><value>red</value></field></x></command>";
    assert!(matches(&first, remembered), "{first}");
    step(&mut romeo, &at("execute"), &submit(&[("colour", "blue")]));
    let (done, _) = step(&mut romeo, &at("execute"), &submit(&[("size", "l"), ("sure", "1")]));
    assert!(matches(&done, "<command status='completed'><note>blue, l, true</note></command>"), "{done}");

    let (_, id) = step(&mut romeo, "node='wizard'", "");
    let attrs = format!("node='wizard' sessionid='{id}' action='cancel'");
    let (canceled, _) = step(&mut romeo, &attrs, "");
    assert!(matches(&canceled, "<command node='wizard' status='canceled'/>"), "{canceled}");
    expect_error(&run(&mut romeo, &attrs, ""), "bad-request", "bad-sessionid");
}

#[test]
fn what_is_no_command() {
    let server = server();
    let mut romeo = server.login("romeo/orchard");
    expect_error(&run(&mut romeo, "node='hello' action='dance'", ""), "bad-request", "malformed-action");
    expect_error(&run(&mut romeo, "node='hello' action='next'", ""), "bad-request", "bad-action");
    expect_error(&run(&mut romeo, "node='hello' sessionid='1'", ""), "bad-request", "bad-sessionid");
    let form = "<x xmlns='jabber:x:data' type='form'/>";
    expect_error(&run(&mut romeo, "node='hello'", form), "bad-request", "bad-payload");
    expect_error(&run(&mut romeo, "", ""), "bad-request", "");
    romeo.send(format!(
        "<iq type='get' id='c' to='localhost'><command xmlns='{COMMANDS}' node='hello'/></iq>"
    ));
    expect_error(&romeo.next_element(), "bad-request", "");
}

#[test]
fn a_command_belongs_to_who_began_it() {
    let server = server();
    let mut romeo = server.login("romeo/orchard");
    let mut street = server.login("romeo/street");
    let mut juliet = server.login("juliet/balcony");
    let (_, id) = step(&mut romeo, "node='hello'", "");
    let attrs = format!("node='hello' sessionid='{id}' action='complete'");
    let named = submit(&[("name", "Romeo")]);
    for other in [&mut street, &mut juliet] {
        expect_error(&run(other, &attrs, &named), "bad-request", "bad-sessionid");
    }
    let other_node = format!("node='wizard' sessionid='{id}'");
    expect_error(&run(&mut romeo, &other_node, ""), "bad-request", "bad-sessionid");

    // An account has sixteen under way; one more, and the oldest is given up.
    for _ in 1..16 {
        step(&mut romeo, "node='hello'", "");
    }
    let (_, newest) = step(&mut street, "node='hello'", "");
    expect_error(&run(&mut romeo, &attrs, &named), "bad-request", "bad-sessionid");
    step(&mut street, &format!("node='hello' sessionid='{newest}' action='complete'"), &named);
    // One that ends with its first step takes no place.
    let (_, open) = step(&mut juliet, "node='hello'", "");
    for _ in 0..16 {
        step(&mut juliet, "node='secret'", "");
    }
    step(&mut juliet, &format!("node='hello' sessionid='{open}' action='complete'"), &named);
    // Nor does one that is cancelled, whatever the client sends with that.
    let (_, open) = step(&mut juliet, "node='hello'", "");
    let cancel = format!("node='hello' sessionid='{open}' action='cancel'");
    let (canceled, _) = step(&mut juliet, &cancel, "<x xmlns='jabber:x:data' type='cancel'/>");
    assert!(matches(&canceled, "<command status='canceled'/>"), "{canceled}");
}

/// What XEP-0133 registers for its form type (section 9.2), as far as it is used here.
const REGISTERED: &str = "accountjid accountjids activeuserjids activeusersnum adminjids announcement blacklistjids \
    delay disableduserjids disabledusersnum email given_name idleusersnum ipaddresses lastlogin loginsperminute \
    max_items motd onlineresources onlineuserjids onlineusersnum password password-verify registereduserjids \
    registeredusersnum rostersize stanzaspersecond surname welcome whitelistjids idleuserjids";

/// Within a form type, a name means one thing (XEP-0068): it has one type wherever it is, and is one of the form type's
/// own or has a namespace.
#[test]
fn names_of_fields_mean_one_thing() {
    let server = Server::builder().users(["admin"]).settings("admins = [ 'admin@localhost' ]").start();
    server.command(&["vhost", "add", "a.example"]);
    let mut admin = server.login("admin/desk");
    let listed = disco(&mut admin, "items", COMMANDS);
    let mut types = std::collections::BTreeMap::new();
    let mut look_at = |command: &Node| {
        let Some(form) = command.child_ns("x", "jabber:x:data") else { return };
        let fields = || form.children.iter().filter(|child| child.name == "field");
        let of_type = |field: &&Node| field.attr("var") == Some("FORM_TYPE");
        let Some(form_type) = fields().find(of_type).and_then(|field| field.child("value")) else { return };
        for field in fields().filter(|field| !of_type(field)) {
            let (var, ty) = (field.attr("var").unwrap().to_owned(), field.attr("type").unwrap().to_owned());
            let is_known = var.starts_with("{urn:waxwing:") || REGISTERED.split(' ').any(|name| name == var);
            assert!(is_known, "{var} is no name of {}", form_type.text);
            let before = types.entry((form_type.text.clone(), var.clone())).or_insert_with(|| ty.clone());
            assert_eq!(*before, ty, "{var} has two types");
        }
    };
    for item in &listed.children[0].children {
        let node = item.attr("node").unwrap();
        let (first, session) = step(&mut admin, &format!("node='{node}'"), "");
        look_at(&first);
        if first.child("actions").is_none_or(|actions| actions.child("next").is_none()) {
            continue;
        }
        let asked = ["accountjid", "item-list", "VHost", "{urn:waxwing:admin:0}domainjid"];
        let (second, _) = step(
            &mut admin,
            &format!("node='{node}' sessionid='{session}' action='next'"),
            &submit(
                &asked.map(|var| (var, if var == "accountjid" { "admin@localhost" } else { "localhost" })),
            ),
        );
        assert!(matches(&second, "<command status='executing'/>"), "{second}");
        look_at(&second);
    }
    for (command, fields) in [
        ("get-user-roster", [("accountjids", "admin@localhost")]),
        ("get-user-lastlogin", [("accountjids", "admin@localhost")]),
        ("user-stats", [("accountjid", "admin@localhost")]),
        ("get-registered-users-list", [("max_items", "25")]),
        ("get-online-users-num", [("domainjid", "localhost")]),
    ] {
        let node = format!("node='http://jabber.org/protocol/admin#{command}'");
        let (result, _) = step(&mut admin, &node, &submit(&fields));
        assert!(matches(&result, "<command status='completed'/>"), "{result}");
        look_at(&result);
    }
    assert!(types.len() > 20, "{types:?}");
}
