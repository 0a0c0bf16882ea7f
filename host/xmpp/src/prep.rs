//! Preparation of the parts of an address (RFC 7622 section 3): quick tests for ASCII that needs none, else
//! the `jid` crate. That prepares as RFC 6122 said, which folds a little more (`ß` is `ss`); what RFC 7622 no
//! longer allows is refused here.

use crate::JidError;
use jid::{DomainPart, NodePart, ResourcePart};
use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// The most bytes of each part.
const PART: usize = 1023;

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

/// Whether this is a domain of lower-case letters, digits and hyphens that preparation would leave as it is.
pub fn is_plain_domain(domain: &str) -> bool {
    domain.len() <= 253
        && domain.split('.').all(|label| {
            let bytes = label.as_bytes();
            (1..=63).contains(&bytes.len())
                && bytes.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
                && bytes.first() != Some(&b'-')
                && bytes.last() != Some(&b'-')
                // An A-label or a reserved one: for the library to judge.
                && bytes.get(2..4) != Some(b"--")
        })
}

/// Prepares a localpart.
pub fn local(local: &str) -> Result<Cow<'_, str>, JidError> {
    if is_plain_local(local) {
        return Ok(Cow::Borrowed(local));
    }
    if !local.chars().all(is_identifier) {
        return Err(JidError::Local);
    }
    stable(local, JidError::Local, |text| Some(NodePart::new(text).ok()?.as_str().to_owned()))
}

/// Whether a localpart may have the character: a letter or digit, or whatever else in ASCII (RFC 8264 section
/// 4.2.1).
fn is_identifier(c: char) -> bool {
    use GeneralCategory::{
        DecimalNumber, LowercaseLetter, ModifierLetter, NonspacingMark, OtherLetter, SpacingMark,
        UppercaseLetter,
    };
    c.is_ascii()
        || matches!(
            c.general_category(),
            LowercaseLetter
                | UppercaseLetter
                | OtherLetter
                | ModifierLetter
                | NonspacingMark
                | SpacingMark
                | DecimalNumber
        )
}

/// Prepares a resourcepart.
pub fn resource(resource: &str) -> Result<Cow<'_, str>, JidError> {
    if is_plain_resource(resource) {
        return Ok(Cow::Borrowed(resource));
    }
    stable(resource, JidError::Resource, |text| Some(ResourcePart::new(text).ok()?.as_str().to_owned()))
}

/// Prepares a domainpart.
pub fn domain(domain: &str) -> Result<Cow<'_, str>, JidError> {
    if is_plain_domain(domain) {
        return Ok(Cow::Borrowed(domain));
    }
    if domain.parse::<Ipv4Addr>().is_ok() {
        return Ok(Cow::Borrowed(domain));
    }
    if let Some(address) = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let address = address.parse::<Ipv6Addr>().map_err(|_| JidError::Domain)?;
        return Ok(Cow::Owned(format!("[{address}]")));
    }
    stable(domain, JidError::Domain, |text| Some(DomainPart::new(text).ok()?.as_str().to_owned()))
}

/// Prepares what the quick test refused and makes sure that preparing it again changes nothing (RFC 8264
/// section 7), so that an address read back from where it was kept is still the same.
fn stable(
    text: &str,
    error: JidError,
    prepare: impl Fn(&str) -> Option<String>,
) -> Result<Cow<'_, str>, JidError> {
    // No preparation makes a text that long short enough.
    if text.len() > 4 * PART {
        return Err(error);
    }
    let prepared = prepare(text).ok_or(error)?;
    let again = prepare(&prepared).ok_or(error)?;
    if prepared == again && prepared.len() <= PART { Ok(Cow::Owned(prepared)) } else { Err(error) }
}
