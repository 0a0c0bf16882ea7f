//! The hooks that a plugin may have, as traits on the plugin's own type.

use std::sync::OnceLock;

use crate::bindings;
use crate::bindings::lifecycle::exports::xmpp::plugin::lifecycle;
use crate::{Change, Description, Event, Flow, Result, Setting, Stanza, Verdict, runtime};

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
