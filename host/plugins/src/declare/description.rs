//! What a plugin says of itself, checked and compiled.

use crate::bindings::exports::xmpp::plugin::lifecycle as wit;
use crate::bindings::xmpp::plugin::types::Kind as WitKind;
use crate::declare::command::CommandInfo;
use crate::declare::error::Reason;
use crate::declare::event::{Access, ComponentInfo, Phase, ServiceInfo, SessionEvents, Stage, Target};
use crate::declare::grants::Grant;
use crate::declare::index::{Interest, Party, Payload};
use crate::declare::marks::{Allocator, Marks};
use crate::declare::options::PluginSpec;
use crate::declare::portable::PortableKind;
use crate::line::is_invisible;
use std::collections::BTreeSet;
use waxwing_xmpp::{Jid, Kind, Stanza, Type, ns};

/// The most of anything that a plugin may list, and the longest text in it, in bytes.
const LIST: usize = 256;
const TEXT: usize = 1024;

/// A description that holds together.
#[derive(Debug)]
pub(crate) struct Description {
    pub version: String,
    pub summary: String,
    pub features: Vec<String>,
    pub account_features: Vec<String>,
    /// Category and type of each.
    pub account_identities: Vec<(String, String)>,
    pub interests: Vec<Interest>,
    pub events: SessionEvents,
    /// Settings of which the virtual host must have one; none if there is nothing to ask.
    pub only_where: Vec<String>,
    pub stream_features: Vec<StreamFeature>,
    pub serial: Serial,
    pub services: Vec<ServiceInfo>,
    pub components: Vec<ComponentInfo>,
    pub commands: Vec<CommandInfo>,
    pub portable: Vec<PortableKind>,
    /// Whether it delivers stanzas in the name of anybody.
    pub any_sender: bool,
}

/// Which calls of a plugin must not run at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Serial {
    /// None.
    #[default]
    None,
    /// Those for stanzas of the same sending account.
    BySender,
    /// Those for the same addressed bare JID.
    ByRecipient,
}

/// A child of `<stream:features/>`.
#[derive(Clone, Debug)]
pub(crate) struct StreamFeature {
    pub xml: String,
    pub phase: Phase,
    pub setting: Option<String>,
}

/// A description that has been checked; what it calls marks has no numbers yet.
#[derive(Debug)]
pub(crate) struct Checked(wit::Description);

/// Check what a plugin says of itself against what it is and may be.
pub(crate) fn check(given: wit::Description, spec: &PluginSpec, hooks: &[Grant]) -> Result<Checked, Reason> {
    if given.name != spec.name {
        return Err(Reason::Name(given.name));
    }
    check_size(&given)?;
    let has = |hook: Grant| hooks.contains(&hook);
    for interest in &given.interests {
        let stage = stage(interest.stage);
        if !has(hook_of(stage)) {
            return Err(Reason::NoHook { what: "an interest in that stage", hook: hook_of(stage) });
        }
    }
    let needs = [
        (!events(given.session_events).is_empty(), "session events", Grant::Sessions),
        (!given.services.is_empty(), "a service", Grant::Service),
        (!given.components.is_empty(), "a component", Grant::Commands),
        (!given.commands.is_empty(), "a command", Grant::Commands),
        (!given.portable.is_empty(), "something portable", Grant::Portable),
    ];
    for (wanted, what, hook) in needs {
        if wanted && !has(hook) {
            return Err(Reason::NoHook { what, hook });
        }
    }
    for service in &given.services {
        check_service(&service.name)?;
        if !spec.grants.service(&service.name) {
            return Err(Reason::ServiceNotGranted(service.name.clone()));
        }
    }
    for component in &given.components {
        check_service(&component.name)?;
        if !spec.grants.service(&component.name) {
            return Err(Reason::ServiceNotGranted(component.name.clone()));
        }
    }
    let nodes: BTreeSet<&String> = given.commands.iter().map(|command| &command.node).collect();
    if nodes.len() < given.commands.len() || nodes.iter().any(|node| node.is_empty()) {
        return Err(Reason::BadCommands);
    }
    Ok(Checked(given))
}

