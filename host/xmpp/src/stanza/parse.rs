//! Reading a top-level element of a stream: the one pass that validates it and collects the head of a stanza.

use super::rewrite::standing_alone;
use super::{Body, ChildSpan, Kind, Lang, Span, Stanza, Type};
use crate::chars::ill_formed;
use crate::framing::Limits;
use crate::reader::{Attr, Name, Reader, Token, too_much};
use crate::{Condition, Element, Jid, JidError, StanzaError, StreamCondition, StreamError, ns};
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::Arc;

/// How deep a child of a stanza is.
const OWN: usize = 2;

/// A top-level element.
pub(crate) enum Top {
    /// A stanza.
    Stanza(Stanza),
    /// A stanza that deserves an error.
    Bad(Stanza, StanzaError),
    /// Something else.
    Other(Element),
}

/// Reads a top-level element of a stream with this content namespace, on which these namespaces are declared. A
/// stanza that says something and not in which language is in the stream's.
pub(crate) fn read_top(
    xml: &str,
    outer: &[(&str, &str)],
    content: &str,
    lang: Option<&Lang>,
    limits: Limits,
) -> Result<Top, StreamError> {
    let start = || -> Result<Reader<'_>, StreamError> {
        let mut reader = Reader::new(xml, limits)?;
        outer.iter().for_each(|(prefix, uri)| reader.declare(prefix, uri));
        Ok(reader)
    };
    if xml.len() > limits.stanza_bytes {
        return Err(too_much("element too large"));
    }
    let mut reader = start()?;
    let Token::Start(root) = reader.next()? else {
        return Err(ill_formed("not an element"));
    };
    let uri = reader.uri(root.ns);
    if uri.is_empty() {
        return Err(StreamCondition::BadNamespacePrefix.into());
    }
    if uri != content {
        return Ok(Top::Other(Element::read_all(&mut reader, root)?));
    }
    let kind = Kind::from_name(root.local).ok_or(StreamCondition::UnsupportedStanzaType)?;
    let mut head = Head::read_root(kind, &reader);
    if head.read_inner(&mut reader, content)? {
        return Ok(head.finish(xml, lang));
    }
    // Written anew once, and then like any other.
    let xml = standing_alone(start()?, content, limits.stanza_bytes.min(8 * xml.len() + 4096))?;
    read_top(&xml, &[("", ns::CLIENT)], ns::CLIENT, lang, limits)
}

/// What is known of a stanza while it is being read. Places are in the text that is read.
struct Head {
    kind: Kind,
    to: Option<Result<Jid, JidError>>,
    from: Option<Result<Jid, JidError>>,
    /// Attributes that stay in the text.
    attrs: SmallVec<[Range<usize>; 6]>,
    /// `None` where the RFCs know no such type.
    ty: Option<Type>,
    /// Places of values in the text that the attributes will make.
    type_attr: Option<Span>,
    id: Option<Span>,
    lang: Option<Span>,
    attrs_len: usize,
    children: SmallVec<[ChildSpan; 2]>,
    inner: Range<usize>,
    /// Names of namespaces that do not stand in the text as they are.
    more: String,
}

impl Head {
    /// Reads the start tag that the reader has just found.
    fn read_root(kind: Kind, reader: &Reader<'_>) -> Head {
        let mut head = Head {
            kind,
            to: None,
            from: None,
            attrs: SmallVec::new(),
            ty: Type::from_attr(kind, None),
            type_attr: None,
            id: None,
            lang: None,
            attrs_len: 0,
            children: SmallVec::new(),
            inner: reader.span().end..reader.span().end,
            more: String::new(),
        };
        for attr in reader.attrs() {
            if attr.is("to") {
                head.to = Some(Jid::parse(&attr.value()));
            } else if attr.is("from") {
                head.from = Some(Jid::parse(&attr.value()));
            } else if !attr.is_declaration || is_used_in_tag(attr, reader.attrs()) {
                head.keep(attr);
            }
        }
        head
    }

    fn keep(&mut self, attr: &Attr<'_>) {
        self.attrs_len += 1 + attr.span.len();
        let end = self.attrs_len - 1;
        let value = Some(Span { start: (end - attr.raw.len()) as u32, end: end as u32 });
        if attr.is("type") {
            self.type_attr = value;
            self.ty = Type::from_attr(self.kind, Some(&attr.value()));
        } else if attr.is("id") {
            self.id = value;
        } else if attr.is_lang() {
            self.lang = value;
        }
        self.attrs.push(attr.span.clone());
    }

    /// Reads all that is inside. Returns false when some of it leans on a declaration outside of it, so that
    /// it has to be written anew.
    fn read_inner(&mut self, reader: &mut Reader<'_>, content: &str) -> Result<bool, StreamError> {
        // Prefixed attributes of the root stay there, with what the root itself declares.
        let mut alone = !reader.attrs().iter().any(|attr| attr.is_prefixed() && attr.name.declared < 1);
        let mut start = 0;
        loop {
            match reader.next()? {
                Token::Start(name) => {
                    if reader.depth() == 2 {
                        start = reader.span().start;
                        self.add_child(reader, &name);
                    }
                    alone &= self.stands_alone(reader, &name, content);
                }
                Token::End if reader.depth() == 1 => {
                    if let Some(child) = self.children.last_mut() {
                        child.all = span(start..reader.span().end);
                    }
                }
                Token::End if reader.depth() == 0 => {
                    self.inner.end = reader.span().start.max(self.inner.start)
                }
                Token::Eof => return Ok(alone),
                Token::End | Token::Text(_) | Token::Char(_) | Token::CData(_) => {}
            }
        }
    }

