//! Addresses (RFC 7622).

use crate::prep;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

/// Why a text is not an address (RFC 7622 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JidError {
    /// The part before `@` is empty, too long or has a character that is not allowed there.
    #[error("the localpart of the address is not valid")]
    Local,
    /// The domain is empty, too long or not a host name or IP address.
    #[error("the domainpart of the address is not valid")]
    Domain,
    /// The part after `/` is empty, too long or has a character that is not allowed there.
    #[error("the resourcepart of the address is not valid")]
    Resource,
}

/// An address whose parts are prepared: two addresses are the same when their texts are.
///
/// It is a window on a shared text, so that cloning it or taking its bare form or its domain copies nothing.
#[derive(Clone)]
pub struct Jid {
    text: Arc<str>,
    start: u16,
    /// Where the domain starts; `start` when there is no localpart.
    domain: u16,
    /// Where the domain ends; `end` when there is no resourcepart.
    bare: u16,
    end: u16,
}

impl Jid {
    /// Parses and prepares `localpart@domainpart/resourcepart`, where only the domainpart is required.
    pub fn parse(text: &str) -> Result<Jid, JidError> {
        // RFC 7622 section 3.1: the first '/' ends everything else, the first '@' before it ends the
        // localpart.
        let (bare, resource) = match text.split_once('/') {
            Some((bare, resource)) => (bare, Some(resource)),
            None => (text, None),
        };
        let (local, domain) = match bare.split_once('@') {
            Some((local, domain)) => (Some(local), domain),
            None => (None, bare),
        };
        let plain = local.is_none_or(prep::is_plain_local)
            && prep::is_plain_domain(domain)
            && resource.is_none_or(prep::is_plain_resource);
        if plain {
            let start = local.map_or(0, |local| local.len() + 1);
            return Ok(Jid::window(Arc::from(text), start, start + domain.len()));
        }
        Jid::from_parts(local, domain, resource)
    }

    /// Prepares the three parts and makes an address of them.
    pub fn from_parts(local: Option<&str>, domain: &str, resource: Option<&str>) -> Result<Jid, JidError> {
        let mut text = String::with_capacity(domain.len() + 64);
        if let Some(local) = local {
            text.push_str(&prep::local(local)?);
            text.push('@');
        }
        let start = text.len();
        text.push_str(&prep::domain(domain)?);
        let bare = text.len();
        if let Some(resource) = resource {
            text.push('/');
            text.push_str(&prep::resource(resource)?);
        }
        Ok(Jid::window(Arc::from(text), start, bare))
    }

    /// The whole of a text of at most 3 * 1023 + 2 bytes: all offsets fit.
    fn window(text: Arc<str>, domain: usize, bare: usize) -> Jid {
        let end = text.len() as u16;
        Jid { text, start: 0, domain: domain as u16, bare: bare as u16, end }
    }

    fn slice(&self, range: Range<u16>) -> &str {
        self.text.get(usize::from(range.start)..usize::from(range.end)).unwrap_or_default()
    }

    /// The prepared text.
    pub fn as_str(&self) -> &str {
        self.slice(self.start..self.end)
    }

    /// The part before `@`.
    pub fn local(&self) -> Option<&str> {
        (self.domain > self.start).then(|| self.slice(self.start..self.domain - 1))
    }

    /// The domain.
    pub fn domain(&self) -> &str {
        self.slice(self.domain..self.bare)
    }

    /// The part after `/`.
    pub fn resource(&self) -> Option<&str> {
        (self.end > self.bare).then(|| self.slice(self.bare + 1..self.end))
    }

    /// The text without the resourcepart.
    pub fn bare_str(&self) -> &str {
        self.slice(self.start..self.bare)
    }

    /// The address without the resourcepart; shares the text.
    pub fn bare(&self) -> Jid {
        Jid { end: self.bare, ..self.clone() }
    }

    /// The address of the domain alone; shares the text.
    pub fn domain_jid(&self) -> Jid {
        Jid { start: self.domain, end: self.bare, ..self.clone() }
    }

    /// The bare form with this resourcepart, which is prepared.
    pub fn with_resource(&self, resource: &str) -> Result<Jid, JidError> {
        let resource = prep::resource(resource)?;
        let bare = self.bare_str();
        let mut text = String::with_capacity(bare.len() + 1 + resource.len());
        text.push_str(bare);
        text.push('/');
        text.push_str(&resource);
        Ok(Jid::window(Arc::from(text), usize::from(self.domain - self.start), bare.len()))
    }

    /// The address as software that follows RFC 6122 writes it, if that differs: such software folds a localpart more,
    /// `ss` for `ß`.
    pub fn rfc6122(&self) -> Option<Jid> {
        let local = prep::rfc6122_local(self.local()?)?;
        Jid::from_parts(Some(&local), self.domain(), self.resource()).ok().filter(|jid| jid != self)
    }

    /// Whether the domain is an IP address, not a name.
    pub fn is_ip_address(&self) -> bool {
        prep::is_ip_address(self.domain())
    }

    /// Whether there is no resourcepart.
    pub fn is_bare(&self) -> bool {
        self.bare == self.end
    }

    /// Whether there is neither a localpart nor a resourcepart.
    pub fn is_domain(&self) -> bool {
        self.domain == self.start && self.is_bare()
    }
}

impl PartialEq for Jid {
    fn eq(&self, other: &Jid) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Jid {}

impl PartialEq<str> for Jid {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Jid {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl Hash for Jid {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl std::borrow::Borrow<str> for Jid {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Jid {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl PartialOrd for Jid {
    fn partial_cmp(&self, other: &Jid) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Jid {
    fn cmp(&self, other: &Jid) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl FromStr for Jid {
    type Err = JidError;

    fn from_str(text: &str) -> Result<Jid, JidError> {
        Jid::parse(text)
    }
}

impl fmt::Display for Jid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Jid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;
