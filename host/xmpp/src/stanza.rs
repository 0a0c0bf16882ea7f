//! Stanzas (RFC 6120 section 8): a parsed head over bytes that stay as the sender wrote them.

mod error_reply;
mod kind;
mod lang;
mod parse;
mod path;
mod rewrite;

pub use kind::{Kind, Type};
pub(crate) use lang::Lang;
pub(crate) use parse::{Top, read_top};

use crate::chars::attribute_value;
use crate::escape::escape;
use crate::framing::Limits;
use crate::reader::Reader;
use crate::{Element, Jid, StanzaError, StreamCondition, StreamError, ns};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Why a text is not a stanza.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Not XML as RFC 6120 allows it, or not one of the three stanzas.
    #[error("{0}")]
    Xml(#[from] StreamError),
    /// XML, but not a valid stanza.
    #[error("{0}")]
    Stanza(StanzaError),
}

/// A range of bytes in [`Body::text`].
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// Marks the namespace of a child as that of the stanza.
    const CONTENT: Span = Span { start: u32::MAX, end: u32::MAX };
    /// Nothing.
    const EMPTY: Span = Span { start: 0, end: 0 };

    fn is_content(self) -> bool {
        self.start == u32::MAX
    }

    /// The same place, if it is behind the attributes, when these end elsewhere.
    fn moved(self, from: u32, to: u32) -> Span {
        match self.is_content() || self.start < from {
            true => self,
            false => Span { start: self.start - from + to, end: self.end - from + to },
        }
    }
}

/// Where a child of a stanza stands.
#[derive(Clone, Copy, Debug)]
struct ChildSpan {
    all: Span,
    name: Span,
    ns: Span,
    /// It, or something in it, takes its namespace from the stanza.
    inherits: bool,
}

/// What never changes about a stanza; shared by all copies of it.
#[derive(Clone, Debug)]
struct Body {
    kind: Kind,
    ty: Type,
    redirected: Option<Box<Redirected>>,
    /// Attributes other than `from`, `to` and `xmlns`, then what is inside, both as written. After that the
    /// names of namespaces that are not written out literally inside.
    text: Box<str>,
    attrs_end: u32,
    inner_end: u32,
    /// Values of attributes, as written.
    type_attr: Option<Span>,
    id: Option<Span>,
    lang: Option<Span>,
    children: SmallVec<[ChildSpan; 2]>,
}

/// The addressee that is meant, and what its sender wrote for that.
#[derive(Clone, Debug)]
struct Redirected {
    to: Jid,
    written: Jid,
}

impl Body {
    fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }
}

/// A message, presence or IQ.
///
/// Cloning it copies nothing, and neither does giving it other addresses. What is inside is what the sender
/// wrote, byte for byte, in the namespace `jabber:client` unless it says otherwise.
#[derive(Clone)]
pub struct Stanza {
    /// The sender.
    pub from: Option<Jid>,
    /// The addressee.
    pub to: Option<Jid>,
    body: Arc<Body>,
}

impl Stanza {
    /// Parses a stanza that stands by itself, as strictly as a stream, but leaves its size to the caller. It
    /// need not declare `jabber:client`.
    pub fn parse(xml: &str) -> Result<Stanza, ParseError> {
        let xml = xml.trim_matches([' ', '\t', '\r', '\n']);
        match read_top(xml, &[("", ns::CLIENT)], ns::CLIENT, None, Limits::INSIDE)? {
            Top::Stanza(stanza) => Ok(stanza),
            Top::Bad(_, error) => Err(ParseError::Stanza(error)),
            Top::Other(_) => Err(StreamError::new(StreamCondition::InvalidNamespace).into()),
        }
    }

    /// A message with this inside (see [`Stanza::with_inner`] for text from elsewhere).
    pub fn message(ty: Type, inner: &str) -> Stanza {
        Stanza::build(Kind::Message, ty, None, inner)
    }

    /// A presence with this inside (see [`Stanza::with_inner`] for text from elsewhere).
    pub fn presence(ty: Type, inner: &str) -> Stanza {
        Stanza::build(Kind::Presence, ty, None, inner)
    }

