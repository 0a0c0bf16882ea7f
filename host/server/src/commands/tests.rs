//! XEP-0050 and XEP-0004, without plugins: those are in `tests/tests/adhoc.rs`.

use super::forms::{answers, form_xml};
use super::protocol::{Action, Wish, bad_action, completed, executing};
use super::sessions::{MOST, MOST_OF_ACCOUNT, PATIENCE, Page, Run, Sessions};
use crate::testing::{World, jid};
use std::time::Duration;
use tokio::time::Instant;
use waxwing_plugins::{CommandAction, Field, Form, Severity};
use waxwing_xmpp::{Condition, Element, Stanza, StanzaError};

pub(super) fn field(var: &str, ty: &'static str) -> Field {
    Field {
        var: var.into(),
        ty,
        label: String::new(),
        required: false,
        values: Vec::new(),
        choices: Vec::new(),
        range: None,
        hint: None,
        wrong: None,
    }
}

#[test]
fn a_form_says_what_is_to_be_filled_in() {
    let name = Field {
        label: "Name".into(),
        required: true,
        hint: Some("a < b".into()),
        ..field("name", "text-single")
    };
    let lines = Field { values: vec!["one\ntwo".into()], ..field("lines", "text-multi") };
    let choices = vec![("Kind".into(), "kind".into()), (String::new(), "cold".into())];
    let tone = Field { values: vec!["kind".into()], choices, ..field("tone", "list-single") };
    let form = Form {
        title: "R&J".into(),
        instructions: String::new(),
        fields: vec![name, lines, tone],
        table: None,
    };
    assert_eq!(
        form_xml(&form, "form"),
        "<x xmlns='jabber:x:data' type='form'><title>R&amp;J</title>\
         <field type='text-single' var='name' label='Name'><desc>a &lt; b</desc><required/></field>\
         <field type='text-multi' var='lines'><value>one</value><value>two</value></field>\
         <field type='list-single' var='tone'><value>kind</value>\
         <option label='Kind'><value>kind</value></option><option><value>cold</value></option></field></x>"
    );
    // A result has nothing to fill in.
    assert_eq!(
        form_xml(&form, "result"),
        "<x xmlns='jabber:x:data' type='result'><title>R&amp;J</title>\
         <field type='text-single' var='name' label='Name'></field>\
         <field type='text-multi' var='lines'><value>one</value><value>two</value></field>\
         <field type='list-single' var='tone'><value>kind</value></field></x>"
    );
}

fn command(attrs: &str, inner: &str) -> Stanza {
    let xml = format!(
        "<iq type='set' id='1'><command xmlns='http://jabber.org/protocol/commands'{attrs}>{inner}</command></iq>"
    );
    Stanza::parse(&xml).unwrap()
}

fn wish(attrs: &str, inner: &str) -> Result<Wish, StanzaError> {
    Wish::of(&command(attrs, inner))
}

#[test]
fn requests_are_read_with_the_defaults_of_the_protocol() {
    let plain = wish(" node='n'", "").unwrap();
    assert_eq!(plain, Wish { node: "n".into(), session: None, action: Action::Execute, answers: vec![] });
    let form = "<x xmlns='jabber:x:data' type='submit'><field var='a'><value>1</value><value/></field>\
                <field type='fixed'><value>read me</value></field><field var='b'/></x>";
    let full = wish(" node='n' sessionid='s' action='prev'", form).unwrap();
    assert_eq!((full.session.as_deref(), full.action), (Some("s"), Action::Prev));
    assert_eq!(full.answers, [("a".into(), vec!["1".into(), String::new()]), ("b".into(), vec![])]);
}

