//! A strict pull reader for one element: quick-xml finds the tokens, this checks what it leaves unchecked and
//! what RFC 6120 section 11 forbids, and resolves namespaces.

use crate::chars::{
    all_allowed, attribute_value, check_references, ill_formed, is_space, resolve, split_name,
};
use crate::framing::Limits;
use crate::{StreamCondition, StreamError, ns};
use memchr::memchr;
use quick_xml::events::Event;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::ops::Range;

/// The longest name of a namespace, in bytes: it may be copied for every element in it.
const MAX_URI: usize = 512;

/// A namespace in scope; only valid until the element that declared it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ns(u8);

impl Ns {
    const NONE: Ns = Ns(255);
    const XML: Ns = Ns(254);
}

/// One namespace declaration. The empty prefix stands for the default namespace.
#[derive(Clone, Debug)]
pub struct Binding<'a> {
    /// What it declares.
    pub prefix: &'a str,
    /// The name of the namespace.
    pub uri: Cow<'a, str>,
    /// How deep the declaring element is: 0 outside the text being read, 1 its root.
    pub depth: usize,
    /// Where the name starts in the text being read, if it stands there as it is.
    pub at: Option<usize>,
}

/// A resolved name.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a> {
    /// As written; may be empty.
    pub prefix: &'a str,
    /// The name without the prefix.
    pub local: &'a str,
    /// The namespace.
    pub ns: Ns,
    /// How deep the element is that declared the namespace; `usize::MAX` if none needed to.
    pub declared: usize,
}

/// An attribute, or a namespace declaration.
#[derive(Clone, Debug)]
pub struct Attr<'a> {
    /// The name as written.
    pub full_name: &'a str,
    /// The name. Its namespace is not resolved for a declaration.
    pub name: Name<'a>,
    /// The value as written between the quotes.
    pub raw: &'a str,
    /// Where the attribute stands in the text, from its name to the closing quote.
    pub span: Range<usize>,
    /// Whether it is `xmlns` or `xmlns:prefix`.
    pub is_declaration: bool,
}

impl<'a> Attr<'a> {
    /// The value with references resolved.
    pub fn value(&self) -> Cow<'a, str> {
        attribute_value(self.raw)
    }

    /// Whether this is the attribute of this name in no namespace.
    pub fn is(&self, local: &str) -> bool {
        !self.is_declaration && self.name.prefix.is_empty() && self.name.local == local
    }

    /// Whether it is in a namespace.
    pub fn is_prefixed(&self) -> bool {
        !self.is_declaration && !self.name.prefix.is_empty()
    }

    /// Whether this is `xml:lang`.
    pub fn is_lang(&self) -> bool {
        self.name.ns == Ns::XML && self.name.local == "lang"
    }
}

