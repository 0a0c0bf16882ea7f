//! How far a plugin reaches with its grants: which stanzas it is shown, who may run its commands, what clients are
//! offered, and in whose name it speaks. The grant of a hook tells nothing of that, so whoever consents is told.

use crate::declare::declared::{Declared, DeclaredInterest};
use std::collections::BTreeSet;

/// Sentences of a consent, each to follow "it may"; [`ANYTHING`] is all there could be.
pub type Reach = BTreeSet<String>;

/// What is agreed to by whoever agrees to anything.
pub const ANYTHING: &str = "*";

impl Declared {
    /// How far it reaches, in sentences that each follow "it may".
    pub fn reach(&self) -> Reach {
        self.reach_beyond(&Declared::default())
    }

    /// How much further it reaches than another version.
    pub(crate) fn reach_beyond(&self, old: &Declared) -> Reach {
        let shown = self.interests.iter().filter(|new| !old.interests.iter().any(|old| old.covers(new)));
        let shown = shown.map(|interest| format!("be shown {interest}"));
        let commands = self.commands.iter().filter(|new| {
            let same = old.commands.iter().find(|old| old.node == new.node);
            same.is_none_or(|old| old.access < new.access)
        });
        let commands = commands.map(|command| {
            format!("offer the command {:?} ({}) to {}", command.node, command.label, command.access)
        });
        let features = self.stream_features.iter().filter(|new| !old.stream_features.contains(new));
        let features = features
            .map(|(phase, xml)| format!("announce {xml} to clients {phase}, as a feature of their streams"));
        let senders =
            (self.any_sender && !old.any_sender).then(|| "deliver stanzas in the name of anybody".to_owned());
        shown.chain(commands).chain(features).chain(senders).collect()
    }
}

impl DeclaredInterest {
    /// Whether whatever fits another fits this one, too.
    fn covers(&self, other: &DeclaredInterest) -> bool {
        let types = self.types.is_empty()
            || !other.types.is_empty() && other.types.iter().all(|ty| self.types.contains(ty));
        let payload = match (&self.payload, &other.payload) {
            (None, _) => true,
            (Some(own), Some(other)) => own.covers(other),
            (Some(_), None) => false,
        };
        (self.stage, self.kind) == (other.stage, other.kind)
            && types
            && payload
            && self.targets.contains(other.targets)
            && (self.mark.is_none() || self.mark == other.mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declare::command::CommandInfo;
    use crate::declare::event::{Access, Phase, Stage, Target};
    use crate::declare::index::{Party, Payload};
    use waxwing_xmpp::{Kind, Type};

    fn payload(ns: &str, name: Option<&str>, attribute: Option<(&str, &str)>) -> Option<Payload> {
        let attribute = attribute.map(|(key, value)| (key.into(), value.into()));
        Some(Payload { ns: ns.into(), name: name.map(Into::into), attribute })
    }

    fn interest() -> DeclaredInterest {
        DeclaredInterest {
            stage: Stage::Pre,
            kind: Kind::Message,
            types: vec![Type::Chat],
            payload: payload("urn:x", Some("x"), Some(("node", "n"))),
            targets: Target::SERVER,
            mark: Some(("on".into(), Party::SenderAccount)),
            order: 0,
        }
    }

    #[test]
    fn an_interest_grows_where_anything_more_fits() {
        let narrow = interest();
        let grown = [
            DeclaredInterest { types: Vec::new(), ..interest() },
            DeclaredInterest { types: vec![Type::Chat, Type::Normal], ..interest() },
            DeclaredInterest { payload: None, ..interest() },
            DeclaredInterest { payload: payload("urn:x", None, None), ..interest() },
            DeclaredInterest { payload: payload("urn:x", Some("x"), None), ..interest() },
            DeclaredInterest { targets: Target::all(), ..interest() },
            DeclaredInterest { mark: None, ..interest() },
        ];
        assert!(narrow.covers(&narrow));
        for wide in grown {
            assert!(wide.covers(&narrow) && !narrow.covers(&wide), "{wide}");
        }
        for other in [
            DeclaredInterest { stage: Stage::Post, ..interest() },
            DeclaredInterest { kind: Kind::Presence, ..interest() },
            DeclaredInterest { payload: payload("urn:y", None, None), ..interest() },
            DeclaredInterest { payload: payload("urn:x", Some("x"), Some(("node", "m"))), ..interest() },
        ] {
            assert!(!other.covers(&narrow) && !narrow.covers(&other), "{other}");
        }
        assert!(DeclaredInterest { order: 5, ..interest() }.covers(&narrow));
    }

    #[test]
    fn what_reaches_further_is_said() {
        let command = |access| CommandInfo {
            plugin: "p".into(),
            node: "list".into(),
            label: "List".into(),
            access,
            acl: Vec::new(),
            component: None,
            group: None,
        };
        let old = Declared {
            interests: vec![interest()],
            commands: vec![command(Access::Admin)],
            stream_features: vec![(Phase::AfterLogin, "<a xmlns='urn:a'/>".into())],
            ..Declared::default()
        };
        assert_eq!(old.reach_beyond(&old), Reach::new());
        let new = Declared {
            interests: vec![DeclaredInterest { mark: None, payload: None, ..interest() }],
            commands: vec![command(Access::LocalUser)],
            stream_features: vec![(Phase::BeforeLogin, "<a xmlns='urn:a'/>".into())],
            any_sender: true,
            ..old.clone()
        };
        let said: Vec<String> = new.reach_beyond(&old).into_iter().collect();
        assert_eq!(
            said,
            [
                "announce <a xmlns='urn:a'/> to clients before they have logged in, as a feature of their streams",
                "be shown messages of type chat, before they are routed",
                "deliver stanzas in the name of anybody",
                "offer the command \"list\" (List) to everybody with an account",
            ]
        );
        assert_eq!(old.reach_beyond(&new).len(), 1, "only the stream feature");
        assert_eq!(new.reach(), new.reach_beyond(&old));
    }
}
