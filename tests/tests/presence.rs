//! Presence (RFC 6121, section 4).

use waxwing_tests::Server;

#[test]
fn contacts_see_each_other_come_change_and_go() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = server.online("romeo/orchard");
    let mut juliet = server.online("juliet/balcony");
    server.befriend(&mut romeo, &mut juliet);

    romeo.send(
        "<presence id='p'><show>dnd</show><status>Wooing</status><priority>5</priority>\
        <x xmlns='urn:x'/></presence>",
    );
    juliet.expect(
        "<presence from='romeo@localhost/orchard' to='juliet@localhost' id='p'><show>dnd</show>\
         <status>Wooing</status><priority>5</priority><x xmlns='urn:x'/></presence>",
    );
    romeo.drain();

    // A second session is seen too, and sees who is there (4.2.2, 4.3.2), with what they last said.
    let mut chamber = server.login("juliet/chamber");
    chamber.send("<presence/>");
    chamber.expect_all([
        "<presence from='juliet@localhost/chamber'/>",
        "<presence from='juliet@localhost/balcony'/>",
        "<presence from='romeo@localhost/orchard'><show>dnd</show><status>Wooing</status></presence>",
    ]);
    chamber.expect_nothing();
    romeo.expect("<presence from='juliet@localhost/chamber'/>");
    juliet.expect("<presence from='juliet@localhost/chamber'/>");

    chamber.send("<presence type='unavailable'><status>Good night</status></presence>");
    let gone =
        "<presence type='unavailable' from='juliet@localhost/chamber'><status>Good night</status></presence>";
    romeo.expect(gone);
    juliet.expect(gone);
    chamber.drain();

    // Unavailable, but not gone: it can come back, and hears nothing meanwhile.
    romeo.send("<presence/>");
    romeo.drain();
    chamber.expect_nothing();
    juliet.expect("<presence from='romeo@localhost/orchard'/>");

    juliet.send("</stream:stream>");
    romeo.expect("<presence type='unavailable' from='juliet@localhost/balcony'/>");
    romeo.expect_nothing();
}

#[test]
fn strangers_see_nothing() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut juliet = server.online("juliet/balcony");
    let mut romeo = server.online("romeo/orchard");
    romeo.send("<presence><show>chat</show></presence>");
    romeo.drain();
    juliet.expect_nothing();
    // A probe by a stranger learns nothing (4.3.2): silence, or "you are not subscribed".
    romeo.send("<presence type='probe' to='juliet@localhost'/>");
    let got = romeo.drain();
    assert!(
        got.iter().all(|stanza| stanza.matches("<presence type='unsubscribed' from='juliet@localhost'/>")),
        "{got:#?}"
    );
    juliet.expect_nothing();
}

#[test]
fn a_probe_of_a_contact_is_answered() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut juliet = server.online("juliet/balcony");
    let mut romeo = server.online("romeo/orchard");
    server.befriend(&mut romeo, &mut juliet);
    juliet.send("<presence><status>Here</status></presence>");
    juliet.drain();
    romeo.drain();
    romeo.send("<presence type='probe' to='juliet@localhost'/>");
    romeo.expect("<presence from='juliet@localhost/balcony'><status>Here</status></presence>");
    romeo.expect_nothing();
    juliet.expect_nothing();
}

/// Presence sent to somebody in particular ends with the session, for them too (4.6).
#[test]
fn directed_presence() {
    let server = Server::builder().users(["romeo", "juliet", "nurse"]).start();
    let mut nurse = server.online("nurse/house");
    let mut juliet = server.online("juliet/balcony");
    let mut romeo = server.online("romeo/orchard");
    romeo.send("<presence to='juliet@localhost/balcony'><status>Psst</status></presence>");
    juliet.expect(
        "<presence from='romeo@localhost/orchard' to='juliet@localhost/balcony'>\
        <status>Psst</status></presence>",
    );
    romeo.send("<presence to='nurse@localhost'/>");
    nurse.expect("<presence from='romeo@localhost/orchard'/>");
    romeo.send("<presence type='unavailable' to='nurse@localhost'/>");
    nurse.expect("<presence type='unavailable' from='romeo@localhost/orchard'/>");
    romeo.abort();
    juliet.expect("<presence type='unavailable' from='romeo@localhost/orchard'/>");
    juliet.expect_nothing();
    nurse.expect_nothing();
}

#[test]
fn presence_to_nobody_is_silence() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = server.online("romeo/orchard");
    romeo.send("<presence to='nobody@localhost'/>");
    romeo.send("<presence to='juliet@localhost'/>");
    romeo.send("<presence to='juliet@localhost/none'/>");
    romeo.expect_nothing();
}

#[test]
fn a_priority_that_is_none_is_refused() {
    let server = Server::builder().users(["romeo"]).start();
    let mut romeo = server.login("romeo/orchard");
    for priority in ["128", "-129", "high"] {
        romeo.send(format!("<presence><priority>{priority}</priority></presence>"));
        romeo.expect(
            "<presence type='error'><error type='modify'>\
             <bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>",
        );
    }
    romeo.available();
}
