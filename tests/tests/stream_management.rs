//! Stream management (XEP-0198): what is acknowledged, and what becomes of what is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use waxwing_tests::{Client, Incoming, Managed, Node, Server};

fn server() -> Server {
    Server::builder().users(["romeo", "juliet", "nurse"]).endless_queues().start()
}

fn chat(to: &str, body: impl std::fmt::Display) -> String {
    format!("<message to='{to}' type='chat'><body>{body}</body></message>")
}

fn failed(condition: &str) -> String {
    format!(
        "<failed xmlns='urn:xmpp:sm:3'><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"
    )
}

fn bodies(nodes: &[Node]) -> Vec<&str> {
    nodes.iter().filter(|node| node.name == "message").map(Node::body).collect()
}

fn delay(node: &Node) -> &str {
    let delays: Vec<_> = node.children.iter().filter(|child| child.name == "delay").collect();
    assert!(matches!(&delays[..], [one] if one.attr("from") == Some("localhost")), "one delay: {node}");
    delays[0].attr("stamp").expect("a time")
}

#[test]
fn counting_and_refusing() {
    let server = server();
    let mut client = server.signed_in("juliet");
    assert!(client.features.child_ns("sm", "urn:xmpp:sm:3").is_some(), "{}", client.features);
    client.send("<enable xmlns='urn:xmpp:sm:3'/>");
    client.expect(failed("unexpected-request"));
    client.bind(Some("balcony"));
    client.available();

    let mut juliet = Managed::enable(client, "");
    assert_eq!(juliet.id, "");
    assert_eq!(juliet.handled(), 0);
    juliet.client.send("<enable xmlns='urn:xmpp:sm:3'/>");
    juliet.client.expect(failed("unexpected-request"));
    juliet.client.send("<resume xmlns='urn:xmpp:sm:3' previd='x' h='0'/>");
    juliet.client.expect(failed("unexpected-request"));
    // Everything that is a stanza counts, whatever is wrong with it; and all answers count as well.
    juliet.client.send(chat("juliet@localhost/balcony", "0"));
    juliet.client.send("<iq type='what' id='1' to='localhost'><a xmlns='b'/></iq>");
    juliet.client.send(
        "<iq type='set' id='2'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq> \
         <iq type='result' id='3' to='@'/>",
    );
    let got = [juliet.next_stanza(), juliet.next_stanza(), juliet.next_stanza()];
    assert!(got[0].matches("<message><body>0</body></message>"), "{}", got[0]);
    assert!(got[1].matches("<iq type='error' id='1'/>") && got[2].matches("<iq type='result' id='2'/>"));
    assert_eq!(juliet.handled(), 4);
    juliet.acknowledge();
    juliet.drain();
    juliet.client.send("<a xmlns='urn:xmpp:sm:3' h='100'/>");
    let error = loop {
        match juliet.client.next_element() {
            node if node.name == "error" => break node,
            _ => {}
        }
    };
    assert!(error.child("undefined-condition").is_some(), "{error}");
    let detail = error.child_ns("handled-count-too-high", "urn:xmpp:sm:3").expect("by how much");
    assert_eq!((detail.attr("h"), detail.attr("send-count")), (Some("100"), Some("4")));
    juliet.client.expect_closed();

    let mut other = server.login("juliet/other");
    other.send("<r xmlns='urn:xmpp:sm:3'/>");
    other.expect_stream_error("unsupported-stanza-type");
}

#[test]
fn switched_off() {
    let off = "'stream-management' { enabled = false }\n'client-state' { enabled = false }";
    let server = Server::builder().users(["juliet"]).settings(off).start();
    let mut client = server.login("juliet/balcony");
    assert!(client.features.child("sm").is_none() && client.features.child("csi").is_none());
    client.send("<enable xmlns='urn:xmpp:sm:3'/>");
    client.expect_stream_error("unsupported-stanza-type");
    let server = Server::builder()
        .users(["juliet"])
        .settings("'stream-management' { 'resume-timeout' = '7s', location = 'xmpp.example.org:5222' }")
        .start();
    let mut client = server.login("juliet/balcony");
    client.send("<enable xmlns='urn:xmpp:sm:3' resume='1' max='100'/>");
    client.expect(
        "<enabled xmlns='urn:xmpp:sm:3' resume='true' id='*' max='7' location='xmpp.example.org:5222'/>",
    );
}

