//! Offline messages that a client looks through and chooses from (XEP-0013), many of them, and what becomes of
//! those that nobody gets in time.

use waxwing_tests::{Chat, Client, Node, Server, eventually};

const NS: &str = "http://jabber.org/protocol/offline";
const INFO: &str = "http://jabber.org/protocol/disco#info";
const ITEMS: &str = "http://jabber.org/protocol/disco#items";
const STANZAS: &str = "urn:ietf:params:xml:ns:xmpp-stanzas";

/// Romeo has said so much to juliet, who is away. Each body is a number.
fn waiting(server: &Server, count: u32) -> Client {
    let mut romeo = server.online("romeo/orchard");
    for n in 0..count {
        romeo.send(format!("<message to='juliet@localhost' type='chat' id='{n}'><body>{n}</body></message>"));
    }
    romeo.expect_nothing();
    romeo
}

/// The names of the messages that wait, all from romeo.
fn list(client: &mut Client) -> Vec<String> {
    client.send(format!("<iq type='get' id='l'><query xmlns='{ITEMS}' node='{NS}'/></iq>"));
    let answer = client.expect(format!("<iq type='result' id='l'><query xmlns='{ITEMS}' node='{NS}'/></iq>"));
    let names = answer.children[0].children.iter().map(|item| {
        assert_eq!(item.attr("name"), Some("romeo@localhost/orchard"));
        item.attr("node").unwrap().to_owned()
    });
    names.collect()
}

/// The message of this number and name, with the time of its arrival.
fn named(n: u32, name: &str) -> String {
    format!(
        "<message from='romeo@localhost/orchard' id='{n}'><body>{n}</body>\
         <delay xmlns='urn:xmpp:delay' stamp='*'/><offline xmlns='{NS}'><item node='{name}'/></offline></message>"
    )
}

fn items(action: &str, names: &[&String]) -> String {
    let items = names.iter().map(|name| format!("<item action='{action}' node='{name}'/>"));
    format!("<offline xmlns='{NS}'>{}</offline>", items.collect::<String>())
}

/// Sections 2.2 to 2.5, then 2.6 and 2.7. Nothing comes unasked, and what is left when she goes comes to the next
/// session.
#[test]
fn a_client_chooses() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = waiting(&server, 5);
    let mut juliet = server.login("juliet/balcony");
    assert_eq!(juliet.offline_messages(), 5);
    let names = list(&mut juliet);
    assert_eq!(names.len(), 5);
    assert!(names.is_sorted());
    juliet.available();
    juliet.expect_nothing();

    juliet.send(format!("<iq type='get' id='v'>{}</iq>", items("view", &[&names[3], &names[1]])));
    juliet.expect(named(3, &names[3]));
    juliet.expect(named(1, &names[1]));
    juliet.expect("<iq type='result' id='v'/>");
    juliet.send(format!("<iq type='set' id='r'>{}</iq>", items("remove", &[&names[3], &names[1]])));
    juliet.expect("<iq type='result' id='r'/>");
    assert_eq!(list(&mut juliet), [&*names[0], &*names[2], &*names[4]]);
    // Nothing of the request is done if one of them is not there.
    juliet.send(format!("<iq type='set' id='r'>{}</iq>", items("remove", &[&names[0], &names[1]])));
    juliet.expect(format!("<iq type='error' id='r'><error><item-not-found xmlns='{STANZAS}'/></error></iq>"));

    juliet.send(format!("<iq type='get' id='f'><offline xmlns='{NS}'><fetch/></offline></iq>"));
    for n in [0, 2, 4] {
        juliet.expect(named(n, &names[n as usize]));
    }
    juliet.expect("<iq type='result' id='f'/>");
    assert_eq!(juliet.offline_messages(), 3);
    // What arrives now is delivered as ever.
    romeo.send("<message to='juliet@localhost' type='chat' id='live'><body>live</body></message>");
    romeo.drain();
    juliet.expect("<message id='live'><body>live</body></message>");
    juliet.close();

    let mut juliet = server.login("juliet/balcony");
    juliet.send("<presence/>");
    assert_eq!(bodies(&juliet.drain()), ["0", "2", "4"]);
    romeo.drain();
    juliet.send("<presence type='unavailable'/>");
    juliet.drain();
    juliet.close();
    romeo.send("<message to='juliet@localhost' type='chat' id='5'><body>5</body></message>");
    romeo.drain();
    let mut juliet = server.login("juliet/balcony");
    assert_eq!(juliet.offline_messages(), 1);
    juliet.send(format!("<iq type='set' id='p'><offline xmlns='{NS}'><purge/></offline></iq>"));
    juliet.expect("<iq type='result' id='p'/>");
    assert_eq!(juliet.offline_messages(), 0);
}

fn bodies(nodes: &[Node]) -> Vec<&str> {
    nodes.iter().filter(|node| node.name == "message").map(Node::body).collect()
}

