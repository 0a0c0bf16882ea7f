//! Does as the stanza tells it: the name of its element in `urn:test` is the command.

mod data;
mod harm;

use std::fmt::Debug;
use std::sync::atomic::{AtomicU32, Ordering};
use waxwing_plugin::SettingValue;
use waxwing_plugin::prelude::*;

plugin! {
    /// Obeys whoever sends it something.
    pub struct Hostile {
        /// What to say.
        greeting: String = "hello".into(),
        /// Takes long to set up.
        heavy: Heavy = Heavy(0),
    }
    hooks: [Pre, Incoming, Process, Post, Filter, Sessions],
    features: ["urn:test", "urn:test", "urn:a"],
    account_features: ["urn:test:account"],
    marks: ["on", "other"],
    interests: [
        messages(Stage::Pre, &[]).with("{urn:test}*"),
        messages(Stage::Pre, &["headline"]).marked("on", Party::SenderSession),
        messages(Stage::Incoming, &[]).with("{urn:guard}*"),
        iq("{urn:test}*").at(SERVER | OWN_ACCOUNT),
        messages(Stage::Post, &[]).with("{urn:test}*"),
        messages(Stage::Filter, &[]).with("{urn:test}*"),
        messages(Stage::Filter, &[]).with("{urn:filter}*"),
    ],
    session_events: BOUND | AVAILABLE | PRIORITY,
    stream_features: [
        before_login("<register xmlns='urn:test'/>").when("register"),
        after_login("<hostile xmlns='urn:test'/>"),
    ],
}

/// What is computed when it is set.
pub struct Heavy(u64);

impl SettingValue for Heavy {
    fn read(_: &[String]) -> std::result::Result<Heavy, &'static str> {
        Ok(Heavy((0..20).fold(0, |sum, _| sum ^ harm::compute())))
    }
}

impl Pre for Hostile {
    fn on_pre(&self, event: &Event, stanza: &Stanza) -> Result {
        self.act(event, stanza)
    }
}

impl Incoming for Hostile {
    fn on_incoming(&self, event: &Event, stanza: &Stanza) -> Result {
        if stanza.has("{urn:guard}refuse") {
            return Err(Condition::PolicyViolation.text(&format!("{} guards itself", event.vhost)));
        }
        Ok(Verdict::Drop)
    }
}

impl Process for Hostile {
    fn on_process(&self, event: &Event, stanza: &Stanza) -> Result {
        self.act(event, stanza)
    }
}

impl Post for Hostile {
    fn on_post(&self, event: &Event, stanza: &Stanza) -> Result {
        self.act(event, stanza)
    }
}

impl Filter for Hostile {
    fn on_filter(&self, session: &str, event: &Event, stanza: &Stanza) -> Result {
        match stanza.children("").iter().find_map(|child| child.strip_prefix("{urn:filter}")) {
            Some("refuse") => return Err(Condition::PolicyViolation.into()),
            Some(_) => return harm::trap(),
            None => {}
        }
        if told(stanza) == "session" {
            return Ok(Verdict::Replace(xml!("<message><body>{}</body></message>", session)));
        }
        self.act(event, stanza)
    }
}

/// The priority is the command.
impl Sessions for Hostile {
    fn on_session(&self, session: &str, change: Change) -> Result<Flow> {
        match change {
            Change::Bound => marks::set(session, "other", true)?,
            Change::Available(2) => return Ok(Flow::Again),
            Change::Available(3) => return harm::trap(),
            Change::Available(4) => {
                data::page(session)?;
            }
            _ => return data::page(session),
        }
        Ok(Flow::Done)
    }
}

