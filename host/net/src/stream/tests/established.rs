//! The stream of a bound session.

use super::*;

#[tokio::test]
async fn messages_both_ways() {
    let world = World::new().await;
    let mut juliet = world.session("juliet", "balcony").await;
    let mut romeo = world.session("romeo", "orchard").await;
    for number in 0..100 {
        juliet
            .send(&format!("<message to='romeo@localhost/orchard' id='{number}'><body>a</body></message> "))
            .await;
    }
    for number in 0..100 {
        let message = romeo.expect("</message>").await;
        assert!(message.contains(&format!("id='{number}'")), "{message}");
        assert!(message.contains("from='juliet@localhost/balcony'"), "{message}");
    }
    // In pieces.
    let stanza = "<message to='juliet@localhost/balcony'><body>é&amp;</body></message>";
    for byte in stanza.as_bytes() {
        romeo.send_bytes(&[*byte]).await;
    }
    assert!(juliet.expect("</message>").await.contains("<body>é&amp;</body>"));
}

#[tokio::test]
async fn two_that_send_without_reading_do_not_block_each_other() {
    let world = World::new().await;
    let juliet = world.session_with("juliet", "balcony", 1024).await;
    let romeo = world.session_with("romeo", "orchard", 1024).await;
    const COUNT: usize = 2000;
    let run = |peer: Peer<DuplexStream>, to: &'static str| async move {
        let (mut read, mut write) = tokio::io::split(peer.io);
        let writer = tokio::spawn(async move {
            for _ in 0..COUNT {
                let stanza = format!("<message to='{to}'><body>{}</body></message>", "x".repeat(1000));
                write.write_all(stanza.as_bytes()).await.unwrap();
            }
            write
        });
        // Its own sending comes first.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let (mut bytes, mut buffer) = (0, vec![0; 4096]);
        while bytes < COUNT * 1000 {
            let length = read.read(&mut buffer).await.unwrap();
            assert!(length > 0, "closed after {bytes}");
            bytes += length;
        }
        writer.await.unwrap()
    };
    let both = async {
        tokio::join!(run(juliet, "romeo@localhost/orchard"), run(romeo, "juliet@localhost/balcony"))
    };
    tokio::time::timeout(Duration::from_secs(60), both).await.expect("no deadlock");
}

#[tokio::test]
async fn from_is_checked_and_stamped() {
    let world = World::new().await;
    let mut romeo = world.session("romeo", "orchard").await;
    let mut juliet = world.session("juliet", "balcony").await;
    for from in ["juliet@localhost/balcony", "juliet@localhost"] {
        juliet
            .send(&format!("<message from='{from}' to='romeo@localhost/orchard'><body>a</body></message>"))
            .await;
        let message = romeo.expect("</message>").await;
        assert!(message.contains("from='juliet@localhost/balcony'"), "{message}");
    }
    for from in ["romeo@localhost/orchard", "juliet@localhost/other", "localhost"] {
        let mut liar = world.session("juliet", "liar").await;
        liar.send(&format!("<message from='{from}' to='romeo@localhost/orchard'><body>b</body></message>"))
            .await;
        liar.expect_error("invalid-from").await;
        // The lie comes before whatever else is wrong.
        let mut liar = world.session("juliet", "liar").await;
        liar.send(&format!("<iq from='{from}' type='get' id='1'/>")).await;
        liar.expect_error("invalid-from").await;
    }
    juliet.send("<message to='romeo@localhost/orchard'><body>c</body></message>").await;
    assert!(romeo.expect("</message>").await.contains("<body>c</body>"));
}

#[tokio::test]
async fn bad_input_ends_the_stream_with_its_error() {
    let world = World::new().await;
    let mut other = world.session("romeo", "orchard").await;
    let cases: [(&[u8], &str); 14] = [
        (b"<message><body></message>", "not-well-formed"),
        (b"<message attr></message>", "not-well-formed"),
        (b"<message><body>&unknown;</body></message>", "restricted-xml"),
        (b"<message><body>\x01</body></message>", "not-well-formed"),
        (b"<message><body>&#0;</body></message>", "not-well-formed"),
        (b"<message><body>\xff</body></message>", "unsupported-encoding"),
        (b"text", "bad-format"),
        (b"<!-- comment -->", "restricted-xml"),
        (b"<message><!-- comment --></message>", "restricted-xml"),
        (b"<?php ?>", "restricted-xml"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]>", "restricted-xml"),
        (b"<x:message/>", "not-well-formed"),
        (b"<message xmlns='jabber:server'/>", "invalid-namespace"),
        (b"<unknown xmlns='jabber:client'/>", "unsupported-stanza-type"),
    ];
    for (bytes, condition) in cases {
        let mut peer = world.session("juliet", "balcony").await;
        peer.send_bytes(bytes).await;
        peer.expect_error(condition).await;
    }
    other.send("<iq type='set' id='s'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>").await;
    other.expect("id='s'").await;
}

#[tokio::test]
async fn bad_stanzas_are_answered_and_the_stream_goes_on() {
    let world = World::new().await;
    let mut peer = world.session("juliet", "balcony").await;
    for (stanza, condition) in [
        ("<iq type='get' id='1' to='@'><a xmlns='b'/></iq>", "jid-malformed"),
        ("<iq type='what' id='1'><a xmlns='b'/></iq>", "bad-request"),
    ] {
        peer.send(stanza).await;
        let answer = peer.expect("</iq>").await;
        assert!(answer.contains("type='error'") && answer.contains(condition), "{answer}");
    }
    let bind = "<iq type='set' id='2'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>a</resource></bind></iq>";
    peer.send(bind).await;
    assert!(peer.expect("</iq>").await.contains("<not-allowed "));
}

#[tokio::test]
async fn what_was_asked_before_the_end_is_answered() {
    let world = World::new().await;
    let mut peer = world.session("juliet", "balcony").await;
    peer.send("<iq type='get' id='1' to='nobody@localhost/x'><a xmlns='b'/></iq></stream:stream>").await;
    let said = peer.rest().await;
    assert!(said.contains("id='1'") && said.ends_with("</stream:stream>"), "{said}");
    drop(peer.io);
    peer.task.await.unwrap();
    assert_eq!(world.shared.server.session_count(), 0);
}

#[tokio::test]
async fn a_connection_that_is_lost_ends_its_session() {
    let world = World::new().await;
    let peer = world.session("juliet", "balcony").await;
    assert_eq!(world.shared.server.session_count(), 1);
    drop(peer.io);
    peer.task.await.unwrap();
    assert_eq!(world.shared.server.session_count(), 0);
}

#[tokio::test]
async fn white_space_keeps_a_stream_alive() {
    let world = World::new().await;
    let mut peer = world.session("juliet", "balcony").await;
    for _ in 0..10 {
        peer.send(" \n").await;
    }
    peer.send("<iq type='set' id='s'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>").await;
    peer.expect("id='s'").await;
}
