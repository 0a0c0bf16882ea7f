//! Writing a stanza anew whose children lean on what is declared outside of them.

use crate::chars::ill_formed;
use crate::escape::escape;
use crate::reader::{Name, Reader, Token, too_much};
use crate::{StreamError, ns};
use std::fmt::Write;

/// The stanza such that elements have no prefixes and every child declares what it needs, except that the
/// content namespace of the stream has become `jabber:client` and is the default one.
///
/// Declaring the same name many times makes a text longer: past `max_bytes` it is refused.
pub fn standing_alone(
    mut reader: Reader<'_>,
    content: &str,
    max_bytes: usize,
) -> Result<String, StreamError> {
    let mut out = String::with_capacity(reader.text_len() + 128);
    // Of the elements that are open: the name, the namespace.
    let mut open: Vec<(&str, String)> = Vec::new();
    loop {
        match reader.next()? {
            Token::Start(name) => {
                let uri = reader.uri(name.ns);
                let uri = if uri == content { ns::CLIENT } else { uri };
                let inherited = open.last().is_some_and(|(_, outer)| outer == uri);
                push_tag(&mut out, &reader, &name, (!inherited).then_some(uri));
                open.push((name.local, uri.to_owned()));
            }
            Token::End => {
                let (name, _) = open.pop().ok_or_else(|| ill_formed("an end without a start"))?;
                push(&mut out, format_args!("</{name}>"));
            }
            Token::Text(_) | Token::Char(_) | Token::CData(_) => out.push_str(reader.raw()),
            Token::Eof => return Ok(out),
        }
        if out.len() > max_bytes {
            return Err(too_much("element too large once its namespaces are written out"));
        }
    }
}

fn push_tag(out: &mut String, reader: &Reader<'_>, name: &Name<'_>, xmlns: Option<&str>) {
    push(out, format_args!("<{}", name.local));
    if let Some(uri) = xmlns {
        push(out, format_args!(" xmlns='{}'", escape(uri)));
    }
    let attrs = reader.attrs();
    for (i, attr) in attrs.iter().enumerate().filter(|(_, attr)| !attr.is_declaration) {
        let prefix = attr.name.prefix;
        let is_new = !attrs.iter().take(i).any(|before| before.is_prefixed() && before.name.prefix == prefix);
        if attr.is_prefixed() && prefix != "xml" && is_new {
            push(out, format_args!(" xmlns:{prefix}='{}'", escape(reader.uri(attr.name.ns))));
        }
        push(out, format_args!(" {}", reader.slice(attr.span.clone())));
    }
    out.push('>');
}

fn push(out: &mut String, part: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(part);
}
