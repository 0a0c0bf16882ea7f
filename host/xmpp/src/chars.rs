//! What XML 1.0 (fifth edition) allows as characters, names and references.

use crate::{StreamCondition, StreamError};
use std::borrow::Cow;

/// The error for whatever breaks the grammar of XML or of its namespaces (RFC 6120 section 4.9.3.13).
#[cold]
pub fn ill_formed(text: &str) -> StreamError {
    StreamError::new(StreamCondition::NotWellFormed).with_text(text)
}

/// Whether the byte is white space to XML.
pub fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\r' | b'\n')
}

/// Whether every character may stand in XML (production 2, `Char`).
pub fn all_allowed(text: &str) -> bool {
    let bytes = text.as_bytes();
    let control =
        bytes.iter().fold(false, |found, &b| found | (b < b' ' && !matches!(b, b'\t' | b'\r' | b'\n')));
    !control && (bytes.is_ascii() || !text.contains(['\u{fffe}', '\u{ffff}']))
}

/// Whether the character may stand in XML, written as a reference or not.
pub fn is_xml_char(c: char) -> bool {
    !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// Whether the text is a name without a colon (production 4 of Namespaces in XML, `NCName`).
pub fn is_nc_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    let first = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    if first && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')) {
        return true;
    }
    let mut chars = name.chars();
    chars.next().is_some_and(is_name_start) && chars.all(is_name_char)
}

/// Production 4 of XML 1.0, `NameStartChar`, without the colon.
fn is_name_start(c: char) -> bool {
    matches!(c, 'A'..='Z' | 'a'..='z' | '_'
        | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}' | '\u{370}'..='\u{37d}'
        | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}'
        | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}')
}

/// Production 4a of XML 1.0, `NameChar`, without the colon.
fn is_name_char(c: char) -> bool {
    is_name_start(c)
        || matches!(c, '0'..='9' | '-' | '.' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}

/// Splits a qualified name into prefix (perhaps empty) and local name.
pub fn split_name(name: &str) -> Result<(&str, &str), StreamError> {
    let (prefix, local) = match name.split_once(':') {
        Some((prefix, _)) if !is_nc_name(prefix) => return Err(ill_formed("not a name")),
        Some(parts) => parts,
        None => ("", name),
    };
    if is_nc_name(local) { Ok((prefix, local)) } else { Err(ill_formed("not a name")) }
}

/// The character that a reference stands for; `name` is what is between `&` and `;`.
pub fn resolve(name: &str) -> Result<char, StreamError> {
    let code = match name.strip_prefix('#') {
        None => {
            return match name {
                "amp" => Ok('&'),
                "lt" => Ok('<'),
                "gt" => Ok('>'),
                "apos" => Ok('\''),
                "quot" => Ok('"'),
                name if is_nc_name(name) => Err(StreamError::new(StreamCondition::RestrictedXml)),
                _ => Err(ill_formed("not a reference")),
            };
        }
        Some(digits) => match digits.strip_prefix('x') {
            Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16),
            None if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse(),
            _ => return Err(ill_formed("not a character reference")),
        },
    };
    let c = code.ok().and_then(char::from_u32).filter(|c| is_xml_char(*c));
    c.ok_or_else(|| ill_formed("reference to a character that XML does not allow"))
}

/// Checks every reference in the raw text of an attribute.
pub fn check_references(raw: &str) -> Result<(), StreamError> {
    let mut rest = raw;
    while let Some((_, after)) = rest.split_once('&') {
        let (name, after) = after.split_once(';').ok_or_else(|| ill_formed("unfinished reference"))?;
        resolve(name)?;
        rest = after;
    }
    Ok(())
}

/// The value of an attribute from its raw text: references resolved, white space turned into spaces.
pub fn attribute_value(raw: &str) -> Cow<'_, str> {
    if !raw.bytes().any(|b| matches!(b, b'&' | b'\t' | b'\r' | b'\n')) {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    for (plain, reference) in pieces(raw) {
        let mut chars = plain.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\r' if chars.peek() == Some(&'\n') => {}
                '\t' | '\r' | '\n' => out.push(' '),
                c => out.push(c),
            }
        }
        out.extend(reference);
    }
    Cow::Owned(out)
}

/// Appends character data from its raw text: references resolved, line ends turned into `\n`.
pub fn push_text(out: &mut String, raw: &str) {
    for (plain, reference) in pieces(raw) {
        let mut rest = plain;
        while let Some((line, after)) = rest.split_once('\r') {
            out.push_str(line);
            out.push('\n');
            rest = after.strip_prefix('\n').unwrap_or(after);
        }
        out.push_str(rest);
        out.extend(reference);
    }
}

/// Cuts checked raw text into stretches without references, each with the character that follows it.
fn pieces(raw: &str) -> impl Iterator<Item = (&str, Option<char>)> {
    let mut rest = Some(raw);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let Some((plain, after)) = text.split_once('&') else {
            return Some((text, None));
        };
        let (name, after) = after.split_once(';').unwrap_or((after, ""));
        rest = Some(after);
        Some((plain, resolve(name).ok()))
    })
}
