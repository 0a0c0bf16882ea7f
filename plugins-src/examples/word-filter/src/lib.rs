//! Words that nobody is to read: each is replaced by `***`, or the whole message goes back.

mod body;

use waxwing_plugin::{SettingValue, prelude::*};

plugin! {
    /// Replaces unwelcome words in messages, or sends the messages back.
    pub struct WordFilter {
        /// The words, without regard to capitals.
        words: Vec<String> = Vec::new(),
        /// What becomes of a message that has one.
        mode: Mode = Mode::Replace,
    }
    hooks: [Pre],
    // What has no body, such as chat states, never comes here.
    interests: [messages(Stage::Pre, &[]).with("{jabber:client}body")],
}

/// The setting `mode`.
#[derive(PartialEq)]
enum Mode {
    Replace,
    Bounce,
}

impl SettingValue for Mode {
    fn read(values: &[String]) -> Result<Self, &'static str> {
        match values {
            [mode] if mode == "replace" => Ok(Mode::Replace),
            [mode] if mode == "bounce" => Ok(Mode::Bounce),
            _ => Err("'replace' or 'bounce'"),
        }
    }
}

impl Pre for WordFilter {
    fn on_pre(&self, _: &Event, stanza: &Stanza) -> Result {
        match body::rewritten(&stanza.to_xml(), |text| self.cleaned(text)) {
            None => Ok(Verdict::Next),
            Some(_) if self.mode == Mode::Bounce => {
                Err(Condition::PolicyViolation.text("The message has a word that is not welcome here"))
            }
            Some(xml) => Ok(Verdict::Replace(xml)),
        }
    }
}

impl WordFilter {
    /// The text without unwelcome words; `None` if it has none.
    fn cleaned(&self, text: &str) -> Option<String> {
        let (mut cleaned, mut found) = (String::new(), false);
        for piece in text.split_inclusive(|c: char| !c.is_alphanumeric()) {
            let word = piece.trim_end_matches(|c: char| !c.is_alphanumeric());
            let unwelcome = self.words.iter().any(|listed| listed.to_lowercase() == word.to_lowercase());
            cleaned += if unwelcome { "***" } else { word };
            cleaned += &piece[word.len()..];
            found |= unwelcome;
        }
        found.then_some(cleaned)
    }
}
