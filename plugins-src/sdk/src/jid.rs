//! Parts of an address. The host has already parsed and prepared every address that a plugin sees.

/// The account of an address: everything before the first slash.
///
/// ```
/// use waxwing_plugin::bare;
/// assert_eq!(bare("juliet@capulet.example/balcony"), "juliet@capulet.example");
/// assert_eq!(bare("capulet.example"), "capulet.example");
/// ```
#[must_use]
pub fn bare(jid: &str) -> &str {
    jid.split_once('/').map_or(jid, |(bare, _)| bare)
}

/// The name of an address within its domain: everything before the `@`, if there is one.
///
/// ```
/// use waxwing_plugin::local;
/// assert_eq!(local("juliet@capulet.example/b@lcony"), Some("juliet"));
/// assert_eq!(local("capulet.example/b@lcony"), None);
/// ```
#[must_use]
pub fn local(jid: &str) -> Option<&str> {
    bare(jid).split_once('@').map(|(local, _)| local)
}

/// The domain of an address.
///
/// ```
/// use waxwing_plugin::domain;
/// assert_eq!(domain("juliet@capulet.example/b@lcony"), "capulet.example");
/// assert_eq!(domain("capulet.example"), "capulet.example");
/// ```
#[must_use]
pub fn domain(jid: &str) -> &str {
    bare(jid).split_once('@').map_or(bare(jid), |(_, domain)| domain)
}

/// What tells the sessions of an account apart: everything after the first slash, if there is one.
///
/// ```
/// use waxwing_plugin::resource;
/// assert_eq!(resource("juliet@capulet.example/a/b"), Some("a/b"));
/// ```
#[must_use]
pub fn resource(jid: &str) -> Option<&str> {
    jid.split_once('/').map(|(_, resource)| resource)
}
