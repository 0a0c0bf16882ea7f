//! What a plugin declares, in plain words.

use waxwing_plugins::{
    Access, CommandInfo, DeclaredInterest, Party, Serial, ServiceInfo, SessionEvents, Stage, Target,
};
use waxwing_xmpp::{Kind, Type, ns};

/// The stanzas that an interest is about: "messages of type chat or normal that nobody took".
pub(crate) fn interest(interest: &DeclaredInterest) -> String {
    let mut words = match interest.kind {
        Kind::Message => "messages",
        Kind::Presence => "presence",
        Kind::Iq => "IQs",
    }
    .to_owned();
    let types: Vec<&str> = interest.types.iter().map(|ty| type_name(*ty)).collect();
    if !types.is_empty() {
        words += &format!(" of type {}", list(&types, "or"));
    }
    match &interest.payload {
        Some((ns, Some(name))) => words += &format!(" with <{name} xmlns='{ns}'>"),
        Some((ns, None)) if ns == ns::CLIENT => words += " with anything of their own namespace",
        Some((ns, None)) => words += &format!(" with anything of {ns}"),
        None => {}
    }
    words += &match interest.stage {
        Stage::Pre => ", before they are routed".to_owned(),
        Stage::Process => format!(" {}", targets(interest.targets)),
        Stage::Post => " that nobody took".to_owned(),
        Stage::Filter => ", once for each session that they are written to".to_owned(),
    };
    if let Some((mark, party)) = &interest.mark {
        let whom = match party {
            Party::SenderSession => "the session that sends",
            Party::SenderAccount => "a session of the sender",
            Party::RecipientAccount => "a session of the recipient",
        };
        words += &format!(", if {whom} has the mark '{mark}'");
    }
    match interest.order {
        0 => {}
        order if order < 0 => words += &format!(", before other plugins (order {order})"),
        order => words += &format!(", after other plugins (order {order})"),
    }
    words
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
        (Target::OTHER_ACCOUNT, "to somebody else's account"),
        (Target::STREAM, "from streams that have not logged in"),
    ];
    let named = all.into_iter().filter(|(target, _)| targets.contains(*target)).map(|(_, name)| name);
    list(&named.collect::<Vec<_>>(), "or")
}

/// The session events, one phrase each.
pub(crate) fn events(events: SessionEvents) -> Vec<&'static str> {
    let all = [
        (SessionEvents::BOUND, "a session has begun"),
        (SessionEvents::AVAILABLE, "a session becomes available"),
        (SessionEvents::PRIORITY, "a session changes its priority"),
        (SessionEvents::UNAVAILABLE, "a session becomes unavailable"),
        (SessionEvents::CLOSED, "a session has ended"),
    ];
    all.into_iter().filter(|(event, _)| events.contains(*event)).map(|(_, words)| words).collect()
}

/// Which calls wait for each other.
pub(crate) fn serial(serial: Serial) -> Option<&'static str> {
    match serial {
        Serial::None => None,
        Serial::BySender => Some("one at a time for each sending account"),
        Serial::ByRecipient => Some("one at a time for each account or room that is addressed"),
    }
}

/// A name that the plugin owns.
pub(crate) fn service(service: &ServiceInfo) -> String {
    let ServiceInfo { name, category, ty, label, .. } = service;
    format!("{name}.DOMAIN: {label} ({category}/{ty})")
}

/// A command that it offers.
pub(crate) fn command(command: &CommandInfo) -> String {
    let whom = match command.access {
        Access::Admin => "administrators",
        Access::Owner => "owners of virtual hosts",
        Access::VhostAdmin => "administrators of virtual hosts",
        Access::LocalUser => "everybody with an account",
    };
    format!("{}: {}, for {whom}", command.node, command.label)
}

/// "a, b or c"
pub(crate) fn list(items: &[&str], and: &str) -> String {
    match items {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} {and} {last}", most.join(", ")),
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
        assert_eq!(interest(&chats), "messages of type normal or chat that nobody took");
        let ping = DeclaredInterest {
            types: vec![Type::Get],
            payload: Some(("urn:xmpp:ping".into(), Some("ping".into()))),
            targets: Target::SERVER | Target::OWN_ACCOUNT,
            ..any(Stage::Process, Kind::Iq)
        };
        assert_eq!(
            interest(&ping),
            "IQs of type get with <ping xmlns='urn:xmpp:ping'> to the server or to the sender's own account"
        );
        let carbons = DeclaredInterest {
            mark: Some(("on".into(), Party::RecipientAccount)),
            order: 7,
            ..any(Stage::Pre, Kind::Message)
        };
        assert_eq!(
            interest(&carbons),
            "messages, before they are routed, if a session of the recipient has the mark 'on', after other \
             plugins (order 7)"
        );
        let probes =
            DeclaredInterest { payload: Some(("u".into(), None)), ..any(Stage::Filter, Kind::Presence) };
        assert_eq!(
            interest(&probes),
            "presence with anything of u, once for each session that they are written to"
        );
    }

    #[test]
    fn lists_are_read_out() {
        assert_eq!(list(&["a"], "or"), "a");
        assert_eq!(list(&["a", "b", "c"], "and"), "a, b and c");
    }
}
