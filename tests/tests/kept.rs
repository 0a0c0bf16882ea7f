//! What waits for a client that has lost its connection (XEP-0198) is in the database: stops and crashes do not touch it,
//! limits count before the sender is answered, and whoever comes next gets all of it, in order.

use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use waxwing_tests::{Managed, Node, Postgres, Server, eventually, password};

fn chat(to: &str, body: impl std::fmt::Display) -> String {
    format!("<message to='{to}' type='chat'><body>{body}</body></message>")
}

fn bodies(nodes: &[Node]) -> Vec<&str> {
    nodes.iter().filter(|node| node.name == "message").map(Node::body).collect()
}

fn numbers(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}

/// All that waits for somebody, in order, to a new session.
#[track_caller]
fn collect(server: &Server, who: &str) -> Vec<String> {
    let mut client = server.login(who);
    client.send("<presence/>");
    let got: Vec<_> = bodies(&client.drain()).into_iter().map(str::to_owned).collect();
    client.close();
    got
}

/// With it the server says when it has noticed that a connection is lost.
const TELLS: &str = "log = 'info,waxwing_net=debug'";

/// The connection is lost, and the server has noticed. Answers by what the session can be resumed.
#[track_caller]
fn lose(server: &Server, one: Managed) -> (String, u32) {
    let count = || server.log().matches("session without a stream").count();
    let (before, resume) = (count(), (one.id.clone(), one.h));
    one.reset();
    eventually("the server has noticed", || count() > before);
    resume
}

/// A session without a connection.
#[track_caller]
fn cut(server: &Server, who: &str) -> (String, u32) {
    lose(server, Managed::online(server, who))
}

#[track_caller]
fn resume(server: &Server, (id, h): &(String, u32)) -> Managed {
    Managed::resume(server, "juliet", id, *h).ok().expect("resumed").0
}

/// So many sessions and messages for each; the full number for a measurement.
fn size() -> (u32, u32) {
    let number = |name: &str, usual| env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    (number("WAXWING_CUT_SESSIONS", 4), number("WAXWING_CUT_MESSAGES", 150))
}

/// Every session gets half of its messages while it is there and acknowledges nothing, then its connection breaks, and it
/// gets the rest. Once all are acknowledged to their senders, `end` ends the server.
fn nothing_is_lost(end: impl FnOnce(&mut Server)) {
    let (sessions, messages) = size();
    let mut server = Server::builder().users(["romeo", "juliet"]).endless_queues().start();
    let names: Vec<_> = (0..sessions).map(|n| format!("u{n}")).collect();
    for name in &names {
        server.command(&["user", "add", &format!("{name}@localhost"), "--password", &password(name)]);
    }
    let mut romeo = server.online("romeo/orchard");
    for name in &names {
        let to = format!("{name}@localhost");
        let mut one = Managed::online(&server, &format!("{name}/phone"));
        one.answers = false;
        for n in 0..messages / 2 {
            romeo.send(chat(&to, n));
        }
        romeo.expect_nothing();
        one.reset();
        for n in messages / 2..messages {
            romeo.send(chat(&to, n));
        }
        romeo.expect_nothing();
    }
    end(&mut server);
    server.start();
    let mut lost = 0;
    for name in &names {
        let got = collect(&server, &format!("{name}/phone"));
        lost += messages - got.len() as u32;
        assert!(got.is_sorted_by_key(|n| n.parse::<u32>().expect("a number")), "{name}: {got:?}");
    }
    assert_eq!(lost, 0, "of {sessions} times {messages}");
}

#[test]
fn a_stop_loses_nothing() {
    nothing_is_lost(|server| assert!(server.stop().success()));
}

#[test]
fn a_crash_loses_nothing() {
    nothing_is_lost(Server::kill);
}

/// What has come back in place of messages: the bodies of those that were refused.
fn refused(nodes: &[Node]) -> Vec<&str> {
    let errors = nodes.iter().filter(|node| node.name == "message" && node.attr("type") == Some("error"));
    errors.map(|node| node.attr("id").expect("the id of the message")).collect()
}

