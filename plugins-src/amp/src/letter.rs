//! Messages with rules, as XML: on their way, and in the offline storage.

use crate::rules::Rule;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult::Bound};
use quick_xml::reader::NsReader;
use std::ops::Range;
use waxwing_plugin::{raw, xml};

pub const NS: &str = "http://jabber.org/protocol/amp";

/// A message with rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letter {
    pub id: String,
    pub from: String,
    pub to: String,
    pub rules: Vec<Rule>,
    /// Whether every server on the way applies them, and not just the sender's and the recipient's.
    pub per_hop: bool,
    /// Whether it only tells what has become of another message.
    pub is_report: bool,
    /// Where its first child begins, and where the rules are.
    head: usize,
    amp: Range<usize>,
}

impl Letter {
    /// Read the start of a message, up to the end of its rules. `None` if it has none.
    pub fn read(message: &str) -> Option<Letter> {
        let mut reader = NsReader::from_str(message);
        let (mut letter, mut depth, mut inside) = (Letter::default(), 0, false);
        loop {
            let start = position(&reader);
            let (namespace, event) = reader.read_resolved_event().ok()?;
            let ours = namespace == Bound(Namespace(NS));
            let (tag, opens) = match &event {
                Event::Start(tag) => (tag, true),
                Event::Empty(tag) => (tag, false),
                Event::End(_) => {
                    depth -= 1;
                    if inside && depth == 1 {
                        letter.amp.end = position(&reader);
                        return Some(letter);
                    }
                    continue;
                }
                Event::Eof => return None,
                _ => continue,
            };
            match (depth, tag.local_name().as_ref()) {
                (0, _) => {
                    letter.head = position(&reader);
                    (letter.id, letter.from, letter.to) =
                        (value(tag, "id"), value(tag, "from"), value(tag, "to"));
                }
                (1, "amp") if ours => {
                    letter.per_hop = value(tag, "per-hop") == "true";
                    letter.is_report = !value(tag, "status").is_empty();
                    letter.amp = start..position(&reader);
                    inside = true;
                    if !opens {
                        return Some(letter);
                    }
                }
                (2, "rule") if ours && inside => letter.rules.push(Rule {
                    action: value(tag, "action"),
                    condition: value(tag, "condition"),
                    value: value(tag, "value"),
                }),
                _ => {}
            }
            depth += u32::from(opens);
        }
    }

    /// The message that this was read from as a server passes it on: the rules say who has sent it and to whom
    /// (section 4.1). They come first, so that they are found at once when it is stored.
    pub fn stamped(&self, message: &str) -> Option<String> {
        let rules: String = self.rules.iter().map(Rule::to_xml).collect();
        let amp = xml!(
            "<amp xmlns='{}' from='{}' to='{}'{}>{}</amp>",
            NS,
            self.from,
            self.to,
            raw(if self.per_hop { " per-hop='true'" } else { "" }),
            raw(&rules),
        );
        let before = message.get(self.head..self.amp.start)?;
        Some([message.get(..self.head)?, &amp, before, message.get(self.amp.end..)?].concat())
    }
}

/// How far it has read: always between two characters.
fn position(reader: &NsReader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

/// An attribute; empty if there is none.
fn value(tag: &BytesStart<'_>, name: &str) -> String {
    let found = tag.try_get_attribute(name).ok().flatten();
    let text = found.and_then(|attribute| attribute.normalized_value(XmlVersion::Implicit1_0).ok());
    text.unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "<message xmlns='jabber:client' from='a@b/c' to='d@e' id='&lt;1&gt;'><body>é</body>\
        <f xmlns='urn:f'><amp xmlns='http://jabber.org/protocol/amp'><rule action='drop'/></amp></f>\
        <x:amp xmlns:x='http://jabber.org/protocol/amp' from='forged' per-hop='true'><x:rule action='notify' \
        condition='deliver' value='direct'/><rule action='drop'/><x:rule/></x:amp><x/></message>";

    #[test]
    fn reading() {
        let letter = Letter::read(MESSAGE).unwrap();
        assert_eq!((letter.id.as_str(), letter.from.as_str(), letter.to.as_str()), ("<1>", "a@b/c", "d@e"));
        assert!(letter.per_hop && !letter.is_report);
        let rule = |action: &str, condition: &str, value: &str| Rule {
            action: action.into(),
            condition: condition.into(),
            value: value.into(),
        };
        assert_eq!(letter.rules, [rule("notify", "deliver", "direct"), rule("", "", "")]);
    }

    #[test]
    fn what_has_no_rules() {
        for message in
            ["<message/>", "<message><body>a</body></message>", "<message><amp/></message>", "no", "<m"]
        {
            assert_eq!(Letter::read(message), None, "{message}");
        }
        let empty = Letter::read("<message><amp xmlns='http://jabber.org/protocol/amp'/></message>").unwrap();
        assert!(empty.rules.is_empty());
        let report = "<message><amp xmlns='http://jabber.org/protocol/amp' status='alert'/></message>";
        assert!(Letter::read(report).unwrap().is_report);
    }

    #[test]
    fn stamping() {
        let stamped = Letter::read(MESSAGE).unwrap().stamped(MESSAGE).unwrap();
        assert_eq!(
            stamped,
            "<message xmlns='jabber:client' from='a@b/c' to='d@e' id='&lt;1&gt;'>\
             <amp xmlns='http://jabber.org/protocol/amp' from='a@b/c' to='d@e' per-hop='true'>\
             <rule action='notify' condition='deliver' value='direct'/>\
             <rule action='' condition='' value=''/></amp><body>é</body>\
             <f xmlns='urn:f'><amp xmlns='http://jabber.org/protocol/amp'><rule action='drop'/></amp></f>\
             <x/></message>"
        );
        // The end of the message need not be there.
        let start = &stamped[..stamped.find("<body>").unwrap() + 3];
        assert_eq!(Letter::read(start).unwrap().rules.len(), 2);
    }
}
