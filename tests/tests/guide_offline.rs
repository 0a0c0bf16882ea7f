//! The examples of the guide's sections 11.1 and 11.2, pasted after the config that comes with the server: what
//! the guide says of each is what happens.

use waxwing_tests::{Client, Node, Server, eventually};

const STANZAS: &str = "urn:ietf:params:xml:ns:xmpp-stanzas";

/// An example as the guide prints it, with the braces closed that it leaves open: where a line has no
/// indentation, another block begins.
fn closed(example: &str) -> String {
    let (mut text, mut open) = (String::new(), 0);
    for line in example.lines() {
        if !line.starts_with(' ') {
            text += &"}\n".repeat(std::mem::take(&mut open));
        }
        open += line.matches('{').count() - line.matches('}').count();
        text += &format!("{line}\n");
    }
    text + &"}\n".repeat(open)
}

/// The two places where the guide shows a setting: each alone, and both.
fn places(example: &str) -> [String; 3] {
    let at = example.find("'sess-man'").expect("a block of 'sess-man'");
    [example, &example[..at], &example[at..]].map(String::from)
}

/// A server with the shipped config and these examples at its end, one after the other.
fn server(examples: &[&str]) -> Server {
    let pasted = examples.iter().map(|example| closed(example)).collect::<String>();
    Server::builder().shipped_config().users(["romeo", "juliet"]).settings(&pasted).start()
}

/// Romeo and Juliet, who see each other's presence.
fn befriended(server: &Server) -> (Client, Client) {
    let (mut romeo, mut juliet) = (server.online("romeo/orchard"), server.online("juliet/balcony"));
    server.befriend(&mut romeo, &mut juliet);
    (romeo, juliet)
}

fn say(client: &mut Client, id: impl std::fmt::Display, content: &str) {
    client.send(format!("<message to='juliet@localhost' type='chat' id='{id}'>{content}</message>"));
}

/// Goes, and is known to be gone.
fn leave(mut client: Client) {
    client.send("<presence type='unavailable'/>");
    client.drain();
    client.close();
}

/// So many messages, `id` and `body` their numbers.
fn talk(client: &mut Client, count: u32) {
    for n in 0..count {
        say(client, n, &format!("<body>{n}</body>"));
    }
}

/// What romeo hears of a message that was not kept.
fn expect_unavailable(romeo: &mut Client, id: &str) -> Node {
    romeo.expect(format!(
        "<message type='error' id='{id}' from='juliet@localhost'><error><service-unavailable xmlns='{STANZAS}'/>\
         </error></message>"
    ))
}

fn expect_full(romeo: &mut Client, id: &str) {
    let error = expect_unavailable(romeo, id);
    assert!(
        error.child("error").unwrap().matches(&format!(
            "<error><text xmlns='{STANZAS}'>Offline messages queue is full</text></error>"
        ))
    );
}

/// The ids of the messages that waited for juliet, each with the time of its arrival; she stays.
fn kept(server: &Server) -> (Client, Vec<String>) {
    let mut juliet = server.login("juliet/balcony");
    juliet.send("<presence/>");
    let waited = juliet.drain().into_iter().filter(|node| node.name == "message").map(|message| {
        assert!(message.matches("<message><delay xmlns='urn:xmpp:delay' stamp='*'/></message>"), "{message}");
        message.attr("id").unwrap().to_owned()
    });
    let waited = waited.collect();
    (juliet, waited)
}

fn numbers(count: u32) -> Vec<String> {
    (0..count).map(|n| n.to_string()).collect()
}

const STORE_LIMIT: &str = "\
amp {
    'store-limit' = 200L
