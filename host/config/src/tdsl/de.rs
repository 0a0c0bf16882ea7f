//! Values as serde sees them. Simple values become what the field wants.

use super::problem::{Problem, hint};
use super::value::{Block, Entry, Node, Value};
use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use std::slice;

/// Reads a value of a document.
#[derive(Clone, Copy, Debug)]
pub struct Deserializer<'n> {
    node: &'n Node,
}

impl<'n> Deserializer<'n> {
    pub(super) fn new(node: &'n Node) -> Self {
        Self { node }
    }

    fn expected<T>(&self, what: impl std::fmt::Display) -> Result<T, Problem> {
        Err(Problem::new(self.node.span, format!("expected {what}, found {}", self.node.value.found())))
    }

    fn bool(&self) -> Result<bool, Problem> {
        match &self.node.value {
            Value::Bool(value) => Ok(*value),
            Value::Text(text) if text.trim() == "true" => Ok(true),
            Value::Text(text) if text.trim() == "false" => Ok(false),
            _ => self.expected("true or false"),
        }
    }

    fn whole<T: TryFrom<i128>>(
        &self,
        least: impl std::fmt::Display,
        most: impl std::fmt::Display,
    ) -> Result<T, Problem> {
        let number = match &self.node.value {
            Value::Int(number) => Some(i128::from(*number)),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        match number.and_then(|number| T::try_from(number).ok()) {
            Some(number) => Ok(number),
            None => self.expected(format_args!("a whole number from {least} to {most}")),
        }
    }

    fn float(&self) -> Result<f64, Problem> {
        let number = match &self.node.value {
            Value::Int(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            Value::Text(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        };
        number.map_or_else(|| self.expected("a number"), Ok)
    }

    fn text(&self) -> Result<String, Problem> {
        self.node.value.as_text().map_or_else(|| self.expected("text"), Ok)
    }

    fn map<'de, V: Visitor<'de>>(
        &self,
        active: Option<&'n Entry>,
        block: &'n Block,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let mut entries = Entries { active, rest: block.entries.iter(), current: None };
        let result = visitor.visit_map(&mut entries);
        let span = entries.current.map_or(self.node.span, |entry| entry.key.span);
        result.map_err(|problem| problem.or_at(span))
    }

    fn seq<'de, V: Visitor<'de>>(&self, items: &'n [Node], visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_seq(Items(items.iter())).map_err(|problem| problem.or_at(self.node.span))
    }
}

macro_rules! whole_numbers {
    ($($method:ident $visit:ident $ty:ty),* $(,)?) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            let number = self.whole::<$ty>(<$ty>::MIN, <$ty>::MAX)?;
            visitor.$visit(number).map_err(|problem: Problem| problem.or_at(self.node.span))
        }
    )* };
}

