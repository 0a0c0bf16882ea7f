//! Rules for messages (XEP-0079): what the sender is told, what the recipient gets, and what becomes of messages
//! that expire where they are stored, also across a crash.

use waxwing_tests::{Client, Server, eventually, in_seconds};

const NS: &str = "http://jabber.org/protocol/amp";
const STANZAS: &str = "urn:ietf:params:xml:ns:xmpp-stanzas";

/// Romeo and Juliet, who see each other's presence.
fn start() -> (Server, Client, Client) {
    let server = Server::builder().users(["romeo", "juliet", "tybalt"]).start();
    let (mut romeo, mut juliet) = (server.online("romeo/orchard"), server.online("juliet/balcony"));
    server.befriend(&mut romeo, &mut juliet);
    (server, romeo, juliet)
}

/// Juliet goes; romeo knows.
fn leave(juliet: Client, romeo: &mut Client) {
    juliet.close();
    romeo.expect("<presence type='unavailable'/>");
}

fn rule(action: &str, condition: &str, value: &str) -> String {
    format!("<rule action='{action}' condition='{condition}' value='{value}'/>")
}

/// A chat message whose body is its id.
fn message(to: &str, id: &str, rules: &str) -> String {
    message_with(to, id, "", rules)
}

fn message_with(to: &str, id: &str, more: &str, rules: &str) -> String {
    format!(
        "<message to='{to}' type='chat' id='{id}'><body>{id}</body>{more}<amp xmlns='{NS}'>{rules}</amp></message>"
    )
}

/// What tells of a message to `to` that a rule was met.
fn report(to: &str, id: &str, status: &str, rule: &str) -> String {
    format!(
        "<message from='localhost' to='romeo@localhost/orchard' id='{id}'>\
         <amp xmlns='{NS}' status='{status}' from='romeo@localhost/orchard' to='{to}'>{rule}</amp></message>"
    )
}

/// The same for the action `error`.
fn error_report(to: &str, id: &str, rule: &str) -> String {
    format!(
        "<message type='error' from='localhost' to='romeo@localhost/orchard' id='{id}'>\
         <amp xmlns='{NS}' status='error' from='romeo@localhost/orchard' to='{to}'>{rule}</amp>\
         <error type='modify'><undefined-condition xmlns='{STANZAS}'/>\
         <failed-rules xmlns='{NS}#errors'>{rule}</failed-rules></error></message>"
    )
}

fn unavailable(id: &str) -> String {
    format!(
        "<message type='error' id='{id}'><error><service-unavailable xmlns='{STANZAS}'/></error></message>"
    )
}

/// The bodies of the messages that juliet gets when she comes; she stays.
fn received(server: &Server) -> (Client, Vec<String>) {
    let mut juliet = server.login("juliet/balcony");
    juliet.send("<presence/>");
    let got = juliet.drain();
    let messages = got.iter().filter(|node| node.name == "message");
    let bodies = messages.map(|message| message.body().to_owned()).collect();
    (juliet, bodies)
}

/// Section 3.4, for a message that is delivered, one that is stored and one that is neither.
#[test]
fn every_action_for_every_way_of_delivery() {
    let (server, mut romeo, mut juliet) = start();
    let to = "juliet@localhost";
    let ask = |romeo: &mut Client, way: &str, more: &str| {
        for action in ["drop", "alert", "error", "notify"] {
            let (id, rule) = (format!("{way}-{action}"), rule(action, "deliver", way));
            romeo.send(message_with(to, &id, more, &rule));
            match action {
                "drop" => romeo.expect_nothing(),
                "error" => drop(romeo.expect(error_report(to, &id, &rule))),
                _ => drop(romeo.expect(report(to, &id, action, &rule))),
            }
        }
    };
    ask(&mut romeo, "direct", "");
    juliet.expect(
        "<message id='direct-notify' from='romeo@localhost/orchard'><body>direct-notify</body></message>",
    );
    juliet.expect_nothing();
    leave(juliet, &mut romeo);

    ask(&mut romeo, "stored", "");
    romeo.expect_nothing();
    let (juliet, bodies) = received(&server);
    assert_eq!(bodies, ["stored-notify"]);
    romeo.expect("<presence/>");
    leave(juliet, &mut romeo);

    // The server does with it what it does with any that it cannot deliver.
    ask(&mut romeo, "none", "<no-store xmlns='urn:xmpp:hints'/>");
    romeo.expect(unavailable("none-notify"));
    romeo.expect_nothing();
    assert!(received(&server).1.is_empty());
}

