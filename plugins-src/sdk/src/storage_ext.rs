//! Texts in tables and logs.

use crate::storage::{Entry, Error, Log, Query, Range, Row, Table};
use crate::types::Timestamp;

/// The most values that one read gives.
const PAGE: u32 = 256;

impl Table {
    /// The text stored under this key. Bytes that are no UTF-8 are replaced.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn get_text(&self, owner: &str, key: &str) -> Result<Option<String>, Error> {
        Ok(self.get(owner, key)?.map(text))
    }

    /// Store a text under this key.
    ///
    /// ```
    /// # use waxwing_plugin::prelude::*;
    /// # fn remember(event: &Event) -> Result {
    /// storage::open_table("notes")?.set_text(event.sender_bare(), "note", "buy milk")?;
    /// # Ok(Verdict::Handled)
    /// # }
    /// ```
    ///
    /// # Errors
    /// See [`Error`].
    pub fn set_text(&self, owner: &str, key: &str, value: &str) -> Result<(), Error> {
        self.set(owner, key, value.as_bytes())
    }

    /// All values whose key begins with `prefix`, read a page at a time. For those that are known to be few
    /// enough for the plugin's memory.
    ///
    /// ```
    /// # use waxwing_plugin::prelude::*;
    /// # fn members(room: &str) -> Result<usize> {
    /// let members = storage::open_table("room")?.all(room, "member/")?;
    /// # Ok(members.len())
    /// # }
    /// ```
    ///
    /// # Errors
    /// See [`Error`].
    pub fn all(&self, owner: &str, prefix: &str) -> Result<Vec<Row>, Error> {
        let mut rows: Vec<Row> = Vec::new();
        loop {
            let after = rows.last().map(|row| row.key.clone());
            let page = Range { prefix: prefix.into(), after, limit: PAGE, ..Range::default() };
            let page = self.scan(owner, &page)?;
            let full = page.len() == PAGE as usize;
            rows.extend(page);
            if !full {
                return Ok(rows);
            }
        }
    }
}

impl Row {
    /// The value as text. Bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.value)
    }
}

impl Default for Range {
    /// The whole table in order, up to 100 values.
    fn default() -> Self {
        Self { prefix: String::new(), after: None, before: None, backwards: false, limit: 100 }
    }
}

impl Log {
    /// Append a text with no tag that never expires.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn push(&self, owner: &str, at: Timestamp, value: &str) -> Result<(), Error> {
        self.append(owner, at, None, value.as_bytes(), None)
    }

    /// The first values that are there, oldest first.
    ///
    /// ```
    /// # use waxwing_plugin::prelude::*;
    /// # fn first(event: &Event) -> Result<Option<String>> {
    /// let page = storage::open_log("kept")?.oldest(event.account(), 1)?;
    /// # Ok(page.first().map(|entry| entry.text().into()))
    /// # }
    /// ```
    ///
    /// # Errors
    /// See [`Error`].
    pub fn oldest(&self, owner: &str, limit: u32) -> Result<Vec<Entry>, Error> {
        self.read(owner, &Query { limit, ..Query::default() })
    }
}

impl Entry {
    /// The value as text. Bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.value)
    }
}

impl Default for Query {
    /// Everything, oldest first, up to 100 values.
    fn default() -> Self {
        Self { after: 0, before: None, since: None, until: None, tag: None, backwards: false, limit: 100 }
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into())
}
