//! What a plugin says of itself, checked and compiled.

use crate::bindings::exports::xmpp::plugin::lifecycle as wit;
use crate::bindings::xmpp::plugin::types::Kind as WitKind;
use crate::error::Reason;
use crate::event::{Phase, SessionEvents, Stage, Target};
use crate::index::{Interest, Party, Payload};
use crate::instance::Exports;
use crate::marks::{Allocator, Marks};
use waxwing_xmpp::{Kind, Stanza, Type};

/// A description that holds together.
#[derive(Debug)]
pub(crate) struct Description {
    pub version: String,
    pub features: Vec<String>,
    pub account_features: Vec<String>,
    pub interests: Vec<Interest>,
    pub events: SessionEvents,
    pub marks: Marks,
    pub stream_features: Vec<StreamFeature>,
}

/// A child of `<stream:features/>`.
#[derive(Clone, Debug)]
pub(crate) struct StreamFeature {
    pub xml: String,
    pub phase: Phase,
    pub setting: Option<String>,
}

/// Check what a plugin says of itself against what it is.
pub(crate) fn check(
    given: wit::Description,
    name: &str,
    exports: &Exports,
    marks: &mut Allocator,
) -> Result<Description, Reason> {
    if given.name != name {
        return Err(Reason::Name(given.name));
    }
    let marks = marks.allocate(&given.marks)?;
    let interests: Result<Vec<Interest>, Reason> =
        given.interests.iter().map(|interest| compile(interest, &marks)).collect();
    let interests = interests?;
    for Interest { stage, .. } in &interests {
        if !exports.has(*stage) {
            return Err(Reason::NoHook { stage: *stage });
        }
    }
    let events = events(given.session_events);
    if !events.is_empty() && exports.sessions.is_none() {
        return Err(Reason::NoSessionsHook);
    }
    let features: Result<_, Reason> = given.stream_features.into_iter().map(stream_feature).collect();
    Ok(Description {
        version: given.version,
        features: given.features,
        account_features: given.account_features,
        interests,
        events,
        marks,
        stream_features: features?,
    })
}

impl Exports {
    /// Whether the component has the hook of a stage.
    pub fn has(&self, stage: Stage) -> bool {
        match stage {
            Stage::Pre => self.pre.is_some(),
            Stage::Process => self.process.is_some(),
            Stage::Post => self.post.is_some(),
            Stage::Filter => self.filter.is_some(),
        }
    }

    /// The names of the hooks that the component has.
    pub fn names(&self) -> Vec<&'static str> {
        let hooks = [
            ("pre", self.pre.is_some()),
            ("process", self.process.is_some()),
            ("post", self.post.is_some()),
            ("filter", self.filter.is_some()),
            ("sessions", self.sessions.is_some()),
        ];
        hooks.into_iter().filter(|(_, has)| *has).map(|(name, _)| name).collect()
    }
}

fn compile(given: &wit::Interest, marks: &Marks) -> Result<Interest, Reason> {
    let stage = match given.stage {
        wit::Stage::Pre => Stage::Pre,
        wit::Stage::Process => Stage::Process,
        wit::Stage::Post => Stage::Post,
        wit::Stage::Filter => Stage::Filter,
    };
    let kind = match given.kind {
        WitKind::Message => Kind::Message,
        WitKind::Presence => Kind::Presence,
        WitKind::Iq => Kind::Iq,
    };
    let targets = match stage {
        Stage::Process => targets(given.targets),
        _ => Target::all(),
    };
    if targets.is_empty() {
        return Err(Reason::NoTarget);
    }
    let types: Result<Vec<u16>, Reason> = given.types.iter().map(|ty| type_bit(kind, ty)).collect();
    let types = types?.into_iter().reduce(|all, bit| all | bit).unwrap_or(u16::MAX);
    let marked = given.marked.as_ref().map(|marked| {
        let number = marks.number(&marked.mark).ok_or_else(|| Reason::UndeclaredMark(marked.mark.clone()))?;
        let party = match marked.on {
            wit::Party::SenderSession => Party::SenderSession,
            wit::Party::SenderAccount => Party::SenderAccount,
            wit::Party::RecipientAccount => Party::RecipientAccount,
        };
        Ok((party, 1 << number))
    });
    let marked = marked.transpose()?;
    let payload = given.payload.as_deref().map(payload).transpose()?;
    Ok(Interest { stage, kind, types, payload, targets, marked, order: given.order })
}

/// The bit of a type, named as the `type` attribute has it.
fn type_bit(kind: Kind, name: &str) -> Result<u16, Reason> {
    let attr = Some(name).filter(|name| !name.is_empty() && (kind, *name) != (Kind::Message, "normal"));
    // Where any unknown type counts as one, a plugin must still use its name.
    let ty = Type::from_attr(kind, attr).filter(|ty| ty.as_attr() == attr);
    let unknown = || Reason::BadType { kind: kind.as_str(), found: name.to_owned() };
    ty.map(|ty| 1 << ty as u16).ok_or_else(unknown)
}

