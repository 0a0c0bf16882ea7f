//! Something to call each hook of a plugin with, made from what it declares.

use waxwing_plugins::{
    Blob, Change, CommandAction, CommandRequest, Declared, DeclaredInterest, Grant, Input, Origin, Payload,
    SessionEvents, Shown, Stage, Target,
};
use waxwing_xmpp::{Element, Kind, Type, escape};

/// Who takes part in samples, all with accounts. Romeo is offline.
pub(crate) const JULIET: &str = "juliet@example.org/balcony";
pub(crate) const ROMEO: &str = "romeo@example.org";
const VHOST: &str = crate::world::DOMAIN;
/// Samples of one hook.
const MOST: usize = 4;

/// A call to try.
pub(crate) struct Sample {
    /// What it is, in a few words.
    pub what: String,
    pub input: Input,
}

/// Samples for each hook that the plugin has; `now` is in milliseconds since the Unix epoch.
pub(crate) fn samples(declared: &Declared, hooks: &[&str], now: u64) -> Vec<Sample> {
    let mut all = Vec::new();
    for hook in hooks.iter().filter_map(|hook| Grant::named(hook)) {
        let mut own = match hook {
            Grant::Pre => of_stage(declared, Stage::Pre, now),
            Grant::Incoming => of_stage(declared, Stage::Incoming, now),
            Grant::Process => of_stage(declared, Stage::Process, now),
            Grant::Post => of_stage(declared, Stage::Post, now),
            Grant::Filter => of_stage(declared, Stage::Filter, now),
            Grant::Sessions => changes(declared.events),
            Grant::Service => services(declared, now),
            Grant::Commands => commands(declared),
            Grant::Alarms => vec![alarm(now)],
            Grant::Replies => vec![reply()],
            Grant::Portable => portable(declared),
            _ => Vec::new(),
        };
        own.truncate(MOST);
        all.append(&mut own);
    }
    all
}

fn of_stage(declared: &Declared, stage: Stage, now: u64) -> Vec<Sample> {
    let interests = declared.interests.iter().filter(|interest| interest.stage == stage);
    interests
        .flat_map(|interest| types(interest).into_iter().map(move |ty| stanza(interest, ty, now)))
        .collect()
}

/// The types to try: both that ask something of somebody, one of all others.
fn types(interest: &DeclaredInterest) -> Vec<Type> {
    let usual: &[Type] = match interest.kind {
        Kind::Message => &[Type::Chat],
        Kind::Presence => &[Type::Available],
        Kind::Iq => &[Type::Get, Type::Set],
    };
    let fits = |ty: &&Type| interest.types.is_empty() || interest.types.contains(ty);
    let fitting: Vec<Type> = usual.iter().filter(fits).copied().collect();
    if fitting.is_empty() { interest.types.iter().take(1).copied().collect() } else { fitting }
}

fn stanza(interest: &DeclaredInterest, ty: Type, now: u64) -> Sample {
    let (stage, targets) = (interest.stage, interest.targets);
    let juliet = JULIET.split('/').next().unwrap_or_default();
    let (from, to, vhost) = match stage {
        Stage::Filter | Stage::Incoming => (Some(ROMEO), Some(JULIET), VHOST),
        Stage::Process if targets.contains(Target::SERVER) => (Some(JULIET), Some(VHOST), VHOST),
        Stage::Process if targets.contains(Target::OWN_ACCOUNT) => (Some(JULIET), Some(juliet), VHOST),
        Stage::Process if targets == Target::STREAM => (None, Some(VHOST), VHOST),
        Stage::Pre if interest.kind == Kind::Presence => (Some(JULIET), None, VHOST),
        _ => (Some(JULIET), Some(ROMEO), VHOST),
    };
    let origin = if from.is_some() { Origin::Session } else { Origin::Stream };
    let payload = match &interest.payload {
        Some(Payload { ns, name, attribute }) => {
            let name = name.as_deref().unwrap_or("sample");
            let attribute = attribute.as_ref().map(|(key, value)| format!(" {key}='{}'", escape(value)));
            format!("<{name} xmlns='{}'{}/>", escape(ns), attribute.unwrap_or_default())
        }
        None if interest.kind == Kind::Iq => "<sample xmlns='urn:example:sample'/>".to_owned(),
        None => String::new(),
    };
    let xml = element(interest.kind, ty, from, to, &payload);
    let shown = Shown { vhost: vhost.to_owned(), origin, received: now, client: None, accepted: false, xml };
    let input = match stage {
        Stage::Pre => Input::Pre(shown),
        Stage::Incoming => Input::Incoming(shown),
        Stage::Process => Input::Process(shown),
        Stage::Post => Input::Post(shown),
        Stage::Filter => Input::Filter { session: JULIET.to_owned(), shown },
    };
    let mut what = interest.kind.as_str().to_owned();
    if let Some(ty) = ty.as_attr() {
        what += &format!(" {ty}");
    }
    if let Some(name) = interest.payload.as_ref().and_then(|payload| payload.name.as_deref()) {
        what += &format!(" with <{name}>");
    }
    Sample { what, input }
}

