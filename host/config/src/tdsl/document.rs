//! A document: its text, what it says, and how to point at a place in it.

use super::de::Deserializer;
use super::parser;
use super::problem::Problem;
use super::value::{Block, Entry, Node, Value};
use crate::{Error, Located};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// A parsed document, from which values are read.
#[derive(Debug)]
pub struct Document {
    source: Source,
    root: Node,
}

impl Document {
    /// Parses the text; `file_name` is what errors call it, `props` what `prop('name')` stands for.
    ///
    /// # Errors
    /// [`Error::At`] for text that is no TDSL.
    pub fn parse(text: &str, file_name: &str, props: &BTreeMap<String, String>) -> Result<Self, Error> {
        let source = Source { file: file_name.to_owned(), text: text.to_owned() };
        match parser::parse(text, props) {
            Ok(root) => Ok(Self { source, root }),
            Err(problem) => Err(source.locate(problem)),
        }
    }

    /// Reads the whole document as a value.
    ///
    /// # Errors
    /// [`Error::At`] where the document does not fit the type.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.read(|input| T::deserialize(input))
    }

    /// Reads the whole document with a function of the caller's.
    pub(crate) fn read<T>(&self, read: impl FnOnce(Deserializer) -> Result<T, Problem>) -> Result<T, Error> {
        read(Deserializer::new(&self.root)).map_err(|problem| self.source.locate(problem))
    }

    /// An error at the place of the keys that lead to it, or of as many of them as there are. A key that is
    /// not in its block is looked for in the blocks within: plugins may be nested.
    pub fn error_at(&self, path: &[String], message: impl Into<String>) -> Error {
        let mut span = None;
        let mut node = &self.root;
        for key in path {
            let Value::Block(block) = &node.value else { break };
            let Some(entry) = find(block, key) else { break };
            node = &entry.value;
            span = Some(if matches!(node.value, Value::Block(_)) { entry.key.span } else { node.span });
        }
        self.source.locate(Problem { span, message: message.into() })
    }
}

/// The entry of this key in the block, or else in one within it.
fn find<'n>(block: &'n Block, key: &str) -> Option<&'n Entry> {
    block.entries.iter().find(|entry| entry.key() == key).or_else(|| {
        block.entries.iter().find_map(|entry| match &entry.value.value {
            Value::Block(within) => find(within, key),
            _ => None,
        })
    })
}

#[derive(Debug)]
struct Source {
    file: String,
    text: String,
}

impl Source {
    fn locate(&self, problem: Problem) -> Error {
        let span = problem.span.unwrap_or_default();
        let before = self.text.get(..span.start).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let rest = self.text.get(line_start..).unwrap_or_default();
        let text = rest.lines().next().unwrap_or_default();
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        let meant = self.text.get(span.start..span.end).unwrap_or_default();
        Error::At(Box::new(Located {
            file: self.file.clone(),
            line: before.matches('\n').count() + 1,
            column,
            message: problem.message,
            text: text.to_owned(),
            width: meant.lines().next().unwrap_or_default().chars().count().max(1),
        }))
    }
}
