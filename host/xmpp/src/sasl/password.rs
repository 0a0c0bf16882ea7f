//! Passwords, and the keys that are stored in their place.

use super::Hash;
use crate::prep;
use ring::{digest, hmac, pbkdf2};
use std::borrow::Cow;
use std::num::NonZeroU32;
use subtle::ConstantTimeEq;

/// A text that cannot be a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Empty, or empty once prepared.
    #[error("the password is empty")]
    Empty,
    /// A character that no password has.
    #[error("the password has a character that is not allowed (control characters, for one)")]
    Forbidden,
    /// No iterations at all.
    #[error("the number of iterations must be at least 1")]
    Iterations,
}

/// What a server stores to check a SCRAM proof, or a password, without knowing the password (RFC 5802, section 3).
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// Checks the client's proof.
    pub stored_key: Vec<u8>,
    /// Makes the server's proof.
    pub server_key: Vec<u8>,
}

impl Keys {
    /// Whether both are of the same password, in a time that does not depend on how much of them is alike.
    pub fn matches(&self, other: &Keys) -> bool {
        bool::from(self.stored_key.ct_eq(&other.stored_key) & self.server_key.ct_eq(&other.server_key))
    }
}

impl std::fmt::Debug for Keys {
    /// Nothing of them: whoever has the keys can pretend to be the server.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

/// The form of a password that keys are made of. Clients that use SCRAM prepare it themselves, by SASLprep (RFC 5802,
/// section 5.1), so this is SASLprep; a password that SASLprep does not know, such as one with an emoji, is prepared
/// by OpaqueString (RFC 8265, section 4.2).
///
/// # Errors
/// If it is empty (before or after), or has forbidden characters.
pub fn prepare_password(password: &str) -> Result<Cow<'_, str>, PasswordError> {
    let prepared = match stringprep::saslprep(password) {
        Ok(prepared) => prepared,
        Err(_) => Cow::Owned(prep::opaque(password).ok_or(PasswordError::Forbidden)?),
    };
    if prepared.is_empty() { Err(PasswordError::Empty) } else { Ok(prepared) }
}

/// Whether these are the keys of a password, prepared in either way: keys may have come from a server that prepares
/// by OpaqueString where this one does not. It takes as long as deriving them.
///
/// # Errors
/// See [`PasswordError`].
pub fn is_password_of(
    keys: &Keys,
    hash: Hash,
    password: &str,
    salt: &[u8],
    iterations: u32,
) -> Result<bool, PasswordError> {
    let usual = prepare_password(password)?;
    if keys_of(hash, &usual, salt, iterations)?.matches(keys) {
        return Ok(true);
    }
    match prep::opaque(password) {
        Some(other) if other != usual => Ok(keys_of(hash, &other, salt, iterations)?.matches(keys)),
        _ => Ok(false),
    }
}

/// Derive the stored keys of a password. The work grows with `iterations` (a millisecond or so for each thousand or
/// two): keep it off threads that serve others.
///
/// # Errors
/// See [`PasswordError`].
pub fn derive_keys(hash: Hash, password: &str, salt: &[u8], iterations: u32) -> Result<Keys, PasswordError> {
    keys_of(hash, &prepare_password(password)?, salt, iterations)
}

/// The keys of a prepared password.
pub(super) fn keys_of(
    hash: Hash,
    prepared: &str,
    salt: &[u8],
    iterations: u32,
) -> Result<Keys, PasswordError> {
    let salted = salted_password(hash, prepared, salt, iterations)?;
    let client_key = sign(hash, &salted, b"Client Key");
    Ok(Keys {
        stored_key: digest::digest(hash.digest(), client_key.as_ref()).as_ref().to_vec(),
        server_key: sign(hash, &salted, b"Server Key").as_ref().to_vec(),
    })
}

pub(super) fn salted_password(
    hash: Hash,
    prepared: &str,
    salt: &[u8],
    iterations: u32,
) -> Result<Vec<u8>, PasswordError> {
    let iterations = NonZeroU32::new(iterations).ok_or(PasswordError::Iterations)?;
    let mut salted = vec![0; hash.digest().output_len()];
    pbkdf2::derive(hash.pbkdf2(), iterations, salt, prepared.as_bytes(), &mut salted);
    Ok(salted)
}

pub(super) fn sign(hash: Hash, key: &[u8], data: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hash.hmac(), key), data)
}
