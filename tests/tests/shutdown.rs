//! Stopping in good order: SIGTERM closes every stream with `system-shutdown`, and nothing that was accepted
//! is lost.

use std::time::{Duration, Instant};

use waxwing_tests::{Client, Server};

#[test]
fn streams_are_closed_with_a_reason() {
    let mut server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = server.online("romeo/orchard");
    let mut juliet = server.login("juliet/balcony");
    let mut direct = Client::connect_tls(server.tls_addr(), "localhost");
    direct.open();
    let mut before_login = server.connect();
    before_login.open();
    server.terminate();
    for client in [&mut romeo, &mut juliet, &mut before_login, &mut direct] {
        client.expect_stream_error("system-shutdown");
    }
    assert!(server.wait().success());
}

#[test]
fn an_interrupt_does_the_same() {
    let mut server = Server::builder().users(["romeo"]).start();
    let mut romeo = server.online("romeo/orchard");
    server.interrupt();
    romeo.expect_stream_error("system-shutdown");
    assert!(server.wait().success());
}

#[test]
fn what_was_under_way_is_kept() {
    let mut server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = server.online("romeo/orchard");
    for n in 0..100 {
        romeo.send(format!("<message to='juliet@localhost' type='chat' id='{n}'><body>{n}</body></message>"));
    }
    romeo.expect_nothing();
    server.terminate();
    romeo.expect_stream_error("system-shutdown");
    drop(romeo);
    assert!(server.wait().success());
    server.start();
    let mut juliet = server.login("juliet/balcony");
    juliet.send("<presence/>");
    let got = juliet.drain();
    let bodies: Vec<_> =
        got.iter().filter(|node| node.name == "message").map(|node| node.body().to_owned()).collect();
    assert_eq!(bodies, (0..100).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn clients_that_do_not_answer_do_not_hold_it_up() {
    let mut server = Server::builder()
        .users(["romeo"])
        .settings("limits {\n 'close-timeout' = '1s'\n 'shutdown-timeout' = '2s'\n}")
        .start();
    let _romeo = server.online("romeo/orchard");
    let _half_open = server.connect();
    let _half_secured = Client::connect(server.tls_addr(), "localhost");
    assert!(server.stop().success());
}

/// Whoever cannot wait says it again.
#[test]
fn a_second_signal_stops_it_at_once() {
    let mut server = Server::builder()
        .users(["romeo"])
        .settings("limits {\n 'close-timeout' = '100s'\n 'shutdown-timeout' = '100s'\n}")
        .start();
    let mut romeo = server.online("romeo/orchard");
    server.terminate();
    // He hears it, and does not close his side.
    romeo.expect_stream_error("system-shutdown");
    let begin = Instant::now();
    server.terminate();
    assert!(server.wait().success());
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
    assert!(server.log().contains("stopping at once"), "{}", server.log());
}
