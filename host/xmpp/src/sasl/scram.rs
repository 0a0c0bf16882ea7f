//! SCRAM and SCRAM-PLUS (RFC 5802, RFC 7677): each side proves that it knows the password, neither shows it.
//!
//! [`ClientFirst::parse`] reads the first message; the caller looks up the account's keys;
//! [`ClientFirst::challenge`] answers and gives a [`Scram`], whose [`Scram::finish`] checks the proof.

use super::password::sign;
use super::{ChannelBinding, Hash, Keys, SaslError, decode, encode};
use ring::digest;
use subtle::ConstantTimeEq;

/// The client's first message, understood.
#[derive(Debug, Clone)]
pub struct ClientFirst {
    /// The user name, unescaped.
    pub username: String,
    /// The identity to act as, unescaped.
    pub authzid: Option<String>,
    hash: Hash,
    /// What the `c=` of the final message must decode to: the GS2 header, then the channel binding data.
    binding: Vec<u8>,
    bare: String,
    nonce: String,
}

impl ClientFirst {
    /// Read the first message. `plus` tells whether the mechanism is a PLUS one, `channel` what the stream can be
    /// bound to: empty where no PLUS mechanism was offered.
    ///
    /// # Errors
    /// `malformed-request` for what RFC 5802 does not allow, an unsupported extension or binding type included;
    /// `not-authorized` if the client believes that the server has no channel binding although it was offered, as it
    /// would if somebody had edited the list of mechanisms.
    pub fn parse(
        message: &[u8],
        hash: Hash,
        plus: bool,
        channel: &ChannelBinding,
    ) -> Result<Self, SaslError> {
        let message = std::str::from_utf8(message).map_err(|_| SaslError::malformed("This is not UTF-8"))?;
        let malformed = SaslError::malformed("This is no first message of SCRAM");
        let (flag, rest) = message.split_once(',').ok_or(malformed)?;
        let (authzid, bare) = rest.split_once(',').ok_or(malformed)?;
        let gs2_header = message.strip_suffix(bare).ok_or(malformed)?;

        let mut binding = gs2_header.as_bytes().to_vec();
        match (flag, flag.strip_prefix("p=")) {
            (_, Some(name)) if plus => {
                let data = channel.get(name);
                binding.extend(
                    data.ok_or(SaslError::malformed("This type of channel binding is not supported"))?,
                );
            }
            (_, Some(_)) => return Err(SaslError::malformed("Channel binding takes a PLUS mechanism")),
            ("n" | "y", None) if plus => {
                return Err(SaslError::malformed("A PLUS mechanism takes channel binding"));
            }
            ("y", None) if channel.is_available() => {
                return Err(SaslError::not_authorized(
                    "Channel binding was offered: somebody may be in between",
                ));
            }
            ("n" | "y", None) => {}
            _ => return Err(malformed),
        }

        let authzid = match authzid {
            "" => None,
            text => Some(unescape(text.strip_prefix("a=").ok_or(malformed)?).ok_or(malformed)?),
        };
        let mut attributes = bare.split(',');
        let first = attributes.next().ok_or(malformed)?;
        if first.starts_with("m=") {
            return Err(SaslError::malformed("This extension of SCRAM is not supported"));
        }
        let username = first.strip_prefix("n=").and_then(unescape).ok_or(malformed)?;
        let nonce = attributes.next().and_then(|text| text.strip_prefix("r=")).ok_or(malformed)?;
        if nonce.is_empty() || !nonce.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(malformed);
        }
        Ok(Self { username, authzid, hash, binding, bare: bare.to_owned(), nonce: nonce.to_owned() })
    }

    /// Answer with the account's salt, and the server's half of the nonce: printable ASCII without commas, never
    /// used before. Gives the state and the server's first message.
    ///
    /// For an account that does not exist, pass keys that no password has with a salt that stays the same, so that
    /// nobody learns which accounts there are.
    pub fn challenge(self, server_nonce: &str, salt: &[u8], iterations: u32, keys: Keys) -> (Scram, Vec<u8>) {
        let nonce = format!("{}{server_nonce}", self.nonce);
        let server_first = format!("r={nonce},s={},i={iterations}", encode(salt));
        let scram = Scram {
            hash: self.hash,
            binding: self.binding,
            nonce,
            signed: format!("{},{server_first},", self.bare),
            keys,
        };
        (scram, server_first.into_bytes())
    }
}

/// An exchange that waits for the client's proof.
pub struct Scram {
    hash: Hash,
    binding: Vec<u8>,
    nonce: String,
    /// The messages so far, in the form in which both sides sign them: `AuthMessage` up to the client's last part.
    signed: String,
    keys: Keys,
}

impl Scram {
    /// Check the client's final message and give the server's: its own proof.
    ///
    /// # Errors
    /// `malformed-request` if it is no such message; `not-authorized` if the nonce, the channel binding or the proof
    /// is wrong.
    pub fn finish(&self, message: &[u8]) -> Result<Vec<u8>, SaslError> {
        let message = std::str::from_utf8(message).map_err(|_| SaslError::malformed("This is not UTF-8"))?;
        let malformed = SaslError::malformed("This is no final message of SCRAM");
        let (without_proof, proof) = message.rsplit_once(",p=").ok_or(malformed)?;
        let proof = decode(proof).map_err(|_| malformed)?;
        let mut attributes = without_proof.split(',');
        let binding = attributes.next().and_then(|text| text.strip_prefix("c=")).ok_or(malformed)?;
        let binding = decode(binding).map_err(|_| malformed)?;
        let nonce = attributes.next().and_then(|text| text.strip_prefix("r=")).ok_or(malformed)?;

        if !bool::from(nonce.as_bytes().ct_eq(self.nonce.as_bytes())) {
            return Err(SaslError::not_authorized("The nonce is not that of the challenge"));
        }
        if !bool::from(binding.as_slice().ct_eq(&self.binding)) {
            return Err(SaslError::not_authorized(
                "The channel binding does not match: somebody may be in between",
            ));
        }
        let auth_message = format!("{}{without_proof}", self.signed);
        let signature = sign(self.hash, &self.keys.stored_key, auth_message.as_bytes());
        if proof.len() != signature.as_ref().len() {
            return Err(malformed);
        }
        let client_key: Vec<u8> = proof.iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
        let stored_key = digest::digest(self.hash.digest(), &client_key);
        if !bool::from(stored_key.as_ref().ct_eq(&self.keys.stored_key)) {
            return Err(super::SaslCondition::NotAuthorized.into());
        }
        let verifier = sign(self.hash, &self.keys.server_key, auth_message.as_bytes());
        Ok(format!("v={}", encode(verifier.as_ref())).into_bytes())
    }
}

impl std::fmt::Debug for Scram {
    /// The hash alone: the rest helps whoever wants to guess the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scram").field("hash", &self.hash).finish_non_exhaustive()
    }
}

/// Undo `=2C` and `=3D` (RFC 5802, section 5.1). `None` for any other `=`, for NUL and for nothing at all.
fn unescape(text: &str) -> Option<String> {
    let mut parts = text.split('=');
    let mut plain = parts.next()?.to_owned();
    for part in parts {
        let (character, rest) = part
            .strip_prefix("2C")
            .map(|rest| (',', rest))
            .or(part.strip_prefix("3D").map(|rest| ('=', rest)))?;
        plain.push(character);
        plain.push_str(rest);
    }
    (!plain.is_empty() && !plain.contains('\0')).then_some(plain)
}
