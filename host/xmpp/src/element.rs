//! Small owned XML trees, for payloads that the server reads or makes.

use crate::chars::{attribute_value, ill_formed, push_text};
use crate::escape::{escape, escape_text};
use crate::framing::Limits;
use crate::reader::{Name, Reader, Token};
use crate::{StreamError, ns};
use std::fmt;
use std::sync::Arc;

/// An attribute; its namespace is empty unless it was written with a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Attribute {
    name: String,
    ns: String,
    value: String,
}

/// What stands inside an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A child.
    Element(Element),
    /// Character data, unescaped.
    Text(String),
}

/// An element with all that is in it.
///
/// Displayed, it is XML that stands by itself. Names are not checked when an element is built: they come from
/// code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    name: String,
    ns: Arc<str>,
    attrs: Vec<Attribute>,
    nodes: Vec<Node>,
}

impl Element {
    /// An empty element; an empty `ns` is no namespace.
    pub fn new(name: impl Into<String>, ns: impl Into<Arc<str>>) -> Element {
        Element { name: name.into(), ns: ns.into(), attrs: Vec::new(), nodes: Vec::new() }
    }

    /// Parses one element that stands by itself, as strictly as a stream, but leaves the size of it to the caller.
    pub fn parse(xml: &str) -> Result<Element, StreamError> {
        Element::parse_in(xml, "")
    }

    /// The same where elements without a declared namespace are in `parent_ns`.
    pub fn parse_in(xml: &str, parent_ns: &str) -> Result<Element, StreamError> {
        let mut reader = Reader::new(xml.trim_matches([' ', '\t', '\r', '\n']), Limits::INSIDE)?;
        reader.declare("", parent_ns);
        match reader.next()? {
            Token::Start(name) => Element::read_all(&mut reader, name),
            _ => Err(ill_formed("not an element")),
        }
    }

    /// Reads on after the start tag of the only element that there is.
    pub(crate) fn read_all(reader: &mut Reader<'_>, root: Name<'_>) -> Result<Element, StreamError> {
        let element = Element::read(reader, root)?;
        reader.next()?;
        Ok(element)
    }

    /// Reads on after a start tag, up to the end tag.
    pub(crate) fn read(reader: &mut Reader<'_>, root: Name<'_>) -> Result<Element, StreamError> {
        let mut element = Element::from_tag(reader, root, None);
        let mut open = Vec::new();
        loop {
            match reader.next()? {
                Token::Start(name) => {
                    let child = Element::from_tag(reader, name, Some(&element.ns));
                    open.push(std::mem::replace(&mut element, child));
                }
                Token::End => match open.pop() {
                    Some(parent) => {
                        let child = std::mem::replace(&mut element, parent);
                        element.nodes.push(Node::Element(child));
                    }
                    None => return Ok(element),
                },
                Token::Text(raw) => element.append_text(|text| push_text(text, raw)),
                Token::Char(c) => element.append_text(|text| text.push(c)),
                Token::CData(raw) => element.append_text(|text| text.push_str(raw)),
                Token::Eof => return Err(ill_formed("an element is not closed")),
            }
        }
    }

    fn from_tag(reader: &Reader<'_>, name: Name<'_>, parent_ns: Option<&Arc<str>>) -> Element {
        let uri = reader.uri(name.ns);
        let ns = parent_ns.filter(|ns| ***ns == *uri).map_or_else(|| Arc::from(uri), Arc::clone);
        let mut element = Element::new(name.local, ns);
        for attr in reader.attrs().iter().filter(|attr| !attr.is_declaration) {
            let ns = if attr.is_prefixed() { reader.uri(attr.name.ns) } else { "" };
            element.attrs.push(Attribute {
                name: attr.name.local.to_owned(),
                ns: ns.to_owned(),
                value: attribute_value(attr.raw).into_owned(),
            });
        }
        element
    }

    fn append_text(&mut self, append: impl FnOnce(&mut String)) {
        if !matches!(self.nodes.last(), Some(Node::Text(_))) {
            self.nodes.push(Node::Text(String::new()));
        }
        if let Some(Node::Text(text)) = self.nodes.last_mut() {
            append(text);
        }
    }

    /// The name without a prefix.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The namespace; empty for none.
    pub fn ns(&self) -> &str {
        &self.ns
    }

    /// Whether it has this name in this namespace.
    pub fn is(&self, name: &str, ns: &str) -> bool {
        self.name == name && *self.ns == *ns
    }