/// Section 2.2.3: the first rule that is met is the one that counts, and without one the message goes on.
#[test]
fn the_first_rule_that_is_met() {
    let (server, mut romeo, juliet) = start();
    leave(juliet, &mut romeo);
    let to = "juliet@localhost";
    let stored = rule("notify", "deliver", "stored");
    let rules =
        rule("drop", "deliver", "direct") + &stored + &rule("drop", "expire-at", "2020-01-01T00:00:00Z");
    romeo.send(message(to, "first", &rules));
    romeo.expect(report(to, "first", "notify", &stored));
    romeo.send(message(to, "none", &(rule("drop", "deliver", "direct") + &rule("error", "deliver", "none"))));
    let late = rule("alert", "expire-at", "2020-01-01T00:00:00Z");
    romeo.send(message(to, "late", &late));
    romeo.expect(report(to, "late", "alert", &late));
    romeo.expect_nothing();
    assert_eq!(received(&server).1, ["first", "none"]);
}

/// Section 3.3.3.
#[test]
fn match_resource() {
    let (_server, mut romeo, mut juliet) = start();
    let (here, gone) = ("juliet@localhost/balcony", "juliet@localhost/gone");
    let exact = rule("notify", "match-resource", "exact");
    let other = rule("error", "match-resource", "other");
    let any = rule("notify", "match-resource", "any");
    romeo.send(message(here, "exact", &(other.clone() + &exact)));
    romeo.expect(report(here, "exact", "notify", &exact));
    juliet.expect("<message id='exact' to='juliet@localhost/balcony'/>");
    romeo.send(message(gone, "other", &(exact.clone() + &other)));
    romeo.expect(error_report(gone, "other", &other));
    romeo.send(message(gone, "any", &any));
    romeo.expect(report(gone, "any", "notify", &any));
    juliet.expect("<message id='any'><body>any</body></message>");
    juliet.expect_nothing();
    romeo.expect_nothing();
}

/// What the recipient gets names the addresses that the server knows, not those that the sender wrote (section
/// 4.1).
#[test]
fn rules_on_the_way() {
    let (_server, mut romeo, mut juliet) = start();
    let rule = rule("drop", "expire-at", &in_seconds(3600));
    romeo.send(format!(
        "<message to='juliet@localhost' type='chat' id='1'><body>1</body>\
         <amp xmlns='{NS}' from='tybalt@localhost/x' to='nurse@localhost'>{rule}</amp></message>"
    ));
    juliet.expect(format!(
        "<message id='1'><amp xmlns='{NS}' from='romeo@localhost/orchard' to='juliet@localhost'>{rule}</amp>\
         <body>1</body></message>"
    ));
    juliet.expect_nothing();
}

/// Section 6.1 and section 9: what is not accepted goes back, and says nothing of who is there.
#[test]
fn refused() {
    let (server, _romeo, mut juliet) = start();
    let mut tybalt = server.online("tybalt/street");
    let direct = rule("notify", "deliver", "direct");
    for to in ["juliet@localhost", "nobody@localhost"] {
        tybalt.send(message(to, "1", &direct));
        tybalt.expect(format!(
            "<message type='error' id='1' from='localhost'><amp xmlns='{NS}'>{direct}</amp>\
             <error type='modify'><not-acceptable xmlns='{STANZAS}'/><invalid-rules xmlns='{NS}'>{direct}\
             </invalid-rules></error></message>"
        ));
    }
    for (bad, name) in [
        (rule("explode", "deliver", "direct"), "unsupported-actions"),
        (rule("drop", "full-moon", "true"), "unsupported-conditions"),
        (rule("drop", "deliver", "by-pigeon"), "invalid-rules"),
        (rule("drop", "expire-at", "tomorrow"), "invalid-rules"),
    ] {
        let good = rule("drop", "deliver", "none");
        tybalt.send(message("juliet@localhost", "2", &(good.clone() + &bad)));
        let answer = tybalt.expect("<message type='error' id='2'><error type='modify'/></message>");
        let named = answer.child("error").and_then(|error| error.child_ns(name, NS)).expect(name);
        // Only the rules that are wrong, not those beside them.
        assert_eq!(named.children.len(), 1, "{named}");
        assert!(named.matches(&format!("<{name} xmlns='{NS}'>{bad}</{name}>")), "{named}");
    }
    tybalt.send(message("juliet@localhost", "2", &direct).replace(" id='2'", ""));
    tybalt.expect(format!("<message type='error'><error><bad-request xmlns='{STANZAS}'/></error></message>"));
    // What tells a stranger nothing is a stranger's to ask for.
    tybalt.send(message("juliet@localhost", "3", &rule("drop", "deliver", "direct")));
    tybalt.send(message("juliet@localhost", "4", &rule("drop", "deliver", "stored")));
    tybalt.expect_nothing();
    juliet.expect("<message id='4'><body>4</body></message>");
    juliet.expect_nothing();
}

