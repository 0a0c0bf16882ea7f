//! From a stanza to what a hook is told.

use anyhow::{Context as _, bail};
use waxwing_plugins::{
    Blob, Change, CommandAction, CommandRequest, Declared, Engine, Facts, Grant, Input, Origin, Shown, Stage,
    Target,
};
use waxwing_xmpp::{Element, Jid, Kind, Stanza, Type};

const COMMANDS: &str = "http://jabber.org/protocol/commands";
const FORMS: &str = "jabber:x:data";

/// The virtual host that an address is at, and whether it is one of the plugin's own names there.
pub(crate) fn vhost_of<'a>(jid: &'a Jid, declared: &Declared) -> (&'a str, bool) {
    let domain = jid.domain();
    let own = |name: &str| declared.services.iter().any(|service| service.name == name);
    match domain.split_once('.') {
        Some((name, vhost)) if own(name) => (vhost, true),
        _ => (domain, false),
    }
}

/// The first hook that the plugin's interests lead this stanza to, whatever marks they take, and the others.
pub(crate) fn hooks_for(
    engine: &Engine,
    declared: &Declared,
    stanza: &Stanza,
) -> anyhow::Result<(Grant, Vec<&'static str>)> {
    let (from, to) = (stanza.from.as_ref(), stanza.to.as_ref());
    if to.is_some_and(|to| vhost_of(to, declared).1) {
        return Ok((Grant::Service, Vec::new()));
    }
    let all = u64::MAX;
    let facts = Facts {
        targets: target(stanza),
        sender_session: all,
        sender_account: all,
        recipient_account: all,
        by_type: false,
    };
    let here = |jid: Option<&Jid>| jid.map_or("", |jid| vhost_of(jid, declared).0).to_owned();
    let stages = [
        (Grant::Pre, Stage::Pre, here(from)),
        (Grant::Incoming, Stage::Incoming, here(to)),
        (Grant::Process, Stage::Process, here(to.or(from))),
        (Grant::Post, Stage::Post, here(to)),
        (Grant::Filter, Stage::Filter, here(to.or(from))),
    ];
    let reaches =
        |(_, stage, vhost): &(_, _, String)| !engine.matching(vhost, *stage, stanza, || facts).is_empty();
    let mut hooks = stages.into_iter().filter(reaches).map(|(hook, ..)| hook);
    if let Some(first) = hooks.next() {
        return Ok((first, hooks.map(Grant::name).collect()));
    }
    let shown: Vec<String> = declared.interests.iter().map(ToString::to_string).collect();
    bail!(
        "the plugin has no interest in this stanza. It is shown {}. Name a hook, with --hook, to call it all the same",
        if shown.is_empty() { "none".to_owned() } else { shown.join("; ") }
    )
}

/// What an IQ is addressed to.
fn target(stanza: &Stanza) -> Target {
    let (from, to) = (stanza.from.as_ref(), stanza.to.as_ref());
    match to {
        Some(to) if to.is_domain() => Target::SERVER,
        Some(to) if from.is_none_or(|from| from.bare_str() != to.bare_str()) => {
            Target::OTHER_ACCOUNT | Target::STRANGER
        }
        _ => Target::OWN_ACCOUNT,
    }
}

/// What the hook is told when this stanza comes to it.
pub(crate) fn input(
    hook: Grant,
    stanza: &Stanza,
    session: Option<&Jid>,
    declared: &Declared,
    now: u64,
) -> anyhow::Result<Input> {
    let mut stanza = stanza.clone();
    // As the server does before anybody is asked.
    if stanza.to.is_none() && stanza.kind() != Kind::Presence {
        stanza.to = stanza.from.as_ref().map(Jid::bare);
    }
    let from = stanza.from.as_ref().context("the stanza has no `from`")?;
    let recipient = stanza.to.as_ref().unwrap_or(from);
    let shown = |actor: &Jid| Shown {
        vhost: vhost_of(actor, declared).0.to_owned(),
        origin: Origin::Session,
        received: now,
        client: None,
        accepted: false,
        xml: stanza.to_xml(),
    };
    Ok(match hook {
        Grant::Pre => Input::Pre(shown(from)),
        Grant::Incoming => Input::Incoming(shown(recipient)),
        Grant::Process => Input::Process(shown(recipient)),
        Grant::Post => Input::Post(shown(recipient)),
        Grant::Service => Input::Service(shown(recipient)),
        Grant::Filter => {
            let writes_to = Some(recipient).filter(|jid| jid.resource().is_some()).or(session);
            let session = writes_to.context("a filter is asked for a session: name one with --session")?;
            Input::Filter { session: session.to_string(), shown: shown(session) }
        }
        Grant::Sessions => Input::Sessions { session: from.to_string(), change: change(&stanza)? },
        Grant::Commands => Input::Commands(command(&stanza, from, recipient)?),
        Grant::Replies => {
            Input::Replies { from: from.to_string(), context: Blob::default(), xml: Some(stanza.to_xml()) }
        }
        Grant::Portable => {
            bail!("no stanza is an export; try it with `waxwing plugin test`, <export/> and <import/>")
        }
        Grant::Alarms => {
            bail!("no stanza rings an alarm; try it with `waxwing plugin test` and <advance by='1h'/>")
        }
        other => bail!("`{other}` is no hook"),
    })
}

/// What a session's presence means to plugins.
fn change(stanza: &Stanza) -> anyhow::Result<Change> {
    match (stanza.kind(), stanza.ty()) {
        (Kind::Presence, Type::Available) => {
            let priority = stanza.text("priority").unwrap_or_default();
            let priority = if priority.trim().is_empty() { Ok(0) } else { priority.trim().parse() };
            Ok(Change::Available(priority.context("a priority is a number from -128 to 127")?))
        }
        (Kind::Presence, Type::Unavailable) => Ok(Change::Unavailable(stanza.text("status"))),
        _ => bail!("for the hook `sessions`, the stanza is a presence, available or unavailable"),
    }
}

/// The step of a command that an IQ asks for (XEP-0050).
fn command(stanza: &Stanza, from: &Jid, to: &Jid) -> anyhow::Result<CommandRequest> {
    let wrong = "for the hook `commands`, the stanza is an IQ with <command xmlns='http://jabber.org/protocol/commands' \
                 node='...'>";
    let command = stanza.child("command", COMMANDS).context(wrong)?.element()?;
    let action = match command.attr("action") {
        None | Some("execute") => CommandAction::Execute,
        Some("next") => CommandAction::Next,
        Some("prev") => CommandAction::Prev,
        Some("complete") => CommandAction::Complete,
        Some(other) => bail!("'{other}' is no action of a command"),
    };
    let form = command.child("x", FORMS);
    let fields = form.into_iter().flat_map(Element::children).filter(|field| field.is("field", FORMS));
    let answers = fields.filter_map(|field| {
        let values = field.children().filter(|value| value.is("value", FORMS)).map(Element::text);
        Some((field.attr("var")?.to_owned(), values.collect()))
    });
    Ok(CommandRequest {
        node: command.attr("node").context(wrong)?.to_owned(),
        user: from.to_string(),
        vhost: to.domain().to_owned(),
        action,
        answers: answers.collect(),
        answers_follow: false,
        state: Vec::new(),
    })
}
