//! The hooks that a plugin may have, as traits on the plugin's own type.

use std::sync::OnceLock;

use crate::bindings;
use crate::bindings::lifecycle::exports::xmpp::plugin::lifecycle;
use crate::commands::{Reply, Request};
use crate::{Answer, Change, Description, Event, Flow, Page, Result, Setting, Stanza, Verdict, runtime};

/// What [`plugin!`](crate::plugin!) writes for a plugin: its description and its settings.
pub trait Plugin: Sized + Sync + 'static {
    /// Name, version, interests and features.
    fn describe() -> Description;

    /// Read the settings of the config file.
    ///
    /// # Errors
    /// A sentence for the operator: a setting that does not exist, or a value that does not fit.
    fn configure(given: Vec<Setting>) -> Result<Self, String>;

    /// Where the configured plugin lives for as long as its instance does.
    fn cell() -> &'static OnceLock<Self>;
}

/// Stage `pre`: every matching stanza before it is routed. May stop or rewrite it.
///
/// ```
/// # use waxwing_plugin::prelude::*;
/// # struct NoHeadlines;
/// impl Pre for NoHeadlines {
///     fn on_pre(&self, _: &Event, _: &Stanza) -> Result {
///         Err(Condition::NotAllowed.text("No headlines here"))
///     }
/// }
/// ```
pub trait Pre {
    /// Called for every stanza that an interest with [`Stage::Pre`](crate::Stage::Pre) matches.
    ///
    /// # Errors
    /// Bounces the stanza to its sender.
    fn on_pre(&self, event: &Event, stanza: &Stanza) -> Result;
}

/// Stage `incoming`: every matching stanza on its way to an account, before it is delivered or kept, from wherever it
/// comes. May stop or rewrite it.
///
/// ```
/// # use waxwing_plugin::prelude::*;
/// # struct Guard;
/// impl Incoming for Guard {
///     fn on_incoming(&self, event: &Event, _: &Stanza) -> Result {
///         match accounts::subscription_of(event.account(), event.sender_bare()) {
///             accounts::Subscription::None => Err(Condition::NotAllowed.text("Contacts only")),
///             _ => Ok(Verdict::Next),
///         }
///     }
/// }
/// ```
pub trait Incoming {
    /// Called for every stanza that an interest with [`Stage::Incoming`](crate::Stage::Incoming) matches.
    ///
    /// # Errors
    /// Bounces the stanza to its sender.
    fn on_incoming(&self, event: &Event, stanza: &Stanza) -> Result;
}

/// Stage `process`: stanzas addressed to something that this plugin implements.
///
/// ```
/// # use waxwing_plugin::prelude::*;
/// # struct Ping;
/// impl Process for Ping {
///     fn on_process(&self, _: &Event, _: &Stanza) -> Result {
///         Ok(Verdict::reply(""))
///     }
/// }
/// ```
pub trait Process {
    /// Called for every stanza that an interest with [`Stage::Process`](crate::Stage::Process) matches.
    ///
    /// # Errors
    /// Bounces the stanza to its sender.
    fn on_process(&self, event: &Event, stanza: &Stanza) -> Result;
}

/// Stage `post`: nobody took the stanza, because the recipient is offline.
///
/// ```
/// # use waxwing_plugin::prelude::*;
/// # struct Keep;
/// impl Post for Keep {
///     fn on_post(&self, event: &Event, stanza: &Stanza) -> Result {
///         storage::open_log("kept")?.push(event.account(), event.received, &stanza.to_xml())?;
///         Ok(Verdict::Handled)
///     }
/// }
/// ```
pub trait Post {
    /// Called for every stanza that an interest with [`Stage::Post`](crate::Stage::Post) matches.
    ///
    /// # Errors
    /// Bounces the stanza to its sender.
    fn on_post(&self, event: &Event, stanza: &Stanza) -> Result;
}

/// Stage `filter`: a stanza about to be written to one session's stream, once for each recipient.
///
/// ```
/// # use waxwing_plugin::prelude::*;
/// # struct NoTyping;
/// impl Filter for NoTyping {
///     fn on_filter(&self, _session: &str, _: &Event, stanza: &Stanza) -> Result {
///         Ok(if stanza.has("body") { Verdict::Next } else { Verdict::Drop })
///     }
/// }
/// ```
pub trait Filter {
    /// Called for every stanza that an interest with [`Stage::Filter`](crate::Stage::Filter) matches.
    ///
    /// # Errors
    /// Bounces the stanza to its sender.
    fn on_filter(&self, session: &str, event: &Event, stanza: &Stanza) -> Result;
}

