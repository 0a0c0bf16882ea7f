//! What the server tells the engine, and what it hears back.

use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use waxwing_xmpp::{Jid, Stanza, StanzaError};

/// Where on its journey a stanza is shown to plugins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Before routing: may stop or rewrite.
    #[default]
    Pre,
    /// On its way to an account, before it is delivered or kept.
    Incoming,
    /// Addressed to something that a plugin implements.
    Process,
    /// Nobody took it.
    Post,
    /// About to be written to one session's stream.
    Filter,
}

/// Where a stanza entered this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A client session that is logged in.
    Session,
    /// A client stream that has not logged in yet.
    Stream,
    /// Another server.
    Remote,
    /// A component connected to this server.
    Component,
    /// The host or a plugin made it.
    Internal,
}

bitflags::bitflags! {
    /// What a stanza in stage [`Stage::Process`] is addressed to.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Target: u8 {
        /// The domain of a virtual host.
        const SERVER = 1;
        /// The sender's own account.
        const OWN_ACCOUNT = 2;
        /// The bare JID of somebody else's account here, whose presence the sender sees.
        const OTHER_ACCOUNT = 4;
        /// A stream that has not logged in.
        const STREAM = 8;
        /// The bare JID of somebody here whose presence the sender may not see, or of nobody.
        const STRANGER = 16;
    }
}

bitflags::bitflags! {
    /// Kinds of [`Change`].
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct SessionEvents: u8 {
        /// [`Change::Bound`]
        const BOUND = 1;
        /// [`Change::Available`]
        const AVAILABLE = 2;
        /// [`Change::Priority`]
        const PRIORITY = 4;
        /// [`Change::Unavailable`]
        const UNAVAILABLE = 8;
        /// [`Change::Closed`]
        const CLOSED = 16;
    }
}

/// What has happened to a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// A resource was bound.
    Bound,
    /// Now available, with this priority.
    Available(i8),
    /// Was available, and has another priority now.
    Priority(i8),
    /// Available no more, with the text of its status.
    Unavailable(Option<String>),
    /// The session has ended.
    Closed,
}

impl Change {
    /// The kind of change.
    pub fn event(&self) -> SessionEvents {
        match self {
            Change::Bound => SessionEvents::BOUND,
            Change::Available(_) => SessionEvents::AVAILABLE,
            Change::Priority(_) => SessionEvents::PRIORITY,
            Change::Unavailable(_) => SessionEvents::UNAVAILABLE,
            Change::Closed => SessionEvents::CLOSED,
        }
    }

    /// Whether the session's incoming stanzas are held back until all plugins are done.
    pub fn holds_back(&self) -> bool {
        matches!(self, Change::Available(_) | Change::Priority(_))
    }
}

/// When a stream feature is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// On streams that have not logged in.
    BeforeLogin,
    /// On streams that have.
    AfterLogin,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Phase::BeforeLogin => "before they have logged in",
            Phase::AfterLogin => "once they have logged in",
        })
    }
}

/// Who may run a command; more people each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// The administrators of the server.
    Admin,
    /// Owners of virtual hosts, too.
    Owner,
    /// Owners and administrators of virtual hosts, too.
    VhostAdmin,
    /// Everybody with an account on the virtual host.
    LocalUser,
}

/// Part of the server as those who administer it see it: a place that lists commands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ComponentInfo {
    /// `vhost-man` is `vhost-man@example.org` on a virtual host `example.org`.
    pub name: String,
    /// What a person reads.
    pub label: String,
}

/// A name that a plugin owns under its virtual hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceInfo {
    /// `bot` is `bot.example.org`.
    pub name: String,
    /// Its identity in service discovery (XEP-0030): category, type and name.
    pub category: String,
    /// See `category`.
    pub ty: String,
    /// See `category`.
    pub label: String,
    /// Its features in service discovery.
    pub features: Vec<String>,
}

/// Everything about a hook call that is not the stanza.
#[derive(Clone, Debug)]
pub struct Event {
    /// The virtual host in whose name plugins act.
    pub vhost: Jid,
    /// Where the stanza entered this server.
    pub origin: Origin,
    /// When it did, in milliseconds since the Unix epoch.
    pub received: u64,
    /// The IP address of the client that has sent it.
    pub client: Option<IpAddr>,
    /// Its sender has had the server's word for it.
    pub accepted: bool,
}

/// What interests are matched against besides the stanza: all zero is a stranger without marks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts {
    /// What the stanza is addressed to; only looked at in stage [`Stage::Process`].
    pub targets: Target,
    /// The marks of the session that sent the stanza.
    pub sender_session: u64,
    /// The marks of all sessions of the sender's account together.
    pub sender_account: u64,
    /// The marks of all sessions of the recipient's account together.
    pub recipient_account: u64,
    /// Only interests that name the stanza's type match. So it is with the errors that the host makes: who takes any
    /// message for one that somebody has written must not refuse what tells of the refusal.
    pub by_type: bool,
}

/// What became of a stanza.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Carry on with this stanza, which a plugin may have rewritten.
    Next(Stanza),
    /// A plugin has dealt with it; all that there is to say has been sent.
    Handled,
    /// Answer the IQ with a result that has this XML inside: well-formed, at most one element.
    Reply(String),
    /// Discard it without telling anyone.
    Drop,
    /// Bounce it to its sender.
    Reject(StanzaError),
}
