//! The roster (RFC 6121, section 2).

use waxwing_tests::{Client, Node, Server};

const ROSTER: &str = "jabber:iq:roster";

/// Fetches the roster, which makes the session interested in its changes.
fn fetch(client: &mut Client) -> Node {
    client.send("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>");
    let answer = client.expect("<iq type='result' id='roster'><query xmlns='jabber:iq:roster'/></iq>");
    answer.child_ns("query", ROSTER).expect("a roster").clone()
}

fn set(client: &mut Client, items: &str) {
    client.send(format!("<iq type='set' id='set'><query xmlns='jabber:iq:roster'>{items}</query></iq>"));
}

/// Expects a push and answers it.
fn push(client: &mut Client, item: &str) -> Node {
    let node =
        client.expect(format!("<iq type='set' id='*'><query xmlns='jabber:iq:roster'>{item}</query></iq>"));
    client.send(format!("<iq type='result' id='{}'/>", node.attr("id").unwrap_or_default()));
    node
}

fn refused(client: &mut Client, condition: &str) {
    client.expect(format!(
        "<iq type='error' id='set'><error type='*'>\
         <{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
    ));
}

#[test]
fn changes_are_pushed_to_those_who_asked() {
    let server = Server::builder().users(["romeo"]).start();
    let mut desk = server.online("romeo/desk");
    let mut phone = server.online("romeo/phone");
    let mut indifferent = server.online("romeo/indifferent");
    for client in [&mut desk, &mut phone, &mut indifferent] {
        client.drain();
    }
    assert!(fetch(&mut desk).children.is_empty());
    assert!(fetch(&mut phone).children.is_empty());

    set(
        &mut desk,
        "<item jid='Juliet@LOCALHOST' name='Juliet &lt;3'><group>Verona</group><group>Love</group></item>",
    );
    let item = "<item jid='juliet@localhost' name='Juliet &lt;3' subscription='none'><group>*</group>\
        <group>*</group></item>";
    let pushed = desk.expect_all([
        &format!("<iq type='set' id='*'><query xmlns='jabber:iq:roster'>{item}</query></iq>"),
        "<iq type='result' id='set'/>",
    ]);
    assert!(pushed[0].attr("from").is_none_or(|from| from == "romeo@localhost"), "{}", pushed[0]);
    push(&mut phone, item);
    indifferent.expect_nothing();

    let roster = fetch(&mut phone);
    assert_eq!(roster.children.len(), 1);
    let mut groups: Vec<_> = roster.children[0].children.iter().map(|group| group.text.as_str()).collect();
    groups.sort_unstable();
    assert_eq!(groups, ["Love", "Verona"]);

    set(&mut phone, "<item jid='juliet@localhost'/>");
    push(&mut desk, "<item jid='juliet@localhost' subscription='none'/>");
    phone.drain();
    let roster = fetch(&mut desk);
    assert!(roster.children[0].attr("name").is_none_or(str::is_empty), "the name is gone: {roster}");
    assert!(roster.children[0].children.is_empty(), "the groups are gone: {roster}");

    set(&mut phone, "<item jid='juliet@localhost' subscription='remove'/>");
    push(&mut desk, "<item jid='juliet@localhost' subscription='remove'/>");
    phone.drain();
    assert!(fetch(&mut desk).children.is_empty());
}

#[test]
fn it_lasts() {
    let mut server = Server::builder().users(["romeo"]).start();
    let mut romeo = server.online("romeo/orchard");
    set(&mut romeo, "<item jid='juliet@localhost' name='Juliet'/>");
    romeo.expect("<iq type='result' id='set'/>");
    server.kill();
    server.start();
    let roster = fetch(&mut server.online("romeo/orchard"));
    assert!(
        roster
            .matches("<query xmlns='jabber:iq:roster'><item jid='juliet@localhost' name='Juliet'/></query>")
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = server.online("romeo/orchard");
    let item = "<item jid='juliet@localhost'/>";
    for (items, condition) in [
        ("", "bad-request"),
        ("<item/>", "bad-request"),
        ("<item jid='juliet@localhost'/><item jid='nurse@localhost'/>", "bad-request"),
        ("<item jid='juliet@localhost'><group>a</group><group>a</group></item>", "bad-request"),
        ("<item jid='juliet@localhost'><group></group></item>", "not-acceptable"),
        ("<item jid='nobody@localhost' subscription='remove'/>", "item-not-found"),
    ] {
        set(&mut romeo, items);
        refused(&mut romeo, condition);
    }
    romeo.send(format!(
        "<iq type='set' id='set' to='juliet@localhost'><query xmlns='jabber:iq:roster'>{item}</query></iq>"
    ));
    let answer = romeo.expect("<iq type='error' id='set'/>");
    let error = answer.child("error").expect("an error");
    assert!(
        ["forbidden", "service-unavailable", "not-allowed"].iter().any(|name| error.child(name).is_some()),
        "{answer}"
    );
    assert!(fetch(&mut romeo).children.is_empty());
    assert!(fetch(&mut server.online("juliet/balcony")).children.is_empty());
}

#[test]
fn a_subscription_cannot_be_written_into_it() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = server.online("romeo/orchard");
    set(&mut romeo, "<item jid='juliet@localhost' subscription='both' ask='subscribe' approved='true'/>");
    romeo.drain();
    let roster = fetch(&mut romeo);
    let item = &roster.children[0];
    assert_eq!(item.attr("subscription"), Some("none"), "{roster}");
    assert_eq!((item.attr("ask"), item.attr("approved")), (None, None), "{roster}");
}

