//! What a plugin's verdict means, once it is known to be one that can be carried out.

use crate::bindings::xmpp::plugin::types as wit;
use crate::call::Failure;
use crate::event::Stage;
use waxwing_xmpp::{Condition, ErrorType, Kind, Stanza, StanzaError, Type};

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
}

/// Check a verdict on a stanza. What a plugin writes never reaches the wire unchecked.
pub(crate) fn decide(verdict: wit::Verdict, stage: Stage, stanza: &Stanza) -> Result<Decision, Failure> {
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
        wit::Verdict::Replace(xml) => match stage {
            Stage::Pre | Stage::Filter => replacement(&xml, stanza).map(Decision::Replace),
            Stage::Process | Stage::Post => Err(Failure::WrongVerdict("replace")),
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
    Ok(new.with_addresses(old.from.clone(), old.to.clone()))
}

fn stanza_error(error: wit::StanzaError) -> StanzaError {
    let mut answer = StanzaError::from(condition(error.condition));
    if let Some(ty) = error.type_ {
        answer.ty = match ty {
            wit::ErrorType::Auth => ErrorType::Auth,
            wit::ErrorType::Cancel => ErrorType::Cancel,
            wit::ErrorType::Continue => ErrorType::Continue,
            wit::ErrorType::Modify => ErrorType::Modify,
            wit::ErrorType::Wait => ErrorType::Wait,
        };
    }
    // Characters that XML cannot carry would end the recipient's stream.
    answer.text = error.text.map(|text| text.chars().filter(|c| is_xml_char(*c)).collect());
    answer
}

/// XML 1.0, production 2.
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

fn condition(condition: wit::Condition) -> Condition {
    use wit::Condition as W;
    match condition {
        W::BadRequest => Condition::BadRequest,
        W::Conflict => Condition::Conflict,
        W::FeatureNotImplemented => Condition::FeatureNotImplemented,
        W::Forbidden => Condition::Forbidden,
        W::Gone => Condition::Gone,
        W::InternalServerError => Condition::InternalServerError,
        W::ItemNotFound => Condition::ItemNotFound,
        W::JidMalformed => Condition::JidMalformed,
        W::NotAcceptable => Condition::NotAcceptable,
        W::NotAllowed => Condition::NotAllowed,
        W::NotAuthorized => Condition::NotAuthorized,
        W::PolicyViolation => Condition::PolicyViolation,
        W::RecipientUnavailable => Condition::RecipientUnavailable,
        W::Redirect => Condition::Redirect,
        W::RegistrationRequired => Condition::RegistrationRequired,
        W::RemoteServerNotFound => Condition::RemoteServerNotFound,
        W::RemoteServerTimeout => Condition::RemoteServerTimeout,
        W::ResourceConstraint => Condition::ResourceConstraint,
        W::ServiceUnavailable => Condition::ServiceUnavailable,
        W::SubscriptionRequired => Condition::SubscriptionRequired,
        W::UndefinedCondition => Condition::UndefinedCondition,
        W::UnexpectedRequest => Condition::UnexpectedRequest,
    }
}
