//! The disk of the database is full when the server starts. On SQLite, whatever engine the other tests run on; what a running
//! server does then is in the tests of the engine.

use std::io::{Write, stderr};

use waxwing_tests::{Client, Server, SmallDisk};

const GET_ROSTER: &str = "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>";
const ROSTER: &str = "<iq type='result' id='r'><query xmlns='jabber:iq:roster'>\
    <item jid='juliet@localhost' subscription='both'/></query></iq>";

fn add_contact(client: &mut Client) {
    client.send(
        "<iq type='set' id='a'><query xmlns='jabber:iq:roster'><item jid='nurse@localhost' name='Nurse'/></query></iq>",
    );
}

#[test]
fn starts_and_reads() {
    let Some(disk) = SmallDisk::mount("20m") else {
        // Past the harness, which would keep it to itself.
        let _ = writeln!(stderr(), "a full disk is NOT TESTED: only root may mount a small disk");
        return;
    };
    let uri = format!("uri = 'sqlite:{}/waxwing.db'", disk.path().display());
    let mut server = Server::builder().users(["romeo", "juliet"]).data_source(&uri).start();
    let (mut romeo, mut juliet) = (server.online("romeo/orchard"), server.online("juliet/balcony"));
    server.befriend(&mut romeo, &mut juliet);

    // What a server that was killed has beside its database is enough for the next: nothing else is written.
    server.kill();
    disk.fill();
    server.start();
    let mut romeo = server.login("romeo/orchard");
    romeo.send(GET_ROSTER);
    romeo.expect(ROSTER);
    add_contact(&mut romeo);
    romeo.expect("<iq type='error' id='a'><error type='wait'/></iq>");
    romeo.send("<message to='juliet@localhost' id='m' type='chat'><body>Art thou there?</body></message>");
    romeo.expect("<message type='error' id='m'><error type='wait'/></message>");

    // One that has stopped leaves nothing. Whoever starts the next is told what to do.
    server.stop();
    disk.fill();
    let before = server.log().len();
    server.launch();
    assert!(!server.wait().success());
    let log = server.log();
    assert!(
        log[before..].contains("the disk is full: make room") && log[before..].contains("64 KiB"),
        "{log}"
    );

    disk.free();
    server.start();
    let mut romeo = server.login("romeo/orchard");
    romeo.send(GET_ROSTER);
    romeo.expect(ROSTER);
    add_contact(&mut romeo);
    romeo.expect("<iq type='set'><query xmlns='jabber:iq:roster'/></iq>");
    romeo.expect("<iq type='result' id='a'/>");
}
