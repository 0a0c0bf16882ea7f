//! A plugin that traps, loops, hoards or recurses: the call fails, what it did before is undone, the sender
//! gets an error and the server goes on. The plugin is `hostile` of the engine's own tests, which does as its
//! payload says.

use waxwing_tests::{Client, Node, Server};

fn server() -> Server {
    Server::builder().users(["romeo", "juliet"]).guest("hostile").start()
}

fn tell(client: &mut Client, command: &str) {
    client.send(format!("<iq type='get' id='{command}' to='localhost'><{command} xmlns='urn:test'/></iq>"));
}

const FAILED: &str = "<internal-server-error xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>";

/// The call fails without a trace, and the same plugin answers the next one.
fn fails(command: &str) {
    let server = server();
    let mut juliet = server.online("juliet/balcony");
    let mut romeo = server.online("romeo/orchard");
    let before = server.memory();
    tell(&mut romeo, command);
    romeo.expect(format!("<iq type='error' id='{command}'><error>{FAILED}</error></iq>"));
    romeo.expect_nothing();
    tell(&mut romeo, "calls");
    romeo.expect("<iq type='result' id='calls'><is xmlns='urn:test'>1</is></iq>");
    juliet.send("<message to='romeo@localhost' type='chat' id='1'><body>Still here?</body></message>");
    romeo.expect("<message id='1'/>");
    let grown = server.memory().saturating_sub(before);
    assert!(grown < 128 * 1024, "{grown} KiB kept");
}

#[test]
fn a_trap() {
    fails("trap");
}

#[test]
fn a_loop_without_end() {
    fails("loop");
}

#[test]
fn memory_without_end() {
    fails("grow");
}

#[test]
fn a_stack_without_end() {
    fails("recurse");
}

/// The same plugin when it does no harm: this is what is undone above.
#[test]
fn a_call_that_succeeds() {
    let server = server();
    let mut romeo = server.online("romeo/orchard");
    tell(&mut romeo, "effects");
    let came = romeo.drain();
    assert!(came.iter().any(|node| node.matches("<message from='localhost'/>")), "{came:#?}");
    assert!(came.iter().any(|node: &Node| node.body() == "delivered"), "{came:#?}");
}

/// While one plugin spins, the rest of the server answers.
#[test]
fn others_go_on() {
    let server = server();
    let mut juliet = server.online("juliet/balcony");
    let mut romeo = server.online("romeo/orchard");
    for _ in 0..4 {
        tell(&mut romeo, "loop");
    }
    juliet.expect_nothing();
    for _ in 0..4 {
        romeo.expect("<iq type='error' id='loop'/>");
    }
}

/// On the way to somebody offline the sender hears of it; before routing, the stanza goes on without the
/// plugin.
#[test]
fn at_other_stages() {
    let server = server();
    let mut romeo = server.online("romeo/orchard");
    let harm = "<trap xmlns='urn:test'/>";
    romeo.send(format!("<message to='juliet@localhost' type='chat' id='1'><body>x</body>{harm}</message>"));
    romeo.expect(format!(
        "<message type='error' id='1' from='juliet@localhost'><error>{FAILED}</error></message>"
    ));
    romeo.expect_nothing();
    let mut juliet = server.online("juliet/balcony");
    romeo.send(format!("<message to='juliet@localhost' type='chat' id='2'><body>x</body>{harm}</message>"));
    juliet.expect(format!("<message id='2'><body>x</body>{harm}</message>"));
    romeo.expect_nothing();
}

/// A plugin that fails again and again is left alone for a while; nothing else changes.
#[test]
fn again_and_again() {
    let server = server();
    let mut romeo = server.online("romeo/orchard");
    for _ in 0..30 {
        tell(&mut romeo, "trap");
        romeo.expect("<iq type='error' id='trap'/>");
    }
    romeo.expect_nothing();
}

/// What one session does not take goes back to its sender, if no other takes it.
#[test]
fn a_filter_that_refuses_or_fails() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let file = server.component("hostile");
    server.command(&["plugin", "install", &file, "--yes", "--on-failure", "bounce"]);
    let mut romeo = server.online("romeo/orchard");
    let mut balcony = server.online("juliet/balcony");
    let mut chamber = server.online("juliet/chamber");
    balcony.drain();
    chamber.drain();
    for to in ["juliet@localhost", "juliet@localhost/balcony"] {
        for (command, condition) in [("refuse", "policy-violation"), ("trap", "internal-server-error")] {
            romeo.send(format!(
                "<message to='{to}' type='chat' id='f'><body>x</body><{command} xmlns='urn:filter'/></message>"
            ));
            romeo.expect(format!(
                "<message type='error' id='f' from='{to}'><error>\
                 <{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
            ));
            romeo.expect_nothing();
        }
    }
    balcony.expect_nothing();
    chamber.expect_nothing();
}

/// A virtual host guards its users against what comes from another, where its plugins do not run.
#[test]
fn a_guard_of_the_recipients_domain() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    server.command(&["vhost", "add", "other.example"]);
    server.command(&["user", "add", "tybalt@other.example", "--password", "x"]);
    server.command(&["plugin", "install", &server.component("hostile"), "--yes", "--vhost", "localhost"]);
    let mut romeo = server.online("romeo/orchard");
    let mut tybalt = Client::connect(server.addr(), "other.example");
    tybalt.login("tybalt", "x", Some("street"));
    tybalt.send("<presence/>");
    tybalt.expect("<presence from='tybalt@other.example/street'/>");
    let say = |client: &mut Client, to: &str, command: &str| {
        client.send(format!(
            "<message to='{to}' type='chat' id='{command}'><body>x</body><{command} xmlns='urn:guard'/></message>"
        ));
    };
    let refused = |to: &str| {
        format!(
            "<message type='error' id='refuse' from='{to}'><error>\
             <policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
        )
    };
    // To somebody who is there, and to somebody whose messages would be kept.
    for to in ["romeo@localhost", "juliet@localhost"] {
        say(&mut tybalt, to, "refuse");
        tybalt.expect(refused(to));
        say(&mut tybalt, to, "drop");
    }
    tybalt.expect_nothing();
    romeo.expect_nothing();
    let mut juliet = server.online("juliet/balcony");
    juliet.expect_nothing();
    // From its own users, and not to the others.
    say(&mut romeo, "juliet@localhost", "refuse");
    romeo.expect(refused("juliet@localhost"));
    say(&mut romeo, "tybalt@other.example", "refuse");
    tybalt.expect("<message id='refuse' from='romeo@localhost/orchard'/>");
}
