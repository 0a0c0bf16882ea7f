//! What is wrong with a document, before it is known which file and line that is.

use super::value::Span;
use serde::de::{Expected, Unexpected};
use std::fmt;

/// What is wrong, and where if that is known yet. It crosses serde as the format's error.
#[derive(Clone, Debug)]
pub struct Problem {
    pub(super) span: Option<Span>,
    pub(super) message: String,
}

impl Problem {
    pub(super) fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span: Some(span), message: message.into() }
    }

    /// Gives a place to a problem that has none: the innermost place that is known is the one to show.
    pub(super) fn or_at(self, span: Span) -> Self {
        Self { span: self.span.or(Some(span)), ..self }
    }
}

impl std::error::Error for Problem {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl serde::de::Error for Problem {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { span: None, message: message.to_string() }
    }

    fn invalid_type(found: Unexpected, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("expected {expected}, found {}", name(found)))
    }

    fn invalid_value(found: Unexpected, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("expected {expected}, found {length} of them"))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom(format_args!("the key '{field}' is missing"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::custom(format_args!("the key '{field}' is given twice"))
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        Self::custom(format_args!("unknown key '{}'{}", super::value::shortened(field), hint(field, known)))
    }

    fn unknown_variant(variant: &str, known: &'static [&'static str]) -> Self {
        Self::custom(format_args!(
            "unknown value '{}'{}",
            super::value::shortened(variant),
            hint(variant, known)
        ))
    }
}

fn name(found: Unexpected) -> String {
    match found {
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Signed(value) => value.to_string(),
        Unexpected::Unsigned(value) => value.to_string(),
        Unexpected::Float(value) => value.to_string(),
        Unexpected::Str(text) => format!("the text '{}'", super::value::shortened(text)),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map | Unexpected::StructVariant => "a block".to_owned(),
        Unexpected::Unit | Unexpected::Option => "null".to_owned(),
        other => other.to_string(),
    }
}

/// The nearest known name, or all of them if none is near and they are few.
pub(super) fn hint(name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(near) => format!(", did you mean '{near}'?"),
        None if known.is_empty() => ": no key is known here".to_owned(),
        None if known.len() <= 8 => {
            let names: Vec<String> = known.iter().map(|name| format!("'{name}'")).collect();
            format!(", known are {}", names.join(", "))
        }
        None => String::new(),
    }
}

/// The known name that takes the fewest changes to reach, if those are few for its length.
fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let plain = |text: &str| -> Vec<char> {
        text.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).take(80).collect()
    };
    let wanted = plain(name);
    known
        .iter()
        .map(|candidate| (distance(&wanted, &plain(candidate)), *candidate))
        .filter(|(changes, candidate)| *changes <= candidate.chars().count().div_ceil(3))
        .min_by_key(|(changes, _)| *changes)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for ((to, above), diagonal) in b.iter().zip(row.iter().skip(1)).zip(&row) {
            let left = next.last().copied().unwrap_or_default();
            next.push((left + 1).min(above + 1).min(diagonal + usize::from(from != to)));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