/// Others see no change, and nothing is lost, sent twice or overtaken.
#[test]
fn a_broken_connection_is_resumed() {
    let server = server();
    let mut romeo = server.online("romeo/orchard");
    let mut juliet = server.online("juliet/balcony");
    server.befriend(&mut romeo, &mut juliet);
    let mut juliet = Managed::enable(juliet, "resume='true'");
    juliet.answers = false;
    juliet.client.send(chat("romeo@localhost", "from juliet"));
    assert_eq!(romeo.next_element().body(), "from juliet");
    for n in 0..10 {
        romeo.send(chat("juliet@localhost", n));
    }
    for n in 0..6 {
        assert_eq!(juliet.message().body(), n.to_string());
    }
    juliet.acknowledge();
    let (id, h) = (juliet.id.clone(), juliet.h);
    assert_eq!(h, 6);
    juliet.reset();
    for n in 10..20 {
        romeo.send(chat("juliet@localhost/balcony", n));
    }
    romeo.expect_nothing();
    let (mut juliet, handled) = Managed::resume(&server, "juliet", &id, h).ok().expect("resumed");
    assert_eq!(handled, 1);
    for n in 6..20 {
        assert_eq!(juliet.message().body(), n.to_string());
    }
    assert!(bodies(&juliet.drain()).is_empty());
    romeo.expect_nothing();
    // Half a connection: the client says no more.
    juliet.client.shutdown_write();
    romeo.send(chat("juliet@localhost", "after"));
    romeo.expect_nothing();
    let (mut juliet, _) = Managed::resume(&server, "juliet", &id, juliet.h).ok().expect("resumed");
    assert_eq!(juliet.message().body(), "after");
    juliet.client.close();
    romeo.expect("<presence type='unavailable' from='juliet@localhost/balcony'/>");
}

/// The connection is still there as far as the server knows.
#[test]
fn the_old_stream_is_closed() {
    let server = server();
    let mut romeo = server.online("romeo/orchard");
    let mut old = Managed::online(&server, "juliet/balcony");
    let (mut new, _) = Managed::resume(&server, "juliet", &old.id, old.h).ok().expect("resumed");
    old.client.expect_stream_error("conflict");
    romeo.send(chat("juliet@localhost", "hello"));
    assert_eq!(new.message().body(), "hello");
    // Somebody else's id, none, and one that never was.
    for (user, id) in [("romeo", new.id.as_str()), ("juliet", ""), ("juliet", "nonsense")] {
        let (mut client, answer) = *Managed::resume(&server, user, id, 0).err().expect("refused");
        assert!(answer.matches(&failed("item-not-found")), "{answer}");
        client.bind(None);
    }
    // An impossible number changes nothing for whoever counts right.
    let mut liar = server.signed_in("juliet");
    liar.send(format!("<resume xmlns='urn:xmpp:sm:3' previd='{}' h='1000'/>", new.id));
    liar.expect_stream_error("undefined-condition");
    let (mut again, _) = Managed::resume(&server, "juliet", &new.id, new.h).ok().expect("resumed");
    assert!(bodies(&again.drain()).is_empty());
}

#[test]
fn of_two_that_resume_one_goes_on() {
    let server = server();
    for _ in 0..10 {
        let juliet = Managed::online(&server, "juliet/balcony");
        let (id, h) = (juliet.id.clone(), juliet.h);
        juliet.reset();
        let clients = [server.signed_in("juliet"), server.signed_in("juliet")];
        let tries = clients.map(|client| {
            let id = id.clone();
            thread::spawn(move || Managed::resume_on(client, &id, h))
        });
        let results = tries.map(|thread| thread.join().expect("a try"));
        let mut alive = 0;
        for result in results {
            match result {
                Err(refused) => assert!(refused.1.matches(&failed("item-not-found")), "{}", refused.1),
                // The other one may have come after it.
                Ok((mut one, _)) => {
                    one.client.send("<presence type='unavailable'/><iq type='get' id='p'/>");
                    loop {
                        match one.client.read() {
                            Incoming::Element(node) if node.attr("id") == Some("p") => break alive += 1,
                            Incoming::Element(_) => {}
                            _ => break,
                        }
                    }
                }
            }
        }
        assert_eq!(alive, 1);
    }
}

