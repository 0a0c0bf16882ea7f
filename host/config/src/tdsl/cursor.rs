//! The text and the place in it, with the few lexical rules of the format.

use super::problem::Problem;
use super::value::Span;

/// Ends a bare word wherever it stands.
const PUNCTUATION: &str = ",{}[]()#'\"";

/// Whether a character may be in a text: what is set here may end up in a stanza, and XML has no place for others.
pub(super) fn may_be_text(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

pub(super) struct Cursor<'t> {
    text: &'t str,
    at: usize,
    /// The last quoted text with a newline in it. A forgotten quote makes one, and the trouble shows
    /// only where it ends.
    many_lines: Option<Span>,
}

impl<'t> Cursor<'t> {
    pub fn new(text: &'t str) -> Self {
        // A byte order mark is what some editors put before UTF-8.
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self { text, at, many_lines: None }
    }

    pub fn at(&self) -> usize {
        self.at
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Takes the next character if it is this one.
    pub fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    /// Passes over blanks and comments within the line.
    pub fn skip_blanks(&mut self) {
        self.skip_while(|c| c.is_whitespace() && c != '\n');
        if self.peek() == Some('#') {
            self.skip_while(|c| c != '\n');
        }
    }

    /// Passes over blanks, comments and newlines.
    pub fn skip_lines(&mut self) {
        self.skip_blanks();
        while self.take('\n') {
            self.skip_blanks();
        }
    }

    /// Passes over everything that may stand between entries.
    pub fn skip_separators(&mut self) {
        self.skip_lines();
        while self.take(',') {
            self.skip_lines();
        }
    }

    fn skip_while(&mut self, fits: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let length = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    /// Text in quotes, if there is some.
    pub fn quoted(&mut self) -> Result<Option<&'t str>, Problem> {
        let start = self.at;
        let Some(mark @ ('\'' | '"')) = self.peek() else { return Ok(None) };
        self.take(mark);
        let text = self.skip_while(|c| c != mark);
        if !self.take(mark) {
            self.at = start;
            return Err(self.problem(Span { start, end: start + 1 }, format!("this {mark} is never closed")));
        }
        if let Some((before, stray)) = text.char_indices().find(|(_, c)| !may_be_text(*c)) {
            let start = start + mark.len_utf8() + before;
            let message = format!("the character U+{:04X} has no place in a text", u32::from(stray));
            return Err(self.problem(Span { start, end: start + stray.len_utf8() }, message));
        }
        if text.contains('\n') {
            self.many_lines = Some(Span { start, end: self.at });
        }
        Ok(Some(text))
    }

    /// A word that stands for a key; may be empty.
    pub fn bare_key(&mut self) -> &'t str {
        self.skip_while(|c| !c.is_whitespace() && !PUNCTUATION.contains(c) && c != '=' && c != ':')
    }

    /// A word that stands for a value; may be empty.
    pub fn bare_value(&mut self) -> &'t str {
        self.skip_while(|c| !c.is_whitespace() && !PUNCTUATION.contains(c) && !"+-*/".contains(c))
    }

    /// What stands here, for "found …".
    pub fn found(&self) -> String {
        match self.peek() {
            None => "the end of the file".to_owned(),
            Some('\n' | '#') => "the end of the line".to_owned(),
            Some(c) if c.is_control() => format!("the character U+{:04X}", u32::from(c)),
            Some(c) => format!("'{c}'"),
        }
    }

    /// A problem with the character that stands here.
    pub fn problem_here(&self, message: impl Into<String>) -> Problem {
        let end = self.at + self.peek().map_or(0, char::len_utf8);
        self.problem(Span { start: self.at, end }, message)
    }

    pub fn problem(&self, span: Span, message: impl Into<String>) -> Problem {
        let mut message = message.into();
        let after = self.many_lines.and_then(|quote| Some((quote, self.text.get(quote.end..span.start)?)));
        if let Some((quote, between)) = after
            && !between.contains('\n')
        {
            let line = self.text.get(..quote.start).unwrap_or_default().matches('\n').count() + 1;
            message += &format!("; the quote opened in line {line} ends here: is one missing there?");
        }
        Problem::new(span, message)
    }
}
