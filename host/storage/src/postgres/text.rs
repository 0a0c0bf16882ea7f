//! PostgreSQL's text has no character zero. It becomes two characters, so that order and prefixes stay what they
//! are byte by byte: `\0` is `\1\1`, `\1` is `\1\2`, and everything else is itself.

use crate::{Error, Result};
use std::borrow::Cow;

/// As the database has it.
pub(crate) fn encode(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| byte <= 1) {
        return Cow::Borrowed(text);
    }
    let mut encoded = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        match char {
            '\0' => encoded.push_str("\u{1}\u{1}"),
            '\u{1}' => encoded.push_str("\u{1}\u{2}"),
            other => encoded.push(other),
        }
    }
    Cow::Owned(encoded)
}

/// Back from the database.
pub(crate) fn decode(text: &str) -> Result<Cow<'_, str>> {
    if !text.contains('\u{1}') {
        return Ok(Cow::Borrowed(text));
    }
    let mut decoded = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        decoded.push(match char {
            '\u{1}' => match chars.next() {
                Some('\u{1}') => '\0',
                Some('\u{2}') => '\u{1}',
                _ => return Err(Error::Corrupt(format!("{text:?} was not written by this program"))),
            },
            other => other,
        });
    }
    Ok(Cow::Owned(decoded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_back_and_keeps_its_order() {
        let mut texts = vec![String::new()];
        for first in ['\0', '\u{1}', '\u{2}', 'a', '\u{10ffff}'] {
            for second in ['\0', '\u{1}', '\u{2}', 'b'] {
                texts.extend([first.to_string(), format!("{first}{second}"), format!("x{first}{second}")]);
            }
        }
        texts.sort();
        texts.dedup();
        let encoded: Vec<String> = texts.iter().map(|text| encode(text).into_owned()).collect();
        assert!(encoded.is_sorted_by(|a, b| a < b));
        for (text, encoded) in texts.iter().zip(&encoded) {
            assert!(!encoded.contains('\0'));
            assert_eq!(decode(encoded).unwrap(), *text);
            for prefix in &texts {
                assert_eq!(text.starts_with(prefix), encoded.starts_with(&*encode(prefix)));
            }
        }
        assert!(decode("\u{1}x").is_err() && decode("\u{1}").is_err());
    }
}