/// Sessions coming and going. Events of one account come one at a time.
///
/// ```
/// # use waxwing_plugin::prelude::*;
/// # struct Greeter;
/// impl Sessions for Greeter {
///     fn on_session(&self, session: &str, change: Change) -> Result<Flow> {
///         if let Change::Bound = change {
///             let body = "<body>Hello</body>";
///             let hello = xml!("<message from='{}' to='{}'>{}</message>", domain(session), session, raw(body));
///             router::deliver(session, &hello)?;
///         }
///         Ok(Flow::Done)
///     }
/// }
/// ```
pub trait Sessions {
    /// Called for the changes listed as [`session_events`](crate::Describe::session_events). Answer
    /// [`Flow::Again`] to be called once more when this call's stanzas are written.
    ///
    /// # Errors
    /// There is nobody to bounce to: the error goes to the server's log, and the change counts as done.
    fn on_session(&self, session: &str, change: Change) -> Result<Flow>;
}

/// Stanzas addressed to a service of this plugin.
///
/// ```
/// # use waxwing_plugin::prelude::*;
/// # struct Parrot;
/// impl OnService for Parrot {
///     fn on_service(&self, event: &Event, stanza: &Stanza) -> Result {
///         let Some(body) = stanza.text("body") else { return Ok(Verdict::Next) };
///         let body = xml!("<body>{}</body>", body);
///         router::send(&xml!("<message from='{}' to='{}'>{}</message>", event.to(), event.sender(), raw(&body)))?;
///         Ok(Verdict::Handled)
///     }
/// }
/// ```
pub trait OnService {
    /// Called for every stanza to an address at one of the [`services`](crate::Describe::services).
    /// [`Verdict::Next`](crate::Verdict::Next) leaves service discovery to the host.
    ///
    /// # Errors
    /// Bounces the stanza to its sender.
    fn on_service(&self, event: &Event, stanza: &Stanza) -> Result;
}

/// Ad-hoc commands (XEP-0050) with forms. The host speaks the protocol.
///
/// ```
/// # use waxwing_plugin::prelude::*;
/// # struct Hello;
/// impl Commands for Hello {
///     fn on_command(&self, request: &commands::Request) -> Result<commands::Reply> {
///         match request.answer("name") {
///             None => Ok(ask(form("Greeting").field(text_field("name", "Your name").required()))),
///             Some(name) => Ok(done(&format!("Hello, {name}"))),
///         }
///     }
/// }
/// ```
pub trait Commands {
    /// Called for each step of one of the [`commands`](crate::Describe::commands).
    ///
    /// # Errors
    /// Goes back to whoever runs the command, which ends.
    fn on_command(&self, request: &Request) -> Result<Reply>;
}

/// Alarms that the plugin has set.
///
/// ```
/// # use waxwing_plugin::prelude::*;
/// # struct Daily;
/// impl Alarms for Daily {
///     fn on_alarm(&self, owner: &str, name: &str, due: u64, _data: &[u8]) -> Result<()> {
///         // A call that fails is repeated later; one that succeeds ends the alarm unless it sets it again.
///         scheduler::set(owner, name, due + 24 * 3600 * 1000, &[])?;
///         Ok(())
///     }
/// }
/// ```
pub trait Alarms {
    /// Called at `due`, in milliseconds since the Unix epoch, or as soon after as the server can.
    ///
    /// # Errors
    /// The call fails, and is repeated later.
    fn on_alarm(&self, owner: &str, name: &str, due: u64, data: &[u8]) -> Result<()>;
}

/// What came of requests that the plugin has made.
///
/// ```
/// # use waxwing_plugin::prelude::*;
/// # struct Curious;
/// impl Replies for Curious {
///     fn on_reply(&self, from: &str, _context: &[u8], answer: Answer, stanza: Option<&Stanza>) -> Result<()> {
///         let name = stanza.and_then(|stanza| stanza.text("{jabber:iq:version}query/name"));
///         match (answer, name) {
///             (Answer::Success, Some(name)) => runtime::log(runtime::Level::Info, &format!("{from} runs {name}")),
///             (Answer::Timeout, _) => runtime::log(runtime::Level::Info, &format!("{from} says nothing")),
///             _ => {}
///         }
///         Ok(())
///     }
/// }
/// ```
pub trait Replies {
    /// Called once for each [`router::request`](crate::router::request).
    ///
    /// # Errors
    /// Goes to the server's log.
    fn on_reply(&self, from: &str, context: &[u8], answer: Answer, stanza: Option<&Stanza>) -> Result<()>;
}

/// What the plugin keeps of accounts, on its way from one server to another (XEP-0227).
///
/// ```
/// # use waxwing_plugin::prelude::*;
/// # struct Mottos;
/// impl Portable for Mottos {
///     fn on_export(&self, account: &str, _kind: &str, _after: Option<&str>) -> Result<Page> {
///         Ok(Page::last(storage::open_table("mottos")?.get_text(account, "motto")?))
///     }
///
///     fn on_import(&self, account: &str, kind: &str, elements: &Stanza) -> Result<()> {
///         let motto = elements.child(kind).ok_or(Condition::BadRequest)?;
///         Ok(storage::open_table("mottos")?.set_text(account, "motto", &motto)?)
///     }
/// }
/// ```
pub trait Portable {
    /// Give out what there is of an account; `kind` is one of the elements listed as
    /// [`portable`](crate::Describe::portable). With `after`, go on where a page said that it ends.
    ///
    /// # Errors
    /// Is told to the operator: the element is missing in the export.
    fn on_export(&self, account: &str, kind: &str, after: Option<&str>) -> Result<Page>;