'sess-man' {
    amp () {
        'store-limit' = 200L
";

/// 11.1.1: 100 messages of one sender are kept, and with the example 200, wherever it stands.
#[test]
fn store_limit() {
    let [both, beside, inside] = places(STORE_LIMIT);
    for (examples, limit) in
        [(vec![], 100), (vec![&*both], 200), (vec![&*beside], 200), (vec![&*inside], 200)]
    {
        let server = server(&examples);
        let mut romeo = server.online("romeo/orchard");
        talk(&mut romeo, limit + 1);
        expect_full(&mut romeo, &limit.to_string());
        romeo.expect_nothing();
        assert_eq!(kept(&server).1, numbers(limit), "{examples:?}");
    }
}

const USER_LIMIT: &str = "\
amp {
    'user-store-limit-enable' = true
'sess-man' {
    amp () {
        'user-store-limit-enable' = true
";

/// 11.1.1, "User Limit" and its two examples: a user sets a limit of 10, and then none.
#[test]
fn user_limit() {
    for example in places(USER_LIMIT) {
        let server = server(&[&example]);
        let (mut romeo, mut juliet) = (server.online("romeo/orchard"), server.online("juliet/balcony"));
        juliet.send(r#"<iq type="set" id="aabba"><msgoffline xmlns="msgoffline" limit="10"/></iq>"#);
        juliet.expect(r#"<iq type="result" id="aabba"><msgoffline xmlns="msgoffline" limit="10"/></iq>"#);
        leave(juliet);
        talk(&mut romeo, 11);
        expect_full(&mut romeo, "10");
        romeo.expect_nothing();

        let (mut juliet, waited) = kept(&server);
        assert_eq!(waited, numbers(10), "{example}");
        juliet.send(r#"<iq type="set" id="aabbb"><msgoffline xmlns="msgoffline" limit="false"/></iq>"#);
        juliet.expect(r#"<iq type="result" id="aabbb"><msgoffline xmlns="msgoffline" limit="false"/></iq>"#);
        leave(juliet);
        talk(&mut romeo, 120);
        romeo.expect_nothing();
        assert_eq!(kept(&server).1, numbers(120), "{example}");
    }
}

/// 11.1.1: it takes the setting. Without it nobody has a limit of their own.
#[test]
fn user_limit_is_off_by_default() {
    let server = server(&[]);
    let mut juliet = server.online("juliet/balcony");
    juliet.send("<iq type='set' id='1'><msgoffline xmlns='msgoffline' limit='10'/></iq>");
    juliet.expect(format!("<iq type='error' id='1'><error><not-allowed xmlns='{STANZAS}'/></error></iq>"));
}

const DROP: &str = "\
'sess-man' {
    amp () {
        'quota-exceeded' = 'drop'
";

/// 11.1.1, "Handling of Offline Messages Exceeding Limits": what is too much goes without a word. Pasted after
/// another example, which holds as well.
#[test]
fn quota_exceeded() {
    for (examples, limit) in [(vec![DROP], 100), (vec![STORE_LIMIT, USER_LIMIT, DROP], 200)] {
        let server = server(&examples);
        let mut romeo = server.online("romeo/orchard");
        talk(&mut romeo, limit + 5);
        romeo.expect_nothing();
        assert_eq!(kept(&server).1, numbers(limit));
    }
}

/// Sends messages of this content, of which the first so many are kept and the sender hears of all others.
fn expect_kept(paths: &str, yes: &[&str], no: &[&str]) {
    let example = format!("'sess-man' {{\n    amp () {{\n        'msg-store-offline-paths' = {paths}\n");
    let server = server(&[&example]);
    let mut romeo = server.online("romeo/orchard");
    for (n, content) in yes.iter().chain(no).enumerate() {
        say(&mut romeo, n, content);
    }
    for n in yes.len()..yes.len() + no.len() {
        expect_unavailable(&mut romeo, &n.to_string());
    }
    romeo.expect_nothing();
    assert_eq!(kept(&server).1, numbers(yes.len() as u32), "{paths}");
}

const BODY: &str = "<body>x</body>";
const STORE_OFFLINE: &str = "<store-offline xmlns='urn:any'/>";
const DO_NOT_STORE: &str = "<body>x</body><do-not-store/>";

/// 11.1.2, the first example. A `<received/>` of another namespace is not meant.
#[test]
fn messages_without_body() {
    let example = "[ '/message/received[urn:xmpp:receipts]', '/message/store-offline' ]";
    let receipt = "<received xmlns='urn:xmpp:receipts' id='1'/>";
    let even_so = "<received xmlns='urn:xmpp:receipts' id='1'/><no-store xmlns='urn:xmpp:hints'/>";
    expect_kept(
        example,
        &[receipt, even_so, STORE_OFFLINE, "<store-offline/>", BODY],
        &["<received xmlns='urn:other'/>", "<x xmlns='urn:any'/>"],
    );
}

/// 11.1.2, "Filtering of offline storage".
#[test]
fn filter() {
    let example = "[ '/message/store-offline', '-/message/do-not-store' ]";
    let first_counts = "<do-not-store/><store-offline/>";
    expect_kept(example, &[STORE_OFFLINE, first_counts, BODY], &[DO_NOT_STORE]);
}

const RECEIVED: &str = "<received/>";
const PLAIN: &str = "<body>x</body><plain/>";
const RECEIVED_AND_PLAIN: &str = "<received/><plain/>";

/// 11.1.2, the filter of which the guide says that it keeps every `<received/>`, and why its order is wrong.
#[test]
fn filter_in_the_wrong_order() {
    let example = "[ '/message/received', '-/message/plain' ]";
    expect_kept(example, &[RECEIVED, RECEIVED_AND_PLAIN, BODY], &[PLAIN]);
}

/// 11.1.2, the order that is right, as `docs/offline.md` corrects it; what the guide prints, with a `-` in front of
/// both, keeps neither.
#[test]
fn filter_in_the_right_order() {
    let corrected = "[ '-/message/plain', '/message/received' ]";
    expect_kept(corrected, &[RECEIVED, BODY], &[RECEIVED_AND_PLAIN, PLAIN]);
    let printed = "[ '-/message/plain', '-/message/received' ]";
    expect_kept(printed, &[BODY], &[RECEIVED, RECEIVED_AND_PLAIN, PLAIN]);
}

const NO_OFFLINE: &str = "\
'sess-man' {
    amp () {
        msgoffline (active: false) {}
";

/// 11.1.3: nothing is kept, and senders hear so; rules for messages work as before.
#[test]
fn offline_messages_switched_off() {
    let server = server(&[NO_OFFLINE]);
    let (mut romeo, juliet) = befriended(&server);
    leave(juliet);
    romeo.expect("<presence type='unavailable'/>");
    talk(&mut romeo, 1);
    expect_unavailable(&mut romeo, "0");

    let amp = "http://jabber.org/protocol/amp";
    let rule = |action, value| {
        format!(
            "<body>x</body><amp xmlns='{amp}'><rule action='{action}' condition='deliver' value='{value}'/></amp>"
        )
    };
    say(&mut romeo, "1", &rule("alert", "none"));
    romeo.expect(format!(
        "<message from='localhost' id='1'><amp xmlns='{amp}' status='alert'>\
         <rule action='alert' condition='deliver' value='none'/></amp></message>"
    ));
    say(&mut romeo, "2", &rule("drop", "none"));
    romeo.expect_nothing();
    say(&mut romeo, "3", &rule("drop", "stored"));
    expect_unavailable(&mut romeo, "3");

    let (mut juliet, waited) = kept(&server);
    assert!(waited.is_empty(), "{waited:?}");
    romeo.drain();
    say(&mut romeo, "4", &rule("notify", "direct"));
    romeo.expect(format!("<message id='4'><amp xmlns='{amp}' status='notify'/></message>"));
    juliet.expect("<message id='4'><body>x</body></message>");
    let features = |client: &mut Client| {
        client
            .send("<iq type='get' id='d' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
        client.expect("<iq type='result' id='d'/>")
    };
    let info = features(&mut romeo);
    let has = |feature: &str| {
        info.matches(&format!(
            "<iq><query xmlns='http://jabber.org/protocol/disco#info'><feature var='{feature}'/></query></iq>"
        ))
    };
    assert!(has(amp) && !has("msgoffline") && !has("http://jabber.org/protocol/offline"), "{info}");
}

/// What is pasted later changes what was pasted before, and adds to it. A setting that has a value already is not
/// given another one: the file says so.
#[test]
fn pasted_one_after_the_other() {
    let on_again = NO_OFFLINE.replace("false", "true");
    let mut server = server(&[STORE_LIMIT, NO_OFFLINE, DROP, &on_again]);
    let mut romeo = server.online("romeo/orchard");
    talk(&mut romeo, 201);
    romeo.expect_nothing();
    assert_eq!(kept(&server).1, numbers(200));
    server.command(&["check"]);
    let again = closed(STORE_LIMIT);
    server.reconfigure(|server| server.settings(&again));
    let said = server.failing_command(&["check"]);
    assert!(said.contains("the key 'store-limit' is given twice"), "{said}");
}

const LAST: &str = "\
'sess-man' {
    'jabber:iq:last-marker' (active: true) {
        'jabber:iq:last' (active: true) {}
";

fn ask(client: &mut Client, whom: &str) -> Node {
    client.send(format!("<iq type='get' id='l' to='{whom}'><query xmlns='jabber:iq:last'/></iq>"));
    client.next_element()
}

/// 11.2: last activity is off, and the example switches it on.
#[test]
fn last_activity() {
    let error = |condition: &str| {
        format!("<iq type='error' id='l'><error><{condition} xmlns='{STANZAS}'/></error></iq>")
    };
    let off = server(&[]);
    let answer = ask(&mut off.online("romeo/orchard"), "localhost");
    assert!(answer.matches(&error("service-unavailable")), "{answer}");

    let server = server(&[LAST]);
    let (mut romeo, mut juliet) = befriended(&server);
    let seconds = "<iq type='result' id='l'><query xmlns='jabber:iq:last' seconds='*'/></iq>";
    let answer = ask(&mut romeo, "localhost");
    assert!(answer.matches(seconds), "{answer}");
    juliet.send("<presence type='unavailable'><status>Good night!</status></presence>");
    juliet.expect("<presence type='unavailable' from='juliet@localhost/balcony'/>");
    romeo.expect("<presence type='unavailable'/>");
    let answer = ask(&mut romeo, "juliet@localhost");
    assert!(answer.matches(seconds), "{answer}");
    assert_eq!(answer.child("query").unwrap().text, "Good night!");
}

const MESSAGE_AND_PRESENCE: &str = "\
'sess-man' {
    'jabber:iq:last-marker' (active: true) {
        message = true
        presence = true
";

const PERSIST_ALL: &str = "\
'sess-man' {
    'jabber:iq:last-marker' (active: true) {
        persistAllToRepository = true
";

/// Whether anything is known of juliet after the server was killed while she was online, having sent presence
/// and then, perhaps, a message.
fn survives(settings: &str, message: bool) -> bool {
    let mut server = server(&[LAST, settings]);
    let (mut romeo, mut juliet) = befriended(&server);
    if message {
        juliet.send("<message to='romeo@localhost' type='chat' id='1'><body>x</body></message>");
        romeo.expect("<message id='1'/>");
    }
    server.kill();
    server.start();
    let answer = ask(&mut server.online_again("romeo/orchard"), "juliet@localhost");
    answer.attr("type") == Some("result")
}

/// 11.2.1 and 11.2.2: by default little is written before a session ends, and with `persistAllToRepository`
/// everything that counts is: presence by default, messages too if they are to.
#[test]
fn what_is_persisted() {
    assert!(!survives(MESSAGE_AND_PRESENCE, true));
    assert!(survives(PERSIST_ALL, false));
    // Pasted one after the other, they are one block; here only messages count.
    let messages = MESSAGE_AND_PRESENCE.replace("presence = true", "presence = false") + PERSIST_ALL;
    assert!(survives(&messages, true));
    assert!(!survives(&messages, false));
}

/// 11.2.1: with the example alone, the end of the session is known.
#[test]
fn messages_and_presence() {
    let server = server(&[LAST, MESSAGE_AND_PRESENCE]);
    let (mut romeo, mut juliet) = befriended(&server);
    juliet.send("<message to='romeo@localhost' type='chat' id='1'><body>x</body></message>");
    romeo.expect("<message id='1'/>");
    juliet.close();
    romeo.expect("<presence type='unavailable'/>");
    // Others see it end a moment before that is written down.
    let known = "<iq type='result'><query xmlns='jabber:iq:last' seconds='*'/></iq>";
    eventually("her leaving is known", || ask(&mut romeo, "juliet@localhost").matches(known));
}