    /// An IQ with this inside (see [`Stanza::with_inner`] for text from elsewhere).
    pub fn iq(ty: Type, id: &str, inner: &str) -> Stanza {
        Stanza::build(Kind::Iq, ty, Some(id), inner)
    }

    /// A stanza of what the server itself wrote. Anything that is not XML is left out: there is no one to
    /// tell.
    fn build(kind: Kind, ty: Type, id: Option<&str>, inner: &str) -> Stanza {
        let mut attrs = String::new();
        push_attr(&mut attrs, "type", ty.as_attr());
        push_attr(&mut attrs, "id", id);
        Stanza::assemble(kind, &attrs, inner).unwrap_or_else(|_| Stanza::bare(kind, ty, attrs))
    }

    /// Reads the parts as the whole that they make. Does not mind an IQ that lacks what it should have.
    fn assemble(kind: Kind, attrs: &str, inner: &str) -> Result<Stanza, ParseError> {
        let name = kind.as_str();
        let xml = ["<", name, attrs, ">", inner, "</", name, ">"].concat();
        match read_top(&xml, &[("", ns::CLIENT)], ns::CLIENT, None, Limits::INSIDE)? {
            Top::Stanza(stanza) | Top::Bad(stanza, _) => Ok(stanza),
            Top::Other(_) => Err(StreamError::new(StreamCondition::InvalidNamespace).into()),
        }
    }

    /// A stanza with nothing inside.
    fn bare(kind: Kind, ty: Type, attrs: String) -> Stanza {
        let end = attrs.len() as u32;
        let body = Body {
            kind,
            ty,
            redirected: None,
            text: attrs.into_boxed_str(),
            attrs_end: end,
            inner_end: end,
            type_attr: None,
            id: None,
            lang: None,
            children: SmallVec::new(),
        };
        Stanza { from: None, to: None, body: Arc::new(body) }
    }

    /// Message, presence or IQ.
    pub fn kind(&self) -> Kind {
        self.body.kind
    }

    /// The type, by its meaning.
    pub fn ty(&self) -> Type {
        self.body.ty
    }

    /// The `type` attribute as sent.
    pub fn type_attr(&self) -> Option<&str> {
        self.body.type_attr.map(|span| self.body.slice(span))
    }

