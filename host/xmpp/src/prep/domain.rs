//! Domains (RFC 7622, section 3.2): names of IDNA2008 with Unicode in place of `xn--`, or IP addresses.

use super::class::Class;
use super::{LONGEST, profile};
use crate::JidError;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Whether this is a domain of lower-case letters, digits and hyphens that preparation would leave as it is.
pub fn is_plain_domain(domain: &str) -> bool {
    domain.len() <= 253
        && domain.split('.').all(|label| {
            let bytes = label.as_bytes();
            (1..=63).contains(&bytes.len())
                && bytes.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
                && bytes.first() != Some(&b'-')
                && bytes.last() != Some(&b'-')
                // An A-label or a reserved one: not plain, or none.
                && bytes.get(2..4) != Some(b"--")
        })
}

/// Prepares a domainpart.
pub fn domain(domain: &str) -> Result<Cow<'_, str>, JidError> {
    if is_plain_domain(domain) {
        return Ok(Cow::Borrowed(domain));
    }
    if let Some(address) = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let address = address.parse::<Ipv6Addr>().map_err(|_| JidError::Domain)?;
        return Ok(Cow::Owned(format!("[{address}]")));
    }
    if domain.len() > LONGEST {
        return Err(JidError::Domain);
    }
    host_name(domain).map(Cow::Owned).ok_or(JidError::Domain)
}

/// The labels of a name by IDNA2008, U-labels for A-labels.
pub fn host_name(domain: &str) -> Option<String> {
    // The dot of the root is not part of the name.
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let (name, valid) = Uts46::new().to_unicode(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::Check);
    // UTS #46 maps as people expect, and lets symbols through that IDNA2008 does not have.
    let is_label =
        |label: &str| label.is_ascii() || profile::has_only(label, |class| class == Class::Identifier);
    let is_name = valid.is_ok() && name.split('.').all(is_label) && to_ascii(&name).is_some();
    is_name.then(|| name.into_owned())
}

/// A domain as the DNS and certificates have it, with `xn--` in place of Unicode. `None` if it is too long for that,
/// or not a name.
pub fn to_ascii(domain: &str) -> Option<Cow<'_, str>> {
    if is_plain_domain(domain) {
        return Some(Cow::Borrowed(domain));
    }
    let name = domain.as_bytes();
    Uts46::new().to_ascii(name, AsciiDenyList::STD3, Hyphens::Check, DnsLength::Verify).ok()
}

/// Whether a prepared domain is an IP address rather than a name.
pub fn is_ip_address(domain: &str) -> bool {
    domain.starts_with('[') || domain.parse::<Ipv4Addr>().is_ok()
}