/// `{namespace}name`, name `*` for any.
fn payload(text: &str) -> Result<Payload, Reason> {
    let parts = text.strip_prefix('{').and_then(|rest| rest.split_once('}'));
    let is_name = |name: &str| {
        !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || "/{}<>&'\"=*:".contains(c))
    };
    match parts {
        Some((ns, "*")) => Ok(Payload { ns: ns.into(), name: None }),
        Some((ns, name)) if is_name(name) => Ok(Payload { ns: ns.into(), name: Some(name.into()) }),
        _ => Err(Reason::BadPayload(text.to_owned())),
    }
}

fn targets(given: wit::Target) -> Target {
    let pairs = [
        (wit::Target::SERVER, Target::SERVER),
        (wit::Target::OWN_ACCOUNT, Target::OWN_ACCOUNT),
        (wit::Target::OTHER_ACCOUNT, Target::OTHER_ACCOUNT),
        (wit::Target::STREAM, Target::STREAM),
    ];
    pairs.into_iter().filter(|(wit, _)| given.contains(*wit)).map(|(_, own)| own).collect()
}

fn events(given: wit::SessionEvents) -> SessionEvents {
    let pairs = [
        (wit::SessionEvents::BOUND, SessionEvents::BOUND),
        (wit::SessionEvents::AVAILABLE, SessionEvents::AVAILABLE),
        (wit::SessionEvents::PRIORITY, SessionEvents::PRIORITY),
        (wit::SessionEvents::UNAVAILABLE, SessionEvents::UNAVAILABLE),
        (wit::SessionEvents::CLOSED, SessionEvents::CLOSED),
    ];
    pairs.into_iter().filter(|(wit, _)| given.contains(*wit)).map(|(_, own)| own).collect()
}

fn stream_feature(given: wit::StreamFeature) -> Result<StreamFeature, Reason> {
    let whole = format!("<message xmlns='jabber:client'>{}</message>", given.xml);
    if !Stanza::parse(&whole).is_ok_and(|message| message.children().count() == 1) {
        return Err(Reason::BadStreamFeature(given.xml));
    }
    let phase = match given.phase {
        wit::Phase::BeforeLogin => Phase::BeforeLogin,
        wit::Phase::AfterLogin => Phase::AfterLogin,
    };
    Ok(StreamFeature { xml: given.xml, phase, setting: given.setting })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interest() -> wit::Interest {
        wit::Interest {
            stage: wit::Stage::Process,
            kind: WitKind::Iq,
            types: vec!["get".into(), "set".into()],
            payload: Some("{urn:xmpp:ping}ping".into()),
            targets: wit::Target::SERVER | wit::Target::OWN_ACCOUNT,
            marked: None,
            order: -5,
        }
    }

    #[test]
    fn a_whole_interest() {
        let compiled = compile(&interest(), &Marks::default()).unwrap();
        assert_eq!(compiled.types, 1 << Type::Get as u16 | 1 << Type::Set as u16);
        assert_eq!(compiled.targets, Target::SERVER | Target::OWN_ACCOUNT);
        assert_eq!(compiled.payload, Some(Payload { ns: "urn:xmpp:ping".into(), name: Some("ping".into()) }));
        assert_eq!(compiled.order, -5);
    }

    #[test]
    fn payloads_are_clark_names() {
        assert_eq!(payload("{a:b}*").unwrap().name, None);
        assert_eq!(payload("{}x").unwrap().ns, "".into());
        for bad in ["", "x", "{a", "{a}", "a}x", "{a}x/y", "{a}x y", "{a}{b}x", "{a}b:x"] {
            assert!(matches!(payload(bad), Err(Reason::BadPayload(_))), "{bad}");
        }
    }

    #[test]
    fn each_kind_has_its_own_types() {
        assert_eq!(type_bit(Kind::Message, "").unwrap(), type_bit(Kind::Message, "normal").unwrap());
        assert!(type_bit(Kind::Presence, "").is_ok());
        for (kind, name) in [
            (Kind::Iq, ""),
            (Kind::Message, "get"),
            (Kind::Presence, "available"),
            (Kind::Presence, "normal"),
        ] {
            assert!(matches!(type_bit(kind, name), Err(Reason::BadType { .. })), "{name}");
        }
    }

    #[test]
    fn what_could_never_match_is_refused() {
        let nowhere = wit::Interest { targets: wit::Target::empty(), ..interest() };
        assert!(matches!(compile(&nowhere, &Marks::default()), Err(Reason::NoTarget)));
        let pre = wit::Interest { stage: wit::Stage::Pre, ..nowhere };
        assert_eq!(compile(&pre, &Marks::default()).unwrap().targets, Target::all());
        let marked = wit::Marked { mark: "on".into(), on: wit::Party::SenderSession };
        let unknown = wit::Interest { marked: Some(marked), ..interest() };
        assert!(
            matches!(compile(&unknown, &Marks::default()), Err(Reason::UndeclaredMark(mark)) if mark == "on")
        );
    }
}
