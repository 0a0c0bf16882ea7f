//! What a hook answers.

use crate::types::{Condition, ErrorType, StanzaError, Verdict};
use crate::{account_admin, account_data, marks, router, scheduler, server_control, storage, vhosts};

/// What hooks return: a [`Verdict`], or an error that bounces the stanza to its sender.
///
/// Errors of the host's interfaces turn into the fitting [`StanzaError`] with `?`:
///
/// ```
/// # use waxwing_plugin::prelude::*;
/// fn answer(event: &Event) -> Result {
///     let note = storage::open_table("notes")?.get_text(event.account(), "note")?;
///     let note = note.ok_or(Condition::ItemNotFound)?;
///     Ok(Verdict::reply(xml!("<note xmlns='urn:example:note'>{}</note>", note)))
/// }
/// ```
pub type Result<T = Verdict, E = StanzaError> = std::result::Result<T, E>;

impl Verdict {
    /// The IQ is answered with this XML inside its result; empty for none.
    ///
    /// ```
    /// # use waxwing_plugin::prelude::*;
    /// let pong = Verdict::reply("");
    /// ```
    #[must_use]
    pub fn reply(xml: impl Into<String>) -> Self {
        Self::Reply(xml.into())
    }

    /// The stanza bounces with this condition, without a text. The same as returning it as an error.
    ///
    /// ```
    /// # use waxwing_plugin::prelude::*;
    /// let refusal = Verdict::error(Condition::Forbidden);
    /// assert!(matches!(refusal, Verdict::Reject(StanzaError { condition: Condition::Forbidden, .. })));
    /// ```
    #[must_use]
    pub fn error(condition: Condition) -> Self {
        Self::Reject(condition.into())
    }
}

impl Condition {
    /// An error of this condition with a sentence for the person at the other end.
    ///
    /// ```
    /// # use waxwing_plugin::prelude::*;
    /// let error = Condition::ServiceUnavailable.text("Offline messages queue is full");
    /// assert!(error.text.is_some());
    /// ```
    #[must_use]
    pub fn text(self, text: &str) -> StanzaError {
        StanzaError { text: Some(text.into()), ..self.into() }
    }
}

impl From<Condition> for StanzaError {
    /// The error type is the one that RFC 6120 recommends for the condition.
    fn from(condition: Condition) -> Self {
        Self { type_: None, condition, text: None }
    }
}

/// Not the sender's fault, and worth trying again.
fn passing(condition: Condition) -> StanzaError {
    StanzaError { type_: Some(ErrorType::Wait), ..condition.into() }
}

impl From<storage::Error> for StanzaError {
    fn from(error: storage::Error) -> Self {
        match error {
            storage::Error::Denied => Condition::ServiceUnavailable.into(),
            storage::Error::OverQuota | storage::Error::Unavailable => passing(Condition::ResourceConstraint),
            storage::Error::Conflict => passing(Condition::InternalServerError),
        }
    }
}

impl From<router::Error> for StanzaError {
    fn from(error: router::Error) -> Self {
        match error {
            router::Error::TooMany => passing(Condition::ResourceConstraint),
            router::Error::Malformed | router::Error::Denied => Condition::InternalServerError.into(),
        }
    }
}

impl From<marks::Error> for StanzaError {
    fn from(error: marks::Error) -> Self {
        match error {
            marks::Error::NoSuchSession => Condition::RecipientUnavailable.into(),
            marks::Error::UnknownMark => Condition::InternalServerError.into(),
        }
    }
}

impl From<account_admin::Error> for StanzaError {
    fn from(error: account_admin::Error) -> Self {
        match error {
            account_admin::Error::Exists => Condition::Conflict.into(),
            account_admin::Error::NotFound => Condition::ItemNotFound.into(),
            account_admin::Error::NotAllowed | account_admin::Error::Full => Condition::NotAllowed.into(),
            account_admin::Error::Invalid => Condition::NotAcceptable.into(),
            account_admin::Error::Unavailable => passing(Condition::ResourceConstraint),
        }
    }
}

impl From<vhosts::Error> for StanzaError {
    fn from(error: vhosts::Error) -> Self {
        match error {
            vhosts::Error::Denied => Condition::Forbidden.into(),
            vhosts::Error::Exists => Condition::Conflict.into(),
            vhosts::Error::NotFound => Condition::ItemNotFound.into(),
            vhosts::Error::Invalid(why) => Condition::NotAcceptable.text(&why),
            vhosts::Error::Unavailable => passing(Condition::ResourceConstraint),
        }
    }
}

impl From<server_control::Error> for StanzaError {
    fn from(error: server_control::Error) -> Self {
        match error {
            server_control::Error::Denied => Condition::Forbidden.into(),
            server_control::Error::Invalid(why) => Condition::NotAcceptable.text(&why),
            server_control::Error::Unavailable => passing(Condition::ResourceConstraint),
        }
    }
}

impl From<account_data::Error> for StanzaError {
    fn from(error: account_data::Error) -> Self {
        match error {
            account_data::Error::Denied => Condition::ServiceUnavailable.into(),
            account_data::Error::OverQuota | account_data::Error::Unavailable => {
                passing(Condition::ResourceConstraint)
            }
        }
    }
}

impl From<scheduler::Error> for StanzaError {
    fn from(error: scheduler::Error) -> Self {
        match error {
            scheduler::Error::Denied => Condition::ServiceUnavailable.into(),
            scheduler::Error::OverQuota | scheduler::Error::Unavailable => {
                passing(Condition::ResourceConstraint)
            }
        }
    }
}