    /// The `id` attribute.
    pub fn id(&self) -> Option<Cow<'_, str>> {
        self.body.id.map(|span| attribute_value(self.body.slice(span)))
    }

    /// The `xml:lang` attribute.
    pub fn lang(&self) -> Option<&str> {
        self.body.lang.map(|span| self.body.slice(span))
    }

    /// What is inside, as written.
    pub fn inner(&self) -> &str {
        self.body.slice(Span { start: self.body.attrs_end, end: self.body.inner_end })
    }

    /// Attributes other than `from`, `to` and `xmlns`, as written, each after a space.
    fn attrs(&self) -> &str {
        self.body.slice(Span { start: 0, end: self.body.attrs_end })
    }

    /// The children, in order.
    pub fn children(&self) -> impl ExactSizeIterator<Item = Child<'_>> {
        self.body.children.iter().map(|span| Child { body: &self.body, span: *span })
    }

    /// The first child of this name and namespace.
    pub fn child(&self, name: &str, ns: &str) -> Option<Child<'_>> {
        self.children().find(|child| child.name() == name && child.ns() == ns)
    }

    /// The first child; of an IQ, its payload.
    pub fn payload(&self) -> Option<Child<'_>> {
        self.children().next()
    }

    /// Appends the stanza as it goes on a stream whose content namespace is the default one.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        out.reserve(self.wire_len());
        self.write(|part| out.extend_from_slice(part.as_bytes()), "");
    }

    /// The stanza as XML that stands by itself, in the namespace `jabber:client`.
    pub fn to_xml(&self) -> String {
        let mut out = String::with_capacity(self.wire_len() + 24);
        self.write(|part| out.push_str(part), " xmlns='jabber:client'");
        out
    }

    fn write(&self, mut put: impl FnMut(&str), xmlns: &str) {
        let name = self.body.kind.as_str();
        put("<");
        put(name);
        put(xmlns);
        for (attr, jid) in [(" from='", &self.from), (" to='", &self.to)] {
            if let Some(jid) = jid {
                put(attr);
                put(&escape(jid.as_str()));
                put("'");
            }
        }
        put(self.attrs());
        let inner = self.inner();
        if inner.is_empty() {
            put("/>");
        } else {
            put(">");
            put(inner);
            put("</");
            put(name);
            put(">");
        }
    }

    /// About how many bytes [`Stanza::write_to`] appends: exactly, unless an address has characters to
    /// escape.
    pub fn wire_len(&self) -> usize {
        let name = self.body.kind.as_str().len();
        let address =
            |jid: &Option<Jid>, around: usize| jid.as_ref().map_or(0, |jid| jid.as_str().len() + around);
        let tags = if self.inner().is_empty() { name + 3 } else { 2 * name + 5 };
        tags + address(&self.from, 8) + address(&self.to, 6) + self.body.inner_end as usize
    }

    /// The same stanza from and to others.
    pub fn with_addresses(&self, from: Option<Jid>, to: Option<Jid>) -> Stanza {
        Stanza { from, to, body: self.body.clone() }
    }

    /// The same stanza with the addresses of another, the one that answers come from too.
    pub fn addressed_as(&self, other: &Stanza) -> Stanza {
        let mut stanza = self.with_addresses(other.from.clone(), other.to.clone());
        if other.body.redirected.is_some() {
            Arc::make_mut(&mut stanza.body).redirected = other.body.redirected.clone();
        }
        stanza
    }

    /// Send it to the address that is meant by the one that its sender wrote. Answers still come from that one: whoever
    /// asked knows it, and need not learn the other.
    pub fn redirect(&mut self, to: Jid) {
        if let Some(written) = self.written_to().cloned() {
            let redirected = Redirected { to: to.clone(), written };
            Arc::make_mut(&mut self.body).redirected = Some(Box::new(redirected));
        }
        self.to = Some(to);
    }

    /// The address that answers come from: the addressee as the sender wrote it.
    pub fn written_to(&self) -> Option<&Jid> {
        match &self.body.redirected {
            Some(redirected) if self.to.as_ref() == Some(&redirected.to) => Some(&redirected.written),
            _ => self.to.as_ref(),
        }
    }

    /// The same with something else inside. Fails if that is not XML that stands by itself.
    pub fn with_inner(&self, inner: &str) -> Result<Stanza, ParseError> {
        let stanza = Stanza::assemble(self.body.kind, self.attrs(), inner)?;
        Ok(stanza.addressed_as(self))
    }

    /// The same with one more child at the end, written by the server itself: if it is not XML, it is left
    /// out.
    pub fn with_child(&self, xml: &str) -> Stanza {
        self.with_inner(&[self.inner(), xml].concat()).unwrap_or_else(|_| self.clone())
    }

    /// The same with another `id`.
    pub fn with_id(&self, id: &str) -> Stanza {
        self.with_attr("id", id)
    }

    /// The same with another `xml:lang`.
    pub fn with_lang(&self, lang: &str) -> Stanza {
        self.with_attr("xml:lang", lang)
    }

    fn with_attr(&self, name: &str, value: &str) -> Stanza {
        let replaced = || {
            let tag = ["<x", self.attrs(), "/>"].concat();
            let mut reader = Reader::new(&tag, Limits::INSIDE).ok()?;
            reader.next().ok()?;
            let mut attrs = String::with_capacity(tag.len() + value.len());
            for attr in reader.attrs().iter().filter(|attr| attr.full_name != name) {
                attrs.push(' ');
                attrs.push_str(tag.get(attr.span.clone())?);
            }
            push_attr(&mut attrs, name, Some(value));
            Stanza::assemble(self.body.kind, &attrs, self.inner()).ok()
        };
        let stanza = replaced().unwrap_or_else(|| self.clone());
        stanza.addressed_as(self)
    }

    /// The result of this IQ: addresses swapped, same id. What is inside is the server's own
    /// (see [`Stanza::with_inner`] for text from elsewhere).
    pub fn iq_result(&self, inner: &str) -> Stanza {
        let result = Stanza::iq(Type::Result, self.id().as_deref().unwrap_or_default(), inner);
        result.with_addresses(self.written_to().cloned(), self.from.clone())
    }

    /// This result as the answer to a request: with its id, and its addresses swapped. For answers that are made once
    /// and given often: nothing is read again.
    pub fn answering(&self, request: &Stanza) -> Stanza {
        let body = &self.body;
        let inside = body.text.get(body.attrs_end as usize..).unwrap_or_default();
        let mut text = String::with_capacity(inside.len() + 64);
        let type_attr = push_attr(&mut text, "type", self.ty().as_attr());
        let id = push_attr(&mut text, "id", request.id().as_deref());
        let attrs_end = text.len() as u32;
        text.push_str(inside);
        let moved = |span: Span| span.moved(body.attrs_end, attrs_end);
        let child = |it: &ChildSpan| ChildSpan {
            all: moved(it.all),
            name: moved(it.name),
            ns: moved(it.ns),
            inherits: it.inherits,
        };
        let body = Body {
            kind: body.kind,
            ty: body.ty,
            redirected: None,
            text: text.into_boxed_str(),
            attrs_end,
            inner_end: body.inner_end - body.attrs_end + attrs_end,
            type_attr,
            id,
            lang: None,
            children: body.children.iter().map(child).collect(),
        };
        Stanza { from: request.written_to().cloned(), to: request.from.clone(), body: Arc::new(body) }
    }
}

