//! Between the types of the trait and what databases keep: signed integers, text and bytes.

use crate::{Error, Result, ScramKeys};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use waxwing_xmpp::Jid;

/// Databases have signed integers. What is too great is as good as the greatest: no id and no time gets there.
pub(crate) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Back from a column; a negative number was not written by this program.
pub(crate) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// Milliseconds since the Unix epoch.
pub(crate) fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The clock by which values expire.
pub(crate) fn now() -> i64 {
    millis(SystemTime::now())
}

/// Back from [`millis`].
pub(crate) fn time(millis: i64) -> Result<SystemTime> {
    UNIX_EPOCH
        .checked_add(Duration::from_millis(unsigned(millis)))
        .ok_or_else(|| Error::Corrupt(format!("{millis} is no time")))
}

/// An address that was checked before it was written.
pub(crate) fn jid(text: &str) -> Result<Jid> {
    Jid::parse(text).map_err(|error| Error::Corrupt(format!("the address {text:?}: {error}")))
}

/// A column that holds JSON.
pub(crate) fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::Corrupt(error.to_string()))
}

/// For a column that holds JSON.
pub(crate) fn to_json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Unavailable(error.to_string()))
}

/// The least text that is greater than every text with this prefix, in byte order; `None` if there
/// is no such text. UTF-8 sorts as its code points do, so the last one that can be raised is raised.
pub(crate) fn after_prefix(prefix: &str) -> Option<String> {
    let mut chars = prefix.chars();
    while let Some(last) = chars.next_back() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            return Some(chars.as_str().to_owned() + next.encode_utf8(&mut [0; 4]));
        }
    }
    None
}

/// What the columns of one mechanism hold. They are never null: 0 iterations and empty bytes are no keys.
#[derive(Default)]
pub(crate) struct KeyColumns<'a> {
    pub(crate) iterations: u32,
    pub(crate) salt: &'a [u8],
    pub(crate) stored_key: &'a [u8],
    pub(crate) server_key: &'a [u8],
}

impl<'a> KeyColumns<'a> {
    pub(crate) fn of(keys: Option<&'a ScramKeys>) -> Self {
        keys.map_or_else(Self::default, |keys| Self {
            iterations: keys.iterations,
            salt: &keys.salt,
            stored_key: &keys.stored_key,
            server_key: &keys.server_key,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::after_prefix;

    #[test]
    fn prefix_ends_where_the_next_begins() {
        assert_eq!(after_prefix(""), None);
        assert_eq!(after_prefix("ab").as_deref(), Some("ac"));
        assert_eq!(after_prefix("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after_prefix("\u{10ffff}\u{10ffff}"), None);
        assert_eq!(after_prefix("\u{7f}").as_deref(), Some("\u{80}"));
        assert_eq!(after_prefix("\u{d7ff}").as_deref(), Some("\u{e000}"));
    }
}
