//! Clients that are slow, silent, half gone or greedy: they cost little and disturb nobody.

use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use waxwing_tests::{Client, Managed, Server};

fn impatient() -> Server {
    Server::builder().users(["romeo", "juliet"]).settings("limits { 'login-timeout' = '1s' }").start()
}

#[test]
fn saying_nothing() {
    let server = impatient();
    let mut bystander = server.online("romeo/orchard");
    let mut silent = server.connect();
    let mut silent_in_tls = Client::connect_tls(server.tls_addr(), "localhost");
    let mut never_logs_in = server.connect();
    never_logs_in.open();
    let mut never_shakes_hands = server.connect();
    never_shakes_hands.open();
    never_shakes_hands.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    never_shakes_hands.expect("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    let mut never_shakes_hands_at_all = Client::connect(server.tls_addr(), "localhost");

    silent.expect_end();
    silent_in_tls.expect_end();
    never_logs_in.expect_stream_error("connection-timeout");
    never_shakes_hands.expect_end_of_bytes();
    never_shakes_hands_at_all.expect_end_of_bytes();
    bystander.expect_nothing();
}

#[test]
fn one_byte_at_a_time() {
    let server = impatient();
    let mut bystander = server.online("romeo/orchard");
    let mut client = server.connect();
    let mut tcp = client.transport().tcp().try_clone().expect("the socket twice");
    let header = client.header();
    // A byte every fifth of a second: at that pace the header alone takes half a minute.
    let dribble = thread::spawn(move || {
        for byte in header.as_bytes() {
            if tcp.write_all(&[*byte]).is_err() {
                break;
            }
            thread::sleep(Duration::from_millis(200));
        }
    });
    client.expect_end();
    bystander.expect_nothing();
    drop(client);
    dribble.join().expect("the dribbling thread");
}

/// A connection that vanishes leaves no ghost: contacts see the session go.
#[test]
fn gone_without_a_word() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = server.online("romeo/orchard");
    let mut juliet = server.online("juliet/balcony");
    server.befriend(&mut romeo, &mut juliet);

    juliet.abort();
    romeo.expect("<presence type='unavailable' from='juliet@localhost/balcony'/>");

    let mut juliet = server.online_again("juliet/balcony");
    romeo.expect("<presence from='juliet@localhost/balcony'/>");
    juliet.shutdown_write();
    romeo.expect("<presence type='unavailable' from='juliet@localhost/balcony'/>");
    juliet.expect_end();

    let mut juliet = server.online_again("juliet/balcony");
    romeo.expect("<presence from='juliet@localhost/balcony'/>");
    juliet.send("<message to='romeo@localhost'><body>unfinis");
    juliet.abort();
    romeo.expect("<presence type='unavailable' from='juliet@localhost/balcony'/>");
    romeo.expect_nothing();
}

/// What is begun and never ended is cut off at the limit: memory does not grow with it.
#[test]
fn endless_stanzas() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut bystander = server.online("romeo/orchard");
    let before = server.memory();
    let megabytes = "x".repeat(16 * 1024 * 1024);
    for open in ["<message><body>", "<message x='", "<", "<message><a b='"] {
        let mut juliet = server.login("juliet/balcony");
        juliet.send(format!("{open}{megabytes}"));
        juliet.expect_stream_error("policy-violation");
        bystander.expect_nothing();
    }
    let grown = server.memory().saturating_sub(before);
    assert!(grown < 16 * 1024, "{grown} KiB for stanzas of 16 MiB that were refused");
}

/// Somebody who does not read: what is said to them waits up to a limit, then the session goes. Others go on.
#[test]
fn a_reader_that_does_not_read() {
    let server = Server::builder()
        .users(["romeo", "juliet", "nurse"])
        .settings(
            "limits {\n 'stanza-bytes' = 65536\n 'outgoing-bytes' = 65536\n 'slow-reader-timeout' = '1s'\n}",
        )
        .start();
    let mut nurse = server.online("nurse/house");
    let mut romeo = server.online("romeo/orchard");
    let juliet = server.online("juliet/balcony");
    let before = server.memory();
    let body = "x".repeat(50_000);
    for _ in 0..1200 {
        romeo.send(format!(
            "<message to='juliet@localhost/balcony' type='chat'><body>{body}</body></message>"
        ));
    }
    nurse.expect_nothing();
    romeo.drain();
    let grown = server.memory().saturating_sub(before);
    assert!(grown < 32 * 1024, "{grown} KiB held for 60 MB that nobody reads");
    drop(juliet);
}

/// At the limit of file descriptors those who are online go on, and so does the operator.
#[test]
fn clients_do_not_get_the_last_file_descriptors() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = server.online("romeo/orchard");
    server.limit_open_files(200);
    // Half of them, with a reserve of a hundred. All of these are open at the same time.
    let mut greedy: Vec<Client> = (0..120).map(|_| server.connect()).collect();
    greedy.pop().expect("the last").expect_stream_error("resource-constraint");
    assert!(server.command(&["user", "list"]).contains("juliet@localhost"));
    server.command(&["db", "status"]);
    romeo.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
    romeo.expect("<iq type='result' id='r'/>");
}