/// As for somebody who has no session at all.
#[test]
fn the_limit_counts_before_the_sender_is_answered() {
    let mut server = Server::builder().users(["romeo", "juliet"]).settings(TELLS).start();
    let mut romeo = server.online("romeo/orchard");
    let id = cut(&server, "juliet/phone");
    for n in 0..130 {
        romeo.send(format!("<message to='juliet@localhost' type='chat' id='{n}'><body>{n}</body></message>"));
    }
    let back = romeo.drain();
    assert_eq!(refused(&back), numbers(100..130));
    let mut juliet = resume(&server, &id);
    assert_eq!(bodies(&juliet.drain()), numbers(0..100));
    juliet.acknowledge();
    juliet.drain();
    // They are hers: there is room again, and nothing that comes twice.
    juliet.client.close();
    romeo.send(chat("juliet@localhost", "more"));
    romeo.expect_nothing();
    assert!(server.stop().success());
    server.start();
    assert_eq!(collect(&server, "juliet/phone"), ["more"]);
}

/// What was acknowledged while she was there is kept although it is more than the limit.
#[test]
fn what_was_accepted_is_kept_beyond_the_limit() {
    let mut server = Server::builder().users(["romeo", "juliet"]).settings(TELLS).start();
    let mut romeo = server.online("romeo/orchard");
    let mut juliet = Managed::online(&server, "juliet/phone");
    juliet.answers = false;
    for n in 0..300 {
        romeo.send(chat("juliet@localhost", n));
    }
    romeo.expect_nothing();
    juliet.reset();
    assert!(server.stop().success());
    server.start();
    assert_eq!(collect(&server, "juliet/phone"), numbers(0..300));
}

/// Sessions without a connection keep what is theirs, and a new one gets all of it at once, in order.
#[test]
fn a_new_session_gets_what_waits_in_several_that_are_gone() {
    let server = Server::builder().users(["romeo", "juliet"]).settings(TELLS).endless_queues().start();
    let mut romeo = server.online("romeo/orchard");
    let mut first = (String::new(), 0);
    for round in 0..4 {
        let mut one = Managed::enable(server.login(&format!("juliet/{round}")), "resume='true'");
        one.answers = false;
        one.client.send("<presence/>");
        // What waits in the others, which it does not acknowledge either.
        assert_eq!(bodies(&one.drain()), numbers(0..round * 20));
        for n in 0..10 {
            romeo.send(chat("juliet@localhost", round * 20 + n));
        }
        romeo.expect_nothing();
        let resume = lose(&server, one);
        if round == 0 {
            first = resume;
        }
        for n in 10..20 {
            romeo.send(chat("juliet@localhost", round * 20 + n));
        }
        romeo.expect_nothing();
    }
    let mut juliet = Managed::enable(server.login("juliet/new"), "resume='true'");
    juliet.client.send("<presence/>");
    assert_eq!(bodies(&juliet.drain()), numbers(0..80));
    romeo.send(chat("juliet@localhost", "news"));
    assert_eq!(juliet.message().body(), "news");
    juliet.acknowledge();
    // One that comes back all the same has what it had.
    let mut back = resume(&server, &first);
    let got = back.drain();
    assert_eq!(&bodies(&got)[..20], numbers(0..20));
    back.acknowledge();
    back.drain();
    back.client.close();
    juliet.client.close();
    assert!(collect(&server, "juliet/last").is_empty());
}

/// The message reaches one of her clients; that another has lost its connection is no reason to keep it.
#[test]
fn not_kept_for_one_client_what_another_has() {
    let server = Server::builder().users(["romeo", "juliet"]).settings(TELLS).start();
    let mut romeo = server.online("romeo/orchard");
    let phone = cut(&server, "juliet/phone");
    let mut desk = server.online("juliet/desk");
    for n in 0..10 {
        romeo.send(chat("juliet@localhost", n));
    }
    romeo.expect_nothing();
    assert_eq!(bodies(&desk.drain()), numbers(0..10));
    desk.close();
    assert!(collect(&server, "juliet/other").is_empty());
    let mut phone = resume(&server, &phone);
    assert_eq!(bodies(&phone.drain()), numbers(0..10));
}

/// Two without a connection have it, and one of them comes back.
#[test]
fn a_copy_for_all_is_gone_when_one_has_it() {
    let server = Server::builder().users(["romeo", "juliet"]).settings(TELLS).start();
    let mut romeo = server.online("romeo/orchard");
    let phone = cut(&server, "juliet/phone");
    let tablet = cut(&server, "juliet/tablet");
    for n in 0..10 {
        romeo.send(chat("juliet@localhost", n));
    }
    romeo.expect_nothing();
    let mut phone = resume(&server, &phone);
    assert_eq!(bodies(&phone.drain()), numbers(0..10));
    phone.acknowledge();
    phone.drain();
    phone.client.close();
    assert!(collect(&server, "juliet/new").is_empty());
    let mut tablet = resume(&server, &tablet);
    assert_eq!(bodies(&tablet.drain()), numbers(0..10));
}

