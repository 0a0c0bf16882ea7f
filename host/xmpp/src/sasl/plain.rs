//! PLAIN (RFC 4616): the password itself. Only for streams that TLS protects.

use super::SaslError;

/// The message of a client.
#[derive(Clone, PartialEq, Eq)]
pub struct Plain {
    /// Whom to act as; none if empty.
    pub authzid: Option<String>,
    /// Who logs in.
    pub username: String,
    /// In clear: keep it no longer than the check takes.
    pub password: String,
}

impl Plain {
    /// Take a message apart: `[authzid] NUL username NUL password`.
    ///
    /// # Errors
    /// `malformed-request` unless there are exactly three parts of UTF-8, the last two not empty.
    pub fn parse(message: &[u8]) -> Result<Self, SaslError> {
        let text = std::str::from_utf8(message).map_err(|_| SaslError::malformed("This is not UTF-8"))?;
        let mut parts = text.split('\0');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(authzid), Some(username), Some(password), None)
                if !username.is_empty() && !password.is_empty() =>
            {
                Ok(Self {
                    authzid: (!authzid.is_empty()).then(|| authzid.to_owned()),
                    username: username.to_owned(),
                    password: password.to_owned(),
                })
            }
            _ => Err(SaslError::malformed("PLAIN takes an optional identity, a user name and a password")),
        }
    }
}

impl std::fmt::Debug for Plain {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plain")
            .field("authzid", &self.authzid)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}
