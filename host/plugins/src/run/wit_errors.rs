//! Stanza errors and texts, from a plugin and to it.

use crate::bindings::xmpp::plugin::types as wit;
use waxwing_xmpp::{Condition, ErrorType, StanzaError, is_xml_char};

/// An error as a plugin gave it.
pub(crate) fn stanza_error(error: wit::StanzaError) -> StanzaError {
    let mut answer = StanzaError::from(condition(error.condition));
    if let Some(ty) = error.type_ {
        answer.ty = error_type(ty);
    }
    answer.text = error.text.map(clean);
    answer
}

/// An error as it is lent to a plugin.
pub(crate) fn lend_error(error: &StanzaError) -> wit::StanzaError {
    wit::StanzaError {
        type_: Some(wit_error_type(error.ty)),
        condition: wit_condition(error.condition),
        text: error.text.clone(),
    }
}

/// Without characters that XML cannot carry: they would end the recipient's stream.
pub(crate) fn clean(text: String) -> String {
    if text.chars().all(is_xml_char) { text } else { text.chars().filter(|c| is_xml_char(*c)).collect() }
}

/// A function each way between two enums whose variants have the same names.
macro_rules! same_names {
    ($there:ident, $back:ident: $type:ident { $($variant:ident),+ $(,)? }) => {
        fn $there(given: wit::$type) -> $type {
            match given { $(wit::$type::$variant => $type::$variant,)+ }
        }

        fn $back(given: $type) -> wit::$type {
            match given { $($type::$variant => wit::$type::$variant,)+ }
        }
    };
}

same_names!(error_type, wit_error_type: ErrorType { Auth, Cancel, Continue, Modify, Wait });
same_names!(condition, wit_condition: Condition {
    BadRequest, Conflict, FeatureNotImplemented, Forbidden,
    Gone, InternalServerError, ItemNotFound, JidMalformed,
    NotAcceptable, NotAllowed, NotAuthorized, PolicyViolation,
    RecipientUnavailable, Redirect, RegistrationRequired, RemoteServerNotFound,
    RemoteServerTimeout, ResourceConstraint, ServiceUnavailable, SubscriptionRequired,
    UndefinedCondition, UnexpectedRequest,
});
