//! What a call is about.

use crate::declare::event::Event;
use crate::host::Host;
use crate::run::instance::Hook;
use std::net::IpAddr;
use std::sync::Arc;
use waxwing_xmpp::{Jid, Stanza};

/// One call to be made.
pub(crate) struct Question<'a> {
    pub host: &'a Arc<dyn Host>,
    pub hook: Hook<'a>,
    pub stanza: Option<&'a Stanza>,
    /// The bare JID of who has caused it; empty for nobody.
    pub sender: &'a str,
    /// The bare JID that it is about.
    pub recipient: &'a str,
    /// A session that is being held back until the call's stanzas are with it.
    pub ahead: Option<&'a Jid>,
    /// The client that has sent the stanza.
    pub client: Option<IpAddr>,
    /// Its sender has had the server's word for it.
    pub accepted: bool,
}

impl<'a> Question<'a> {
    /// What to do with a stanza.
    pub fn about(host: &'a Arc<dyn Host>, hook: Hook<'a>, stanza: &'a Stanza, event: &Event) -> Self {
        Self {
            host,
            hook,
            stanza: Some(stanza),
            sender: stanza.from.as_ref().map_or("", Jid::bare_str),
            recipient: stanza.to.as_ref().map_or("", Jid::bare_str),
            ahead: None,
            client: event.client,
            accepted: event.accepted,
        }
    }
}
