//! What one hook call is told, as something that can be kept and written down.

use crate::bindings::exports::xmpp::plugin::{replies, sessions};
use crate::bindings::xmpp::plugin::types as wit;
use crate::blob::Blob;
use crate::declare::command::CommandRequest;
use crate::declare::event::{Change, Event, Origin};
use crate::declare::grants::Grant;
use crate::run::header::Head;
use crate::run::instance::Hook;
use crate::run::question::Question;
use crate::run::wit_errors::lend_error;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use waxwing_xmpp::{Jid, Stanza};

/// A hook, and what it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "hook")]
pub enum Input {
    /// A stanza before it is routed.
    Pre(Shown),
    /// A stanza on its way to an account.
    Incoming(Shown),
    /// A stanza for something that the plugin implements.
    Process(Shown),
    /// A stanza that nobody took.
    Post(Shown),
    /// A stanza that is about to be written to a session's stream.
    Filter {
        /// The full JID of the session.
        session: String,
        /// What is shown.
        #[serde(flatten)]
        shown: Shown,
    },
    /// A stanza for a name of the plugin's own.
    Service(Shown),
    /// What has happened to a session.
    Sessions {
        /// Its full JID.
        session: String,
        /// What has happened.
        change: Change,
    },
    /// A step of an ad-hoc command.
    Commands(CommandRequest),
    /// An alarm that rings.
    Alarms {
        /// On whose behalf it was set: a bare JID.
        owner: String,
        /// Its name.
        name: String,
        /// When it was due, in milliseconds since the Unix epoch.
        due: u64,
        /// What it was set with.
        data: Blob,
    },
    /// What came of a request.
    Replies {
        /// Who was asked.
        from: String,
        /// What the request was made with.
        context: Blob,
        /// The reply as XML that stands by itself; `None` if none came in time.
        xml: Option<String>,
    },
    /// To give out what is kept of an account.
    Export {
        /// Its bare JID.
        account: String,
        /// Which element, as the description names it.
        kind: String,
        /// Where the page before has ended.
        after: Option<String>,
    },
    /// To take what another server had of an account.
    Import {
        /// Its bare JID.
        account: String,
        /// Which element, as the description names it.
        kind: String,
        /// A message with the elements inside.
        xml: String,
    },
}

/// A stanza as it is shown to a hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The virtual host in whose name the plugin acts.
    pub vhost: String,
    /// Where the stanza entered the server.
    pub origin: Origin,
    /// When it did, in milliseconds since the Unix epoch.
    pub received: u64,
    /// The IP address of the client that has sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<IpAddr>,
    /// Its sender has had the server's word for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accepted: bool,
    /// The stanza as XML that stands by itself.
    pub xml: String,
}

/// An input that no hook could be called with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// Something is not a stanza.
    #[error("`xml` is not one stanza that stands by itself: {0}")]
    Stanza(String),
    /// Something is no address.
    #[error("{0:?} is not an address of XMPP, as `vhost` must be")]
    Address(String),
}

impl Input {
    /// The hook.
    pub fn hook(&self) -> Grant {
        match self {
            Input::Pre(_) => Grant::Pre,
            Input::Incoming(_) => Grant::Incoming,
            Input::Process(_) => Grant::Process,
            Input::Post(_) => Grant::Post,
            Input::Filter { .. } => Grant::Filter,
            Input::Service(_) => Grant::Service,
            Input::Sessions { .. } => Grant::Sessions,
            Input::Commands(_) => Grant::Commands,
            Input::Alarms { .. } => Grant::Alarms,
            Input::Replies { .. } => Grant::Replies,
            Input::Export { .. } | Input::Import { .. } => Grant::Portable,
        }
    }