    fn add_child(&mut self, reader: &Reader<'_>, name: &Name<'_>) {
        let prefix = if name.prefix.is_empty() { 0 } else { name.prefix.len() + 1 };
        let at = reader.span().start + 1 + prefix;
        let uri = reader.uri(name.ns);
        let ns = match reader.uri_at(name.ns) {
            // Of the stanza, or else the stanza is going to be written anew.
            _ if name.declared < OWN => Span::CONTENT,
            _ if uri.is_empty() => Span::EMPTY,
            Some(at) => span(at..at + uri.len()),
            None => {
                let start = reader.text_len() + self.more.len();
                self.more.push_str(uri);
                span(start..start + uri.len())
            }
        };
        let name = span(at..at + name.local.len());
        self.children.push(ChildSpan { all: Span::EMPTY, name, ns, inherits: false });
    }

    /// Whether the names of an element and of its attributes are declared within a child of the stanza. The
    /// one thing that an element may take from outside is the content namespace, as the default one.
    fn stands_alone(&mut self, reader: &Reader<'_>, name: &Name<'_>, content: &str) -> bool {
        let undeclared = name.prefix.is_empty() && name.declared == usize::MAX;
        let in_content = || reader.uri(name.ns) == content;
        let element = if name.declared < OWN || undeclared {
            let inherits = name.prefix.is_empty() && in_content();
            if let Some(child) = self.children.last_mut() {
                child.inherits |= inherits;
            }
            inherits
        } else {
            // A child of the stanza in its namespace is to look the same on every stream.
            reader.depth() != OWN || !in_content()
        };
        element && !reader.attrs().iter().any(|attr| attr.is_prefixed() && attr.name.declared < OWN)
    }

    fn finish(mut self, xml: &str, lang: Option<&Lang>) -> Top {
        let inner = xml.get(self.inner.clone()).unwrap_or_default();
        let lang = lang.filter(|_| self.lang.is_none() && !inner.is_empty());
        if let Some(lang) = lang {
            let start = self.attrs_len as u32;
            self.attrs_len += lang.attr().len();
            self.lang = Some(lang.value_after(start));
        }
        let mut text = String::with_capacity(self.attrs_len + inner.len() + self.more.len());
        for attr in &self.attrs {
            text.push(' ');
            text.push_str(xml.get(attr.clone()).unwrap_or_default());
        }
        text.push_str(lang.map_or("", Lang::attr));
        text.push_str(inner);
        text.push_str(&self.more);

        let (attrs_end, inner_start) = (self.attrs_len as u32, self.inner.start as u32);
        let inner_end = attrs_end + inner.len() as u32;
        let place = |at: u32| {
            let in_more = at.checked_sub(xml.len() as u32);
            in_more.map_or_else(|| attrs_end + at.saturating_sub(inner_start), |at| inner_end + at)
        };
        let moved = |span: Span| Span { start: place(span.start), end: place(span.end) };
        let mut children = self.children;
        for child in &mut children {
            child.all = moved(child.all);
            child.name = moved(child.name);
            child.ns = if child.ns.is_content() { child.ns } else { moved(child.ns) };
        }

        let error = match (self.kind, self.ty) {
            _ if matches!(self.to, Some(Err(_))) || matches!(self.from, Some(Err(_))) => {
                Some(Condition::JidMalformed)
            }
            (_, None) => Some(Condition::BadRequest),
            (Kind::Iq, _) if self.id.is_none() => Some(Condition::BadRequest),
            (_, Some(Type::Get | Type::Set)) if children.len() != 1 => Some(Condition::BadRequest),
            (_, Some(Type::Result)) if children.len() > 1 => Some(Condition::BadRequest),
            _ => None,
        };
        let ty = self.ty.unwrap_or(match self.kind {
            Kind::Message => Type::Normal,
            Kind::Presence => Type::Available,
            Kind::Iq => Type::Get,
        });
        let body = Body {
            kind: self.kind,
            ty,
            redirected: None,
            text: text.into_boxed_str(),
            attrs_end,
            inner_end,
            type_attr: self.type_attr,
            id: self.id,
            lang: self.lang,
            children,
        };
        let address = |jid: Option<Result<Jid, JidError>>| jid.and_then(Result::ok);
        let stanza = Stanza { from: address(self.from), to: address(self.to), body: Arc::new(body) };
        match error {
            None => Top::Stanza(stanza),
            Some(condition) => Top::Bad(stanza, condition.into()),
        }
    }
}

/// Whether an attribute of the same tag uses this declaration of a prefix.
fn is_used_in_tag(declaration: &Attr<'_>, attrs: &[Attr<'_>]) -> bool {
    !declaration.name.prefix.is_empty()
        && attrs.iter().any(|attr| attr.is_prefixed() && attr.name.prefix == declaration.name.local)
}

fn span(range: Range<usize>) -> Span {
    Span { start: range.start as u32, end: range.end as u32 }
}
