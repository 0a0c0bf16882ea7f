//! Looking into a stanza by path.
//!
//! A path names an element below the stanza in Clark notation, one step a level: `body`,
//! `{jabber:iq:register}query/username`. A step without a namespace has that of the step before, the first
//! step that of the stanza; the name `*` takes any. Where several elements match, the first counts.

use super::{Child, Stanza};
use crate::chars::push_text;
use crate::framing::Limits;
use crate::reader::{Name, Reader, Token};
use crate::{Element, ns};
use smallvec::SmallVec;

/// One level of a path.
struct Step<'a> {
    name: &'a str,
    ns: &'a str,
}

impl Step<'_> {
    fn matches(&self, name: &str, ns: &str) -> bool {
        (self.name == "*" || self.name == name) && self.ns == ns
    }
}

/// The steps of a path; `None` if it is not one.
fn steps(path: &str) -> Option<SmallVec<[Step<'_>; 4]>> {
    let mut steps = SmallVec::new();
    let (mut rest, mut ns) = (path, ns::CLIENT);
    loop {
        if let Some(clark) = rest.strip_prefix('{') {
            (ns, rest) = clark.split_once('}')?;
        }
        let (name, after) = rest.split_once('/').map_or((rest, None), |(name, after)| (name, Some(after)));
        if name.is_empty() {
            return None;
        }
        steps.push(Step { name, ns });
        match after {
            Some(after) => rest = after,
            None => return Some(steps),
        }
    }
}

impl Stanza {
    /// Whether there is an element at this path.
    pub fn has(&self, path: &str) -> bool {
        self.at(path, |_| Some(()), |_, _| Some(())).is_some()
    }

    /// The element at this path as XML that stands by itself.
    pub fn child_xml(&self, path: &str) -> Option<String> {
        let tree =
            |reader: &mut Reader<'_>, name: Name<'_>| Some(Element::read(reader, name).ok()?.to_string());
        self.at(path, |child| Some(child.xml().into_owned()), tree)
    }

    /// The character data directly inside the element at this path.
    pub fn text(&self, path: &str) -> Option<String> {
        self.at(path, |child| from_root(child, text), text)
    }

    /// An attribute of the element at this path; `name` may be `xml:lang` and the like.
    pub fn attribute(&self, path: &str, name: &str) -> Option<String> {
        let value = |reader: &mut Reader<'_>, _: Name<'_>| {
            let found = reader.attrs().iter().find(|attr| !attr.is_declaration && attr.full_name == name);
            found.map(|attr| attr.value().into_owned())
        };
        self.at(path, |child| from_root(child, value), value)
    }

    /// What is made of the first element at this path, by `child` if it is a child of the stanza, else by
    /// `below` from a reader that has just read the start tag.
    fn at<T>(
        &self,
        path: &str,
        child: impl Fn(Child<'_>) -> Option<T>,
        below: impl Fn(&mut Reader<'_>, Name<'_>) -> Option<T>,
    ) -> Option<T> {
        let steps = steps(path)?;
        let (first, rest) = steps.split_first()?;
        let mut candidates = self.children().filter(|child| first.matches(child.name(), child.ns()));
        if rest.is_empty() {
            return child(candidates.next()?);
        }
        candidates.find_map(|child| {
            let mut reader = reader(child)?;
            let name = find(&mut reader, rest)?;
            below(&mut reader, name)
        })
    }
}

/// Reads on to the first element that is below the root by these steps.
fn find<'a>(reader: &mut Reader<'a>, steps: &[Step<'_>]) -> Option<Name<'a>> {
    // How many elements are open, from the outermost, each of which matches its step; the root has matched
    // already.
    let mut matched = 0;
    loop {
        match reader.next().ok()? {
            Token::Start(_) if reader.depth() == 1 => matched = 1,
            Token::Start(name) if reader.depth() == matched + 1 => {
                let step = steps.get(matched.checked_sub(1)?)?;
                if step.matches(name.local, reader.uri(name.ns)) {
                    if matched == steps.len() {
                        return Some(name);
                    }
                    matched += 1;
                }
            }
            Token::End => matched = matched.min(reader.depth()),
            Token::Eof => return None,
            _ => {}
        }
    }
}

/// A reader of a child.
fn reader<'a>(child: Child<'a>) -> Option<Reader<'a>> {
    let mut reader = Reader::new(child.raw(), Limits::INSIDE).ok()?;
    reader.declare("", ns::CLIENT);
    Some(reader)
}

/// What is made of a child by a reader that has just read its start tag.
fn from_root<T>(child: Child<'_>, make: impl Fn(&mut Reader<'_>, Name<'_>) -> Option<T>) -> Option<T> {
    let mut reader = reader(child)?;
    match reader.next().ok()? {
        Token::Start(name) => make(&mut reader, name),
        _ => None,
    }
}

/// The character data directly inside the element whose start tag has just been read.
fn text(reader: &mut Reader<'_>, _: Name<'_>) -> Option<String> {
    let depth = reader.depth();
    let mut text = String::new();
    loop {
        let here = reader.depth() == depth;
        match reader.next().ok()? {
            Token::Text(raw) if here => push_text(&mut text, raw),
            Token::Char(c) if here => text.push(c),
            Token::CData(raw) if here => push_text(&mut text, raw),
            Token::End if here => return Some(text),
            Token::Eof => return None,
            _ => {}
        }
    }
}
