//! Writing XML.

use std::borrow::Cow;
use std::fmt::{self, Display, Write};

use crate::Stanza;

/// Text made safe for the inside of an element or of an attribute in either quotes.
///
/// ```
/// use waxwing_plugin::escape;
/// assert_eq!(escape("Romeo & 'Juliet'"), "Romeo &amp; &apos;Juliet&apos;");
/// ```
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| entity(byte).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match u8::try_from(character).ok().and_then(entity) {
            Some(entity) => escaped.push_str(entity),
            None => escaped.push(character),
        }
    }
    Cow::Owned(escaped)
}

fn entity(byte: u8) -> Option<&'static str> {
    match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'\'' => Some("&apos;"),
        b'"' => Some("&quot;"),
        _ => None,
    }
}

/// `format!` for XML: every argument is escaped, except those wrapped in [`raw`].
///
/// ```
/// use waxwing_plugin::{raw, xml};
/// assert_eq!(xml!("<name>{}</name>", "R&J"), "<name>R&amp;J</name>");
/// assert_eq!(xml!("<query>{}</query>", raw("<registered/>")), "<query><registered/></query>");
/// ```
#[macro_export]
macro_rules! xml {
    ($format:literal $(, $value:expr)* $(,)?) => {
        ::std::format!($format $(, $crate::ToXml::to_xml(&$value))*)
    };
}

/// What [`xml!`](crate::xml!) may take as an argument.
pub trait ToXml {
    /// The value as it goes into the document.
    fn to_xml(&self) -> impl Display;
}

impl ToXml for str {
    fn to_xml(&self) -> impl Display {
        escape(self)
    }
}

impl ToXml for String {
    fn to_xml(&self) -> impl Display {
        escape(self)
    }
}

impl<T: ToXml + ?Sized> ToXml for &T {
    fn to_xml(&self) -> impl Display {
        (**self).to_xml()
    }
}

macro_rules! numbers {
    ($($ty:ty)*) => { $(
        impl ToXml for $ty {
            fn to_xml(&self) -> impl Display {
                *self
            }
        }
    )* };
}

numbers!(i8 i32 i64 u32 u64 usize);

/// XML that [`xml!`](crate::xml!) takes as it is.
///
/// ```
/// use waxwing_plugin::{raw, xml};
/// let child = xml!("<username>{}</username>", "juliet");
/// assert_eq!(xml!("<query>{}</query>", raw(&child)), "<query><username>juliet</username></query>");
/// ```
#[must_use]
pub fn raw(xml: &str) -> Raw<'_> {
    Raw(xml)
}

/// See [`raw`].
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a>(&'a str);

impl ToXml for Raw<'_> {
    fn to_xml(&self) -> impl Display {
        self.0
    }
}

impl Stanza {
    /// Whether there is an element at any of these paths.
    ///
    /// ```
    /// # use waxwing_plugin::prelude::*;
    /// # fn says_something(stanza: &Stanza) -> bool {
    /// stanza.has_any(&["body", "subject"])
    /// # }
    /// ```
    #[must_use]
    pub fn has_any(&self, paths: &[&str]) -> bool {
        paths.iter().any(|path| self.has(path))
    }

    /// The whole stanza as XML that stands by itself, with one more child at its end.
    ///
    /// ```
    /// # use waxwing_plugin::prelude::*;
    /// # fn stamped(event: &Event, stanza: &Stanza) -> String {
    /// stanza.to_xml_with(&xml!("<delay xmlns='urn:xmpp:delay' stamp='{}'/>", datetime(event.received)))
    /// # }
    /// ```
    #[must_use]
    pub fn to_xml_with(&self, child: &str) -> String {
        with_child(&self.to_xml(), child)
    }
}

/// The element `xml` with one more child at its end.
///
/// ```
/// use waxwing_plugin::with_child;
/// assert_eq!(with_child("<a><b/></a>", "<c/>"), "<a><b/><c/></a>");
/// ```
#[must_use]
pub fn with_child(xml: &str, child: &str) -> String {
    match xml[..start_tag(xml)].strip_suffix('/') {
        Some(head) => {
            let name = head.trim_start_matches('<').split_whitespace().next().unwrap_or_default();
            format!("{head}>{child}</{name}>")
        }
        None => {
            let (head, end) = xml.split_at(xml.rfind("</").unwrap_or(xml.len()));
            [head, child, end].concat()
        }
    }
}

/// Where the `>` of the first tag is: attributes may have one in their values.
fn start_tag(xml: &str) -> usize {
    let mut quote = None;
    let end = xml.bytes().position(|byte| match (quote, byte) {
        (None, b'\'' | b'"') => {
            quote = Some(byte);
            false
        }
        (Some(open), byte) if open == byte => {
            quote = None;
            false
        }
        (None, b'>') => true,
        _ => false,
    });
    end.unwrap_or(xml.len())
}

/// A moment in UTC with milliseconds, as XEP-0082 writes it.
///
/// ```
/// use waxwing_plugin::datetime;
/// assert_eq!(datetime(1_031_699_305_004), "2002-09-10T23:08:25.004Z");
/// ```
#[must_use]
pub fn datetime(timestamp: u64) -> String {
    let mut text = String::with_capacity(24);
    let _ = write_datetime(&mut text, timestamp);
    text
}

fn write_datetime(out: &mut String, timestamp: u64) -> fmt::Result {
    let (day, ms) = (timestamp / 86_400_000, timestamp % 86_400_000);
    // Years begin in March here, so that a leap day is the last day of its year; an era is 400 years.
    let day = day + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year + carry;
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaping() {
        assert!(matches!(escape("plain, ünïcode"), Cow::Borrowed("plain, ünïcode")));
        assert_eq!(escape("<a b=\"c\">'&'</a>"), "&lt;a b=&quot;c&quot;&gt;&apos;&amp;&apos;&lt;/a&gt;");
        assert_eq!(escape("ü&ü"), "ü&amp;ü");
    }

    #[test]
    fn xml_escapes_every_argument_but_raw_ones() {
        let name = String::from("<o'o>");
        assert_eq!(
            xml!("<a b='{}' c='{}'>{}</a>", name, 7_u64, raw("<d/>")),
            "<a b='&lt;o&apos;o&gt;' c='7'><d/></a>"
        );
    }

    #[test]
    fn moments() {
        assert_eq!(datetime(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(datetime(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(datetime(1_709_251_199_999), "2024-02-29T23:59:59.999Z");
        assert_eq!(datetime(1_709_251_200_000), "2024-03-01T00:00:00.000Z");
        assert_eq!(datetime(4_107_542_400_000), "2100-03-01T00:00:00.000Z");
        assert_eq!(datetime(1_735_689_599_001), "2024-12-31T23:59:59.001Z");
    }

    #[test]
    fn appending() {
        assert_eq!(with_child("<message id='1'/>", "<x/>"), "<message id='1'><x/></message>");
        assert_eq!(with_child("<message><b/></message>", "<x/>"), "<message><b/><x/></message>");
        assert_eq!(with_child("<message a='/>'/>", "<x/>"), "<message a='/>'><x/></message>");
        assert_eq!(with_child("<a b='\"' c=\"'>\"><b/></a>", "<x/>"), "<a b='\"' c=\"'>\"><b/><x/></a>");
        assert_eq!(with_child("<message/>", "<x/>"), "<message><x/></message>");
    }
}