#[test]
fn what_makes_no_sense_is_refused_with_the_conditions_of_the_protocol() {
    let extra = |result: Result<Wish, StanzaError>| {
        let error = result.unwrap_err();
        assert_eq!(error.condition, Condition::BadRequest);
        error.extra.unwrap_or_default()
    };
    assert!(extra(wish(" node='n' action='dance'", "")).starts_with("<malformed-action "));
    assert_eq!(extra(wish("", "")), "");
    for bad in [
        "<x xmlns='jabber:x:data'/>",
        "<x xmlns='jabber:x:data' type='form'/>",
        "<x xmlns='jabber:x:data' type='submit'/><x xmlns='jabber:x:data' type='submit'/>",
        "<x xmlns='jabber:x:data' type='submit'><field><value>whose?</value></field></x>",
    ] {
        assert!(extra(wish(" node='n'", bad)).starts_with("<bad-payload "), "{bad}");
    }
    let other = Element::parse("<command xmlns='c'><x xmlns='other' type='form'/></command>").unwrap();
    assert_eq!(answers(&other), Ok(vec![]));
}

#[test]
fn actions_are_those_that_the_step_offers() {
    let page = |has_prev, has_next| Page { form: None, state: Vec::new(), has_prev, has_next };
    for (action, page, expected) in [
        (Action::Execute, page(false, false), Some(CommandAction::Complete)),
        (Action::Complete, page(true, false), Some(CommandAction::Complete)),
        (Action::Execute, page(false, true), Some(CommandAction::Next)),
        (Action::Next, page(false, true), Some(CommandAction::Next)),
        (Action::Prev, page(true, true), Some(CommandAction::Prev)),
        (Action::Next, page(true, false), None),
        (Action::Complete, page(false, true), None),
        (Action::Prev, page(false, true), None),
    ] {
        assert_eq!(action.at(&page), expected.ok_or_else(bad_action), "{action:?} at {page:?}");
    }
}

#[test]
fn results_are_what_the_protocol_shows() {
    let page = Page { form: None, state: Vec::new(), has_prev: true, has_next: true };
    let start = "<command xmlns='http://jabber.org/protocol/commands' node='a&amp;b' sessionid='s' status=";
    let form = "<x xmlns='jabber:x:data' type='form'></x>";
    assert_eq!(
        executing("a&b", "s", &page, &Form::default(), None),
        format!("{start}'executing'><actions execute='next'><prev/><next/></actions>{form}</command>")
    );
    assert_eq!(
        executing("a&b", "s", &Page::default(), &Form::default(), None),
        format!("{start}'executing'><actions execute='complete'><complete/></actions>{form}</command>")
    );
    assert_eq!(
        completed("a&b", "s", Some("<done>"), Severity::Info, None),
        format!("{start}'completed'><note type='info'>&lt;done&gt;</note></command>")
    );
}

fn run(user: &str) -> Run {
    Run { user: jid(user), vhost: "verona.lit".into(), plugin: "p".into(), node: "n".into() }
}

fn extra<T: std::fmt::Debug>(result: Result<T, StanzaError>) -> String {
    result.unwrap_err().extra.unwrap_or_default().split(' ').next().unwrap_or_default().to_owned()
}

#[test]
fn only_who_runs_a_command_goes_on_with_it() {
    let (sessions, romeo) = (Sessions::default(), run("romeo@verona.lit/orchard"));
    let now = Instant::now();
    sessions.open("s", &romeo, now).unwrap();
    let page = Page { form: None, state: b"state".to_vec(), has_prev: false, has_next: true };
    sessions.keep("s", page.clone(), now);
    assert_eq!(sessions.resume("s", &romeo, now), Ok(page));
    for other in [
        run("romeo@verona.lit/street"),
        Run { node: "other".into(), ..romeo.clone() },
        Run { vhost: "mantua.lit".into(), ..romeo.clone() },
        Run { plugin: "other".into(), ..romeo.clone() },
    ] {
        assert_eq!(extra(sessions.resume("s", &other, now)), "<bad-sessionid");
    }
    assert!(sessions.resume("s", &romeo, now).is_ok());
    sessions.close("s");
    assert_eq!(extra(sessions.resume("s", &romeo, now)), "<bad-sessionid");
    // What was closed while a step ran stays so.
    sessions.keep("s", Page::default(), now);
    assert_eq!(extra(sessions.resume("s", &romeo, now)), "<bad-sessionid");
}

