//! The guide's chapter 11.6.2 with the client that it recommends: what Psi sent while a domain and a user were added
//! with it, the domain changed and removed, is sent again, to the byte.

use waxwing_tests::{Node, Server};

/// What was sent, and how it was recorded.
const RECORDED: &str = include_str!("../clients/psi-requests.xml");

/// What Psi needs of the answers, in their order, inside `<iq type='result'/>`.
const NEEDED: [&str; 27] = [
    // Service Discovery.
    "<query xmlns='@INFO@'><identity category='server' type='im'/></query>",
    "<query xmlns='@ITEMS@'><item jid='sess-man@localhost' name='Session Manager'/>\
     <item jid='vhost-man@localhost' name='VHost Manager'/></query>",
    "<query xmlns='@INFO@'><identity name='Session Manager'/><feature var='@COMMANDS@'/></query>",
    "<query xmlns='@INFO@'><identity name='VHost Manager'/><feature var='@COMMANDS@'/></query>",
    // "Add new item".
    VHOST_COMMANDS,
    "<query xmlns='@ITEMS@'/>",
    ONLY_FORM,
    SUCCESS,
    // "Add user".
    "<query xmlns='@ITEMS@' node='@COMMANDS@'>\
     <item node='http://jabber.org/protocol/admin#add-user' name='Add user'/></query>",
    "<query xmlns='@ITEMS@'/>",
    ONLY_FORM,
    SUCCESS,
    // "Update item configuration".
    VHOST_COMMANDS,
    FIRST_FORM,
    LAST_FORM,
    SUCCESS,
    // "Remove an item".
    VHOST_COMMANDS,
    FIRST_FORM,
    LAST_FORM,
    SUCCESS,
    // "Cancel".
    VHOST_COMMANDS,
    ONLY_FORM,
    "<command xmlns='@COMMANDS@' status='canceled' sessionid='*'/>",
    // "Previous".
    VHOST_COMMANDS,
    FIRST_FORM,
    LAST_FORM,
    FIRST_FORM,
];

const VHOST_COMMANDS: &str = "<query xmlns='@ITEMS@' node='@COMMANDS@'>\
     <item jid='vhost-man@localhost' node='comp-repo-item-add' name='Add new item'/>\
     <item jid='vhost-man@localhost' node='comp-repo-item-update' name='Update item configuration'/>\
     <item jid='vhost-man@localhost' node='comp-repo-item-remove' name='Remove an item'/></query>";
const ONLY_FORM: &str = "<command xmlns='@COMMANDS@' status='executing' sessionid='*'>\
     <actions execute='complete'><complete/></actions>\
     <x xmlns='jabber:x:data' type='form'><field/></x></command>";
const FIRST_FORM: &str = "<command xmlns='@COMMANDS@' status='executing' sessionid='*'>\
     <actions execute='next'><next/></actions><x xmlns='jabber:x:data' type='form'>\
     <field type='list-single' var='item-list'><option/></field></x></command>";
const LAST_FORM: &str = "<command xmlns='@COMMANDS@' status='executing' sessionid='*'>\
     <actions execute='complete'><prev/><complete/></actions>\
     <x xmlns='jabber:x:data' type='form'><field/></x></command>";
const SUCCESS: &str = "<command xmlns='@COMMANDS@' status='completed' sessionid='*'>\
     <note type='info'>*</note></command>";

/// The recorded requests, as they were sent.
fn requests() -> Vec<String> {
    let uncommented: String =
        RECORDED.split("-->").map(|part| part.split("<!--").next().unwrap_or_default()).collect();
    let (_, inside) = uncommented.split_once("<psi xmlns=\"jabber:client\">").unwrap();
    let (inside, _) = inside.split_once("</psi>").unwrap();
    inside.trim().split_inclusive("</iq>").map(|request| request.trim_start().to_owned()).collect()
}

/// The pattern of an answer with the namespaces written out.
fn answer_to(request: &Node, needed: &str) -> String {
    let (id, to) = (request.attr("id").unwrap(), request.attr("to").unwrap());
    format!("<iq type='result' id='{id}' from='{to}'>{needed}</iq>")
        .replace("@INFO@", "http://jabber.org/protocol/disco#info")
        .replace("@ITEMS@", "http://jabber.org/protocol/disco#items")
        .replace("@COMMANDS@", "http://jabber.org/protocol/commands")
}

#[test]
fn what_psi_asks_for_is_answered_as_it_needs() {
    let server = Server::builder()
        .users(["admin"])
        .settings("admins = [ 'admin@localhost' ]\n'vhost-man' { 'vhost-disable-dns-check' = true }")
        .start();
    let mut psi = server.login("admin/Psi");
    let requests = requests();
    assert_eq!(requests.len(), NEEDED.len());

    let mut session = String::new();
    for (request, needed) in requests.iter().zip(NEEDED) {
        let request = request.replace("@SESSION@", &session);
        psi.send(&request);
        let answer = psi.expect(answer_to(&Node::parse(&request), needed));
        let Some(command) = answer.child("command") else { continue };
        session = command.attr("sessionid").unwrap_or_default().to_owned();
        if let Some(note) = command.child("note") {
            assert!(note.text.starts_with("Operation successful"), "{note}");
        }
    }
    assert_eq!(server.command(&["vhost", "list"]).trim(), "localhost");
}