/// Nobody comes back in time: stored with the time at which it came, ahead of what comes later.
#[test]
fn too_late() {
    let server = server();
    let mut romeo = server.online("romeo/orchard");
    let mut juliet = server.online("juliet/balcony");
    server.befriend(&mut romeo, &mut juliet);
    let mut juliet = Managed::enable(juliet, "resume='true' max='1'");
    juliet.answers = false;
    juliet.client.send(chat("romeo@localhost", "x"));
    romeo.next_element();
    for n in 0..3 {
        romeo.send(chat("juliet@localhost", n));
    }
    romeo.send("<iq type='get' id='q' to='juliet@localhost/balcony'><a xmlns='b'/></iq>");
    for n in 0..3 {
        assert_eq!(juliet.message().body(), n.to_string());
    }
    juliet.next_stanza();
    let id = juliet.id.clone();
    juliet.reset();
    romeo.send(chat("juliet@localhost", 3));
    let before = utc(&mut romeo);
    romeo.expect_all([
        "<iq type='error' id='q' from='juliet@localhost/balcony'/>",
        "<presence type='unavailable' from='juliet@localhost/balcony'/>",
    ]);
    romeo.send(chat("juliet@localhost", 4));
    romeo.expect_nothing();
    let (mut client, answer) = *Managed::resume(&server, "juliet", &id, 4).err().expect("too late");
    assert!(answer.matches(&failed("item-not-found")) && answer.attr("h") == Some("1"), "{answer}");
    client.bind(Some("balcony"));
    client.send("<presence/>");
    let got: Vec<_> = client.drain().into_iter().filter(|node| node.name == "message").collect();
    assert_eq!(bodies(&got), ["0", "1", "2", "3", "4"]);
    for message in &got[..4] {
        assert!(delay(message)[..19] <= before[..19], "before {before}: {message}");
    }
}

/// The server's time.
fn utc(client: &mut Client) -> String {
    client.send("<iq type='get' id='time' to='localhost'><time xmlns='urn:xmpp:time'/></iq>");
    let answer = client.expect("<iq type='result' id='time'/>");
    answer.children[0].child("utc").expect("a time").text.clone()
}

/// What went to two of her clients is not sent again because one of them has gone.
#[test]
fn not_doubled_where_another_client_has_it() {
    let server = server();
    let mut romeo = server.online("romeo/orchard");
    let mut desk = server.online("juliet/desk");
    let mut phone = Managed::enable(server.login("juliet/phone"), "resume='true' max='1'");
    phone.answers = false;
    phone.client.send("<presence/>");
    phone.drain();
    desk.drain();
    romeo.send(chat("juliet@localhost", "both"));
    assert_eq!(phone.message().body(), "both");
    romeo.send(chat("juliet@localhost/phone", "phone"));
    romeo.send(chat("juliet@localhost", "both again"));
    romeo.expect_nothing();
    phone.reset();
    let mut got = Vec::new();
    loop {
        let node = desk.next_element();
        if node.matches("<presence type='unavailable' from='juliet@localhost/phone'/>") {
            break;
        }
        got.push(node);
    }
    // What went to the phone alone comes when its session has ended; copies of it are another matter (XEP-0280).
    while bodies(&got).len() < 3 {
        got.push(desk.next_element());
    }
    got.extend(desk.drain());
    let bodies = bodies(&got);
    assert_eq!(bodies, ["both", "both again", "phone"]);
    delay(&got[2]);
}

#[test]
fn a_new_session_with_the_same_name() {
    let server = server();
    let mut romeo = server.online("romeo/orchard");
    let mut juliet = Managed::online(&server, "juliet/balcony");
    juliet.answers = false;
    for n in 0..3 {
        romeo.send(chat("juliet@localhost", n));
    }
    romeo.expect_nothing();
    let id = juliet.id.clone();
    juliet.reset();
    for n in 3..6 {
        romeo.send(chat("juliet@localhost", n));
    }
    romeo.expect_nothing();
    let mut juliet = server.login("juliet/balcony");
    romeo.send(chat("juliet@localhost", 6));
    romeo.expect_nothing();
    juliet.send("<presence/>");
    assert_eq!(bodies(&juliet.drain()), ["0", "1", "2", "3", "4", "5", "6"]);
    let (_, answer) = *Managed::resume(&server, "juliet", &id, 0).err().expect("it has ended");
    assert!(answer.matches(&failed("item-not-found")), "{answer}");
    // One that can be resumed and is closed in good order ends at once, too.
    let mut other = Managed::online(&server, "nurse/house");
    other.answers = false;
    romeo.send(chat("nurse@localhost", "unread"));
    romeo.expect_nothing();
    other.client.close();
    let mut nurse = server.login("nurse/house");
    nurse.send("<presence/>");
    assert_eq!(bodies(&nurse.drain()), ["unread"]);
}

