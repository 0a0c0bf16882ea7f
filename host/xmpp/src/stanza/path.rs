//! Looking into a stanza by path.
//!
//! A path names an element below the stanza in Clark notation, one step a level: `body`,
//! `{jabber:iq:register}query/username`. A step without a namespace has that of the step before, the first
//! step that of the stanza; the name `*` takes any. `item[2]` is the second of those that match in the same
//! parent, `field[var='with']` the first of them that has this attribute. Where several elements match, the
//! first counts.

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
    pick: Pick<'a>,
}

/// Which of several siblings a step is about.
#[derive(Clone, Copy)]
enum Pick<'a> {
    Any,
    /// Counted from 1.
    Nth(usize),
    /// Name and value of an attribute.
    With(&'a str, &'a str),
}

impl Step<'_> {
    fn matches(&self, name: &str, ns: &str) -> bool {
        (self.name == "*" || self.name == name) && self.ns == ns
    }

    /// Whether this is the one, of those that match, whose start tag has just been read. `seen` counts them.
    fn picks(&self, reader: &Reader<'_>, seen: &mut usize) -> bool {
        *seen += 1;
        match self.pick {
            Pick::Any => true,
            Pick::Nth(nth) => *seen == nth,
            Pick::With(name, value) => has_attribute(reader, name, value),
        }
    }

    /// The same of a child of the stanza, which is only read if its attributes are asked for.
    fn picks_child(&self, child: Child<'_>, seen: &mut usize) -> bool {
        *seen += 1;
        match self.pick {
            Pick::Any => true,
            Pick::Nth(nth) => *seen == nth,
            Pick::With(name, value) => child.has_attribute(name, value),
        }
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
        let (name, after) = rest.split_at(rest.find(['/', '[']).unwrap_or(rest.len()));
        if name.is_empty() {
            return None;
        }
        let (pick, after) = match after.strip_prefix('[') {
            Some(inside) => pick(inside)?,
            None => (Pick::Any, after),
        };
        steps.push(Step { name, ns, pick });
        match after.strip_prefix('/') {
            Some(after) => rest = after,
            None => return after.is_empty().then_some(steps),
        }
    }
}

/// What stands in brackets, and what follows them. A value is in quotes of either kind, and may contain
/// anything but those.
fn pick(inside: &str) -> Option<(Pick<'_>, &str)> {
    if let Some((digits, after)) = inside.split_once(']')
        && let Ok(nth @ 1..) = digits.parse()
    {
        return Some((Pick::Nth(nth), after));
    }
    let (name, quoted) = inside.split_once('=')?;
    let quote = quoted.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    let (value, after) = quoted[1..].split_once(quote)?;
    Some((Pick::With(name, value), after.strip_prefix(']')?))
}

fn has_attribute(reader: &Reader<'_>, name: &str, value: &str) -> bool {
    let mut attrs = reader.attrs().iter();
    attrs.any(|attr| !attr.is_declaration && attr.full_name == name && attr.value() == value)
}

impl Child<'_> {
    /// Whether it has this value of an attribute; `name` may be `xml:lang` and the like.
    pub fn has_attribute(self, name: &str, value: &str) -> bool {
        from_root(self, |reader, _| has_attribute(reader, name, value).then_some(())).is_some()
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
        let mut seen = 0;
        let candidates = self.children().filter(|child| first.matches(child.name(), child.ns()));
        let mut candidates = candidates.filter(|child| first.picks_child(*child, &mut seen));
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
    // How many children of the innermost of them have matched the next step, and so on outwards.
    let mut seen: SmallVec<[usize; 4]> = SmallVec::new();
    loop {
        match reader.next().ok()? {
            Token::Start(_) if reader.depth() == 1 => matched = 1,
            Token::Start(name) if reader.depth() == matched + 1 => {
                let at = matched.checked_sub(1)?;
                let step = steps.get(at)?;
                // What is further in was counted in another parent.
                seen.resize(matched, 0);
                if step.matches(name.local, reader.uri(name.ns)) && step.picks(reader, seen.get_mut(at)?) {
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
