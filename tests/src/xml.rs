//! XML as the tests see it: a tree, a streaming reader and patterns. The parser is `rxml`, a strict one that
//! the server does not use: whatever the server sends is checked by it for well-formedness and namespaces.

use std::fmt;

use rxml::error::EndOrError;
use rxml::{Event, Parse, Parser};

/// The namespace of `<stream:stream/>`, its features and its errors.
pub const STREAMS: &str = "http://etherx.jabber.org/streams";

/// An element.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// Local name.
    pub name: String,
    /// Namespace.
    pub ns: String,
    /// Attributes: (name, value), the name as `xml:lang` where it is in the XML namespace.
    pub attrs: Vec<(String, String)>,
    /// Child elements.
    pub children: Vec<Node>,
    /// All text directly inside, concatenated.
    pub text: String,
}

impl Node {
    /// Parses one element standing by itself; undeclared names are in `jabber:client`, and the prefix
    /// `stream` is declared. Panics if it is not well-formed.
    pub fn parse(xml: &str) -> Node {
        let mut reader = Reader::default();
        let head = format!("<stream:stream xmlns='jabber:client' xmlns:stream='{STREAMS}'>");
        reader.feed(head.as_bytes());
        reader.feed(xml.as_bytes());
        assert!(matches!(reader.next(), Ok(Some(Part::Open(_)))));
        match reader.next() {
            Ok(Some(Part::Element(node))) => node,
            other => panic!("not one well-formed element: {other:?}: {xml}"),
        }
    }

    /// The value of an attribute.
    pub fn attr(&self, name: &str) -> Option<&str> {
        self.attrs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first child of that local name.
    pub fn child(&self, name: &str) -> Option<&Node> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The first child of that local name in that namespace.
    pub fn child_ns(&self, name: &str, ns: &str) -> Option<&Node> {
        self.children.iter().find(|child| child.name == name && child.ns == ns)
    }

    /// The text of the child `body`, empty if there is none.
    pub fn body(&self) -> &str {
        self.child("body").map_or("", |body| &body.text)
    }

    /// Why this element does not match a pattern, or nothing if it does. It matches when name and namespace
    /// are the same, the pattern's attributes are there with the same values (`*`: any value), the pattern's
    /// children match some of the children, in the same order, and the pattern's text, if it has any, is the
    /// same (`*`: any). More attributes and children than the pattern names may be there.
    pub fn mismatch(&self, pattern: &Node) -> Option<String> {
        if (&self.name, &self.ns) != (&pattern.name, &pattern.ns) {
            return Some(format!(
                "expected <{} xmlns='{}'/>, not <{} xmlns='{}'/>",
                pattern.name, pattern.ns, self.name, self.ns
            ));
        }
        for (name, wanted) in &pattern.attrs {
            let found = self.attr(name);
            if found.is_none() || (wanted != "*" && found != Some(wanted)) {
                return Some(format!("<{}/>: expected {name}='{wanted}', not {found:?}", self.name));
            }
        }
        let text = pattern.text.trim();
        if !text.is_empty() && text != "*" && text != self.text.trim() {
            return Some(format!("<{}/>: expected the text {text:?}, not {:?}", self.name, self.text));
        }
        let mut rest = self.children.iter();
        for wanted in &pattern.children {
            let mut reason = format!("<{}/> has no child <{}/>", self.name, wanted.name);
            let found = rest.by_ref().any(|child| match child.mismatch(wanted) {
                None => true,
                Some(why) => {
                    if child.name == wanted.name {
                        reason = why;
                    }
                    false
                }
            });
            if !found {
                return Some(reason);
            }
        }
        None
    }

    /// Whether [`Node::mismatch`] has nothing to say against a pattern written as XML.
    pub fn matches(&self, pattern: &str) -> bool {
        self.mismatch(&Node::parse(pattern)).is_none()
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, "jabber:client")
    }
}

impl Node {
    /// Writes it as a child of an element in the namespace `around`.
    fn write(&self, f: &mut fmt::Formatter<'_>, around: &str) -> fmt::Result {
        write!(f, "<{}", self.name)?;
        if self.ns != around {
            write!(f, " xmlns='{}'", self.ns)?;
        }
        for (name, value) in &self.attrs {
            write!(f, " {name}='{}'", escape(value))?;
        }
        if self.children.is_empty() && self.text.is_empty() {
            return f.write_str("/>");
        }
        write!(f, ">{}", escape(&self.text))?;
        for child in &self.children {
            child.write(f, &self.ns)?;
        }
        write!(f, "</{}>", self.name)
    }
}

/// Escapes text for use in an attribute or an element.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&apos;")
}

/// A part of an XML stream.
#[derive(Debug)]
pub enum Part {
    /// The start tag of the root, without content.
    Open(Node),
    /// A complete child of the root.
    Element(Node),
    /// The end tag of the root.
    Close,
}

/// Takes an XML stream apart as its bytes arrive.
#[derive(Default)]
pub struct Reader {
    parser: Parser,
    input: Vec<u8>,
    /// The open elements below the root.
    open: Vec<Node>,
    root_seen: bool,
}

impl Reader {
    /// Adds bytes that were received.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }

    /// The next part, if it is complete, or an error if the bytes are no well-formed XML.
    #[allow(clippy::should_implement_trait)] // it ends for want of bytes, not for good
    pub fn next(&mut self) -> Result<Option<Part>, String> {
        loop {
            let mut rest = self.input.as_slice();
            let result = self.parser.parse(&mut rest, false);
            let used = self.input.len() - rest.len();
            self.input.drain(..used);
            let event = match result {
                Ok(Some(event)) => event,
                Ok(None) | Err(EndOrError::NeedMoreData) => return Ok(None),
                Err(EndOrError::Error(error)) => return Err(error.to_string()),
            };
            if let Some(part) = self.handle(event) {
                return Ok(Some(part));
            }
        }
    }

    fn handle(&mut self, event: Event) -> Option<Part> {
        match event {
            Event::XmlDeclaration(..) => None,
            Event::StartElement(_, (ns, name), attrs) => {
                let attrs = attrs.into_iter().map(|((ns, name), value)| {
                    let prefix = if ns.is_none() { "" } else { "xml:" };
                    (format!("{prefix}{name}"), value.to_string())
                });
                let node = Node {
                    name: name.to_string(),
                    ns: ns.to_string(),
                    attrs: attrs.collect(),
                    ..Node::default()
                };
                if !self.root_seen {
                    self.root_seen = true;
                    return Some(Part::Open(node));
                }
                self.open.push(node);
                None
            }
            Event::Text(_, text) => {
                if let Some(node) = self.open.last_mut() {
                    node.text.push_str(&text);
                }
                None
            }
            Event::EndElement(_) => {
                let Some(node) = self.open.pop() else { return Some(Part::Close) };
                match self.open.last_mut() {
                    Some(parent) => {
                        parent.children.push(node);
                        None
                    }
                    None => Some(Part::Element(node)),
                }
            }
        }
    }
}
