//! Escaping of character data.

use std::borrow::Cow;

/// `text` so that it can stand in content or in an attribute within either kind of quotes.
///
/// Besides the five characters of markup, tab and line breaks are written as references, because a parser
/// would turn them into spaces in an attribute. Characters that XML 1.0 does not allow are left out.
pub fn escape(text: &str) -> Cow<'_, str> {
    replace(text, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '\'' => Some("&apos;"),
        '"' => Some("&quot;"),
        '\t' => Some("&#9;"),
        '\n' => Some("&#10;"),
        '\r' => Some("&#13;"),
        '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => Some(""),
        _ => None,
    })
}

/// `text` so that it can stand in content, with quotes, tabs and line feeds left alone.
pub fn escape_text(text: &str) -> Cow<'_, str> {
    replace(text, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '\r' => Some("&#13;"),
        '\t' | '\n' => None,
        '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => Some(""),
        _ => None,
    })
}

/// Replaces characters; copies nothing when there is nothing to replace.
fn replace(text: &str, with: impl Fn(char) -> Option<&'static str>) -> Cow<'_, str> {
    let mut rest = text;
    let mut out = String::new();
    while let Some((at, c, new)) = rest.char_indices().find_map(|(at, c)| Some((at, c, with(c)?))) {
        if out.is_empty() {
            out.reserve(text.len() + 16);
        }
        out.push_str(&rest[..at]);
        out.push_str(new);
        rest = &rest[at + c.len_utf8()..];
    }
    if rest.len() == text.len() {
        return Cow::Borrowed(text);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests;