/// Nothing that a person would write is refused here.
fn check_size(given: &wit::Description) -> Result<(), Reason> {
    let lists = [
        ("settings", given.settings.len()),
        ("features", given.features.len()),
        ("account features", given.account_features.len()),
        ("account identities", given.account_identities.len()),
        ("interests", given.interests.len()),
        ("settings that it depends on", given.only_where.len()),
        ("marks", given.marks.len()),
        ("stream features", given.stream_features.len()),
        ("services", given.services.len()),
        ("components", given.components.len()),
        ("commands", given.commands.len()),
        ("portable elements", given.portable.len()),
    ];
    if let Some((what, count)) = lists.into_iter().find(|(_, count)| *count > LIST) {
        return Err(Reason::TooMany { what, count, most: LIST });
    }
    let texts = [&given.version, &given.summary].into_iter();
    let texts = texts
        .chain(&given.settings)
        .chain(&given.features)
        .chain(&given.account_features)
        .chain(&given.portable)
        .chain(&given.only_where)
        .chain(&given.marks);
    let texts = texts.chain(given.account_identities.iter().flat_map(|own| [&own.category, &own.type_]));
    let texts = texts.chain(given.interests.iter().filter_map(|interest| interest.payload.as_ref()));
    let texts = texts.chain(given.interests.iter().flat_map(|interest| &interest.types));
    let texts = texts.chain(given.stream_features.iter().map(|feature| &feature.xml));
    let texts = texts.chain(
        given
            .services
            .iter()
            .flat_map(|s| [&s.name, &s.category, &s.type_, &s.label].into_iter().chain(&s.features)),
    );
    let texts =
        texts.chain(given.components.iter().flat_map(|component| [&component.name, &component.label]));
    let texts = texts.chain(given.commands.iter().flat_map(|command| [&command.node, &command.label]));
    let mut texts = texts.chain(given.commands.iter().flat_map(|c| c.component.iter().chain(&c.group)));
    match texts.find(|text| text.len() > TEXT || text.contains(is_invisible)) {
        Some(text) => Err(Reason::BadText(text.chars().take(40).collect())),
        None => Ok(()),
    }
}

/// A name that can stand before the domain of a virtual host.
fn check_service(name: &str) -> Result<(), Reason> {
    let is_label = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let fits = is_label && Jid::parse(&format!("{name}.example.org")).is_ok_and(|jid| jid.is_domain());
    if fits && name == name.to_ascii_lowercase() { Ok(()) } else { Err(Reason::BadService(name.to_owned())) }
}

impl Checked {
    /// The keys of its settings.
    pub fn settings(&self) -> Vec<String> {
        self.0.settings.clone()
    }