#[test]
fn a_command_waits_ten_minutes_from_each_step() {
    let (sessions, romeo) = (Sessions::default(), run("romeo@verona.lit/orchard"));
    let now = Instant::now();
    let second = Duration::from_secs(1);
    for id in ["a", "b"] {
        sessions.open(id, &romeo, now).unwrap();
    }
    let now = now + PATIENCE - second;
    assert!(sessions.resume("a", &romeo, now).is_ok());
    let now = now + PATIENCE - second;
    assert!(sessions.resume("a", &romeo, now).is_ok());
    assert_eq!(extra(sessions.resume("b", &romeo, now)), "<session-expired");
    assert_eq!(extra(sessions.resume("b", &romeo, now)), "<bad-sessionid");
    // In the end nobody remembers.
    let now = now + 2 * PATIENCE;
    assert_eq!(extra(sessions.resume("a", &romeo, now)), "<bad-sessionid");
}

#[test]
fn only_so_many_commands_are_under_way() {
    let (sessions, now) = (Sessions::default(), Instant::now());
    for n in 0..MOST {
        let user = format!("user{}@verona.lit/{n}", n / MOST_OF_ACCOUNT);
        sessions.open(&n.to_string(), &run(&user), now).unwrap();
    }
    let full = sessions.open("more", &run("nurse@verona.lit/hall"), now).unwrap_err();
    assert_eq!((full.condition, full.ty.as_str()), (Condition::ResourceConstraint, "wait"));
    sessions.close("999");
    let own = sessions.open("more", &run("user0@verona.lit/other"), now).unwrap_err();
    assert_eq!(own.condition, Condition::ResourceConstraint);
    sessions.forget(&jid("user0@verona.lit/3"));
    sessions.open("more", &run("user0@verona.lit/other"), now).unwrap();
    // What has waited too long makes room.
    let now = now + PATIENCE;
    sessions.open("much later", &run("nurse@verona.lit/hall"), now).unwrap();
}

#[tokio::test]
async fn commands_of_a_session_go_with_it() {
    let world = World::new().await;
    let romeo = world.login("romeo@verona.lit/orchard").await;
    let orchard = run("romeo@verona.lit/orchard");
    world.command_sessions.open("s", &orchard, Instant::now()).unwrap();
    assert!(world.command_sessions.resume("s", &orchard, Instant::now()).is_ok());
    romeo.leave().await;
    assert_eq!(extra(world.command_sessions.resume("s", &orchard, Instant::now())), "<bad-sessionid");
}

#[tokio::test]
async fn without_plugins_there_are_no_commands() {
    let world = World::with(|settings| settings.admins = vec!["romeo@verona.lit".into()]).await;
    assert!(world.is_admin(&jid("romeo@verona.lit/orchard")) && !world.is_admin(&jid("juliet@verona.lit/b")));
    let romeo = world.login("romeo@verona.lit/orchard").await;
    let disco = |ns: &str| {
        let ns = format!("http://jabber.org/protocol/disco#{ns}");
        let node = "http://jabber.org/protocol/commands";
        format!("<iq type='get' id='d' to='verona.lit'><query xmlns='{ns}' node='{node}'/></iq>")
    };
    assert!(romeo.ask(&disco("items")).await.contains("commands'></query>"));
    assert!(romeo.ask(&disco("info")).await.contains("<identity category='automation' type='command-list' "));
    let run = "<command xmlns='http://jabber.org/protocol/commands' node='n'/>";
    let unknown = romeo.ask(&format!("<iq type='set' id='c' to='verona.lit'>{run}</iq>")).await;
    assert!(unknown.contains("<item-not-found "), "{unknown}");
    let account = romeo.ask(&format!("<iq type='set' id='c'>{run}</iq>")).await;
    assert!(account.contains("<service-unavailable "), "{account}");
    let server =
        "<iq type='get' id='d' to='verona.lit'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>";
    assert!(!romeo.ask(server).await.contains("protocol/commands"));
}
