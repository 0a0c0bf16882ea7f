//! The setting `msg-store-offline-paths`: which messages are kept, by what is in them (guide, 11.1.2).
//!
//! `/message/received[urn:xmpp:receipts]` keeps messages with this child in this namespace, `/message/received` in
//! any. A `-` in front keeps them out. `[type=x]` asks for an attribute, both go together as `[urn:x,type=x]`, and
//! `*` is a child of any name. Paths may go deeper; `/message` alone is every message. The first that matches
//! decides.

use waxwing_plugin::{SettingValue, Stanza};

/// Children of the same name that are looked at one by one.
const MOST: usize = 100;

/// The matchers in the order in which they are asked.
#[derive(Debug, Default)]
pub struct Matchers(Vec<Matcher>);

#[derive(Debug, PartialEq)]
struct Matcher {
    keep: bool,
    steps: Vec<Step>,
}

/// One element below the last.
#[derive(Debug, PartialEq)]
struct Step {
    /// `None` is any.
    name: Option<String>,
    namespace: Option<String>,
    attributes: Vec<(String, String)>,
}

/// What a matcher looks at: a stanza, by paths such as `{urn:a}b[1]/{urn:c}d[2]`.
pub trait Tree {
    /// The children of an element, each `{namespace}name`.
    fn children(&self, path: &str) -> Vec<String>;
    /// An attribute of an element.
    fn attribute(&self, path: &str, name: &str) -> Option<String>;
}

impl Tree for Stanza {
    fn children(&self, path: &str) -> Vec<String> {
        Stanza::children(self, path)
    }

    fn attribute(&self, path: &str, name: &str) -> Option<String> {
        Stanza::attribute(self, path, name)
    }
}

impl Matchers {
    /// Whether the first that matches wants the message kept; `None` if none does. `children` are those of the
    /// message itself.
    pub fn decide(&self, message: &impl Tree, children: &[String]) -> Option<bool> {
        let first = self.0.iter().find(|matcher| is_there(message, "", children, &matcher.steps));
        first.map(|matcher| matcher.keep)
    }
}

/// Whether there is an element by these steps below the one at `path`, whose children are these.
fn is_there(message: &impl Tree, path: &str, children: &[String], steps: &[Step]) -> bool {
    let Some((step, rest)) = steps.split_first() else { return true };
    let fitting = children.iter().enumerate().filter(|(_, child)| step.fits(child));
    fitting.take(MOST).any(|(at, child)| {
        let nth = children[..=at].iter().filter(|other| *other == child).count();
        let path = format!("{path}{}{child}[{nth}]", if path.is_empty() { "" } else { "/" });
        let has = |(name, value): &(String, String)| message.attribute(&path, name).as_ref() == Some(value);
        step.attributes.iter().all(has)
            && (rest.is_empty() || is_there(message, &path, &message.children(&path), rest))
    })
}

impl Step {
    /// Name and namespace are right.
    fn fits(&self, child: &str) -> bool {
        let Some((namespace, name)) = child.trim_start_matches('{').rsplit_once('}') else { return false };
        self.name.as_deref().is_none_or(|wanted| wanted == name)
            && self.namespace.as_deref().is_none_or(|wanted| wanted == namespace)
    }
}

impl SettingValue for Matchers {
    fn read(values: &[String]) -> Result<Self, &'static str> {
        let matchers: Option<Vec<Matcher>> = values.iter().map(|text| matcher(text.trim())).collect();
        matchers.map(Self).ok_or(
            "a list of paths such as '/message/received[urn:xmpp:receipts]', with a '-' in front for what is not kept",
        )
    }
}

fn matcher(text: &str) -> Option<Matcher> {
    let (keep, path) = match text.strip_prefix('-') {
        Some(path) => (false, path),
        None => (true, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mut rest, mut steps) = (path.strip_prefix("/message")?, Vec::new());
    while !rest.is_empty() {
        // A namespace may have slashes.
        let step = rest.strip_prefix('/')?;
        let (name, after) = step.split_at(step.find(['/', '[']).unwrap_or(step.len()));
        let (tests, after) = match after.strip_prefix('[') {
            Some(tests) => tests.split_once(']').map(|(tests, after)| (Some(tests), after))?,
            None => (None, after),
        };
        steps.push(self::step(name, tests)?);
        rest = after;
    }
    Some(Matcher { keep, steps })
}

fn step(name: &str, tests: Option<&str>) -> Option<Step> {
    let (mut namespace, mut attributes): (Vec<&str>, _) = (Vec::new(), Vec::new());
    for test in tests.into_iter().flat_map(|tests| tests.split(',')) {
        match test.split_once('=') {
            Some((key, value)) if is_name(key.trim()) => {
                attributes.push((key.trim().into(), value.trim().into()))
            }
            _ if test.trim().is_empty() => return None,
            // What has a comma or a `=` of its own.
            _ => namespace.push(test.trim()),
        }
    }
    if name != "*" && !is_name(name) {
        return None;
    }
    let name = (name != "*").then(|| name.into());
    let namespace = (!namespace.is_empty()).then(|| namespace.join(","));
    Some(Step { name, namespace, attributes })
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c))
}

#[cfg(test)]
mod tests;
