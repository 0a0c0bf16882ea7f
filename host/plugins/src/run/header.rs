//! The header of a stanza as plugins are shown it.

use crate::bindings::xmpp::plugin::types as wit;
use crate::declare::event::{Event, Origin};
use waxwing_xmpp::{Kind, Stanza};

/// What a header lends to the guest and does not find in the stanza as it needs it.
pub(crate) struct Head {
    from: String,
    to: Option<String>,
    id: Option<String>,
}

impl Head {
    pub fn of(stanza: &Stanza) -> Head {
        let from = stanza.from.as_ref().map(ToString::to_string).unwrap_or_default();
        let to = match (&stanza.to, &stanza.from) {
            (Some(to), _) => Some(to.to_string()),
            // RFC 6120, sections 10.3.1 and 10.3.3.
            (None, Some(from)) if stanza.kind() != Kind::Presence => Some(from.bare_str().to_owned()),
            _ => None,
        };
        Head { from, to, id: stanza.id().map(|id| id.into_owned()) }
    }

    /// The event of a hook call. `vhost` and everything else is lent for the call.
    pub fn event<'a>(&'a self, stanza: &'a Stanza, event: &'a Event) -> wit::Event<'a> {
        wit::Event {
            header: wit::Header {
                kind: match stanza.kind() {
                    Kind::Message => wit::Kind::Message,
                    Kind::Presence => wit::Kind::Presence,
                    Kind::Iq => wit::Kind::Iq,
                },
                type_: stanza.type_attr(),
                id: self.id.as_deref(),
                from: &self.from,
                to: self.to.as_ref(),
                lang: stanza.lang(),
            },
            vhost: event.vhost.as_str(),
            origin: match event.origin {
                Origin::Session => wit::Origin::Session,
                Origin::Stream => wit::Origin::Stream,
                Origin::Remote => wit::Origin::Remote,
                Origin::Component => wit::Origin::Component,
                Origin::Internal => wit::Origin::Internal,
            },
            received: event.received,
        }
    }
}
