//! TDSL, the format of Tigase's configuration, as a serde format.
//!
//! ```text
//! # a comment
//! 'default-virtual-host' = 'example.com'
//! admins = [ 'admin@example.com', env('SECOND_ADMIN', 'other@example.com') ]
//! 'sess-man' {
//!     ping (active: true) {
//!         interval = 5 * 60
//!     }
//! }
//! ```
//!
//! - A newline or a comma ends an entry; `=` or `:` stands between key and value.
//! - Text is in `'…'` or `"…"` without escapes. It needs no quotes if it has none of `, { } [ ] ( ) # ' " + - * /`
//!   and no blanks. Keys need quotes for blanks and `, { } [ ] ( ) # ' " = :`.
//! - Numbers may end in `L`, `D` or `F`. `true`, `false` and `null` are written so.
//! - `env('X', 'default')` is the environment's, `prop('x', 'default')` the caller's; without a default and
//!   a value they are null.
//! - `+ - * /` have their ordinary precedence, `+` also joins text.
//! - A block `name (active: false) { … }` gives its struct a field `active`. `class` and `exportable` are read
//!   and have no meaning.
//! - Two blocks of the same name at the same place are one; any other key may be given once.
//! - Text becomes what the field wants: `'15'` a number, `'true'` a boolean, `'a, b'` a list, `'5m'` or `PT5M` a
//!   [`duration`].

mod arithmetic;
mod cursor;
mod de;
mod document;
pub mod duration;
mod parser;
mod problem;
#[cfg(test)]
mod tests;
mod value;

pub use document::Document;

use crate::Error;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// Reads a value from TDSL text; `file_name` is what errors call it.
///
/// # Errors
/// [`Error::At`] for text that is no TDSL or does not fit the type.
pub fn from_str<T: DeserializeOwned>(text: &str, file_name: &str) -> Result<T, Error> {
    Document::parse(text, file_name, &BTreeMap::new())?.deserialize()
}
