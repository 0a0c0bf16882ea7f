//! From text to values, by recursive descent.

use super::arithmetic::{Operator, apply, negate};
use super::cursor::{Cursor, may_be_text};
use super::problem::{Problem, hint};
use super::value::{Block, Entry, Node, Span, Value};
use std::collections::{BTreeMap, HashMap};

/// How deep blocks, lists and parentheses may be nested.
const DEPTH: usize = 64;

/// What may stand in the parentheses after a bean's name.
const HEADER: [&str; 3] = ["active", "class", "exportable"];

/// Parses a whole document into a block.
pub(super) fn parse(text: &str, props: &BTreeMap<String, String>) -> Result<Node, Problem> {
    let mut parser = Parser { cursor: Cursor::new(text), props, depth: 0, parentheses: 0 };
    let entries = parser.entries()?;
    if parser.cursor.peek().is_some() {
        return Err(parser.cursor.problem_here("this '}' closes nothing"));
    }
    let span = Span { start: 0, end: 0 };
    Ok(Node { value: Value::Block(Block { active: None, entries }), span })
}

struct Parser<'t> {
    cursor: Cursor<'t>,
    props: &'t BTreeMap<String, String>,
    depth: usize,
    /// Within parentheses a newline ends nothing.
    parentheses: usize,
}