/// What the reader found.
#[derive(Debug)]
pub enum Token<'a> {
    /// A start tag; the attributes are in [`Reader::attrs`] until the next token.
    Start(Name<'a>),
    /// The end of an element; also follows the start of one without content.
    End,
    /// Character data without references, as written.
    Text(&'a str),
    /// A reference.
    Char(char),
    /// The inside of a CDATA section.
    CData(&'a str),
    /// The root element has ended, and so has the text.
    Eof,
}

/// See the module.
pub struct Reader<'a> {
    xml: &'a str,
    tokens: quick_xml::Reader<&'a [u8]>,
    limits: Limits,
    bindings: SmallVec<[Binding<'a>; 6]>,
    attrs: SmallVec<[Attr<'a>; 6]>,
    /// How many elements are open, the one whose end is due included.
    depth: usize,
    /// The last start tag was an empty-element tag: its end is due.
    empty: bool,
    /// Where the last token stands.
    span: Range<usize>,
    done: bool,
}

impl<'a> Reader<'a> {
    /// A reader of one element. Only characters are checked right away.
    pub fn new(xml: &'a str, limits: Limits) -> Result<Reader<'a>, StreamError> {
        // quick-xml would skip a byte order mark, which is no markup (RFC 6120 section 11.6).
        if !xml.starts_with('<') {
            return Err(ill_formed("not an element"));
        }
        if !all_allowed(xml) {
            return Err(ill_formed("a character that XML does not allow"));
        }
        let tokens = quick_xml::Reader::from_str(xml);
        Ok(Reader {
            xml,
            tokens,
            limits,
            bindings: SmallVec::new(),
            attrs: SmallVec::new(),
            depth: 0,
            empty: false,
            span: 0..0,
            done: false,
        })
    }

    /// Declares a namespace around the text, with the empty prefix for the default one.
    pub fn declare(&mut self, prefix: &'a str, uri: &'a str) {
        self.bindings.push(Binding { prefix, uri: Cow::Borrowed(uri), depth: 0, at: None });
    }

    /// The last token as written.
    pub fn raw(&self) -> &'a str {
        self.slice(self.span.clone())
    }

    /// A part of the text.
    pub fn slice(&self, range: Range<usize>) -> &'a str {
        self.xml.get(range).unwrap_or_default()
    }

    /// How long the text is.
    pub fn text_len(&self) -> usize {
        self.xml.len()
    }

    /// The attributes of the last start tag, namespace declarations included.
    pub fn attrs(&self) -> &[Attr<'a>] {
        &self.attrs
    }

    /// The declarations in scope, outermost first.
    pub fn bindings(&self) -> &[Binding<'a>] {
        &self.bindings
    }

    /// Where the name of a namespace starts in the text, if it stands there as it is.
    pub fn uri_at(&self, ns: Ns) -> Option<usize> {
        self.bindings.get(usize::from(ns.0)).and_then(|binding| binding.at)
    }

    /// The name of a namespace; empty for none.
    pub fn uri(&self, ns: Ns) -> &str {
        match ns {
            Ns::XML => ns::XML,
            Ns(index) => self.bindings.get(usize::from(index)).map_or("", |binding| &binding.uri),
        }
    }

    /// How many elements are open; counts the element of a start token, and of an end token no longer.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Where the last token stands. The end that follows an empty-element tag has the place after it.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The next token.
    pub fn next(&mut self) -> Result<Token<'a>, StreamError> {
        if self.empty {
            self.empty = false;
            self.span = self.span.end..self.span.end;
            self.close();
            return Ok(Token::End);
        }
        let event = self.tokens.read_event().map_err(|_| ill_formed("not XML"))?;
        self.span = self.span.end..usize::try_from(self.tokens.buffer_position()).unwrap_or(usize::MAX);
        let text = self.raw();
        if self.done && !matches!(event, Event::Eof) {
            return Err(ill_formed("something after the element"));
        }
        match event {
            Event::Start(start) => {
                let name_len = start.name().as_ref().len();
                self.open(text, name_len, 1)
            }
            Event::Empty(start) => {
                let name_len = start.name().as_ref().len();
                self.empty = true;
                self.open(text, name_len, 2)
            }
            Event::End(_) => {
                self.close();
                Ok(Token::End)
            }
            Event::Text(_) if memchr(b']', text.as_bytes()).is_some() && text.contains("]]>") => {
                Err(ill_formed("']]>' in character data"))
            }
            Event::Text(_) => Ok(Token::Text(text)),
            Event::GeneralRef(_) => {
                let name = text.strip_prefix('&').and_then(|text| text.strip_suffix(';'));
                Ok(Token::Char(resolve(name.unwrap_or_default())?))
            }
            Event::CData(_) => {
                let inside = text.strip_prefix("<![CDATA[").and_then(|text| text.strip_suffix("]]>"));
                inside.map(Token::CData).ok_or_else(|| ill_formed("not a CDATA section"))
            }
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) | Event::DocType(_) => {
                Err(StreamError::new(StreamCondition::RestrictedXml))
            }
            Event::Eof if self.done => Ok(Token::Eof),
            Event::Eof => Err(ill_formed("an element is not closed")),
        }
    }

    /// Reads a start tag: `tag` with its brackets, of which the closing one is `close` bytes long.
    fn open(&mut self, tag: &'a str, name_len: usize, close: usize) -> Result<Token<'a>, StreamError> {
        if self.depth >= self.limits.depth {
            return Err(too_much("elements nested too deeply"));
        }
        self.depth += 1;
        let name = tag.get(1..1 + name_len).unwrap_or_default();
        let (prefix, local) = split_name(name)?;
        let rest = tag.get(1 + name_len..tag.len() - close).unwrap_or_default();
        self.attrs.clear();
        if !rest.is_empty() {
            self.read_attributes(rest, self.span.start + 1 + name_len)?;
        }
        let (ns, declared) = resolve_prefix(&self.bindings, prefix)?;
        Ok(Token::Start(Name { prefix, local, ns, declared }))
    }

    fn close(&mut self) {
        let depth = self.depth;
        while self.bindings.last().is_some_and(|binding| binding.depth >= depth) {
            self.bindings.pop();
        }
        self.depth = depth.saturating_sub(1);
        self.done = self.depth == 0;
    }

    /// Reads what follows the name in a start tag; `at` is where it begins.
    fn read_attributes(&mut self, tag: &'a str, at: usize) -> Result<(), StreamError> {
        let bytes = tag.as_bytes();
        let skip_space = |from: usize| from + bytes.iter().skip(from).take_while(|b| is_space(**b)).count();
        let mut pos = 0;
        loop {
            let start = skip_space(pos);
            if start >= bytes.len() {
                break;
            }
            if start == pos {
                return Err(ill_formed("no space before an attribute"));
            }
            let name_len = bytes.iter().skip(start).take_while(|b| !is_space(**b) && **b != b'=').count();
            let name = tag.get(start..start + name_len).unwrap_or_default();
            let equals = skip_space(start + name_len);
            let open = skip_space(equals + 1);
            let quote = bytes.get(open).copied();
            if bytes.get(equals) != Some(&b'=') || !matches!(quote, Some(b'\'' | b'"')) {
                return Err(ill_formed("an attribute without a quoted value"));
            }
            let value = tag.get(open + 1..).unwrap_or_default();
            let raw = match value.split_once(if quote == Some(b'"') { '"' } else { '\'' }) {
                Some((raw, _)) => raw,
                None => return Err(ill_formed("unfinished value of an attribute")),
            };
            pos = open + 1 + raw.len() + 1;
            self.read_attribute(name, raw, at + start..at + pos)?;
        }
        self.check_attributes()
    }

    fn read_attribute(
        &mut self,
        full_name: &'a str,
        raw: &'a str,
        span: Range<usize>,
    ) -> Result<(), StreamError> {
        let (prefix, local) = split_name(full_name)?;
        if self.attrs.len() >= self.limits.attributes {
            return Err(too_much("too many attributes"));
        }
        if raw.bytes().any(|b| b == b'<' || b == b'&') {
            if raw.contains('<') {
                return Err(ill_formed("'<' in an attribute"));
            }
            check_references(raw)?;
        }
        let is_declaration = prefix == "xmlns" || (prefix.is_empty() && local == "xmlns");
        if is_declaration {
            let value_at = span.end.saturating_sub(raw.len() + 1);
            self.declare_in_tag(if prefix.is_empty() { "" } else { local }, attribute_value(raw), value_at)?;
        }
        let name = Name { prefix, local, ns: Ns::NONE, declared: usize::MAX };
        self.attrs.push(Attr { full_name, name, raw, span, is_declaration });
        Ok(())
    }

    /// Namespaces in XML 1.0 section 3: what may be declared, and as what.
    fn declare_in_tag(&mut self, prefix: &'a str, uri: Cow<'a, str>, at: usize) -> Result<(), StreamError> {
        let is_xml = uri == ns::XML;
        if prefix == "xmlns" || uri == ns::XMLNS || (prefix == "xml") != is_xml {
            return Err(ill_formed("misuse of the prefix xml or xmlns"));
        }
        if is_xml {
            return Ok(());
        }
        if uri.is_empty() && !prefix.is_empty() {
            return Err(ill_formed("a prefix cannot be undeclared"));
        }
        if self.bindings.len() >= self.limits.declarations || uri.len() > MAX_URI {
            return Err(too_much("too many namespace declarations, or too long ones"));
        }
        let at = matches!(uri, Cow::Borrowed(_)).then_some(at);
        self.bindings.push(Binding { prefix, uri, depth: self.depth, at });
        Ok(())
    }

    /// Resolves the prefixes of attributes and looks for two of the same name (Namespaces in XML 1.0 section
    /// 6.3).
    fn check_attributes(&mut self) -> Result<(), StreamError> {
        let bindings = &self.bindings;
        for attr in self.attrs.iter_mut().filter(|attr| attr.is_prefixed()) {
            (attr.name.ns, attr.name.declared) = resolve_prefix(bindings, attr.name.prefix)?;
        }
        for (i, a) in self.attrs.iter().enumerate() {
            let same = |b: &Attr<'_>| {
                a.name.local == b.name.local
                    && (is_same(a.name.prefix, b.name.prefix)
                        || (a.is_prefixed() && b.is_prefixed() && self.uri(a.name.ns) == self.uri(b.name.ns)))
            };
            if self.attrs.iter().skip(i + 1).any(same) {
                return Err(ill_formed("an attribute appears twice"));
            }
        }
        Ok(())
    }
}

/// The namespace of a prefix or, for the empty one, of an unprefixed element, and how deep it was declared.
fn resolve_prefix(bindings: &[Binding<'_>], prefix: &str) -> Result<(Ns, usize), StreamError> {
    let found = bindings.iter().enumerate().rev().find(|(_, binding)| is_same(binding.prefix, prefix));
    match found {
        Some((index, binding)) => Ok((Ns(index as u8), binding.depth)),
        None if prefix.is_empty() => Ok((Ns::NONE, usize::MAX)),
        None if prefix == "xml" => Ok((Ns::XML, usize::MAX)),
        None => Err(ill_formed("undeclared namespace prefix")),
    }
}

/// Whether two prefixes are the same. Most are empty, and some processors take long to compare nothing with
/// nothing.
fn is_same(a: &str, b: &str) -> bool {
    a.len() == b.len() && (a.is_empty() || a == b)
}

/// The error for whatever passes a limit.
#[cold]
pub fn too_much(text: &str) -> StreamError {
    StreamError::new(StreamCondition::PolicyViolation).with_text(text)
}