    /// Give marks their numbers and compile the interests.
    pub fn number(self, spec: &PluginSpec, marks: &mut Allocator) -> Result<(Description, Marks), Reason> {
        let Checked(given) = self;
        let plugin = spec.name.as_str();
        let marks = marks.allocate(plugin, &given.marks)?;
        let interests: Result<Vec<Interest>, Reason> =
            given.interests.iter().map(|interest| compile(interest, &marks)).collect();
        let stream_features: Result<_, Reason> =
            given.stream_features.into_iter().map(stream_feature).collect();
        let portable: Result<_, Reason> = given.portable.iter().map(|kind| portable(kind)).collect();
        let commands = given.commands.into_iter().map(|command| {
            let mut info = CommandInfo {
                plugin: plugin.to_owned(),
                node: command.node,
                label: command.label,
                access: match command.access {
                    wit::Access::Admin => Access::Admin,
                    wit::Access::Owner => Access::Owner,
                    wit::Access::VhostAdmin => Access::VhostAdmin,
                    wit::Access::LocalUser => Access::LocalUser,
                },
                acl: Vec::new(),
                component: command.component,
                group: command.group,
            };
            info.obey(&spec.commands);
            info
        });
        let services = given.services.into_iter().map(|service| ServiceInfo {
            name: service.name,
            category: service.category,
            ty: service.type_,
            label: service.label,
            features: service.features,
        });
        let own = |name: &String| {
            spec.settings
                .iter()
                .any(|(key, values)| key == name && values.iter().any(|value| is_given(value)))
        };
        let only_where = match given.only_where.iter().any(own) {
            true => Vec::new(),
            false => given.only_where,
        };
        let description = Description {
            version: given.version,
            summary: given.summary,
            features: given.features,
            account_features: given.account_features,
            account_identities: given
                .account_identities
                .into_iter()
                .map(|own| (own.category, own.type_))
                .collect(),
            interests: interests?,
            events: events(given.session_events),
            only_where,
            stream_features: stream_features?,
            serial: match given.serial {
                wit::Serial::None => Serial::None,
                wit::Serial::BySender => Serial::BySender,
                wit::Serial::ByRecipient => Serial::ByRecipient,
            },
            services: services.collect(),
            components: given
                .components
                .into_iter()
                .map(|component| ComponentInfo { name: component.name, label: component.label })
                .collect(),
            commands: commands.collect(),
            portable: portable?,
            any_sender: given.any_sender,
        };
        Ok((description, marks))
    }
}

/// Whether a setting says more than that there is none.
pub(crate) fn is_given(value: &str) -> bool {
    !value.is_empty() && value != "false"
}

fn stage(given: wit::Stage) -> Stage {
    match given {
        wit::Stage::Pre => Stage::Pre,
        wit::Stage::Incoming => Stage::Incoming,
        wit::Stage::Process => Stage::Process,
        wit::Stage::Post => Stage::Post,
        wit::Stage::Filter => Stage::Filter,
    }
}

/// The hook that is called at a stage.
pub(crate) fn hook_of(stage: Stage) -> Grant {
    match stage {
        Stage::Pre => Grant::Pre,
        Stage::Incoming => Grant::Incoming,
        Stage::Process => Grant::Process,
        Stage::Post => Grant::Post,
        Stage::Filter => Grant::Filter,
    }
}

fn compile(given: &wit::Interest, marks: &Marks) -> Result<Interest, Reason> {
    let stage = stage(given.stage);
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

/// `{namespace}name`, name `*` for any, or `{namespace}name[attribute='value']`.
fn payload(text: &str) -> Result<Payload, Reason> {
    let bad = || Reason::BadPayload(text.to_owned());
    let (ns, name) = text.strip_prefix('{').and_then(|rest| rest.split_once('}')).ok_or_else(bad)?;
    if name == "*" {
        return Ok(Payload { ns: ns.into(), name: None, attribute: None });
    }
    let (name, attribute) = match name.split_once('[') {
        Some((name, inside)) => (name, Some(attribute(inside).ok_or_else(bad)?)),
        None => (name, None),
    };
    if !is_name(name) {
        return Err(bad());
    }
    Ok(Payload { ns: ns.into(), name: Some(name.into()), attribute })
}

/// `attribute='value']`
fn attribute(text: &str) -> Option<(Box<str>, Box<str>)> {
    let (name, value) = text.strip_suffix("']")?.split_once("='")?;
    (is_name(name) && !value.contains('\'')).then(|| (name.into(), value.into()))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || "/{}<>&'\"=*:[]".contains(c))
}

/// `{namespace}name`, with `/*` for its children.
fn portable(text: &str) -> Result<PortableKind, Reason> {
    let whole = text.strip_suffix("/*").unwrap_or(text);
    match payload(whole) {
        Ok(Payload { ns, name: Some(name), attribute: None }) => {
            Ok(PortableKind { ns: ns.into(), name: name.into(), children: whole != text })
        }
        _ => Err(Reason::BadPortable(text.to_owned())),
    }
}

