//! The XML declaration and the stream header (RFC 6120 sections 4.7, 4.8 and 11.5).

use super::Limits;
use crate::chars::ill_formed;
use crate::reader::{Reader, Token};
use crate::stanza::Lang;
use crate::{Jid, StreamCondition, StreamError, ns};
use smallvec::SmallVec;

/// The start tag of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamHeader {
    /// The domain that the stream is for.
    pub to: Option<Jid>,
    /// Who opens the stream, as claimed.
    pub from: Option<Jid>,
    /// The stream id; only a receiving entity sends one.
    pub id: Option<String>,
    /// Major and minor version; none means the time before RFC 3920.
    pub version: Option<(u16, u16)>,
    /// The default language of the stream.
    pub lang: Option<String>,
    /// The content namespace: [`ns::CLIENT`] or [`ns::SERVER`].
    pub ns: &'static str,
    /// Whether server dialback is declared (XEP-0220).
    pub dialback: bool,
}

/// What the elements of a stream depend on.
#[derive(Debug)]
pub struct Context {
    /// The name of the stream element as written.
    pub name: String,
    /// The content namespace.
    pub content: &'static str,
    /// What stanzas are in that do not say so themselves.
    pub lang: Option<Lang>,
    /// Prefixes and names of the namespaces that the header declares.
    namespaces: Box<[(String, String)]>,
}

impl Context {
    /// What `read` makes of the namespaces that the header declares.
    pub fn with_namespaces<T>(&self, read: impl FnOnce(&[(&str, &str)]) -> T) -> T {
        let namespaces = self.namespaces.iter().map(|(prefix, uri)| (prefix.as_str(), uri.as_str()));
        read(&namespaces.collect::<SmallVec<[_; 4]>>())
    }
}

/// Checks `<?xml … ?>`: version 1.0 and, if it is mentioned, UTF-8.
pub fn check_declaration(text: &str) -> Result<(), StreamError> {
    let inside = text.strip_prefix("<?xml").and_then(|text| text.strip_suffix("?>"));
    let inside = inside.filter(|text| text.starts_with([' ', '\t', '\r', '\n']));
    let tag = ["<xml", inside.ok_or(StreamCondition::RestrictedXml)?, "/>"].concat();
    let mut reader = Reader::new(&tag, Limits::INSIDE)?;
    reader.next()?;
    let mut attrs = reader.attrs().iter().peekable();
    let mut next = |name: &str| attrs.next_if(|attr| attr.full_name == name).map(|attr| attr.raw);
    let (version, encoding, standalone) = (next("version"), next("encoding"), next("standalone"));
    let known = matches!(standalone, None | Some("yes" | "no")) && attrs.next().is_none();
    let version = version.filter(|_| known).ok_or_else(|| ill_formed("not an XML declaration"))?;
    if version != "1.0" || encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case("utf-8")) {
        return Err(StreamCondition::UnsupportedEncoding.into());
    }
    Ok(())
}

/// Reads the start tag of a stream.
pub fn read_header(text: &str, limits: Limits) -> Result<(StreamHeader, Context), StreamError> {
    let mut reader = Reader::new(text, limits)?;
    let Token::Start(name) = reader.next()? else {
        return Err(ill_formed("not a stream header"));
    };
    if reader.uri(name.ns) != ns::STREAMS {
        return Err(StreamError::new(StreamCondition::InvalidNamespace).with_text("not the stream namespace"));
    }
    if name.local != "stream" || text.ends_with("/>") {
        return Err(StreamError::new(StreamCondition::BadFormat).with_text("not a stream header"));
    }
    let content = content_namespace(&reader)?;
    let mut header = StreamHeader {
        to: None,
        from: None,
        id: None,
        version: None,
        lang: None,
        ns: content,
        dialback: reader.bindings().iter().any(|binding| binding.uri == ns::DIALBACK),
    };
    for attr in reader.attrs() {
        let value = attr.value();
        if attr.is("to") {
            header.to = Some(Jid::parse(&value).map_err(|_| StreamCondition::ImproperAddressing)?);
        } else if attr.is("from") {
            header.from = Some(Jid::parse(&value).map_err(|_| StreamCondition::InvalidFrom)?);
        } else if attr.is("id") {
            header.id = Some(value.into_owned());
        } else if attr.is("version") {
            header.version = Some(version(&value).ok_or(StreamCondition::UnsupportedVersion)?);
        } else if attr.is_lang() {
            header.lang = Some(value.into_owned());
        }
    }
    let bindings = reader.bindings().iter();
    let namespaces = bindings.map(|binding| (binding.prefix.to_owned(), binding.uri.to_string())).collect();
    let name =
        text.get(1..).and_then(|text| text.split([' ', '\t', '\r', '\n', '>']).next()).unwrap_or_default();
    let lang = header.lang.as_deref().and_then(Lang::new);
    Ok((header, Context { name: name.to_owned(), content, lang, namespaces }))
}

/// The content namespace is the default one. Without a default one, or with that of the stream itself,
/// stanzas say what they are by a prefix or by declarations of their own (RFC 6120 section 4.8.3).
fn content_namespace(reader: &Reader<'_>) -> Result<&'static str, StreamError> {
    let known = |uri: &str| [ns::CLIENT, ns::SERVER].into_iter().find(|known| *known == uri);
    let default = reader.bindings().iter().find(|binding| binding.prefix.is_empty());
    match default.map_or("", |binding| &binding.uri) {
        "" | ns::STREAMS => {
            let declared = reader.bindings().iter().find_map(|binding| known(&binding.uri));
            Ok(declared.unwrap_or(ns::CLIENT))
        }
        uri => known(uri).ok_or_else(|| {
            StreamError::new(StreamCondition::InvalidNamespace).with_text("not a content namespace")
        }),
    }
}

fn version(text: &str) -> Option<(u16, u16)> {
    let (major, minor) = text.split_once('.')?;
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    Some((number(major)?, number(minor)?))
}