/// They are nobody else's business.
#[test]
fn of_others() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = waiting(&server, 1);
    let items = format!("<query xmlns='{ITEMS}' node='{NS}'/>");
    romeo.send(format!("<iq type='get' id='0' to='juliet@localhost'>{items}</iq>"));
    // As of an address that has no account (XEP-0030, section 8).
    let answer = romeo.expect(format!("<iq type='result' id='0'>{items}</iq>"));
    assert!(answer.children[0].children.is_empty(), "{answer}");
    for query in
        [format!("<query xmlns='{INFO}' node='{NS}'/>"), format!("<offline xmlns='{NS}'><fetch/></offline>")]
    {
        romeo.send(format!("<iq type='get' id='1' to='juliet@localhost'>{query}</iq>"));
        romeo.expect("<iq type='error' id='1' from='juliet@localhost'/>");
    }
    romeo.send(format!(
        "<iq type='set' id='1' to='juliet@localhost'><offline xmlns='{NS}'><purge/></offline></iq>"
    ));
    romeo.expect("<iq type='error' id='1' from='juliet@localhost'/>");
    assert_eq!(server.login("juliet/balcony").offline_messages(), 1);
}

const MANY: u32 = 2000;

/// Two thousand messages: fetched in order by one client, which leaves them, and delivered in order to the next,
/// after a crash, before anything new.
#[test]
fn thousands_in_order() {
    let mut server = Server::builder().users(["romeo", "juliet"]).endless_queues().start();
    waiting(&server, MANY).close();
    let mut juliet = server.login("juliet/balcony");
    assert_eq!(juliet.offline_messages(), MANY);
    assert_eq!(list(&mut juliet).len(), 1000);
    juliet.send(format!("<iq type='get' id='f'><offline xmlns='{NS}'><fetch/></offline></iq>"));
    for n in 0..MANY {
        juliet.expect(named(n, "*"));
    }
    juliet.expect("<iq type='result' id='f'/>");
    server.kill();
    server.start();

    let mut romeo = server.online("romeo/orchard");
    let mut juliet = server.login("juliet/balcony");
    juliet.send("<presence/>");
    romeo.send("<message to='juliet@localhost' type='chat' id='new'><body>new</body></message>");
    let mut next = 0;
    while next < MANY {
        let node = juliet.next_element();
        if node.name == "message" {
            assert_eq!(node.body(), next.to_string());
            next += 1;
        }
    }
    assert_eq!(bodies(&juliet.drain()), ["new"]);
    juliet.close();
    assert_eq!(server.login("juliet/balcony").offline_messages(), 0);
}

/// `expire-after`: gone without a word, and what came later is still there.
#[test]
fn messages_expire() {
    let mut server = Server::builder()
        .users(["romeo", "juliet"])
        .settings("'sess-man' { amp () { msgoffline () { 'expire-after' = '1s' } } }")
        .start();
    let mut romeo = waiting(&server, 3);
    let mut juliet = server.login("juliet/balcony");
    eventually("the messages have expired", || juliet.offline_messages() == 0);
    juliet.available();
    juliet.expect_nothing();
    juliet.close();
    romeo.expect_nothing();
    romeo.close();

    // Across a crash as well. The limit counts what is still there.
    waiting(&server, 1);
    server.kill();
    server.reconfigure(|server| server.settings("msgoffline { 'store-limit' = 1 }"));
    server.start();
    let mut juliet = server.login("juliet/balcony");
    eventually("the message has expired", || juliet.offline_messages() == 0);
    waiting(&server, 1);
}

/// A client that nobody here wrote looks through its messages, and asks how long somebody has been away.
#[test]
fn with_slixmpp() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let (mut romeo, mut juliet) = (server.online("romeo/orchard"), server.online("juliet/balcony"));
    server.befriend(&mut romeo, &mut juliet);
    juliet.close();
    romeo.expect("<presence type='unavailable'/>");
    romeo.close();
    let mut romeo = waiting(&server, 3);
    romeo.send("<presence type='unavailable'><status>Banished</status></presence>");
    romeo.drain();
    romeo.close();

    let mut juliet = Chat::slixmpp_unavailable(&server, "juliet");
    juliet.tell("count");
    juliet.expect("count 3");
    juliet.tell("headers");
    // The library has them in no order, but their names are in that of their arrival.
    let mut name =
        || juliet.starting_with("header romeo@localhost/orchard ").split(' ').nth(2).map(String::from);
    let mut names = [name(), name(), name()].map(Option::unwrap);
    names.sort();
    juliet.tell(&format!("view {}", names[1]));
    juliet.expect(&format!("viewed {} 1", names[1]));
    juliet.tell(&format!("remove {}", names[1]));
    juliet.expect("removed");
    juliet.tell("count");
    juliet.expect("count 2");
    juliet.tell("purge");
    juliet.expect("purged");
    juliet.tell("count");
    juliet.expect("count 0");
    juliet.tell("last romeo@localhost");
    let answer = juliet.starting_with("last ");
    assert!(answer.ends_with(" Banished"), "{answer}");
    juliet.quit();
}