fn targets(given: wit::Target) -> Target {
    let pairs = [
        (wit::Target::SERVER, Target::SERVER),
        (wit::Target::OWN_ACCOUNT, Target::OWN_ACCOUNT),
        (wit::Target::OTHER_ACCOUNT, Target::OTHER_ACCOUNT),
        (wit::Target::STRANGER, Target::STRANGER),
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
    let message = Stanza::parse(&whole).ok().filter(|message| message.children().count() == 1);
    let Some(message) = message else { return Err(Reason::BadStreamFeature(given.xml)) };
    if message.children().any(|child| is_of_streams(child.ns())) {
        return Err(Reason::ServersFeature(given.xml));
    }
    let phase = match given.phase {
        wit::Phase::BeforeLogin => Phase::BeforeLogin,
        wit::Phase::AfterLogin => Phase::AfterLogin,
    };
    Ok(StreamFeature { xml: given.xml, phase, setting: given.setting })
}

/// Whether what is in this namespace is between a client and the server itself: logging in, encryption, the
/// stream.
fn is_of_streams(namespace: &str) -> bool {
    const OWN: &[&str] = &[ns::CLIENT, ns::SERVER, ns::STREAMS, ns::CAPS];
    // Each with all its versions: what the server may come to speak is not a plugin's today.
    const FAMILIES: &[&str] = &[
        "urn:ietf:params:xml:ns:xmpp-",
        "urn:xmpp:sasl",
        "urn:xmpp:bind:",
        "urn:xmpp:fast:",
        "urn:xmpp:sm:",
        "urn:xmpp:csi:",
        "urn:xmpp:features:",
        "http://jabber.org/features/compress",
        "http://jabber.org/features/iq-auth",
        "jabber:server:",
        "jabber:component:",
    ];
    OWN.contains(&namespace) || FAMILIES.iter().any(|family| namespace.starts_with(family))
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
        let ping = Payload { ns: "urn:xmpp:ping".into(), name: Some("ping".into()), attribute: None };
        assert_eq!(compiled.payload, Some(ping));
        assert_eq!(compiled.order, -5);
    }

    #[test]
    fn payloads_are_clark_names() {
        assert_eq!(payload("{a:b}*").unwrap().name, None);
        assert_eq!(payload("{}x").unwrap().ns, "".into());
        assert_eq!(payload("{a}x[node='b/c']").unwrap().attribute, Some(("node".into(), "b/c".into())));
        let bad_names = ["", "x", "{a", "{a}", "a}x", "{a}x/y", "{a}x y", "{a}{b}x", "{a}b:x"];
        let bad_attributes =
            ["{a}x[1]", "{a}x[n]", "{a}x[n='v'", "{a}x[n='v']/y", "{a}x[n='v'w']", "{a}*[n='v']"];
        for bad in bad_names.into_iter().chain(bad_attributes) {
            assert!(matches!(payload(bad), Err(Reason::BadPayload(_))), "{bad}");
        }
    }

    #[test]
    fn stream_features_are_not_the_servers() {
        let feature = |xml: &str| {
            stream_feature(wit::StreamFeature {
                xml: xml.into(),
                phase: wit::Phase::BeforeLogin,
                setting: None,
            })
        };
        assert!(feature("<register xmlns='http://jabber.org/features/iq-register'/>").is_ok());
        assert!(feature("<amp xmlns='http://jabber.org/features/amp'/>").is_ok());
        for taken in [
            "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>",
            "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
            "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>",
            "<authentication xmlns='urn:xmpp:sasl:2'/>",
            "<sm xmlns='urn:xmpp:sm:3'/>",
            "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='v'/>",
            "<error xmlns='http://etherx.jabber.org/streams'/>",
            "<anything/>",
        ] {
            assert!(matches!(feature(taken), Err(Reason::ServersFeature(_))), "{taken}");
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
