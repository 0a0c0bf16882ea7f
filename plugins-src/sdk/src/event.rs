//! What a hook is told of a stanza besides its content.

use crate::types::Event;
use crate::{bare, runtime};

impl Event {
    /// The full JID of the sender; empty on a stream that has not logged in.
    #[must_use]
    pub fn sender(&self) -> &str {
        &self.header.from
    }

    /// The account of the sender.
    #[must_use]
    pub fn sender_bare(&self) -> &str {
        bare(&self.header.from)
    }

    /// The addressee, or the sender's own account if there is none.
    #[must_use]
    pub fn to(&self) -> &str {
        self.header.to.as_deref().unwrap_or(self.sender_bare())
    }

    /// The account that the stanza is for: the addressee's, or the sender's own if there is none.
    #[must_use]
    pub fn account(&self) -> &str {
        bare(self.to())
    }

    /// The `type` attribute, empty if there is none.
    #[must_use]
    pub fn type_(&self) -> &str {
        self.header.type_.as_deref().unwrap_or_default()
    }

    /// The type of a message: `normal` if it has none, or one that RFC 6121 does not know.
    #[must_use]
    pub fn message_type(&self) -> &str {
        match self.type_() {
            known @ ("chat" | "error" | "groupchat" | "headline") => known,
            _ => "normal",
        }
    }

    /// Whether this is an IQ that asks, rather than one that changes something.
    #[must_use]
    pub fn is_get(&self) -> bool {
        self.type_() == "get"
    }

    /// Whether this setting of the virtual host is true, e.g. `register`.
    #[must_use]
    pub fn vhost_allows(&self, setting: &str) -> bool {
        runtime::vhost_setting(&self.vhost, setting).as_deref() == Some("true")
    }
}

#[cfg(test)]
mod tests {
    use crate::types::{Event, Header, Kind, Origin};

    fn event(to: Option<&str>) -> Event {
        let header = Header {
            kind: Kind::Iq,
            type_: Some("get".into()),
            id: None,
            from: "juliet@capulet.example/balcony".into(),
            to: to.map(String::from),
            lang: None,
        };
        Event { header, vhost: "capulet.example".into(), origin: Origin::Session, received: 0 }
    }

    #[test]
    fn without_an_addressee_it_is_for_the_own_account() {
        assert_eq!(event(None).account(), "juliet@capulet.example");
        assert_eq!(event(Some("romeo@montague.example/orchard")).account(), "romeo@montague.example");
        assert_eq!(event(Some("montague.example")).account(), "montague.example");
    }

    #[test]
    fn the_sender_and_the_type() {
        assert_eq!(event(None).message_type(), "normal");
        assert_eq!(event(None).sender_bare(), "juliet@capulet.example");
        assert!(event(None).is_get());
    }
}