    /// Take what another server had of an account that is about to be made: the children of `elements`.
    ///
    /// # Errors
    /// Is told to the operator: nothing of this call is kept.
    fn on_import(&self, account: &str, kind: &str, elements: &Stanza) -> Result<()>;
}

/// Stands between the host's interfaces and the traits of this module.
#[doc(hidden)]
pub struct Exports<P>(std::marker::PhantomData<P>);

/// The configured plugin. The host calls `init` before any hook; a host that does not is told off by a trap.
fn plugin<P: Plugin>() -> &'static P {
    P::cell().get().expect("init comes before any hook")
}

fn verdict(outcome: Result) -> Verdict {
    outcome.unwrap_or_else(Verdict::Reject)
}

impl<P: Plugin> lifecycle::Guest for Exports<P> {
    fn describe() -> Description {
        P::describe()
    }

    fn init(settings: Vec<Setting>) -> Result<(), String> {
        #[cfg(feature = "panic-log")]
        std::panic::set_hook(Box::new(|info| runtime::log(runtime::Level::Error, &info.to_string())));
        let configured = P::configure(settings)?;
        P::cell().set(configured).map_err(|_| "init was called twice".into())
    }
}

impl<P: Plugin + Pre> bindings::pre::exports::xmpp::plugin::pre::Guest for Exports<P> {
    fn on_pre(event: Event, stanza: &Stanza) -> Verdict {
        verdict(plugin::<P>().on_pre(&event, stanza))
    }
}

impl<P: Plugin + Incoming> bindings::incoming::exports::xmpp::plugin::incoming::Guest for Exports<P> {
    fn on_incoming(event: Event, stanza: &Stanza) -> Verdict {
        verdict(plugin::<P>().on_incoming(&event, stanza))
    }
}

impl<P: Plugin + Process> bindings::process::exports::xmpp::plugin::process::Guest for Exports<P> {
    fn on_process(event: Event, stanza: &Stanza) -> Verdict {
        verdict(plugin::<P>().on_process(&event, stanza))
    }
}

impl<P: Plugin + Post> bindings::post::exports::xmpp::plugin::post::Guest for Exports<P> {
    fn on_post(event: Event, stanza: &Stanza) -> Verdict {
        verdict(plugin::<P>().on_post(&event, stanza))
    }
}

impl<P: Plugin + Filter> bindings::filter::exports::xmpp::plugin::filter::Guest for Exports<P> {
    fn on_filter(session: String, event: Event, stanza: &Stanza) -> Verdict {
        verdict(plugin::<P>().on_filter(&session, &event, stanza))
    }
}

impl<P: Plugin + Sessions> bindings::sessions::exports::xmpp::plugin::sessions::Guest for Exports<P> {
    fn on_session(session: String, change: Change) -> Flow {
        plugin::<P>().on_session(&session, change).unwrap_or_else(|error| {
            runtime::log(runtime::Level::Warn, &format!("session event failed: {error}"));
            Flow::Done
        })
    }
}

impl<P: Plugin + OnService> bindings::service::exports::xmpp::plugin::service::Guest for Exports<P> {
    fn on_service(event: Event, stanza: &Stanza) -> Verdict {
        verdict(plugin::<P>().on_service(&event, stanza))
    }
}

impl<P: Plugin + Commands> bindings::commands::exports::xmpp::plugin::commands::Guest for Exports<P> {
    fn on_command(request: Request) -> Result<Reply> {
        plugin::<P>().on_command(&request)
    }
}

impl<P: Plugin + Alarms> bindings::alarms::exports::xmpp::plugin::alarms::Guest for Exports<P> {
    fn on_alarm(owner: String, name: String, due: u64, data: Vec<u8>) {
        // The host repeats what has trapped.
        plugin::<P>().on_alarm(&owner, &name, due, &data).expect("the alarm is to ring again");
    }
}

impl<P: Plugin + Replies> bindings::replies::exports::xmpp::plugin::replies::Guest for Exports<P> {
    fn on_reply(from: String, context: Vec<u8>, answer: Answer, stanza: Option<&Stanza>) {
        if let Err(error) = plugin::<P>().on_reply(&from, &context, answer, stanza) {
            runtime::log(runtime::Level::Warn, &format!("a reply came to nothing: {error}"));
        }
    }
}

impl<P: Plugin + Portable> bindings::portable::exports::xmpp::plugin::portable::Guest for Exports<P> {
    fn on_export(account: String, kind: String, after: Option<String>) -> Result<Page, String> {
        plugin::<P>().on_export(&account, &kind, after.as_deref()).map_err(|error| error.to_string())
    }

    fn on_import(account: String, kind: String, elements: &Stanza) -> Result<(), String> {
        plugin::<P>().on_import(&account, &kind, elements).map_err(|error| error.to_string())
    }
}
