//! The kinds of values that settings have: how each is read from the file and shown in it.

use serde::de::{DeserializeSeed, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::time::Duration;

/// A value that a setting can have.
pub(crate) trait Setting: Sized {
    /// What a person calls this kind of value.
    const KIND: &'static str;

    fn read<'de, D: Deserializer<'de>>(input: D) -> Result<Self, D::Error>;

    fn show(&self) -> Shown;
}

/// A block of settings, written by the `block!` macro.
pub(crate) trait Block: Sized {
    const KEYS: &'static [&'static str];

    /// Reads the value of one key; `false` if there is no such key.
    fn entry<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error>;

    fn describe(&self) -> Vec<Entry>;
}

/// A key, what it means and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Empty for blocks that stand beside the keys.
    pub key: &'static str,
    /// The lines of the documentation.
    pub doc: Vec<&'static str>,
    pub shown: Shown,
}

impl Entry {
    pub fn new<T: Setting>(key: &'static str, doc: &[&'static str], value: &T) -> Self {
        Self { key, doc: doc.to_vec(), shown: value.show() }
    }
}

/// A value as the reference shows it.
#[derive(Clone, Debug)]
pub(crate) enum Shown {
    /// A kind of value and one such value in TDSL.
    Value { kind: &'static str, text: String },
    /// A block of settings.
    Block(Vec<Entry>),
    /// Blocks whose names the operator chooses: what a name is, and those there are.
    Named(&'static str, Vec<(String, Vec<Entry>)>),
    /// A block that the operator names: what a name is, one as it is written, and what may be in it.
    Example { what: &'static str, name: &'static str, block: Vec<Entry> },
}

/// Quotes text for TDSL, which has no escapes: text with both kinds of quotes cannot be written.
pub(crate) fn quote(text: &str) -> String {
    let mark = if text.contains('\'') { '"' } else { '\'' };
    format!("{mark}{text}{mark}")
}

/// Entries one block deeper.
pub(crate) fn wrap(key: &'static str, entries: Vec<Entry>) -> Vec<Entry> {
    vec![Entry { key, doc: Vec::new(), shown: Shown::Block(entries) }]
}

/// Reads a [`Setting`] where serde wants a seed.
pub(crate) struct Read<T>(PhantomData<T>);

impl<T> Read<T> {
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: Setting> DeserializeSeed<'de> for Read<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<T, D::Error> {
        T::read(input)
    }
}

/// Reads a block over `start`, whose values stay where the file says nothing.
pub(crate) fn read_block<'de, D: Deserializer<'de>, B: Block>(input: D, start: B) -> Result<B, D::Error> {
    input.deserialize_struct("block", B::KEYS, ReadBlock(start))
}

/// Reads a block over what it held before, where serde wants a seed.
pub(crate) struct Over<B>(pub B);

impl<'de, B: Block> DeserializeSeed<'de> for Over<B> {
    type Value = B;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<B, D::Error> {
        read_block(input, self.0)
    }
}

struct ReadBlock<B>(B);

impl<'de, B: Block> Visitor<'de> for ReadBlock<B> {
    type Value = B;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a block")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<B, A::Error> {
        let mut block = self.0;
        while let Some(key) = map.next_key::<String>()? {
            if !block.entry(&key, &mut map)? {
                return Err(A::Error::unknown_field(&key, B::KEYS));
            }
        }
        Ok(block)
    }
}

/// Reads a block whose settings lie one block deeper, under the only key of `outer`.
pub(crate) fn read_inside<'de, D: Deserializer<'de>, B: Block + Default>(
    input: D,
    outer: &'static [&'static str; 1],
) -> Result<B, D::Error> {
    input.deserialize_struct("block", outer, ReadInside(outer, PhantomData))
}

struct ReadInside<B>(&'static [&'static str; 1], PhantomData<B>);

impl<'de, B: Block + Default> Visitor<'de> for ReadInside<B> {
    type Value = B;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a block")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<B, A::Error> {
        let mut block = B::default();
        while let Some(key) = map.next_key::<String>()? {
            if !self.0.contains(&key.as_str()) {
                return Err(A::Error::unknown_field(&key, self.0));
            }
            block = map.next_value_seed(Over(block))?;
        }
        Ok(block)
    }
}

macro_rules! plain {
    ($($ty:ty, $kind:literal, |$value:ident| $text:expr;)*) => { $(
        impl Setting for $ty {
            const KIND: &'static str = $kind;

            fn read<'de, D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                Self::deserialize(input)
            }

            fn show(&self) -> Shown {
                let $value = self;
                Shown::Value { kind: Self::KIND, text: $text }
            }
        }
    )* };
}

plain! {
    bool, "true or false", |value| value.to_string();
    u16, "number", |value| value.to_string();
    u32, "number", |value| value.to_string();
    usize, "bytes", |value| bytes(*value);
    String, "text", |value| quote(value);
    PathBuf, "path", |value| quote(&value.to_string_lossy());
    Vec<u16>, "list of numbers", |value| {
        let items: Vec<String> = value.iter().map(u16::to_string).collect();
        if items.is_empty() { "[]".to_owned() } else { format!("[ {} ]", items.join(", ")) }
    };
    Vec<String>, "list", |value| {
        let items: Vec<String> = value.iter().map(|item| quote(item)).collect();
        if items.is_empty() { "[]".to_owned() } else { format!("[ {} ]", items.join(", ")) }
    };
}

/// A size as a person would write it: `64 * 1024 * 1024`.
fn bytes(value: usize) -> String {
    match value {
        0 => value.to_string(),
        1024 => "1024".to_owned(),
        1_048_576 => "1024 * 1024".to_owned(),
        _ if value.is_multiple_of(1024 * 1024) => format!("{} * 1024 * 1024", value / (1024 * 1024)),
        _ if value.is_multiple_of(1024) => format!("{} * 1024", value / 1024),
        _ => value.to_string(),
    }
}

impl<T: Setting> Setting for Option<T> {
    const KIND: &'static str = T::KIND;

    fn read<'de, D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_option(ReadOption(PhantomData))
    }

    fn show(&self) -> Shown {
        match self {
            Some(value) => value.show(),
            None => Shown::Value { kind: T::KIND, text: "null".to_owned() },
        }
    }
}

struct ReadOption<T>(PhantomData<T>);

impl<'de, T: Setting> Visitor<'de> for ReadOption<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} or null", T::KIND)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        T::read(input).map(Some)
    }
}

impl Setting for Duration {
    const KIND: &'static str = "duration";

    fn read<'de, D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        crate::tdsl::duration::deserialize(input)
    }

    fn show(&self) -> Shown {
        Shown::Value { kind: Self::KIND, text: quote(&crate::tdsl::duration::show(*self)) }
    }
}

/// A text that must not be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Setting for Secret {
    const KIND: &'static str = String::KIND;

    fn read<'de, D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        String::read(input).map(Self)
    }

    fn show(&self) -> Shown {
        Shown::Value { kind: Self::KIND, text: quote("") }
    }
}