/// Tigase's action: kept for later although the recipient is there.
#[test]
fn store_keeps_it_from_who_is_there() {
    let (server, mut romeo, mut juliet) = start();
    romeo.send(message("juliet@localhost", "1", &rule("store", "deliver", "direct")));
    romeo.expect_nothing();
    juliet.expect_nothing();
    leave(juliet, &mut romeo);
    let mut juliet = server.login("juliet/balcony");
    juliet.send("<presence/>");
    let got = juliet.drain();
    let stored = "<message id='1'><body>1</body><delay xmlns='urn:xmpp:delay' stamp='*'/></message>";
    assert_eq!(got.iter().filter(|node| node.matches(stored)).count(), 1, "{got:#?}");
}

/// Section 2.1.
#[test]
fn discovery() {
    let (_server, mut romeo, _juliet) = start();
    assert!(romeo.features.child_ns("amp", "http://jabber.org/features/amp").is_some(), "{}", romeo.features);
    let info = "http://jabber.org/protocol/disco#info";
    romeo.send(format!("<iq type='get' id='1' to='localhost'><query xmlns='{info}'/></iq>"));
    romeo
        .expect(format!("<iq type='result' id='1'><query xmlns='{info}'><feature var='{NS}'/></query></iq>"));
    romeo.send(format!("<iq type='get' id='2' to='localhost'><query xmlns='{info}' node='{NS}'/></iq>"));
    let answer = romeo.expect(format!("<iq type='result' id='2'><query xmlns='{info}' node='{NS}'/></iq>"));
    let features: Vec<_> =
        answer.children[0].children.iter().filter_map(|feature| feature.attr("var")).collect();
    let actions = ["drop", "alert", "error", "notify", "store", "deliver"].map(|name| ("action", name));
    let conditions = ["deliver", "expire-at", "match-resource"].map(|name| ("condition", name));
    for (what, name) in actions.iter().chain(&conditions) {
        assert!(features.contains(&&*format!("{NS}?{what}={name}")), "{name}: {features:?}");
    }
}

/// Section 3.3.2, in a server that is up all the time. Nothing expires in its first five seconds.
#[test]
fn stored_messages_expire() {
    let (server, mut romeo, juliet) = start();
    leave(juliet, &mut romeo);
    let (to, soon) = ("juliet@localhost", in_seconds(4));
    let expires = |action: &str| rule(action, "expire-at", &soon);
    for action in ["drop", "alert", "error", "notify"] {
        romeo.send(message(to, action, &expires(action)));
    }
    let later = rule("drop", "expire-at", "2100-01-01T00:00:00Z");
    romeo.send(message(to, "later", &later));
    // All are stored: nobody has heard of any.
    romeo.expect_nothing();
    romeo.expect(report(to, "alert", "alert", &expires("alert")));
    romeo.expect(error_report(to, "error", &expires("error")));
    romeo.expect(report(to, "notify", "notify", &expires("notify")));
    romeo.expect_nothing();
    assert_eq!(received(&server).1, ["notify", "later"]);
}

/// The same across a kill: what was due meanwhile is done after the start. A sender who has gone is told later.
#[test]
fn stored_messages_expire_after_a_crash() {
    let (mut server, mut romeo, juliet) = start();
    leave(juliet, &mut romeo);
    let (to, soon) = ("juliet@localhost", in_seconds(4));
    let expires = |action: &str| rule(action, "expire-at", &soon);
    romeo.send(message(to, "drop", &expires("drop")));
    romeo.send(message(to, "alert", &expires("alert")));
    romeo.send(message(to, "later", &rule("drop", "expire-at", "2100-01-01T00:00:00Z")));
    romeo.expect_nothing();
    server.kill();
    server.start();

    // Connected and not available: what comes for him is stored, and he can see how much there is.
    let mut romeo = server.login("romeo/chamber");
    eventually("an alert is kept for romeo", || romeo.offline_messages() > 0);
    romeo.close();
    let mut romeo = server.login("romeo/chamber");
    romeo.send("<presence/>");
    let got = romeo.drain();
    let told: Vec<_> = got.iter().filter(|node| node.name == "message").collect();
    let alert = report(to, "alert", "alert", &expires("alert")).replace("to='romeo@localhost/orchard'", "");
    assert!(told.len() == 1 && told[0].matches(&alert), "{got:#?}");
    assert_eq!(received(&server).1, ["later"]);
}
