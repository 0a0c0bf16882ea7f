//! SASL (RFC 6120, section 6), the server's side: what the messages mean and whether they prove anything.
//! Carrying them over a stream, and finding an account's keys, is the caller's part.

mod mechanism;
mod password;
mod plain;
mod scram;

pub use mechanism::{ChannelBinding, Hash, Mechanism};
pub use password::{Keys, PasswordError, derive_keys, is_password_of, prepare_password};
pub use plain::Plain;
pub use scram::{ClientFirst, Scram};

use crate::Jid;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Why an authentication failed (RFC 6120, section 6.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SaslCondition {
    /// The client gave up.
    Aborted,
    /// The operator has switched the account off.
    AccountDisabled,
    /// The password is too old to be used.
    CredentialsExpired,
    /// The mechanism takes TLS, which the stream has not.
    EncryptionRequired,
    /// Not base64.
    IncorrectEncoding,
    /// The identity to act as is not the client's.
    InvalidAuthzid,
    /// The mechanism is unknown or was not offered.
    InvalidMechanism,
    /// The message is none that the mechanism knows.
    MalformedRequest,
    /// The mechanism is not strong enough for this account.
    MechanismTooWeak,
    /// The credentials are wrong, or there is no such account.
    NotAuthorized,
    /// The server cannot tell just now.
    TemporaryAuthFailure,
}

impl SaslCondition {
    /// The name of the element that carries it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aborted => "aborted",
            Self::AccountDisabled => "account-disabled",
            Self::CredentialsExpired => "credentials-expired",
            Self::EncryptionRequired => "encryption-required",
            Self::IncorrectEncoding => "incorrect-encoding",
            Self::InvalidAuthzid => "invalid-authzid",
            Self::InvalidMechanism => "invalid-mechanism",
            Self::MalformedRequest => "malformed-request",
            Self::MechanismTooWeak => "mechanism-too-weak",
            Self::NotAuthorized => "not-authorized",
            Self::TemporaryAuthFailure => "temporary-auth-failure",
        }
    }
}

/// A failed authentication: the condition, and a sentence for whoever debugs the client. The sentence never says
/// whether an account exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}{}", .condition.name(), .text.map(|text| format!(": {text}")).unwrap_or_default())]
pub struct SaslError {
    /// What to tell the client's program.
    pub condition: SaslCondition,
    /// What to tell its author.
    pub text: Option<&'static str>,
}

impl SaslError {
    /// The condition with an explaining sentence (plain text without XML's special characters).
    pub const fn new(condition: SaslCondition, text: &'static str) -> Self {
        Self { condition, text: Some(text) }
    }

    /// The `<failure/>` that tells the client.
    pub fn to_xml(&self) -> String {
        let name = self.condition.name();
        let text = self.text.map(|text| format!("<text xml:lang='en'>{text}</text>")).unwrap_or_default();
        format!("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><{name}/>{text}</failure>")
    }

    const fn malformed(text: &'static str) -> Self {
        Self::new(SaslCondition::MalformedRequest, text)
    }

    const fn not_authorized(text: &'static str) -> Self {
        Self::new(SaslCondition::NotAuthorized, text)
    }
}

impl From<SaslCondition> for SaslError {
    fn from(condition: SaslCondition) -> Self {
        Self { condition, text: None }
    }
}

/// Decode the text of an `<auth/>` or `<response/>`: base64, or a single `=` for an empty message
/// (RFC 6120, section 6.4.2).
///
/// # Errors
/// `incorrect-encoding` for anything else, white space included.
pub fn decode(text: &str) -> Result<Vec<u8>, SaslError> {
    if text == "=" {
        return Ok(Vec::new());
    }
    STANDARD.decode(text).map_err(|_| SaslError::new(SaslCondition::IncorrectEncoding, "This is not base64"))
}

/// Encode a message for a `<challenge/>` or `<success/>`; an empty one is empty.
pub fn encode(message: &[u8]) -> String {
    STANDARD.encode(message)
}

/// The account that a user name stands for: it is the local part of an address at `domain`
/// (RFC 6120, section 6.3.8).
///
/// # Errors
/// `not-authorized` if no address has such a local part: as for an account that does not exist.
pub fn account(username: &str, domain: &str) -> Result<Jid, SaslError> {
    let wrong = SaslError::from(SaslCondition::NotAuthorized);
    if username.contains(['@', '/']) {
        return Err(wrong);
    }
    let jid = Jid::parse(&format!("{username}@{domain}")).map_err(|_| wrong)?;
    if jid.local().is_some() && jid.is_bare() { Ok(jid) } else { Err(wrong) }
}

/// Whether an account goes by this address, if only in software that follows RFC 6122.
fn is_called(account: &Jid, address: &Jid) -> bool {
    address == account || account.rfc6122().as_ref() == Some(address)
}

/// Check the identity that the client wants to act as: none given, or the account's own address
/// (RFC 6120, section 6.3.8).
///
/// # Errors
/// `invalid-authzid` for any other.
pub fn authorize(account: &Jid, authzid: Option<&str>) -> Result<(), SaslError> {
    match authzid {
        None | Some("") => Ok(()),
        Some(text) if Jid::parse(text).is_ok_and(|jid| is_called(account, &jid)) => Ok(()),
        Some(_) => Err(SaslError::new(SaslCondition::InvalidAuthzid, "You can only act as yourself")),
    }
}

#[cfg(test)]
mod tests;
