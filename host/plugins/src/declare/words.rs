//! What a plugin declares, in plain words.

use crate::declare::declared::DeclaredInterest;
use crate::declare::event::{Access, Stage, Target};
use crate::declare::index::{Party, Payload};
use std::fmt;
use waxwing_xmpp::{Kind, Type, ns};

/// The stanzas that it is about: "messages of type chat or normal that nobody took".
impl fmt::Display for DeclaredInterest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Message => "messages",
            Kind::Presence => "presence",
            Kind::Iq => "IQs",
        })?;
        let types: Vec<&str> = self.types.iter().map(|ty| type_name(*ty)).collect();
        if !types.is_empty() {
            write!(f, " of type {}", alternatives(&types))?;
        }
        if let Some(payload) = &self.payload {
            write!(f, " with {payload}")?;
        }
        match self.stage {
            Stage::Pre => f.write_str(", before they are routed")?,
            Stage::Incoming => f.write_str(" that come for accounts, before they are delivered")?,
            Stage::Process => write!(f, " {}", targets(self.targets))?,
            Stage::Post => f.write_str(" that nobody took")?,
            Stage::Filter => f.write_str(", once for each session that they are written to")?,
        }
        if let Some((mark, party)) = &self.mark {
            let whom = match party {
                Party::SenderSession => "the session that sends",
                Party::SenderAccount => "a session of the sender",
                Party::RecipientAccount => "a session of the recipient",
            };
            write!(f, ", if {whom} has the mark '{mark}'")?;
        }
        match self.order {
            0 => Ok(()),
            order if order < 0 => write!(f, ", before other plugins (order {order})"),
            order => write!(f, ", after other plugins (order {order})"),
        }
    }
}

/// What must be inside a stanza: "<query xmlns='jabber:iq:last'>".
impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, &self.attribute) {
            (Some(name), None) => write!(f, "<{name} xmlns='{}'>", self.ns),
            (Some(name), Some((key, value))) => write!(f, "<{name} xmlns='{}' {key}='{value}'>", self.ns),
            (None, _) if &*self.ns == ns::CLIENT => f.write_str("anything of their own namespace"),
            (None, _) => write!(f, "anything of {}", self.ns),
        }
    }
}

/// Who may run a command: "offered to ...".
impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Access::Admin => "administrators",
            Access::Owner => "owners of virtual hosts",
            Access::VhostAdmin => "administrators of virtual hosts",
            Access::LocalUser => "everybody with an account",
        })
    }
}

fn type_name(ty: Type) -> &'static str {
    match ty {
        Type::Normal => "normal",
        Type::Available => "available",
        other => other.as_attr().unwrap_or_default(),
    }
}

fn targets(targets: Target) -> String {
    let all = [
        (Target::SERVER, "to the server"),
        (Target::OWN_ACCOUNT, "to the sender's own account"),
        (Target::OTHER_ACCOUNT, "to the account of somebody whose presence the sender sees"),
        (Target::STRANGER, "to anybody else, with an account or without"),
        (Target::STREAM, "from streams that have not logged in"),
    ];
    let named = all.into_iter().filter(|(target, _)| targets.contains(*target)).map(|(_, name)| name);
    alternatives(&named.collect::<Vec<_>>())
}

/// "a, b or c"
fn alternatives(items: &[&str]) -> String {
    match items {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any(stage: Stage, kind: Kind) -> DeclaredInterest {
        let (types, payload, mark) = (Vec::new(), None, None);
        DeclaredInterest { stage, kind, types, payload, targets: Target::all(), mark, order: 0 }
    }

    #[test]
    fn interests_are_sentences() {
        let chats =
            DeclaredInterest { types: vec![Type::Normal, Type::Chat], ..any(Stage::Post, Kind::Message) };
        assert_eq!(chats.to_string(), "messages of type normal or chat that nobody took");
        let ping = DeclaredInterest {
            types: vec![Type::Get],
            payload: Some(Payload {
                ns: "urn:xmpp:ping".into(),
                name: Some("ping".into()),
                attribute: Some(("node".into(), "n".into())),
            }),
            targets: Target::SERVER | Target::OWN_ACCOUNT,
            ..any(Stage::Process, Kind::Iq)
        };
        assert_eq!(
            ping.to_string(),
            "IQs of type get with <ping xmlns='urn:xmpp:ping' node='n'> to the server or to the sender's own account"
        );
        let carbons = DeclaredInterest {
            mark: Some(("on".into(), Party::RecipientAccount)),
            order: 7,
            ..any(Stage::Pre, Kind::Message)
        };
        assert_eq!(
            carbons.to_string(),
            "messages, before they are routed, if a session of the recipient has the mark 'on', after other \
             plugins (order 7)"
        );
        let payload = Some(Payload { ns: "u".into(), name: None, attribute: None });
        let probes = DeclaredInterest { payload, ..any(Stage::Filter, Kind::Presence) };
        assert_eq!(
            probes.to_string(),
            "presence with anything of u, once for each session that they are written to"
        );
    }
}
