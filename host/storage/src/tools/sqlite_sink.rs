//! A new SQLite file that is being filled. It is thrown away if anything goes wrong, so nothing is made safe before
//! the end.

use super::Result;
use super::ToolError;
use super::cell::{Cell, damage, key_of};
use super::sink::{Rows, Sink};
use super::tables::{NUMBERED, Table};
use crate::convert::unsigned;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, ToSql, params_from_iter};

pub(super) struct SqliteSink<'d> {
    pub(super) db: &'d Connection,
}

impl SqliteSink<'_> {
    /// The indexes of a table, by name, and how to make them again: it is faster to sort once at the end.
    fn indexes(&self, table: &Table) -> Result<Vec<(String, String)>> {
        let mut statement = self.db.prepare(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
        )?;
        let rows = statement.query_map([table.name], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

impl Sink for SqliteSink<'_> {
    fn fill(&mut self, table: &'static Table, rows: &mut Rows<'_>) -> Result<u64> {
        let indexes = self.indexes(table)?;
        self.db.execute_batch("BEGIN")?;
        for (name, _) in &indexes {
            self.db.execute_batch(&format!("DROP INDEX {name}"))?;
        }
        let places = vec!["?"; table.columns.len()].join(", ");
        let insert = format!("INSERT INTO {} ({}) VALUES ({places})", table.name, table.column_list());
        let mut insert = self.db.prepare(&insert)?;
        rows(&mut |row| {
            refuse_damage(table, row)?;
            insert.execute(params_from_iter(row))?;
            Ok(())
        })?;
        for (_, sql) in &indexes {
            self.db.execute_batch(sql)?;
        }
        self.db.execute_batch("COMMIT")?;
        let count = format!("SELECT count(*) FROM {}", table.name);
        Ok(unsigned(self.db.query_row(&count, [], |row| row.get(0))?))
    }

    fn continue_after(&mut self, id: i64) -> Result<()> {
        Ok(continue_after(self.db, id)?)
    }
}

/// Never give an id again up to this one.
pub(super) fn continue_after(db: &Connection, id: i64) -> rusqlite::Result<()> {
    let known = db.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (id, NUMBERED))?;
    if known == 0 {
        db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (NUMBERED, id))?;
    }
    Ok(())
}

/// Fails if a value cannot be passed on.
pub(super) fn refuse_damage(table: &'static Table, row: &[Cell<'_>]) -> Result<()> {
    match damage(table, row) {
        None => Ok(()),
        Some((column, why)) => Err(ToolError::Damaged {
            table: table.name,
            key: key_of(table, row),
            column: column.to_owned(),
            why,
        }),
    }
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null | Self::Damaged(_) => ToSqlOutput::Owned(Value::Null),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Int(int) => ToSqlOutput::Owned(Value::Integer(*int)),
            Self::Bool(bool) => ToSqlOutput::Owned(Value::Integer(i64::from(*bool))),
            Self::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}
