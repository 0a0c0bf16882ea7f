//! What a plugin says of itself, for those who decide about it.

use crate::declare::command::CommandInfo;
use crate::declare::description::{Description, Serial};
use crate::declare::event::{ComponentInfo, Phase, ServiceInfo, SessionEvents, Stage, Target};
use crate::declare::index::{Interest, Party, Payload};
use crate::declare::marks::Marks;
use crate::declare::portable::PortableKind;
use waxwing_xmpp::{Kind, Type};

/// What a plugin says of itself.
#[derive(Clone, Debug, Default)]
pub struct Declared {
    /// The stanzas that it is shown.
    pub interests: Vec<DeclaredInterest>,
    /// What it hears of sessions.
    pub events: SessionEvents,
    /// Where none of these settings is given it hears of nothing; none if that does not matter.
    pub only_where: Vec<String>,
    /// The marks that it may set.
    pub marks: Vec<String>,
    /// What it adds to service discovery of hosts.
    pub features: Vec<String>,
    /// What it adds to service discovery of accounts.
    pub account_features: Vec<String>,
    /// Children of `<stream:features/>`, and when they are offered.
    pub stream_features: Vec<(Phase, String)>,
    /// Which of its calls are made one at a time.
    pub serial: Serial,
    /// The names that it owns under each of its virtual hosts.
    pub services: Vec<ServiceInfo>,
    /// Its components: places that list commands.
    pub components: Vec<ComponentInfo>,
    /// Its ad-hoc commands.
    pub commands: Vec<CommandInfo>,
    /// What it keeps of accounts and can move from server to server.
    pub portable: Vec<PortableKind>,
    /// Whether it delivers stanzas in the name of anybody.
    pub any_sender: bool,
}

/// Stanzas that a plugin is shown: those that fit in every respect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredInterest {
    /// Where on its way.
    pub stage: Stage,
    /// Message, presence or IQ.
    pub kind: Kind,
    /// The types; none for any.
    pub types: Vec<Type>,
    /// A child that it must have.
    pub payload: Option<Payload>,
    /// What it must be addressed to; only of meaning in stage [`Stage::Process`].
    pub targets: Target,
    /// A mark that must be set, and on whom.
    pub mark: Option<(String, Party)>,
    /// Lower is asked earlier; 0 is usual.
    pub order: i32,
}

/// All types, of whatever kind.
const TYPES: [Type; 15] = [
    Type::Normal,
    Type::Chat,
    Type::Groupchat,
    Type::Headline,
    Type::Error,
    Type::Get,
    Type::Set,
    Type::Result,
    Type::Available,
    Type::Unavailable,
    Type::Subscribe,
    Type::Subscribed,
    Type::Unsubscribe,
    Type::Unsubscribed,
    Type::Probe,
];

impl Declared {
    /// What a description says.
    pub(crate) fn of(own: &Description, marks: &Marks) -> Declared {
        let features = own.stream_features.iter();
        Declared {
            interests: own.interests.iter().map(|interest| declared(interest, marks)).collect(),
            events: own.events,
            only_where: own.only_where.clone(),
            marks: marks.names(u64::MAX),
            features: own.features.clone(),
            account_features: own.account_features.clone(),
            stream_features: features.map(|feature| (feature.phase, feature.xml.clone())).collect(),
            serial: own.serial,
            services: own.services.clone(),
            components: own.components.clone(),
            commands: own.commands.clone(),
            portable: own.portable.clone(),
            any_sender: own.any_sender,
        }
    }
}

fn declared(interest: &Interest, marks: &Marks) -> DeclaredInterest {
    let types =
        TYPES.into_iter().filter(|ty| interest.types != u16::MAX && interest.types & 1 << *ty as u16 != 0);
    let mark = interest.marked.and_then(|(party, bit)| Some((marks.names(bit).pop()?, party)));
    DeclaredInterest {
        stage: interest.stage,
        kind: interest.kind,
        types: types.collect(),
        payload: interest.payload.clone(),
        targets: interest.targets,
        mark,
        order: interest.order,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declare::marks::Allocator;

    #[test]
    fn an_interest_is_what_was_declared() {
        let marks = Allocator::default().allocate("one", &["off".into(), "on".into()]).unwrap();
        let interest = Interest {
            stage: Stage::Pre,
            kind: Kind::Message,
            types: 1 << Type::Chat as u16 | 1 << Type::Normal as u16,
            payload: Some(Payload { ns: "u".into(), name: None, attribute: None }),
            targets: Target::all(),
            marked: Some((Party::SenderAccount, 0b10)),
            order: -5,
        };
        let expected = DeclaredInterest {
            stage: Stage::Pre,
            kind: Kind::Message,
            types: vec![Type::Normal, Type::Chat],
            payload: interest.payload.clone(),
            targets: Target::all(),
            mark: Some(("on".into(), Party::SenderAccount)),
            order: -5,
        };
        assert_eq!(declared(&interest, &marks), expected);
        let any = Interest { types: u16::MAX, ..interest };
        assert!(declared(&any, &marks).types.is_empty());
    }
}
