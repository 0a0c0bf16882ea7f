//! XEP-0050 and XEP-0004, without plugins: those are in `tests/tests/adhoc.rs`.

use super::forms::{answers, form_xml};
use super::protocol::{Action, Wish, bad_action, completed, executing};
use super::sessions::{Page, Run, Sessions};
use crate::testing::{World, jid};
use std::time::Duration;
use tokio::time::Instant;
use waxwing_config::Limits;
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
        ..Form::default()
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
fn giving_up_takes_any_form_or_none() {
    for form in ["", "<x xmlns='jabber:x:data' type='cancel'/>", "<x xmlns='jabber:x:data' type='submit'/>"] {
        let wish = wish(" node='n' sessionid='s' action='cancel'", form).unwrap();
        assert_eq!((wish.action, wish.answers), (Action::Cancel, vec![]), "{form}");
    }
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
        "<x xmlns='jabber:x:data' type='submit'><field var='a'/><field var='b'/><field var='a'/></x>",
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
    let (sessions, romeo) = (Sessions::new(&Limits::default()), run("romeo@verona.lit/orchard"));
    let now = Instant::now();
    let page = Page { form: None, state: b"state".to_vec(), has_prev: false, has_next: true };
    sessions.open("s", &romeo, page.clone(), false, now);
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
fn a_command_waits_from_each_step_for_as_long_as_the_settings_say() {
    let patience = Duration::from_secs(20);
    let limits = Limits { command_timeout: patience, ..Limits::default() };
    let (sessions, romeo) = (Sessions::new(&limits), run("romeo@verona.lit/orchard"));
    let now = Instant::now();
    let second = Duration::from_secs(1);
    for id in ["a", "b"] {
        sessions.open(id, &romeo, Page::default(), false, now);
    }
    let now = now + patience - second;
    assert!(sessions.resume("a", &romeo, now).is_ok());
    let now = now + patience - second;
    assert!(sessions.resume("a", &romeo, now).is_ok());
    assert_eq!(extra(sessions.resume("b", &romeo, now)), "<session-expired");
    assert_eq!(extra(sessions.resume("b", &romeo, now)), "<bad-sessionid");
    // In the end nobody remembers.
    let now = now + 2 * patience;
    assert_eq!(extra(sessions.resume("a", &romeo, now)), "<bad-sessionid");
}

/// Opens commands, each a moment after the one before, and says which of all are left.
struct Desk {
    sessions: Sessions,
    now: Instant,
    all: Vec<(String, Run)>,
}

impl Desk {
    fn new(per_account: u32, per_domain: u32, in_all: u32) -> Self {
        let limits = Limits {
            commands_per_account: per_account,
            commands_per_domain: per_domain,
            commands: in_all,
            ..Limits::default()
        };
        Self { sessions: Sessions::new(&limits), now: Instant::now(), all: Vec::new() }
    }

    fn open(&mut self, id: &str, user: &str, exempt: bool) -> u64 {
        self.now += Duration::from_millis(1);
        self.all.push((id.to_owned(), run(user)));
        self.sessions.open(id, &run(user), Page::default(), exempt, self.now)
    }

    fn left(&self) -> String {
        let is_left = |(id, run): &&(String, Run)| self.sessions.resume(id, run, self.now).is_ok();
        self.all.iter().filter(is_left).map(|(id, _)| id.as_str()).collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn the_oldest_of_an_account_makes_room() {
    let mut desk = Desk::new(2, 100, 100);
    for (id, given_up) in [("a", 0), ("b", 0), ("c", 1)] {
        assert_eq!(desk.open(id, "romeo@verona.lit/orchard", false), given_up, "{id}");
    }
    // Administrators give up no others' commands, but their own.
    for (id, given_up) in [("x", 0), ("y", 0), ("z", 1)] {
        assert_eq!(desk.open(id, "nurse@verona.lit/hall", true), given_up, "{id}");
    }
    assert_eq!(desk.left(), "b c y z");
}

#[test]
fn no_domain_takes_the_place_of_others() {
    let mut desk = Desk::new(10, 3, 100);
    desk.open("admin", "nurse@verona.lit/hall", true);
    desk.open("juliet", "juliet@verona.lit/balcony", false);
    for id in ["a", "b"] {
        desk.open(id, "romeo@verona.lit/orchard", false);
    }
    desk.open("elsewhere", "benvolio@mantua.lit/inn", false);
    // Whoever has most of a domain gives one up, and not whoever was first.
    assert_eq!(desk.open("tybalt", "tybalt@verona.lit/street", false), 1);
    assert_eq!(desk.left(), "admin juliet b elsewhere tybalt");
}

#[test]
fn the_domain_that_has_most_makes_room_for_all() {
    let mut desk = Desk::new(10, 10, 3);
    desk.open("only", "benvolio@mantua.lit/inn", false);
    desk.open("a", "romeo@verona.lit/orchard", false);
    desk.open("b", "juliet@verona.lit/balcony", false);
    for id in ["admin", "again"] {
        assert_eq!(desk.open(id, "nurse@verona.lit/hall", true), 0);
    }
    assert_eq!(desk.open("new", "abram@padua.lit/gate", false), 1);
    assert_eq!(desk.left().split(' ').filter(|id| ["a", "b"].contains(id)).count(), 1);
    for id in ["only", "admin", "again", "new"] {
        assert!(desk.left().contains(id), "{id}");
    }
    // What has waited too long is in nobody's way.
    desk.now += Limits::default().command_timeout;
    assert_eq!(desk.open("later", "abram@padua.lit/gate", false), 0);
}

#[tokio::test]
async fn commands_of_a_session_go_with_it() {
    let world = World::new().await;
    let romeo = world.login("romeo@verona.lit/orchard").await;
    let orchard = run("romeo@verona.lit/orchard");
    world.command_sessions.open("s", &orchard, Page::default(), false, Instant::now());
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