    /// The virtual host that it is about, where the input itself names one.
    pub(crate) fn vhost(&self) -> Option<&str> {
        match self {
            Input::Pre(shown)
            | Input::Incoming(shown)
            | Input::Process(shown)
            | Input::Post(shown)
            | Input::Service(shown)
            | Input::Filter { shown, .. } => Some(&shown.vhost),
            Input::Sessions { session, .. } => {
                let bare = session.split_once('/').map_or(session.as_str(), |(bare, _)| bare);
                bare.rsplit_once('@').map(|(_, domain)| domain)
            }
            Input::Commands(request) => Some(&request.vhost),
            Input::Export { account, .. } | Input::Import { account, .. } => {
                account.rsplit_once('@').map(|(_, domain)| domain)
            }
            // May be about a service.
            Input::Alarms { .. } | Input::Replies { .. } => None,
        }
    }

    /// About how many bytes it keeps.
    pub(crate) fn weight(&self) -> usize {
        let fields = |request: &CommandRequest| {
            let values = request.answers.iter().flat_map(|(_, values)| values).map(String::len);
            values.sum::<usize>() + request.state.len()
        };
        256 + match self {
            Input::Pre(shown)
            | Input::Incoming(shown)
            | Input::Process(shown)
            | Input::Post(shown)
            | Input::Service(shown) => shown.xml.len(),
            Input::Filter { shown, .. } => shown.xml.len(),
            Input::Sessions { .. } => 0,
            Input::Commands(request) => fields(request),
            Input::Alarms { data, .. } => data.0.len(),
            Input::Replies { context, xml, .. } => context.0.len() + xml.as_ref().map_or(0, String::len),
            Input::Export { .. } => 0,
            Input::Import { xml, .. } => xml.len(),
        }
    }

    /// What a call that is about to be made is told.
    pub(crate) fn of(question: &Question<'_>) -> Input {
        let xml = || question.stanza.map(Stanza::to_xml);
        let shown = |event: &wit::Event<'_>| Shown {
            vhost: event.vhost.to_owned(),
            origin: match event.origin {
                wit::Origin::Session => Origin::Session,
                wit::Origin::Stream => Origin::Stream,
                wit::Origin::Remote => Origin::Remote,
                wit::Origin::Component => Origin::Component,
                wit::Origin::Internal => Origin::Internal,
            },
            received: event.received,
            client: question.client,
            accepted: question.accepted,
            xml: xml().unwrap_or_default(),
        };
        match &question.hook {
            Hook::Pre(event) => Input::Pre(shown(event)),
            Hook::Incoming(event) => Input::Incoming(shown(event)),
            Hook::Process(event) => Input::Process(shown(event)),
            Hook::Post(event) => Input::Post(shown(event)),
            Hook::Filter(session, event) => {
                Input::Filter { session: (*session).clone(), shown: shown(event) }
            }
            Hook::Service(event) => Input::Service(shown(event)),
            Hook::Session(session, change) => {
                Input::Sessions { session: (*session).clone(), change: kept(change) }
            }
            Hook::Command(request) => Input::Commands((*request).clone()),
            Hook::Alarm { owner, name, due, data } => Input::Alarms {
                owner: (*owner).clone(),
                name: (*name).to_owned(),
                due: *due,
                data: (*data).into(),
            },
            Hook::Reply { from, context, .. } => {
                Input::Replies { from: (*from).clone(), context: (*context).into(), xml: xml() }
            }
            Hook::Export { account, kind, after } => Input::Export {
                account: (*account).clone(),
                kind: (*kind).clone(),
                after: after.map(str::to_owned),
            },
            Hook::Import { account, kind } => Input::Import {
                account: (*account).clone(),
                kind: (*kind).clone(),
                xml: xml().unwrap_or_default(),
            },
        }
    }
}

/// An input with all that a call lends to the plugin.
pub(crate) struct Prepared<'a> {
    input: &'a Input,
    pub stanza: Option<Stanza>,
    lent: Lent,
}

/// What is lent beside the stanza.
enum Lent {
    Nothing,
    Event(Head, Event),
    Error(wit::StanzaError),
}