    /// The value of an attribute without a namespace, or of `xml:lang` and the like.
    pub fn attr(&self, name: &str) -> Option<&str> {
        let (name, ns) = attribute_name(name);
        self.attr_ns(name, ns)
    }

    /// The value of an attribute in a namespace.
    pub fn attr_ns(&self, name: &str, ns: &str) -> Option<&str> {
        let found = self.attrs.iter().find(|attr| attr.name == name && attr.ns == ns);
        found.map(|attr| attr.value.as_str())
    }

    /// Attributes without a namespace, as (name, value).
    pub fn attrs(&self) -> impl Iterator<Item = (&str, &str)> {
        let plain = self.attrs.iter().filter(|attr| attr.ns.is_empty());
        plain.map(|attr| (attr.name.as_str(), attr.value.as_str()))
    }

    /// The first child of this name and namespace.
    pub fn child(&self, name: &str, ns: &str) -> Option<&Element> {
        self.children().find(|child| child.is(name, ns))
    }

    /// The children, in order.
    pub fn children(&self) -> impl Iterator<Item = &Element> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Element(child) => Some(child),
            Node::Text(_) => None,
        })
    }

    /// All that is inside, in order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The character data directly inside.
    pub fn text(&self) -> String {
        let texts = self.nodes.iter().filter_map(|node| match node {
            Node::Text(text) => Some(text.as_str()),
            Node::Element(_) => None,
        });
        texts.collect()
    }

    /// The text of the first child of this name in the namespace of this element.
    pub fn child_text(&self, name: &str) -> Option<String> {
        self.child(name, &self.ns).map(Element::text)
    }

    /// The same with an attribute set; `name` may be `xml:lang`, else it is in no namespace.
    pub fn with_attr(mut self, name: &str, value: impl Into<String>) -> Element {
        self.set_attr(name, Some(value.into()));
        self
    }

    /// Sets an attribute or removes it.
    pub fn set_attr(&mut self, name: &str, value: Option<String>) {
        let (name, ns) = attribute_name(name);
        self.attrs.retain(|attr| attr.name != name || attr.ns != ns);
        if let Some(value) = value {
            self.attrs.push(Attribute { name: name.to_owned(), ns: ns.to_owned(), value });
        }
    }

    /// The same with a child at the end.
    pub fn with_child(mut self, child: Element) -> Element {
        self.push(child);
        self
    }

    /// The same with character data at the end.
    pub fn with_text(mut self, text: impl AsRef<str>) -> Element {
        self.append_text(|end| end.push_str(text.as_ref()));
        self
    }

    /// Appends a child.
    pub fn push(&mut self, child: Element) {
        self.nodes.push(Node::Element(child));
    }

    /// Appends it as XML that is to stand in an element whose default namespace is `parent_ns`.
    pub fn write(&self, out: &mut String, parent_ns: &str) {
        out.push('<');
        out.push_str(&self.name);
        if *self.ns != *parent_ns {
            push_attr(out, "xmlns", &self.ns);
        }
        for (i, attr) in self.attrs.iter().enumerate() {
            match attr.ns.as_str() {
                "" => push_attr(out, &attr.name, &attr.value),
                ns::XML => push_attr(out, &format!("xml:{}", attr.name), &attr.value),
                uri => {
                    push_attr(out, &format!("xmlns:ns{i}"), uri);
                    push_attr(out, &format!("ns{i}:{}", attr.name), &attr.value);
                }
            }
        }
        if self.nodes.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        for node in &self.nodes {
            match node {
                Node::Element(child) => child.write(out, &self.ns),
                Node::Text(text) => out.push_str(&escape_text(text)),
            }
        }
        out.push_str("</");
        out.push_str(&self.name);
        out.push('>');
    }

    /// XML that is to stand in an element whose default namespace is `parent_ns`.
    pub fn to_xml_in(&self, parent_ns: &str) -> String {
        let mut out = String::new();
        self.write(&mut out, parent_ns);
        out
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_xml_in(""))
    }
}

/// Splits `xml:lang` and the like into name and namespace.
fn attribute_name(name: &str) -> (&str, &str) {
    name.strip_prefix("xml:").map_or((name, ""), |name| (name, ns::XML))
}

fn push_attr(out: &mut String, name: &str, value: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("='");
    out.push_str(&escape(value));
    out.push('\'');
}

#[cfg(test)]
mod tests;