impl Parser<'_> {
    /// The entries of a block, up to its end or the file's.
    fn entries(&mut self) -> Result<Vec<Entry>, Problem> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        loop {
            self.cursor.skip_separators();
            if matches!(self.cursor.peek(), None | Some('}')) {
                return Ok(entries);
            }
            let entry = self.entry()?;
            match known.get(entry.key()).and_then(|at| entries.get_mut(*at)) {
                Some(earlier) => self.merge(earlier, entry)?,
                None => {
                    known.insert(entry.key().to_owned(), entries.len());
                    entries.push(entry);
                }
            }
        }
    }

    fn entry(&mut self) -> Result<Entry, Problem> {
        let key = self.key()?;
        self.cursor.skip_blanks();
        let value = match self.cursor.peek() {
            Some('=' | ':') => {
                self.take_assignment();
                self.expression()?
            }
            _ => self.bean(&key)?,
        };
        Ok(Entry { key, value })
    }

    fn take_assignment(&mut self) -> bool {
        let taken = self.cursor.take('=') || self.cursor.take(':');
        self.cursor.skip_blanks();
        taken
    }

    fn key(&mut self) -> Result<Node, Problem> {
        let start = self.cursor.at();
        let text = match self.cursor.quoted()? {
            Some(text) => text,
            None => self.cursor.bare_key(),
        };
        let span = Span { start, end: self.cursor.at() };
        if span.start == span.end {
            let found = self.cursor.found();
            return Err(self.cursor.problem_here(format!("expected a key, found {found}")));
        }
        Ok(Node { value: Value::Text(text.to_owned()), span })
    }

    /// What follows the name of a bean or a map without `=`.
    fn bean(&mut self, key: &Node) -> Result<Node, Problem> {
        let after_key = self.cursor.at();
        let active = if self.cursor.take('(') { self.header()? } else { None };
        self.cursor.skip_lines();
        if self.cursor.peek() != Some('{') {
            let Value::Text(name) = &key.value else {
                return Err(self.cursor.problem_here("expected a key"));
            };
            let message = match self.cursor.at() > after_key && self.cursor.peek() == Some('=') {
                true => format!("'{name}' and its '=' must be in one line"),
                false => {
                    format!("expected '=' or '{{' after the key '{name}'; text with blanks must be quoted")
                }
            };
            return Err(self.cursor.problem(key.span, message));
        }
        let mut node = self.block()?;
        if let Value::Block(block) = &mut node.value {
            block.active = active;
        }
        Ok(node)
    }

    /// `class: a.b.C, active: false)`: the part after the parenthesis.
    fn header(&mut self) -> Result<Option<Box<Entry>>, Problem> {
        let mut active = None;
        loop {
            self.cursor.skip_separators();
            if self.cursor.take(')') {
                return Ok(active);
            }
            let key = self.key()?;
            self.cursor.skip_blanks();
            if !self.take_assignment() {
                let found = self.cursor.found();
                return Err(self.cursor.problem_here(format!("expected ':', found {found}")));
            }
            let entry = Entry { key, value: self.expression()? };
            match entry.key() {
                "active" => active = Some(Box::new(entry)),
                "class" | "exportable" => {}
                other => {
                    let message = format!("unknown '{other}' in parentheses{}", hint(other, &HEADER));
                    return Err(self.cursor.problem(entry.key.span, message));
                }
            }
        }
    }

    /// `{ … }`.
    fn block(&mut self) -> Result<Node, Problem> {
        let start = self.open('{')?;
        // Parentheses around a block do not reach into it.
        let outer = std::mem::take(&mut self.parentheses);
        let entries = self.entries()?;
        self.parentheses = outer;
        self.close(start, '{', '}')?;
        let span = Span { start, end: self.cursor.at() };
        Ok(Node { value: Value::Block(Block { active: None, entries }), span })
    }

    /// `[ … ]`.
    fn list(&mut self) -> Result<Node, Problem> {
        let start = self.open('[')?;
        let outer = std::mem::take(&mut self.parentheses);
        let mut items = Vec::new();
        self.cursor.skip_separators();
        while !matches!(self.cursor.peek(), None | Some(']')) {
            items.push(self.expression()?);
            self.cursor.skip_blanks();
            if !matches!(self.cursor.peek(), None | Some(',' | '\n' | ']')) {
                let found = self.cursor.found();
                return Err(self.cursor.problem_here(format!("expected ',' or ']', found {found}")));
            }
            self.cursor.skip_separators();
        }
        self.parentheses = outer;
        self.close(start, '[', ']')?;
        Ok(Node { value: Value::List(items), span: Span { start, end: self.cursor.at() } })
    }

    fn open(&mut self, bracket: char) -> Result<usize, Problem> {
        let start = self.cursor.at();
        if self.depth >= DEPTH {
            return Err(self.cursor.problem_here(format!("nested more than {DEPTH} deep")));
        }
        self.depth += 1;
        self.cursor.take(bracket);
        Ok(start)
    }

    fn close(&mut self, start: usize, open: char, close: char) -> Result<(), Problem> {
        self.depth -= 1;
        match self.cursor.take(close) {
            true => Ok(()),
            false => Err(self
                .cursor
                .problem(Span { start, end: start + 1 }, format!("this '{open}' is never closed"))),
        }
    }

    /// Blanks within an expression.
    fn gap(&mut self) {
        match self.parentheses {
            0 => self.cursor.skip_blanks(),
            _ => self.cursor.skip_lines(),
        }
    }

    fn expression(&mut self) -> Result<Node, Problem> {
        self.binary(&[('+', Operator::Add), ('-', Operator::Subtract)], |parser| {
            parser.binary(&[('*', Operator::Multiply), ('/', Operator::Divide)], Self::signed)
        })
    }

    /// Operands with operators of one rank between them, from left to right.
    fn binary(
        &mut self,
        operators: &[(char, Operator)],
        mut operand: impl FnMut(&mut Self) -> Result<Node, Problem>,
    ) -> Result<Node, Problem> {
        let mut left = operand(self)?;
        loop {
            self.gap();
            let Some((_, operator)) = operators.iter().find(|(symbol, _)| self.cursor.take(*symbol)) else {
                return Ok(left);
            };
            self.cursor.skip_lines();
            let right = operand(self)?;
            let span = Span { start: left.span.start, end: right.span.end };
            let value = apply(*operator, left.value, right.value);
            left = Node { value: value.map_err(|message| self.cursor.problem(span, message))?, span };
        }
    }

    fn signed(&mut self) -> Result<Node, Problem> {
        let start = self.cursor.at();
        if self.cursor.peek() != Some('-') {
            return self.primary();
        }
        self.open('-')?;
        let operand = self.signed()?;
        self.depth -= 1;
        let span = Span { start, end: operand.span.end };
        let value = negate(operand.value).map_err(|message| self.cursor.problem(span, message))?;
        Ok(Node { value, span })
    }

    fn primary(&mut self) -> Result<Node, Problem> {
        let start = self.cursor.at();
        match self.cursor.peek() {
            Some('[') => return self.list(),
            Some('{') => return self.block(),
            Some('(') => return self.parenthesised(),
            _ => {}
        }
        let value = match self.cursor.quoted()? {
            Some(text) => Value::Text(text.to_owned()),
            None => {
                let word = self.cursor.bare_value();
                match (word, self.cursor.peek()) {
                    ("", _) => {
                        let found = self.cursor.found();
                        let message = format!("expected a value, found {found}");
                        return Err(self.cursor.problem_here(message));
                    }
                    ("env" | "prop", Some('(')) => self.lookup(word)?,
                    _ => bare(word).map_err(|message| {
                        self.cursor.problem(Span { start, end: self.cursor.at() }, message)
                    })?,
                }
            }
        };
        Ok(Node { value, span: Span { start, end: self.cursor.at() } })
    }

    fn parenthesised(&mut self) -> Result<Node, Problem> {
        let start = self.open('(')?;
        self.parentheses += 1;
        self.gap();
        let inner = self.expression()?;
        self.gap();
        self.parentheses -= 1;
        self.close(start, '(', ')')?;
        Ok(Node { value: inner.value, span: Span { start, end: self.cursor.at() } })
    }

    /// `('name')` or `('name', 'default')` after `env` or `prop`.
    fn lookup(&mut self, from: &str) -> Result<Value, Problem> {
        let start = self.open('(')?;
        self.parentheses += 1;
        self.gap();
        let name = self.expression()?;
        self.gap();
        let default = if self.cursor.take(',') {
            self.gap();
            self.expression()?.value
        } else {
            Value::Null
        };
        self.gap();
        self.parentheses -= 1;
        self.close(start, '(', ')')?;
        let Value::Text(key) = &name.value else {
            let message = format!("{from}() takes a name, found {}", name.value.found());
            return Err(self.cursor.problem(name.span, message));
        };
        let found = match from {
            "env" => environment(key),
            _ => self.props.get(key).cloned(),
        };
        if found.as_ref().is_some_and(|text| !text.chars().all(may_be_text)) {
            let message = format!("what {from}() finds has a control character in it");
            return Err(self.cursor.problem(name.span, message));
        }
        Ok(found.map_or(default, Value::Text))
    }

    /// Two blocks of one name are one block; nothing else may be given twice.
    fn merge(&mut self, earlier: &mut Entry, later: Entry) -> Result<(), Problem> {
        let twice = format!("the key '{}' is given twice", later.key());
        let (Value::Block(into), Value::Block(from)) = (&mut earlier.value.value, later.value.value) else {
            return Err(self.cursor.problem(later.key.span, twice));
        };
        if from.active.is_some() {
            into.active = from.active;
        }
        for entry in from.entries {
            match into.entries.iter_mut().find(|known| known.key() == entry.key()) {
                Some(known) => self.merge(known, entry)?,
                None => into.entries.push(entry),
            }
        }
        Ok(())
    }
}

/// The value of the environment's variable. Names that the system refuses are not set.
fn environment(name: &str) -> Option<String> {
    match name.is_empty() || name.contains(['=', '\0']) {
        true => None,
        false => std::env::var(name).ok(),
    }
}

/// A word without quotes: a number, a name of a value, or text.
fn bare(word: &str) -> Result<Value, String> {
    match word {
        "true" => return Ok(Value::Bool(true)),
        "false" => return Ok(Value::Bool(false)),
        "null" => return Ok(Value::Null),
        _ => {}
    }
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let suffix = word.get(digits.len()..).unwrap_or_default();
    let all = |letters: &str| suffix.chars().all(|c| letters.contains(c));
    let whole = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let fraction = digits.split_once('.').is_some_and(|(a, b)| whole(a) && whole(b));
    if whole(digits) && all("lL") {
        digits.parse().map(Value::Int).map_err(|_| format!("{digits} is too large a number"))
    } else if (whole(digits) || fraction) && (all("dD") || all("fF")) {
        let number = digits.parse::<f64>().ok().filter(|number| number.is_finite());
        number.map(Value::Float).ok_or_else(|| "this is too large a number".to_owned())
    } else {
        Ok(Value::Text(word.to_owned()))
    }
}