fn element(kind: Kind, ty: Type, from: Option<&str>, to: Option<&str>, payload: &str) -> String {
    let name = kind.as_str();
    let mut xml = format!("<{name} xmlns='jabber:client' id='sample'");
    let attrs = [("type", ty.as_attr()), ("from", from), ("to", to)];
    for (key, value) in attrs.into_iter().filter_map(|(key, value)| Some((key, value?))) {
        xml += &format!(" {key}='{}'", escape(value));
    }
    let body = if kind == Kind::Message {
        "<body>But soft, what light through yonder window breaks?</body>"
    } else {
        ""
    };
    let error =
        "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";
    let error = if ty == Type::Error { error } else { "" };
    xml + &format!(">{body}{payload}{error}</{name}>")
}

fn changes(events: SessionEvents) -> Vec<Sample> {
    let all = [
        (Change::Bound, "a session has begun"),
        (Change::Available(0), "a session becomes available"),
        (Change::Priority(5), "a session changes its priority"),
        (Change::Unavailable(None), "a session becomes unavailable"),
        (Change::Closed, "a session has ended"),
    ];
    let wanted = all.into_iter().filter(|(change, _)| events.contains(change.event()));
    let samples = wanted.map(|(change, what)| Sample {
        what: what.to_owned(),
        input: Input::Sessions { session: JULIET.to_owned(), change },
    });
    samples.collect()
}

fn services(declared: &Declared, now: u64) -> Vec<Sample> {
    let samples = declared.services.iter().map(|service| {
        let address = format!("{}.{VHOST}", service.name);
        let xml = element(Kind::Message, Type::Chat, Some(JULIET), Some(&address), "");
        let shown = Shown {
            vhost: VHOST.to_owned(),
            origin: Origin::Session,
            received: now,
            client: None,
            accepted: false,
            xml,
        };
        Sample { what: format!("message chat to {}", service.name), input: Input::Service(shown) }
    });
    samples.collect()
}

fn commands(declared: &Declared) -> Vec<Sample> {
    let samples = declared.commands.iter().map(|command| {
        let request = CommandRequest {
            node: command.node.clone(),
            user: JULIET.to_owned(),
            vhost: VHOST.to_owned(),
            action: CommandAction::Execute,
            answers: Vec::new(),
            answers_follow: false,
            state: Vec::new(),
        };
        Sample { what: format!("first step of {}", command.node), input: Input::Commands(request) }
    });
    samples.collect()
}

fn alarm(now: u64) -> Sample {
    let (owner, name) = (ROMEO.to_owned(), "sample".to_owned());
    Sample { what: "an alarm".into(), input: Input::Alarms { owner, name, due: now, data: Blob::default() } }
}

/// What there is of an account that has nothing, and an empty element for one.
fn portable(declared: &Declared) -> Vec<Sample> {
    let samples = declared.portable.iter().flat_map(|kind| {
        let (account, name) = (ROMEO.to_owned(), kind.to_string());
        let inner = match kind.children {
            true => "<sample xmlns='urn:example:sample'/>".to_owned(),
            false => Element::new(&*kind.name, &*kind.ns).to_string(),
        };
        let xml = element(Kind::Message, Type::Normal, Some(ROMEO), Some(ROMEO), &inner);
        [
            Sample {
                what: format!("export of {name}"),
                input: Input::Export { account: account.clone(), kind: name.clone(), after: None },
            },
            Sample { what: format!("import of {name}"), input: Input::Import { account, kind: name, xml } },
        ]
    });
    samples.collect()
}

fn reply() -> Sample {
    let xml = element(Kind::Iq, Type::Result, Some(JULIET), Some(VHOST), "");
    let input = Input::Replies { from: JULIET.to_owned(), context: Blob::default(), xml: Some(xml) };
    Sample { what: "a reply".into(), input }
}

#[cfg(test)]
mod tests {
    use super::*;
    use waxwing_xmpp::Stanza;

    #[test]
    fn every_kind_and_stage_has_a_stanza() {
        let payload = |ns: &str, name: Option<&str>, value: Option<&str>| {
            let attribute = value.map(|value| ("node".into(), value.into()));
            Some(Payload { ns: ns.into(), name: name.map(Into::into), attribute })
        };
        let payloads = [None, payload("u&v", None, None), payload("u", Some("q"), Some("v&w"))];
        for kind in [Kind::Message, Kind::Presence, Kind::Iq] {
            for stage in [Stage::Pre, Stage::Incoming, Stage::Process, Stage::Post, Stage::Filter] {
                for payload in payloads.clone() {
                    let (types, targets) = (Vec::new(), Target::SERVER);
                    let interest =
                        DeclaredInterest { stage, kind, types, payload, targets, mark: None, order: 0 };
                    for ty in types_of(&interest) {
                        let sample = stanza(&interest, ty, 1);
                        let (Input::Pre(shown)
                        | Input::Incoming(shown)
                        | Input::Process(shown)
                        | Input::Post(shown)
                        | Input::Filter { shown, .. }) = sample.input
                        else {
                            panic!("{}", sample.what)
                        };
                        let parsed = Stanza::parse(&shown.xml).unwrap();
                        assert_eq!((parsed.kind(), parsed.ty()), (kind, ty));
                    }
                }
            }
        }
    }

    fn types_of(interest: &DeclaredInterest) -> Vec<Type> {
        let error = DeclaredInterest { types: vec![Type::Error], ..interest.clone() };
        assert_eq!(types(&error), [Type::Error]);
        [types(interest), types(&error)].concat()
    }
}