/// Somebody whose friends, and whose own other clients, are slow in every way there is: none of them holds her up. The
/// server would wait for each of them as long as it takes, and for all of them together a moment.
#[test]
fn slow_friends_hold_up_nobody() {
    let slow = ["deaf", "drowsy", "managed", "asleep", "desk"];
    let server = Server::builder()
        .users(["romeo", "juliet", "nurse"])
        .settings(
            "limits {
    'stanza-bytes' = 10000  'outgoing-bytes' = 10000  'outgoing-bytes-limit' = 64 * 1024 * 1024
    'slow-reader-timeout' = '1h'  'sender-patience' = '5ms'
}
'stream-management' { 'unacknowledged-stanzas' = 5 }",
        )
        .start();
    let mut nurse = server.online("nurse/house");
    let mut juliet = server.online("juliet/balcony");
    let mut romeo = server.online("romeo/orchard");
    server.befriend(&mut romeo, &mut juliet);
    romeo.close();

    let begin = |client: &mut Client| {
        client.send("<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>");
        client.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
        client.send("<presence/>");
    };
    let mut clients = ["romeo/deaf", "romeo/drowsy", "juliet/desk"].map(|who| server.login(who));
    for client in &mut clients {
        begin(client);
        client.drain();
    }
    let [_managed, asleep] = ["romeo/managed", "romeo/asleep"].map(|who| {
        let mut managed = Managed::enable(server.login(who), "resume='true'");
        begin(&mut managed.client);
        managed.drain();
        managed
    });
    asleep.reset();
    // More than the buffers of the connections take.
    let body = "x".repeat(9000);
    for resource in slow {
        let account = if resource == "desk" { "juliet" } else { "romeo" };
        let count = if ["managed", "asleep"].contains(&resource) { 10 } else { 1000 };
        let stanza =
            format!("<message to='{account}@localhost/{resource}' type='chat'><body>{body}</body></message>");
        for _ in 0..count {
            nurse.send(&stanza);
        }
    }
    nurse.expect_nothing();
    // One that reads a little now and then.
    let mut drowsy = clients[1].transport().tcp().try_clone().expect("the socket twice");
    thread::spawn(move || {
        while drowsy.read(&mut [0; 100]).is_ok_and(|count| count > 0) {
            thread::sleep(Duration::from_millis(100));
        }
    });

    // The one that is asleep cannot make room: its session ends when what it has is stored.
    while !juliet.next_element().matches("<presence type='unavailable' from='romeo@localhost/asleep'/>") {}
    juliet.drain();
    for n in 0..200 {
        juliet.send(format!("<presence><status>{n}</status></presence>"));
        juliet.send(format!("<presence to='romeo@localhost/deaf'><status>{n}</status></presence>"));
    }
    // Of what is too much at once for her own client she gets the latest.
    while !juliet
        .next_element()
        .matches("<presence from='juliet@localhost/balcony'><status>199</status></presence>")
    {}
    juliet.drain();
    let item = "<item jid='romeo@localhost' name='R'/>";
    juliet.send(format!("<iq type='set' id='s'><query xmlns='jabber:iq:roster'>{item}</query></iq>"));
    juliet.expect("<iq type='result' id='s'/>");
    for ty in ["unsubscribe", "subscribe"] {
        juliet.send(format!("<presence to='romeo@localhost' type='{ty}'/>"));
    }
    juliet.drain();
    for resource in slow {
        let account = if resource == "desk" { "juliet" } else { "romeo" };
        juliet.send(format!(
            "<message to='{account}@localhost/{resource}' type='chat'><body>O</body></message>"
        ));
        juliet.send(format!("<iq to='{account}@localhost/{resource}' type='get' id='q'><a xmlns='b'/></iq>"));
    }
    juliet.send("<message to='romeo@localhost' type='chat'><body>all</body></message>");
    juliet.drain();
    juliet.close();
    // Also at the beginning and at the end, and where a name is taken over.
    let mut juliet = server.online_again("juliet/balcony");
    juliet.drain();
    let mut desk = server.online_again("juliet/desk");
    desk.drain();
    // Who has read nothing still has it, with the presence that there was last, and what the client had that was asleep:
    // it cannot make room, and so its session has ended.
    let deaf = clients[0].drain();
    assert_eq!(deaf.iter().filter(|node| node.body() == body).count(), 1010);
    let seen: Vec<_> =
        deaf.iter().filter(|node| node.attr("from") == Some("juliet@localhost/balcony")).collect();
    assert!(seen.iter().filter(|node| node.name == "presence").count() < 20, "{seen:?}");
}
