//! The language of a stream, for stanzas that do not name their own (RFC 6120, sections 4.7.4 and 8.1.5).

use super::Span;

/// Longest language tag that is taken from a stream header (RFC 5646, section 4.4.1): every stanza carries it.
const LONGEST: usize = 35;

/// The start of the attribute, up to its value.
const START: &str = " xml:lang='";

/// A language as the attribute of a stanza.
#[derive(Debug)]
pub(crate) struct Lang(Box<str>);

impl Lang {
    /// The language that a stream header names. What is no language tag says nothing.
    pub fn new(tag: &str) -> Option<Lang> {
        let plain = tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (!tag.is_empty() && tag.len() <= LONGEST && plain).then(|| Lang(format!("{START}{tag}'").into()))
    }

    /// The attribute, with a space before it.
    pub fn attr(&self) -> &str {
        &self.0
    }

    /// The place of the value where the attribute begins at `start`.
    pub(super) fn value_after(&self, start: u32) -> Span {
        Span { start: start + START.len() as u32, end: start + self.0.len() as u32 - 1 }
    }
}
