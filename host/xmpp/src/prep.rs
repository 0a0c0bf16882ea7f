//! Preparation of the parts of an address (RFC 7622, section 3), so that two that mean the same are the same text:
//! quick tests for ASCII that needs none, else the rules of PRECIS for localparts and resourceparts, and of IDNA for
//! domains.

mod bidi;
mod class;
mod context;
mod domain;
mod profile;

pub use domain::{domain, is_ip_address, is_plain_domain, to_ascii as domain_to_ascii};
pub use profile::opaque;

#[cfg(test)]
pub use {domain::host_name, profile::username};

use crate::JidError;
use std::borrow::Cow;

/// The most bytes of each part.
const PART: usize = 1023;

/// Texts that are longer than this are not looked at: no preparation makes them short enough. Full-width letters
/// have three bytes where what they stand for has one.
const LONGEST: usize = 3 * PART;

/// Whether this is a localpart that preparation would leave as it is.
pub fn is_plain_local(local: &str) -> bool {
    (1..=PART).contains(&local.len())
        && local.bytes().all(|b| match b {
            b'"' | b'&' | b'\'' | b'/' | b':' | b'<' | b'>' | b'@' => false,
            b'A'..=b'Z' => false,
            b => b.is_ascii_graphic(),
        })
}

/// Whether this is a resourcepart that preparation would leave as it is.
pub fn is_plain_resource(resource: &str) -> bool {
    (1..=PART).contains(&resource.len()) && resource.bytes().all(|b| matches!(b, b' '..=b'~'))
}

/// Prepares a localpart: the profile UsernameCaseMapped (RFC 8265, section 3.3) without some characters.
pub fn local(local: &str) -> Result<Cow<'_, str>, JidError> {
    if is_plain_local(local) {
        return Ok(Cow::Borrowed(local));
    }
    if local.len() > LONGEST {
        return Err(JidError::Local);
    }
    profile::username(local).filter(|name| is_local(name)).map(Cow::Owned).ok_or(JidError::Local)
}

/// Whether a name of PRECIS may be a localpart (RFC 7622, section 3.3.1).
pub fn is_local(name: &str) -> bool {
    name.len() <= PART && !name.contains(['"', '&', '\'', '/', ':', '<', '>', '@'])
}

/// Prepares a resourcepart: the profile OpaqueString (RFC 8265, section 4.2).
pub fn resource(resource: &str) -> Result<Cow<'_, str>, JidError> {
    if is_plain_resource(resource) {
        return Ok(Cow::Borrowed(resource));
    }
    if resource.len() > LONGEST {
        return Err(JidError::Resource);
    }
    opaque(resource).filter(|text| text.len() <= PART).map(Cow::Owned).ok_or(JidError::Resource)
}

/// A prepared localpart as software makes it that follows RFC 6122, which folds more than RFC 7622: `ss` for `ß`.
/// `None` if it is the same there, or could not be one.
pub fn rfc6122_local(local: &str) -> Option<String> {
    if local.is_ascii() {
        return None;
    }
    let folded = stringprep::nodeprep(local).ok()?;
    (folded != local).then(|| folded.into_owned())
}

/// A prepared domain as software that follows RFC 6122 writes it. What is the same there, it cannot tell apart.
pub fn rfc6122_domain(domain: &str) -> Cow<'_, str> {
    stringprep::nameprep(domain).unwrap_or(Cow::Borrowed(domain))
}

#[cfg(test)]
mod tests;
