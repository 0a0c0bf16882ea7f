//! Time, counts and sizes.

use super::*;

#[tokio::test]
async fn too_many_failed_logins_on_one_stream() {
    let world = World::with_limits(Limits { login_attempts: 3, ..Limits::default() }).await;
    let mut peer = world.connect();
    peer.open("localhost").await;
    for _ in 0..3 {
        let said = peer.scram("SCRAM-SHA-256", "n,,", b"", "juliet", "wrong").await;
        assert!(said.contains("<not-authorized/>"), "{said}");
    }
    peer.expect_error("policy-violation").await;
}

#[tokio::test]
async fn too_many_failed_logins_from_one_address() {
    let world = World::with_limits(Limits { failed_logins: 2, ..Limits::default() }).await;
    let mut peer = world.connect();
    peer.open("localhost").await;
    for _ in 0..2 {
        peer.scram("SCRAM-SHA-256", "n,,", b"", "juliet", "wrong").await;
    }
    let mut peer = world.connect();
    peer.open("localhost").await;
    let said = peer.scram("SCRAM-SHA-256", "n,,", b"", "juliet", PASSWORD).await;
    assert!(said.contains("<temporary-auth-failure/>"), "{said}");
    assert_eq!(world.shared.stats.failed_logins.load(Ordering::Relaxed), 3);
    assert_eq!(world.shared.stats.blocked_logins.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn time_to_log_in() {
    let world = World::new().await;
    for sent in ["", HEADER, "<stream:stream to="] {
        let mut peer = world.connect();
        peer.send(sent).await;
        tokio::time::pause();
        let before = peer.expect_error("connection-timeout").await;
        assert!(before.starts_with("<?xml"), "{before}");
        tokio::time::resume();
    }
    // Without a TLS handshake nothing can be said.
    let mut peer = world.connect_with(TlsStart::Direct, 4096);
    tokio::time::pause();
    assert_eq!(peer.rest().await, "");
}

#[tokio::test]
async fn time_to_bind() {
    let world = World::new().await;
    let mut peer = world.connect();
    peer.log_in("juliet", "localhost").await;
    tokio::time::pause();
    peer.expect_error("connection-timeout").await;
}

#[tokio::test]
async fn sizes() {
    let limits = Limits { stanza_bytes: 20_000, depth: 10, attributes: 10, ..Limits::default() };
    let world = World::with_limits(limits).await;
    let deep = format!("<message>{}{}</message>", "<a>".repeat(20), "</a>".repeat(20));
    let wide =
        format!("<message><a {}/></message>", (0..20).map(|n| format!("a{n}='' ")).collect::<String>());
    let long = format!("<message><body>{}</body></message>", "x".repeat(20_000));
    for stanza in [&deep, &wide, &long] {
        let mut peer = world.session("juliet", "balcony").await;
        peer.send(stanza).await;
        peer.expect_error("policy-violation").await;
    }
    let mut peer = world.connect();
    peer.send(&format!("<stream:stream {}", "x".repeat(10_000))).await;
    peer.expect_error("policy-violation").await;
}

#[tokio::test]
async fn a_client_that_does_not_read() {
    let world = World::new().await;
    let mut deaf = world.session_with("juliet", "balcony", 4096).await;
    let mut romeo = world.session("romeo", "orchard").await;
    let stanza =
        format!("<message to='juliet@localhost/balcony'><body>{}</body></message>", "x".repeat(6000));
    romeo.send(&stanza).await;
    // Its writes make no progress any more.
    tokio::task::yield_now().await;
    tokio::time::pause();
    (&mut deaf.task).await.unwrap();
    assert_eq!(world.shared.server.session_count(), 1);
}

#[tokio::test]
async fn the_server_stops() {
    let world = World::new().await;
    let mut session = world.session("juliet", "balcony").await;
    let mut waiting = world.connect();
    waiting.open("localhost").await;
    let mut silent = world.connect();
    world.stopping.send_replace(true);
    world.shared.server.shutdown();
    for peer in [&mut session, &mut waiting, &mut silent] {
        peer.expect_error("system-shutdown").await;
    }
    for peer in [session, waiting, silent] {
        drop(peer.io);
        peer.task.await.unwrap();
    }
    assert_eq!(world.shared.server.session_count(), 0);
}

/// An idle session costs memory for as long as it lasts: its future must not grow unnoticed.
#[tokio::test]
async fn the_future_of_a_connection_is_small() {
    let world = World::new().await;
    let (_client, server) = duplex(1);
    let peer = "192.0.2.1:1000".parse().unwrap();
    let future = serve(server, peer, Door { port: PORT, start: TlsStart::StartTls }, world.shared.clone());
    let size = std::mem::size_of_val(&future);
    println!("{size} bytes");
    assert!(size <= 1024, "{size} bytes");
}
