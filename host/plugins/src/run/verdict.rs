//! What a plugin's verdict means, once it is known to be one that can be carried out.

use crate::bindings::exports::xmpp::plugin::portable;
use crate::bindings::exports::xmpp::plugin::sessions::Flow;
use crate::bindings::xmpp::plugin::types as wit;
use crate::common::failure::{Failure, STATE};
use crate::declare::command::CommandReply;
use crate::declare::grants::Grant;
use crate::declare::options::Limits;
use crate::declare::portable::PortablePage;
use crate::effects::Effects;
use crate::host::Outgoing;
use crate::line::one_line;
use crate::run::instance::Answer;
use crate::run::wit_errors::stanza_error;
use waxwing_xmpp::{Element, Kind, Stanza, StanzaError, Type, ns};

/// A verdict that has been checked.
#[derive(Debug)]
pub(crate) enum Decision {
    Next,
    /// The stanza to carry on with.
    Replace(Stanza),
    Handled,
    /// What stands inside the IQ result.
    Reply(String),
    Drop,
    Reject(StanzaError),
    /// What a session hook answers.
    Flow(Flow),
    /// What a command answers.
    Command(Result<CommandReply, StanzaError>),
    /// What is given out of an account.
    Page(Result<PortablePage, String>),
    /// Whether something was taken for an account.
    Taken(Result<(), String>),
}

/// What a call comes to.
pub(crate) struct Settled {
    pub decision: Decision,
    /// What it wants done; `None` after an error, which leaves nothing behind, whoever finds it.
    pub effects: Option<Effects>,
}

/// Find out what a call comes to, if its answer is one that can be carried out.
pub(crate) fn settle(
    answer: Answer,
    mut effects: Effects,
    hook: Grant,
    stanza: Option<&Stanza>,
    limits: &Limits,
) -> Result<Settled, Failure> {
    // What it answers leaves with what it sends.
    if !effects.outbox.has_room(0, answer.bytes(), limits) {
        return Err(Failure::LargeAnswer(limits.outbox_bytes));
    }
    let mut decision = match (answer, stanza) {
        (Answer::Verdict(verdict), Some(stanza)) => decide(verdict, hook, stanza)?,
        (Answer::Verdict(_), None) => return Err(Failure::WrongVerdict("verdict")),
        (Answer::Flow(flow), _) => Decision::Flow(flow),
        (Answer::Command(Ok(CommandReply::Step { state, .. })), _) if state.len() > STATE => {
            return Err(Failure::BigState);
        }
        (Answer::Command(reply), _) => Decision::Command(reply),
        (Answer::Page(Ok(page)), _) => Decision::Page(portable_page(page).map(Ok)?),
        (Answer::Page(Err(why)), _) => Decision::Page(Err(one_line(&why))),
        (Answer::Taken(taken), _) => Decision::Taken(taken.map_err(|why| one_line(&why))),
        (Answer::Nothing, _) => Decision::Next,
    };
    match (&decision, stanza) {
        (
            Decision::Reject(_) | Decision::Command(Err(_)) | Decision::Page(_) | Decision::Taken(Err(_)),
            _,
        ) => {
            return Ok(Settled { decision, effects: None });
        }
        (Decision::Reply(inner), Some(stanza)) if !effects.removals.is_empty() && stanza.from.is_some() => {
            // The answer has to leave before the sessions that wait for it are closed.
            effects.send_last(Outgoing::Route(stanza.iq_result(inner)));
            decision = Decision::Handled;
        }
        // Asked again, one that has done nothing would do nothing for ever.
        (Decision::Flow(Flow::Again), _) if !effects.makes_progress() => {
            decision = Decision::Flow(Flow::Done);
        }
        _ => {}
    }
    Ok(Settled { decision, effects: Some(effects) })
}

/// A page whose elements can stand in a file.
fn portable_page(page: portable::Page) -> Result<PortablePage, Failure> {
    let elements = page.elements.iter().map(|xml| {
        let element = Element::parse_in(xml, ns::CLIENT).map_err(|_| Failure::BadXml("page"))?;
        Ok(element.to_string())
    });
    Ok(PortablePage { elements: elements.collect::<Result<_, Failure>>()?, next: page.next })
}

/// Check a verdict on a stanza. What a plugin writes never reaches the wire unchecked.
fn decide(verdict: wit::Verdict, hook: Grant, stanza: &Stanza) -> Result<Decision, Failure> {
    match verdict {
        wit::Verdict::Next => Ok(Decision::Next),
        wit::Verdict::Handled => Ok(Decision::Handled),
        wit::Verdict::Drop => Ok(Decision::Drop),
        wit::Verdict::Reject(error) => Ok(Decision::Reject(stanza_error(error))),
        wit::Verdict::Reply(inner) => match stanza.ty() {
            Type::Get | Type::Set if is_payload(&inner) => Ok(Decision::Reply(inner)),
            Type::Get | Type::Set => Err(Failure::BadXml("reply")),
            _ => Err(Failure::WrongVerdict("reply")),
        },
        wit::Verdict::Replace(xml) => match hook {
            Grant::Pre | Grant::Incoming | Grant::Filter => replacement(&xml, stanza).map(Decision::Replace),
            _ => Err(Failure::WrongVerdict("replace")),
        },
    }
}

/// Whether this can stand inside an IQ result: at most one element, well-formed, nothing that
/// closes the IQ from within.
fn is_payload(inner: &str) -> bool {
    if inner.is_empty() {
        return true;
    }
    let whole = format!("<iq xmlns='jabber:client' type='result' id='0'>{inner}</iq>");
    Stanza::parse(&whole).is_ok_and(|iq| iq.kind() == Kind::Iq && iq.children().count() <= 1)
}

/// Kind and addresses stay as they were, whatever the plugin wrote.
fn replacement(xml: &str, old: &Stanza) -> Result<Stanza, Failure> {
    let new = Stanza::parse(xml).ok().filter(|new| new.kind() == old.kind());
    let new = new.ok_or(Failure::BadXml("replace"))?;
    Ok(new.addressed_as(old))
}