/// Somebody who is sent much comes back while it goes on, and misses nothing.
#[test]
fn somebody_who_is_sent_much_can_come_back() {
    let server = Server::builder().users(["romeo", "juliet"]).endless_queues().start();
    let enough = Arc::new(AtomicBool::new(false));
    let mut juliet = Managed::online(&server, "juliet/phone");
    juliet.answers = false;
    let talker = thread::spawn({
        let (mut romeo, enough) = (server.online("romeo/orchard"), enough.clone());
        move || {
            let mut sent = 0;
            while !enough.load(Ordering::SeqCst) {
                romeo.send(chat("juliet@localhost", sent));
                sent += 1;
            }
            romeo.send(chat("juliet@localhost", "end"));
            romeo.expect_nothing();
            sent
        }
    });
    for _ in 0..100 {
        juliet.message();
    }
    // Three times, the last connection being there still.
    for _ in 0..3 {
        let again = server.login("juliet/phone");
        juliet = Managed::enable(again, "resume='true'");
        juliet.answers = false;
        juliet.client.send("<presence/>");
        juliet.message();
    }
    enough.store(true, Ordering::SeqCst);
    let mut last = server.login("juliet/phone");
    last.send("<presence/>");
    let mut next = None;
    loop {
        let node = last.next_element();
        match (node.name.as_str(), node.body()) {
            ("message", "end") => break,
            ("message", body) => {
                let n: u32 = body.parse().expect("a number");
                // She has acknowledged nothing, so it begins at the beginning.
                assert_eq!(n, next.map_or(0, |last: u32| last + 1));
                next = Some(n);
            }
            _ => {}
        }
    }
    assert_eq!(next.map_or(0, |last| last + 1), talker.join().expect("the talker"));
}

/// The database goes while messages are on their way to juliet, whose connection breaks then.
fn without_a_database(settings: &str, then: impl FnOnce(&mut Server, &mut Postgres)) {
    let mut postgres = Postgres::start();
    let users = ["romeo", "juliet"];
    let builder = Server::builder().users(users).endless_queues().settings(settings);
    let mut server = builder.data_source(&postgres.data_source()).start();
    let mut romeo = server.online("romeo/orchard");
    let mut juliet = Managed::enable(server.login("juliet/phone"), "resume='true' max='1'");
    juliet.client.send("<presence/>");
    juliet.drain();
    juliet.answers = false;
    for n in 0..20 {
        romeo.send(chat("juliet@localhost", n));
    }
    romeo.expect_nothing();
    postgres.stop();
    juliet.reset();
    // Refused as for everybody who is away: in the queue it would be in memory only.
    let mut refusals = 0;
    eventually("a message is refused", || {
        refusals += 1;
        let message = format!(
            "<message to='juliet@localhost' type='chat' id='r{refusals}'><body>late</body></message>"
        );
        romeo.send(message);
        let id = format!("r{refusals}");
        let back = romeo.drain();
        let error =
            back.iter().find(|node| node.attr("id") == Some(&id)).and_then(|node| node.child("error"));
        error.is_some_and(|error| {
            error.attr("type") == Some("wait") && error.child("resource-constraint").is_some()
        })
    });
    then(&mut server, &mut postgres);
}

/// Her time is up long before the database is there again.
#[test]
fn what_waits_outlives_the_outage_of_the_database() {
    without_a_database("", |server, postgres| {
        eventually("her time is up", || server.log().contains("as soon as the storage answers"));
        postgres.start_again();
        eventually("a login", || server.try_sign_in("juliet").is_ok());
        let mut desk = server.login("juliet/desk");
        desk.send("<presence/>");
        for n in 0..20 {
            let message = loop {
                let node = desk.next_element();
                if node.name == "message" {
                    break node;
                }
            };
            assert_eq!(message.body(), n.to_string());
        }
    });
}

#[test]
fn a_stop_says_what_it_could_not_keep() {
    without_a_database("limits { 'shutdown-timeout' = '1s' }", |server, _| {
        assert!(!server.stop().success());
        let log = server.log();
        let (_, line) = log.split_once("stopped with ").unwrap_or_else(|| panic!("{log}"));
        // What came before the server had noticed is with them.
        let lost: u32 = line.split(' ').next().and_then(|number| number.parse().ok()).expect("a number");
        assert!(lost >= 20, "{line}");
    });
}
