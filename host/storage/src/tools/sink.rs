//! A database that is being filled.

use super::Result;
use super::source::Each;
use super::tables::Table;

/// Gives all rows of a table.
pub(super) type Rows<'f> = dyn FnMut(&mut Each<'_>) -> Result<u64> + 'f;

/// Where rows go. Nothing of it is seen by others before the end.
pub(super) trait Sink {
    /// Put all rows of a table, which is empty. Answers how many are there now.
    fn fill(&mut self, table: &'static Table, rows: &mut Rows<'_>) -> Result<u64>;
    /// Never give an id again up to this one.
    fn continue_after(&mut self, id: i64) -> Result<()>;
}
