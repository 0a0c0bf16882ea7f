//! A parsed document, every part with its place in the text.

/// From one byte of the text up to, not including, another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub start: usize,
    pub end: usize,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub value: Value,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Block(Block),
}

/// A map or a bean. No key occurs twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Block {
    /// What the parentheses after the bean's name say of its activity: the key `active` and its value.
    pub active: Option<Box<Entry>>,
    pub entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// Always [`Value::Text`].
    pub key: Node,
    pub value: Node,
}

impl Entry {
    pub fn key(&self) -> &str {
        match &self.key.value {
            Value::Text(key) => key,
            _ => "",
        }
    }
}

impl Value {
    /// What a person calls this value, e.g. in "expected a number, found a list".
    pub fn found(&self) -> String {
        match self {
            Value::Null => "null".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            Value::Float(value) => value.to_string(),
            Value::Text(text) => format!("the text '{}'", shortened(text)),
            Value::List(_) => "a list".to_owned(),
            Value::Block(_) => "a block".to_owned(),
        }
    }
}

/// At most 40 characters of the text.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

impl Value {
    /// A simple value as text.
    pub fn as_text(&self) -> Option<String> {
        match self {
            Value::Text(text) => Some(text.clone()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Int(value) => Some(value.to_string()),
            Value::Float(value) => Some(value.to_string()),
            Value::Null | Value::List(_) | Value::Block(_) => None,
        }
    }
}