impl<'a> Prepared<'a> {
    pub fn new(input: &'a Input) -> Result<Prepared<'a>, InputError> {
        let parse = |xml: &str| Stanza::parse(xml).map_err(|error| InputError::Stanza(error.to_string()));
        let (stanza, lent) = match input {
            Input::Pre(shown)
            | Input::Incoming(shown)
            | Input::Process(shown)
            | Input::Post(shown)
            | Input::Service(shown)
            | Input::Filter { shown, .. } => {
                let vhost = Jid::parse(&shown.vhost).map_err(|_| InputError::Address(shown.vhost.clone()))?;
                let Shown { origin, received, client, accepted, .. } = *shown;
                let event = Event { vhost, origin, received, client, accepted };
                let stanza = parse(&shown.xml)?;
                let head = Head::of(&stanza);
                (Some(stanza), Lent::Event(head, event))
            }
            Input::Replies { xml: Some(xml), .. } => {
                let stanza = parse(xml)?;
                let error = stanza.stanza_error().map(|error| lend_error(&error));
                (Some(stanza), error.map_or(Lent::Nothing, Lent::Error))
            }
            Input::Import { xml, .. } => (Some(parse(xml)?), Lent::Nothing),
            Input::Replies { xml: None, .. }
            | Input::Export { .. }
            | Input::Sessions { .. }
            | Input::Commands(_)
            | Input::Alarms { .. } => (None, Lent::Nothing),
        };
        Ok(Prepared { input, stanza, lent })
    }

    /// The IP address of the client that has sent the stanza.
    pub fn client(&self) -> Option<IpAddr> {
        match &self.lent {
            Lent::Event(_, event) => event.client,
            _ => None,
        }
    }

    /// The hook call. `None` only where a stanza should have been prepared and was not.
    pub fn hook(&self) -> Option<Hook<'_>> {
        let event = || match (&self.lent, &self.stanza) {
            (Lent::Event(head, event), Some(stanza)) => Some(head.event(stanza, event)),
            _ => None,
        };
        Some(match self.input {
            Input::Pre(_) => Hook::Pre(event()?),
            Input::Incoming(_) => Hook::Incoming(event()?),
            Input::Process(_) => Hook::Process(event()?),
            Input::Post(_) => Hook::Post(event()?),
            Input::Service(_) => Hook::Service(event()?),
            Input::Filter { session, .. } => Hook::Filter(session, event()?),
            Input::Sessions { session, change } => Hook::Session(session, lend_change(change)),
            Input::Commands(request) => Hook::Command(request),
            Input::Alarms { owner, name, due, data } => Hook::Alarm { owner, name, due: *due, data: &data.0 },
            Input::Replies { from, context, .. } => {
                let answer = match (&self.stanza, &self.lent) {
                    (None, _) => replies::Answer::Timeout,
                    (Some(_), Lent::Error(error)) => replies::Answer::Failure(error),
                    (Some(_), _) => replies::Answer::Success,
                };
                Hook::Reply { from, context: &context.0, answer, stanza: self.stanza.is_some() }
            }
            Input::Export { account, kind, after } => Hook::Export { account, kind, after: after.as_deref() },
            Input::Import { account, kind, .. } => Hook::Import { account, kind },
        })
    }
}

/// A change as it is lent to a plugin.
pub(crate) fn lend_change(change: &Change) -> sessions::Change<'_> {
    match change {
        Change::Bound => sessions::Change::Bound,
        Change::Available(priority) => sessions::Change::Available(*priority),
        Change::Priority(priority) => sessions::Change::Priority(*priority),
        Change::Unavailable(status) => sessions::Change::Unavailable(status.as_deref()),
        Change::Closed => sessions::Change::Closed,
    }
}

fn kept(change: &sessions::Change<'_>) -> Change {
    match change {
        sessions::Change::Bound => Change::Bound,
        sessions::Change::Available(priority) => Change::Available(*priority),
        sessions::Change::Priority(priority) => Change::Priority(*priority),
        sessions::Change::Unavailable(status) => Change::Unavailable(status.map(str::to_owned)),
        sessions::Change::Closed => Change::Closed,
    }
}
