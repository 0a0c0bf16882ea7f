//! Two people with XMPP clients that nobody here wrote: they log in over STARTTLS, add each other, see each
//! other come and go, chat, and receive what was said while they were away. One runs a command.

use std::io::Write;
use std::process::{Command, Stdio};

use waxwing_tests::{Chat, Server, password};

type Start = fn(&Server, &str) -> Chat;

#[test]
fn tokio_xmpp() {
    two_people(Chat::tokio_xmpp, Chat::tokio_xmpp);
}

#[test]
fn slixmpp() {
    two_people(Chat::slixmpp, Chat::slixmpp);
}

#[test]
fn tokio_xmpp_with_slixmpp() {
    two_people(Chat::tokio_xmpp, Chat::slixmpp);
}

#[test]
fn slixmpp_runs_a_command() {
    let server = Server::builder().users(["romeo"]).guest("kit").start();
    let mut romeo = Chat::slixmpp(&server, "romeo");
    romeo.tell("run localhost#hello name=Romeo");
    romeo.expect("form Hello name");
    romeo.expect("completed Hello, Romeo");
    romeo.quit();
}

/// It ends a line after each element of the login.
#[test]
fn go_sendxmpp() {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut juliet = server.online("juliet/balcony");
    let mut command = Command::new("go-sendxmpp");
    command.args(["--no-tls-verify", "--jserver", &server.addr().to_string()]);
    command.args(["--username", "romeo@localhost", "--password", &password("romeo"), "juliet@localhost"]);
    command.env("HOME", server.path("")).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut romeo = command.spawn().expect("go-sendxmpp, which Debian and Ubuntu have as a package");
    romeo.stdin.take().expect("its standard input").write_all(b"Wherefore art thou?\n").expect("written");
    let output = romeo.wait_with_output().expect("its output");
    assert!(output.status.success(), "{output:?}");
    juliet.expect("<message type='chat'><body>Wherefore art thou?</body></message>");
}

fn two_people(start_romeo: Start, start_juliet: Start) {
    let server = Server::builder().users(["romeo", "juliet"]).start();
    let mut romeo = start_romeo(&server, "romeo");
    let mut juliet = start_juliet(&server, "juliet");
    let (romeo_bare, juliet_bare) = (romeo.bare().to_owned(), juliet.bare().to_owned());

    add(&mut romeo, &mut juliet);
    add(&mut juliet, &mut romeo);
    assert_eq!(romeo.roster(), [format!("contact {juliet_bare} both")]);
    assert_eq!(juliet.roster(), [format!("contact {romeo_bare} both")]);

    for text in ["Wherefore art thou?", "<Here> & \"now\" \u{2665}"] {
        say(&mut romeo, &mut juliet, text);
        say(&mut juliet, &mut romeo, text);
    }

    let juliet_jid = juliet.jid().to_owned();
    juliet.quit();
    romeo.expect(&format!("presence unavailable {juliet_jid}"));
    for text in ["one", "two", "three"] {
        romeo.tell(&format!("chat {juliet_bare} {text}"));
    }
    romeo.roster();

    let mut juliet = start_juliet(&server, "juliet");
    for text in ["one", "two", "three"] {
        assert_eq!(juliet.message(), format!("stored {} {text}", romeo.jid()));
    }
    juliet.expect(&format!("presence available {}", romeo.jid()));
    romeo.expect(&format!("presence available {juliet_jid}"));
    say(&mut romeo, &mut juliet, "You are back");
    romeo.quit();
    juliet.quit();
}

/// `one` asks for the presence of `other`, gets it and sees `other` online.
fn add(one: &mut Chat, other: &mut Chat) {
    one.tell(&format!("subscribe {}", other.bare()));
    other.expect(&format!("presence subscribe {}", one.bare()));
    other.tell(&format!("accept {}", one.bare()));
    one.expect(&format!("presence subscribed {}", other.bare()));
    one.expect(&format!("presence available {}", other.jid()));
}

fn say(from: &mut Chat, to: &mut Chat, text: &str) {
    from.tell(&format!("chat {} {text}", to.bare()));
    assert_eq!(to.message(), format!("live {} {text}", from.jid()));
}
