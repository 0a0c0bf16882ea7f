//! What operators do with whole databases, of either engine: look, copy, keep and bring back, repair. All of it blocks,
//! and works on rows of tables, whatever is in them.
//!
//! A backup is an SQLite database of this program's schema, whichever engine it is of.

mod backup;
mod cell;
mod check;
mod copy;
mod copy_format;
mod draft;
mod error;
mod migrate;
mod postgres_sink;
mod postgres_source;
mod restore;
mod sink;
mod source;
mod sqlite_sink;
mod sqlite_source;
mod status;
pub(crate) mod tables;
#[cfg(test)]
mod tests;
mod vacuum;

pub use backup::backup;
pub use check::{Finding, check};
pub use copy::copy;
pub use error::ToolError;
pub use migrate::{Migrated, migrate};
pub use restore::restore;
pub use status::{Holder, Status, StoreSize, TableSize, status};
pub use vacuum::{Vacuumed, vacuum};

use std::time::Duration;

/// How far a tool has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The table that it works on; `pages` while a file is copied as a whole.
    pub table: &'static str,
    /// Rows done.
    pub done: u64,
    /// Rows in all. What is written meanwhile is not counted.
    pub total: u64,
}

/// Told how far a tool has come: for each table when it begins and when it ends, and now and then in between.
pub type OnProgress<'a> = dyn FnMut(Progress) + 'a;

type Result<T> = std::result::Result<T, ToolError>;

/// How long a database may take to take us in.
const PATIENCE: Duration = Duration::from_secs(5);
/// Rows between two reports of progress.
const REPORT_EVERY: u64 = 1000;
