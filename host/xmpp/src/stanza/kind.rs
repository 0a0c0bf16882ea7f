//! The kinds and types of stanza.

/// The three kinds of stanza.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Push (RFC 6120 section 8.2.1).
    Message,
    /// Broadcast of availability, and subscription (RFC 6120 section 8.2.2).
    Presence,
    /// Request and response (RFC 6120 section 8.2.3).
    Iq,
}

impl Kind {
    /// The name of the element.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Message => "message",
            Kind::Presence => "presence",
            Kind::Iq => "iq",
        }
    }

    /// The kind of stanza that an element of this name is.
    pub fn from_name(name: &str) -> Option<Kind> {
        match name {
            "message" => Some(Kind::Message),
            "presence" => Some(Kind::Presence),
            "iq" => Some(Kind::Iq),
            _ => None,
        }
    }
}

/// The type of a stanza of whatever kind (RFC 6121 sections 4.7.1 and 5.2.2, RFC 6120 section 8.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// A message of no type, or of one that nobody knows.
    Normal,
    /// A message of a one-to-one chat.
    Chat,
    /// A message to a room.
    Groupchat,
    /// A message that expects no answer.
    Headline,
    /// Of all kinds: the answer that something went wrong.
    Error,
    /// An IQ that asks.
    Get,
    /// An IQ that orders.
    Set,
    /// An IQ that answers.
    Result,
    /// A presence of no type.
    Available,
    /// A presence that ends availability.
    Unavailable,
    /// A presence that asks for the subscription to someone's presence.
    Subscribe,
    /// A presence that grants it.
    Subscribed,
    /// A presence that gives it up.
    Unsubscribe,
    /// A presence that refuses or withdraws it.
    Unsubscribed,
    /// A presence with which a server asks for presence.
    Probe,
}

impl Type {
    /// The value of the attribute; `None` for the types that are its absence.
    pub fn as_attr(self) -> Option<&'static str> {
        match self {
            Type::Normal | Type::Available => None,
            Type::Chat => Some("chat"),
            Type::Groupchat => Some("groupchat"),
            Type::Headline => Some("headline"),
            Type::Error => Some("error"),
            Type::Get => Some("get"),
            Type::Set => Some("set"),
            Type::Result => Some("result"),
            Type::Unavailable => Some("unavailable"),
            Type::Subscribe => Some("subscribe"),
            Type::Subscribed => Some("subscribed"),
            Type::Unsubscribe => Some("unsubscribe"),
            Type::Unsubscribed => Some("unsubscribed"),
            Type::Probe => Some("probe"),
        }
    }

    /// The type that the attribute means on a stanza of this kind; `None` where the RFCs know no such type.
    pub fn from_attr(kind: Kind, attr: Option<&str>) -> Option<Type> {
        Some(match (kind, attr) {
            (Kind::Message, Some("chat")) => Type::Chat,
            (Kind::Message, Some("groupchat")) => Type::Groupchat,
            (Kind::Message, Some("headline")) => Type::Headline,
            (_, Some("error")) => Type::Error,
            (Kind::Message, _) => Type::Normal,
            (Kind::Presence, None) => Type::Available,
            (Kind::Presence, Some("unavailable")) => Type::Unavailable,
            (Kind::Presence, Some("subscribe")) => Type::Subscribe,
            (Kind::Presence, Some("subscribed")) => Type::Subscribed,
            (Kind::Presence, Some("unsubscribe")) => Type::Unsubscribe,
            (Kind::Presence, Some("unsubscribed")) => Type::Unsubscribed,
            (Kind::Presence, Some("probe")) => Type::Probe,
            (Kind::Iq, Some("get")) => Type::Get,
            (Kind::Iq, Some("set")) => Type::Set,
            (Kind::Iq, Some("result")) => Type::Result,
            (Kind::Presence | Kind::Iq, _) => return None,
        })
    }
}