/// More than may be unacknowledged, and a client that says nothing: the rest waits, up to a limit.
#[test]
fn a_client_that_acknowledges_nothing() {
    let settings =
        "limits {\n 'stanza-bytes' = 10000\n 'outgoing-bytes' = 10000\n 'slow-reader-timeout' = '1s'\n}
'stream-management' { 'unacknowledged-stanzas' = 10 }";
    let server = Server::builder().users(["romeo", "juliet"]).settings(settings).endless_queues().start();
    let mut romeo = server.online("romeo/orchard");
    let mut juliet = Managed::enable(server.login("juliet/balcony"), "resume='true'");
    juliet.client.send("<presence/>");
    juliet.drain();
    for n in 0..30 {
        romeo.send(chat("juliet@localhost", n));
    }
    for n in 0..30 {
        assert_eq!(juliet.message().body(), n.to_string());
    }
    juliet.drain();
    juliet.answers = false;
    for n in 0..300 {
        romeo.send(chat("juliet@localhost", n));
    }
    // It is thrown out in the end, and all is stored.
    romeo.expect_nothing();
    juliet.client.expect_stream_error("resource-constraint");
    let mut juliet = server.login("juliet/balcony");
    juliet.send("<presence/>");
    let got = juliet.drain();
    let expected: Vec<_> = (0..300).map(|n| n.to_string()).collect();
    assert_eq!(bodies(&got), expected);
}

/// Two that talk without listening, and then listen: what each says is processed only once the other has
/// acknowledged, which it says after all that it has to say.
#[test]
fn two_that_talk_before_they_listen() {
    let settings = "limits {\n 'stanza-bytes' = 10000\n 'outgoing-bytes' = 10000\n}
'stream-management' { 'unacknowledged-stanzas' = 10 }";
    let server = Server::builder().users(["romeo", "juliet"]).settings(settings).endless_queues().start();
    let pair = [("romeo", "juliet"), ("juliet", "romeo")];
    let online = pair.map(|(who, to)| (Managed::online(&server, &format!("{who}/x")), to));
    let threads = online.map(|(mut one, to)| {
        thread::spawn(move || {
            for n in 0..500 {
                one.client.send(chat(&format!("{to}@localhost"), n));
            }
            for n in 0..500 {
                assert_eq!(one.message().body(), n.to_string());
            }
            assert!(bodies(&one.drain()).is_empty());
            one
        })
    });
    // Whoever is done first stays until the other is.
    let _both = threads.map(|thread| thread.join().expect("one of the two"));
}

/// Stored messages are deleted once they are acknowledged, and meanwhile nobody else gets them.
#[test]
fn stored_messages() {
    let mut server = server();
    let mut romeo = server.online("romeo/orchard");
    for n in 0..250 {
        romeo.send(chat("juliet@localhost", n));
    }
    romeo.expect_nothing();
    let expected: Vec<_> = (0..250).map(|n| n.to_string()).collect();
    let mut juliet = Managed::enable(server.login("juliet/balcony"), "resume='true'");
    juliet.answers = false;
    juliet.client.send("<presence/>");
    assert_eq!(bodies(&juliet.drain()), expected);
    // Somebody else who comes meanwhile waits for nothing, and gets only what is new.
    let mut desk = server.login("juliet/desk");
    desk.send("<presence/>");
    assert!(bodies(&desk.drain()).is_empty());
    desk.close();
    server.kill();
    server.start();

    let mut juliet = Managed::enable(server.login("juliet/balcony"), "resume='true'");
    juliet.answers = false;
    juliet.client.send("<presence/>");
    for n in 0..120 {
        assert_eq!(juliet.message().body(), n.to_string());
    }
    // A page is acknowledged, and the connection breaks.
    juliet.acknowledge();
    let (id, h) = (juliet.id.clone(), juliet.h);
    juliet.reset();
    let (mut juliet, _) = Managed::resume(&server, "juliet", &id, h).ok().expect("resumed");
    juliet.answers = false;
    assert_eq!(bodies(&juliet.drain()), expected[120..]);
    juliet.client.close();

    // What was not acknowledged is there again; of the page that was in part, all of it.
    let mut juliet = Managed::enable(server.login("juliet/balcony"), "resume='true'");
    juliet.client.send("<presence/>");
    let got = juliet.drain();
    assert!(bodies(&got) == expected[120..] || bodies(&got) == expected[100..], "{:?}", bodies(&got));
    juliet.acknowledge();
    assert_eq!(juliet.drain().len(), 0);
    juliet.client.close();
    let mut juliet = server.login("juliet/balcony");
    juliet.send("<presence/>");
    assert!(bodies(&juliet.drain()).is_empty());
}