#[test]
fn a_version_saves_the_transfer() {
    let server = Server::builder().users(["romeo"]).start();
    let mut romeo = server.online("romeo/orchard");
    romeo.send("<iq type='get' id='1'><query xmlns='jabber:iq:roster' ver=''/></iq>");
    let empty = romeo.expect("<iq type='result' id='1'><query xmlns='jabber:iq:roster' ver='*'/></iq>");
    let first = empty.children[0].attr("ver").unwrap_or_default().to_owned();
    set(&mut romeo, "<item jid='juliet@localhost'/>");
    let [pushed, _] = romeo.expect_all([
        "<iq type='set'><query xmlns='jabber:iq:roster' ver='*'><item jid='juliet@localhost'/></query></iq>",
        "<iq type='result' id='set'/>",
    ]);
    let second = pushed.children[0].attr("ver").unwrap_or_default().to_owned();
    assert_ne!(first, second, "a change makes a new version");

    romeo.send(format!("<iq type='get' id='2'><query xmlns='jabber:iq:roster' ver='{second}'/></iq>"));
    let answer = romeo.expect("<iq type='result' id='2'/>");
    assert!(answer.children.is_empty(), "nothing has changed: {answer}");

    // An older version brings the whole roster, or the missing pushes (section 2.6.3).
    romeo.send(format!("<iq type='get' id='3'><query xmlns='jabber:iq:roster' ver='{first}'/></iq>"));
    let came = [romeo.next_element()];
    assert!(came[0].to_string().contains("juliet@localhost") || !romeo.drain().is_empty(), "{}", came[0]);
}

/// Reads and commits of the server's database so far, as `waxwing db status` tells them.
fn database_work(server: &Server) -> [u64; 2] {
    let status = server.command(&["db", "status", "--json"]);
    ["\"reads\":", "\"batches\":"].map(|key| {
        let (_, rest) = status.split_once(key).unwrap_or_else(|| panic!("no {key} in {status}"));
        let number = rest.trim_start().split(|char: char| !char.is_ascii_digit()).next();
        number
            .and_then(|number| number.parse().ok())
            .unwrap_or_else(|| panic!("no number after {key}: {status}"))
    })
}

/// With a database on another machine each wait counts. There are three until the roster is there: the account, when
/// the password is checked; then the account, what plugins keep for it and the roster, read at the same time; and that
/// somebody has logged in, which a plugin writes down.
#[test]
fn a_login_with_a_long_roster_costs_the_database_little() {
    let server = Server::builder().users(["romeo"]).start();
    let mut romeo = server.login("romeo");
    for n in 0..200 {
        set(
            &mut romeo,
            &format!("<item jid='friend{n}@localhost' name='Friend {n}'><group>Friends</group></item>"),
        );
        romeo.expect("<iq type='result' id='set'/>");
    }
    romeo.close();
    // Alarms are looked for from time to time: the least of some logins is that of a login alone.
    let costs = (0..3).map(|_| {
        let before = database_work(&server);
        let mut romeo = server.login("romeo");
        assert_eq!(fetch(&mut romeo).children.len(), 200);
        let after = database_work(&server);
        romeo.close();
        [0, 1].map(|at| after[at] - before[at])
    });
    let least = costs.min().expect("some logins");
    assert!(least[0] <= 4 && least[1] <= 1, "reads and commits of a login: {least:?}");
}
