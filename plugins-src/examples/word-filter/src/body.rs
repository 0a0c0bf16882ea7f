//! Changing the bodies of a message and nothing else in it.

use quick_xml::Writer;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesText, Event};
use quick_xml::name::{Namespace, ResolveResult::Bound};
use quick_xml::reader::NsReader;

/// The message with its bodies changed, of which it may have one in each language; `None` if `change` has nothing
/// to change, or this is no XML. A `<body/>` further inside, as in a forwarded message, is left alone.
pub fn rewritten(message: &str, change: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut reader = NsReader::from_str(message);
    let mut writer = Writer::new(Vec::new());
    let (mut depth, mut changed) = (0, false);
    loop {
        let (namespace, event) = reader.read_resolved_event().ok()?;
        match event {
            Event::Eof => break,
            Event::Start(tag) => {
                let ours = namespace == Bound(Namespace("jabber:client"));
                let is_body = depth == 1 && ours && tag.local_name().as_ref() == "body";
                writer.write_event(Event::Start(tag.borrow())).ok()?;
                if is_body {
                    let text = text_of(&mut reader)?;
                    let new = change(&text);
                    changed |= new.is_some();
                    writer.write_event(Event::Text(BytesText::new(&new.unwrap_or(text)))).ok()?;
                    writer.write_event(Event::End(tag.to_end())).ok()?;
                } else {
                    depth += 1;
                }
            }
            event => {
                depth -= usize::from(matches!(event, Event::End(_)));
                writer.write_event(event).ok()?;
            }
        }
    }
    changed.then(|| String::from_utf8(writer.into_inner()).ok()).flatten()
}

/// The text up to the end of the element that has just begun.
fn text_of(reader: &mut NsReader<&[u8]>) -> Option<String> {
    let (mut text, mut depth) = (String::new(), 0);
    loop {
        match reader.read_event().ok()? {
            Event::Text(part) => text += &part,
            Event::CData(part) => text += &part,
            Event::GeneralRef(reference) => match reference.resolve_char_ref().ok()? {
                Some(character) => text.push(character),
                None => text += resolve_xml_entity(&reference)?,
            },
            Event::Start(_) => depth += 1,
            Event::End(_) if depth == 0 => return Some(text),
            Event::End(_) => depth -= 1,
            Event::Eof => return None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without_a(message: &str) -> Option<String> {
        rewritten(message, |text| text.contains('a').then(|| text.replace('a', "<*>")))
    }

    #[test]
    fn only_what_the_message_says_itself() {
        let message = "<message xmlns='jabber:client' id='a'><subject>a</subject><body>ba&amp;</body>\
                       <body xml:lang='de'>&#x61;<![CDATA[a]]></body><x xmlns='urn:a'><body>a</body></x>\
                       <f xmlns='urn:f'><body xmlns='jabber:client'>a</body></f><active/></message>";
        let expected = message
            .replace(">ba&amp;<", ">b&lt;*&gt;&amp;<")
            .replace("&#x61;<![CDATA[a]]>", "&lt;*&gt;&lt;*&gt;");
        assert_eq!(without_a(message), Some(expected));
    }

    #[test]
    fn what_has_nothing_to_change_is_left_alone() {
        assert_eq!(without_a("<message xmlns='jabber:client' id='a'><body>b</body><body/></message>"), None);
        assert_eq!(without_a("<message xmlns='jabber:client'><body>a"), None);
    }
}