impl<'de> de::Deserializer<'de> for Deserializer<'_> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let result = match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Int(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Text(text) => visitor.visit_str(text),
            Value::List(items) => return self.seq(items, visitor),
            Value::Block(block) => return self.map(block.active.as_deref(), block, visitor),
        };
        result.map_err(|problem: Problem| problem.or_at(self.node.span))
    }

    whole_numbers! {
        deserialize_i8 visit_i8 i8,
        deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64,
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let value = self.bool()?;
        visitor.visit_bool(value).map_err(|problem: Problem| problem.or_at(self.node.span))
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let number = self.float()?;
        visitor.visit_f64(number).map_err(|problem: Problem| problem.or_at(self.node.span))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let text = self.text()?;
        visitor.visit_str(&text).map_err(|problem: Problem| problem.or_at(self.node.span))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let text = self.text()?;
        visitor.visit_bytes(text.as_bytes()).map_err(|problem: Problem| problem.or_at(self.node.span))
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.node.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.node.value {
            Value::Null => visitor.visit_unit(),
            _ => self.expected("null"),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    /// A list; text is split at its commas, and another simple value is the only element.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let node = |value| Node { value, span: self.node.span };
        match &self.node.value {
            Value::List(items) => self.seq(items, visitor),
            Value::Text(text) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                let items: Vec<Node> = parts.map(|part| node(Value::Text(part.to_owned()))).collect();
                visitor
                    .visit_seq(Items(items.iter()))
                    .map_err(|problem: Problem| problem.or_at(self.node.span))
            }
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => self.seq(slice::from_ref(self.node), visitor),
            Value::Null | Value::Block(_) => self.expected("a list"),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match &self.node.value {
            Value::Block(block) => self.map(block.active.as_deref(), block, visitor),
            _ => self.expected("a block"),
        }
    }

    /// A block. `(active: true)` says nothing new to a struct without a field `active`; `(active: false)`
    /// cannot be obeyed by one.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let Value::Block(block) = &self.node.value else { return self.expected("a block") };
        match &block.active {
            Some(active) if !fields.contains(&"active") => match Deserializer::new(&active.value).bool()? {
                true => self.map(None, block, visitor),
                false => Err(Problem::new(active.value.span, "this block cannot be switched off")),
            },
            active => self.map(active.as_deref(), block, visitor),
        }
    }

    /// Text is a variant without content; a block of one entry is a variant with content.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let (name, content) = match &self.node.value {
            Value::Text(text) => (text.trim(), None),
            Value::Block(Block { entries, .. }) => match entries.as_slice() {
                [entry] => (entry.key(), Some(&entry.value)),
                _ => return self.expected("a block with one key"),
            },
            _ => return self.expected(format_args!("one of '{}'", variants.join("', '"))),
        };
        // As in Tigase, case does not matter where there is no exact match.
        let found = variants.iter().find(|variant| **variant == name);
        let found = found.or_else(|| variants.iter().find(|variant| variant.eq_ignore_ascii_case(name)));
        let Some(name) = found else {
            let message =
                format!("unknown value '{}'{}", super::value::shortened(name), hint(name, variants));
            return Err(Problem::new(self.node.span, message));
        };
        visitor
            .visit_enum(Variant { name, content })
            .map_err(|problem: Problem| problem.or_at(self.node.span))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_any(visitor)
    }
}

struct Entries<'n> {
    active: Option<&'n Entry>,
    rest: slice::Iter<'n, Entry>,
    /// The entry that is being read: where problems without a place belong.
    current: Option<&'n Entry>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Problem;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Problem> {
        self.current = self.active.take().or_else(|| self.rest.next());
        match self.current {
            Some(entry) => seed.deserialize(Deserializer::new(&entry.key)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Problem> {
        match self.current {
            Some(entry) => {
                let value = Deserializer::new(&entry.value);
                seed.deserialize(value).map_err(|problem| problem.or_at(entry.value.span))
            }
            None => Err(de::Error::custom("a value was asked for before its key")),
        }
    }
}

struct Items<'n>(slice::Iter<'n, Node>);

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Problem;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Problem> {
        let Some(node) = self.0.next() else { return Ok(None) };
        seed.deserialize(Deserializer::new(node)).map(Some).map_err(|problem| problem.or_at(node.span))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Variant<'n> {
    name: &'static str,
    content: Option<&'n Node>,
}

impl<'n> Variant<'n> {
    fn content(&self) -> Result<Deserializer<'n>, Problem> {
        match self.content {
            Some(node) => Ok(Deserializer::new(node)),
            None => Err(de::Error::custom(format_args!("'{}' needs a value: {} = …", self.name, self.name))),
        }
    }
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Problem;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Problem> {
        let name: StrDeserializer<Problem> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Problem;

    fn unit_variant(self) -> Result<(), Problem> {
        match self.content {
            None => Ok(()),
            Some(node) => Err(Problem::new(node.span, format!("'{}' takes no value", self.name))),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Problem> {
        seed.deserialize(self.content()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Problem> {
        de::Deserializer::deserialize_tuple(self.content()?, length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        de::Deserializer::deserialize_struct(self.content()?, "", fields, visitor)
    }
}