/// Stored messages whose recipient has gone without acknowledging them go to another of her clients, ahead of
/// what the one that is gone had besides.
#[test]
fn stored_messages_for_another_client() {
    let server = server();
    let mut romeo = server.online("romeo/orchard");
    for n in 0..5 {
        romeo.send(chat("juliet@localhost", n));
    }
    romeo.expect_nothing();
    let mut phone = Managed::enable(server.login("juliet/phone"), "resume='true' max='1'");
    phone.answers = false;
    phone.client.send("<presence/>");
    assert_eq!(bodies(&phone.drain()), ["0", "1", "2", "3", "4"]);
    let mut desk = server.login("juliet/desk");
    desk.send("<presence/>");
    assert!(bodies(&desk.drain()).is_empty());
    for n in 5..8 {
        romeo.send(chat("juliet@localhost/phone", n));
    }
    romeo.expect_nothing();
    phone.reset();
    for n in 0..8 {
        let message = loop {
            let node = desk.next_element();
            if node.name == "message" {
                break node;
            }
        };
        assert_eq!(message.body(), n.to_string());
        delay(&message);
    }
    assert!(bodies(&desk.drain()).is_empty());
}

/// The server stops while nobody is there: what was not acknowledged is stored.
#[test]
fn the_server_stops_meanwhile() {
    let mut server = server();
    let mut romeo = server.online("romeo/orchard");
    let juliet = Managed::online(&server, "juliet/balcony");
    juliet.reset();
    for n in 0..5 {
        romeo.send(chat("juliet@localhost", n));
    }
    romeo.expect_nothing();
    assert!(server.stop().success());
    server.start();
    let mut juliet = server.login("juliet/balcony");
    juliet.send("<presence/>");
    assert_eq!(bodies(&juliet.drain()), ["0", "1", "2", "3", "4"]);
}

const SENDERS: [&str; 3] = ["romeo", "nurse", "mercutio"];
const EACH: u32 = 400;
/// How far a sender may be ahead, so that the connection breaks at many places of what it says.
const AHEAD: u32 = 60;

/// The number that is next, by sender.
type Seen = [AtomicU32; SENDERS.len()];

/// Several people talk to somebody whose connection keeps breaking, in one way or another.
#[test]
fn under_load() {
    let server = Server::builder().users(["romeo", "nurse", "mercutio", "juliet"]).endless_queues().start();
    let seen: Arc<Seen> = Arc::default();
    let talkers: Vec<_> = (0..SENDERS.len())
        .map(|sender| {
            let (mut talker, seen) = (server.online(&format!("{}/x", SENDERS[sender])), seen.clone());
            thread::spawn(move || {
                for n in 0..EACH {
                    while n > seen[sender].load(Ordering::SeqCst) + AHEAD {
                        thread::yield_now();
                    }
                    talker.send(chat("juliet@localhost", n));
                }
                talker.expect_nothing();
            })
        })
        .collect();
    let all = || seen.iter().map(|next| next.load(Ordering::SeqCst)).sum::<u32>() == EACH * 3;
    let mut juliet = afresh(&server, &seen);
    let mut silent = Vec::new();
    for round in 1.. {
        for step in 0..10 + round % 7 * 8 {
            if all() {
                break;
            }
            // In a session that goes on, nothing comes twice.
            take(&juliet.message(), &seen, false);
            if step == 9 {
                juliet.acknowledge();
            }
        }
        if all() {
            break;
        }
        let (id, h) = (juliet.id.clone(), juliet.h);
        match round % 3 {
            // The network forwards nothing any more, and nobody notices.
            0 => silent.push(juliet),
            1 => juliet.client.abort(),
            _ => juliet.reset(),
        }
        juliet = match round % 4 {
            0 => afresh(&server, &seen),
            _ => Managed::resume(&server, "juliet", &id, h).ok().expect("resumed").0,
        };
    }
    for talker in talkers {
        talker.join().expect("a talker");
    }
    assert!(bodies(&juliet.drain()).is_empty());
}

/// A message must be the next one of its sender. Where it `may_repeat`, it may be one that came before.
fn take(message: &Node, seen: &Seen, may_repeat: bool) {
    let from = message.attr("from").unwrap_or_default();
    let sender = SENDERS.iter().position(|name| from.starts_with(name)).expect("one of the senders");
    let next = seen[sender].load(Ordering::SeqCst);
    let n: u32 = message.body().parse().expect("a number");
    assert!(n == next || (may_repeat && n < next), "{next} is next: {message}");
    seen[sender].fetch_max(n + 1, Ordering::SeqCst);
}

/// Juliet in a new session. What had come and was not acknowledged comes once more: up to the answer to a
/// request, it may be such.
fn afresh(server: &Server, seen: &Seen) -> Managed {
    let mut juliet = Managed::enable(server.login("juliet/balcony"), "resume='true'");
    juliet.client.send("<presence/>");
    for node in juliet.drain().iter().filter(|node| node.name == "message") {
        take(node, seen, true);
    }
    juliet
}