impl fmt::Debug for Stanza {
    /// Says what the stanza is and where it goes, not what is in it: that is nobody's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct(self.body.kind.as_str());
        f.field("type", &self.body.ty)
            .field("id", &self.id())
            .field("from", &self.from)
            .field("to", &self.to);
        f.field("bytes", &self.body.text.len()).finish_non_exhaustive()
    }
}

/// A child of a stanza.
#[derive(Clone, Copy)]
pub struct Child<'a> {
    body: &'a Body,
    span: ChildSpan,
}

impl<'a> Child<'a> {
    /// The name without a prefix.
    pub fn name(&self) -> &'a str {
        self.body.slice(self.span.name)
    }

    /// The namespace; empty for none.
    pub fn ns(&self) -> &'a str {
        if self.span.ns.is_content() { ns::CLIENT } else { self.body.slice(self.span.ns) }
    }

    /// The child as written. If it does not say so, its namespace is `jabber:client`.
    pub fn raw(&self) -> &'a str {
        self.body.slice(self.span.all)
    }

    /// The child as XML that stands by itself.
    pub fn xml(&self) -> Cow<'a, str> {
        let raw = self.raw();
        if !self.span.inherits {
            return Cow::Borrowed(raw);
        }
        let name_end = (self.span.name.end - self.span.all.start) as usize;
        let (name, rest) = raw.split_at_checked(name_end).unwrap_or((raw, ""));
        Cow::Owned([name, " xmlns='jabber:client'", rest].concat())
    }

    /// The child as a tree.
    pub fn element(&self) -> Result<Element, StreamError> {
        Element::parse_in(self.raw(), ns::CLIENT)
    }

    /// Where the child stands in [`Stanza::inner`].
    pub fn range(&self) -> Range<usize> {
        let inner = self.body.attrs_end as usize;
        self.span.all.start as usize - inner..self.span.all.end as usize - inner
    }
}

/// Appends an attribute, if there is a value, and answers where that stands.
fn push_attr(out: &mut String, name: &str, value: Option<&str>) -> Option<Span> {
    let value = value?;
    out.push(' ');
    out.push_str(name);
    out.push_str("='");
    let start = out.len() as u32;
    out.push_str(&escape(value));
    let end = out.len() as u32;
    out.push('\'');
    Some(Span { start, end })
}

#[cfg(test)]
mod tests;
