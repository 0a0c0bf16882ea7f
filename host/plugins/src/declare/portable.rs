//! What plugins keep of accounts, on its way from one server to another (XEP-0227).

use serde::{Deserialize, Serialize};
use std::fmt;

/// An element of an account that a plugin keeps. Displayed, it is as descriptions name it: `{vcard-temp}vCard`,
/// `{jabber:iq:private}query/*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortableKind {
    /// Its namespace.
    pub ns: String,
    /// Its name.
    pub name: String,
    /// Its children are what is given out and taken, page by page.
    pub children: bool,
}

/// Some of what a plugin gives out of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortablePage {
    /// The element, or some of its children: each one well-formed element, written in the same way whatever the
    /// plugin wrote.
    pub elements: Vec<String>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// Why something was not given out or taken.
#[derive(Debug, thiserror::Error)]
pub enum PortableError {
    /// The plugin says so, in a sentence.
    #[error("the plugin {plugin} says: {why}")]
    Refused {
        /// Its name.
        plugin: String,
        /// The sentence.
        why: String,
    },
    /// The call has failed.
    #[error("the plugin {plugin} has failed: {why}")]
    Failed {
        /// Its name.
        plugin: String,
        /// What has happened.
        why: String,
    },
    /// No plugin of the virtual host keeps such an element, or there are none at all now.
    #[error("no plugin keeps {0}")]
    Nobody(PortableKind),
}

impl PortableKind {
    /// Whether it is about elements of the same name.
    pub fn is_same(&self, other: &PortableKind) -> bool {
        self.name == other.name && self.ns == other.ns
    }
}

impl fmt::Display for PortableKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}{}{}", self.ns, self.name, if self.children { "/*" } else { "" })
    }
}
