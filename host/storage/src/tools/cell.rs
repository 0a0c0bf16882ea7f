//! One value of a row on its way, borrowed from where it was read.

use super::tables::{Kind, Table};
use std::borrow::Cow;

/// A value, or why there is none that this program could have written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    Null,
    Text(Cow<'a, str>),
    Int(i64),
    Bool(bool),
    Bytes(&'a [u8]),
    /// A sentence's end: the value ...
    Damaged(&'static str),
}

pub(super) const WRONG_TYPE: &str = "is of another type than its column";
pub(super) const NOT_UTF8: &str = "is not UTF-8";
pub(super) const NOT_ENCODED: &str = "has a character that was not written by this program";

impl Cell<'_> {
    /// What it says, if it is text.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn int(&self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(*int),
            _ => None,
        }
    }

    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Whether a column of this kind may hold it.
    pub(super) fn fits(&self, kind: Kind, nullable: bool) -> bool {
        match self {
            Self::Null => nullable,
            Self::Text(_) => kind == Kind::Text,
            Self::Int(_) => kind == Kind::Int,
            Self::Bool(_) => kind == Kind::Bool,
            Self::Bytes(_) => kind == Kind::Bytes,
            Self::Damaged(_) => false,
        }
    }
}

/// The key of a row as people are told it.
pub(super) fn key_of(table: &Table, row: &[Cell<'_>]) -> String {
    let parts = row.iter().take(table.key).map(|cell| match cell {
        Cell::Text(text) => text.escape_debug().to_string(),
        Cell::Int(int) => int.to_string(),
        Cell::Bytes(bytes) => crate::hex(bytes),
        Cell::Bool(bool) => bool.to_string(),
        Cell::Null | Cell::Damaged(_) => "?".to_owned(),
    });
    parts.collect::<Vec<_>>().join(" ")
}

/// The first column whose value cannot be passed on, and why.
pub(super) fn damage<'t>(table: &'t Table, row: &[Cell<'_>]) -> Option<(&'t str, &'static str)> {
    table.columns.iter().zip(row).find_map(|(column, cell)| match cell {
        Cell::Damaged(why) => Some((column.name, *why)),
        cell if !cell.fits(column.kind, column.nullable) => Some((column.name, WRONG_TYPE)),
        _ => None,
    })
}