impl Hostile {
    fn act(&self, event: &Event, stanza: &Stanza) -> Result {
        static CALLS: AtomicU32 = AtomicU32::new(0);
        let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
        let (sender, owner) = (event.sender(), event.sender_bare());
        let command = told(stanza);
        match command.as_str() {
            "next" => Ok(Verdict::Next),
            "handled" => Ok(Verdict::Handled),
            "drop" => Ok(Verdict::Drop),
            "reply" => is("yes"),
            "reject" => Err(Condition::Forbidden.text("no \u{1}way")),
            "replace" => Ok(Verdict::Replace(
                "<message type='chat' from='evil@elsewhere' to='evil@elsewhere'><body>new</body></message>"
                    .into(),
            )),
            "replace-large" => Ok(Verdict::Replace(format!("<message><body>{}</body></message>", large()))),
            "reply-large" => is(&large()),
            "reject-large" => Err(Condition::Forbidden.text(&large())),
            "replace-kind" => Ok(Verdict::Replace("<presence/>".into())),
            "replace-open" => Ok(Verdict::Replace("<message>".into())),
            "reply-open" => Ok(Verdict::reply("<a xmlns='urn:test'>")),
            "reply-breakout" => {
                Ok(Verdict::reply("</iq><message xmlns='jabber:client'/><iq type='get' id='1'>"))
            }
            "reply-two" => Ok(Verdict::reply("<a xmlns='urn:test'/><b xmlns='urn:test'/>")),

            "header" => is(&format!(
                "{} {} {:?} {:?} {} {:?}",
                sender, owner, event.header.to, event.header.id, event.vhost, event.origin
            )),
            "content" => is(&format!(
                "{:?} {:?} {:?} {}",
                stanza.text("{urn:test}content/a"),
                stanza.attribute("{urn:test}content/a", "b"),
                stanza.children("{urn:test}content"),
                stanza.has("nothing")
            )),
            "setting" => is(&self.greeting),
            "heavy" => is(&self.heavy.0.to_string()),
            "calls" => is(&calls.to_string()),
            "sessions" => {
                let sessions = router::sessions(owner).into_iter();
                debug(
                    sessions
                        .map(|session| (session.jid, session.priority, session.marks))
                        .collect::<Vec<_>>(),
                )
            }

            "effects" => {
                data::leave_traces(event)?;
                Ok(Verdict::Handled)
            }
            "error" => {
                data::leave_traces(event)?;
                Err(Condition::Conflict.into())
            }
            "echo" => {
                for _ in 0..2 {
                    router::send(&xml!(
                        "<message type='chat' from='{}' to='{}'><echo xmlns='urn:test'/></message>",
                        event.vhost,
                        owner
                    ))?;
                }
                Ok(Verdict::Handled)
            }
            "remove-account" => {
                account_admin::remove(owner)?;
                Ok(Verdict::reply(""))
            }
            "mark" => {
                marks::set(sender, "on", true)?;
                let unknown = marks::set(sender, "unheard-of", true).map_err(|error| error.name());
                let nobody = marks::set("nobody@capulet.example/x", "on", true).map_err(|error| error.name());
                is(&format!("{unknown:?} {nobody:?}"))
            }
            "overlay" => is(&data::overlay(owner)?),
            "increment" => is(&data::increment(owner)?),
            "owners" => is(&data::owners()?),
            "server" => is(&format!(
                "{} {} {}",
                runtime::about().started,
                runtime::has_feature(&event.vhost, "urn:test"),
                runtime::has_feature(&event.vhost, "urn:other"),
            )),
            "send-foreign" => send("<message from='a@foreign.example' to='b@capulet.example'/>"),
            "deliver-as" => {
                let as_whom = ["bank.example", "any@capulet.example/x", "capulet.example"];
                let deliver = |from| router::deliver(sender, &xml!("<message from='{}'/>", from));
                debug(as_whom.map(|from| deliver(from).map_err(|error| error.name())))
            }
            "others" => {
                let other = "romeo@montague.example";
                debug((
                    router::sessions(other).len(),
                    accounts::exists(other),
                    accounts::subscription_of(other, owner),
                    accounts::contacts(other, None, 10).len(),
                    runtime::vhost_setting("montague.example", "register"),
                    marks::set("romeo@montague.example/x", "on", true).map_err(|error| error.name()),
                ))
            }
            "count-odd" => {
                runtime::count("a\nb\u{1b}[31m\u{202e}", 1);
                is("done")
            }
            "request-unheard" => {
                let ask =
                    xml!("<iq type='get' from='{}' to='{}'><q xmlns='urn:q'/></iq>", event.vhost, sender);
                debug(router::request(&ask, &[], 1000).map_err(|error| error.name()))
            }
            "deliver-foreign" => {
                debug(router::deliver("a@foreign.example/x", "<message/>").map_err(|error| error.name()))
            }
            "send-malformed" => send("<message from='a@capulet.example' to='b@capulet.example'>"),
            "send-two" => send("<message from='a@capulet.example' to='b@capulet.example'/><message/>"),
            "send-nobody" => send("<message from='a@capulet.example'/>"),

            "compute" => is(&harm::compute().to_string()),
            "flood-outbox" => is(&harm::flood_outbox()),
            "flood-storage" => is(&data::flood(owner)?),
            "flood-log" => {
                for _ in 0..100_000 {
                    runtime::log(runtime::Level::Info, "here I am");
                }
                is("done")
            }
            // None of what comes before the harm may happen.
            harm => {
                data::leave_traces(event)?;
                match harm {
                    "recurse" => is(&harm::recurse(0).to_string()),
                    "grow" => harm::grow(),
                    "loop" => harm::spin(),
                    "wait" => loop {
                        storage::open_table("table")?.get(owner, "key")?;
                    },
                    _ => harm::trap(),
                }
            }
        }
    }
}

/// A thousand bytes.
fn large() -> String {
    "x".repeat(1000)
}

/// The name of the element in `urn:test`.
fn told(stanza: &Stanza) -> String {
    let children = stanza.children("");
    children.iter().find_map(|child| child.strip_prefix("{urn:test}")).unwrap_or_default().to_owned()
}

fn is(what: &str) -> Result {
    Ok(Verdict::reply(xml!("<is xmlns='urn:test'>{}</is>", what)))
}

fn debug(what: impl Debug) -> Result {
    is(&format!("{what:?}"))
}

fn send(xml: &str) -> Result {
    debug(router::send(xml).map_err(|error| error.name()))
}
