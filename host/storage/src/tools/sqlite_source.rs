//! One moment of an SQLite file, also beside a running server.

use super::cell::{Cell, NOT_UTF8, WRONG_TYPE};
use super::draft::{self, Draft};
use super::source::{Each, OwnColumn, Source};
use super::tables::{Kind, NUMBERED, Table};
use super::{Result, ToolError};
use crate::OpenError;
use crate::sqlite::{migrations, open};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::path::{Path, PathBuf};

pub(super) struct SqliteSource {
    pub(super) db: Connection,
    path: PathBuf,
    version: i64,
    /// Keeps the file that this is about, if nobody else does.
    _copy: Option<Draft>,
}

impl SqliteSource {
    /// What is there now; what is written later is not seen.
    pub(super) fn open(path: &Path) -> Result<Self> {
        std::fs::metadata(path).map_err(ToolError::file(path))?;
        let db = open::reader(path)?;
        // For as long as somebody makes his first steps with the file.
        db.busy_timeout(super::PATIENCE)?;
        db.execute_batch("BEGIN")?;
        let known = migrations::KNOWN;
        match migrations::version(&db)? {
            found if found > known => Err(OpenError::Newer { found, known }.into()),
            version => Ok(Self { db, path: path.to_owned(), version, _copy: None }),
        }
    }

    /// A copy of the schema of this program, beside the file and gone afterwards.
    pub(super) fn migrated_copy(&self) -> Result<Self> {
        let mut draft = Draft::create(&draft::beside(&self.path, ".migrated"))?;
        draft.copy_pages(self, &mut |_| {})?;
        draft.migrate()?;
        draft.close()?;
        let source = Self::open(draft.path())?;
        Ok(Self { _copy: Some(draft), ..source })
    }

    fn strings(&self, sql: &str) -> Result<Vec<String>> {
        let mut statement = self.db.prepare(sql)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

impl Source for SqliteSource {
    fn version(&self) -> i64 {
        self.version
    }

    fn known(&self) -> i64 {
        migrations::KNOWN
    }

    fn engine(&mut self) -> Result<String> {
        Ok(format!("SQLite {}", rusqlite::version()))
    }

    fn tables(&mut self) -> Result<Vec<String>> {
        self.strings(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
        )
    }

    fn columns(&mut self, table: &str) -> Result<Vec<OwnColumn>> {
        let mut statement = self
            .db
            .prepare("SELECT name, upper(type), \"notnull\", pk FROM pragma_table_info(?) ORDER BY cid")?;
        let rows = statement.query_map([table], |row| {
            let key = row.get(3)?;
            // Of the key of a table that numbers its rows, SQLite does not say that it is never null.
            let nullable = !row.get::<_, bool>(2)? && key == 0;
            Ok(OwnColumn { name: row.get(0)?, kind: row.get(1)?, nullable, key })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn rows(&mut self, table: &'static Table, each: &mut Each<'_>) -> Result<()> {
        let mut statement = self.db.prepare(&table.select())?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let cells =
                table.columns.iter().enumerate().map(|(at, column)| Ok(cell(column.kind, row.get_ref(at)?)));
            each(&cells.collect::<rusqlite::Result<Vec<_>>>()?)?;
        }
        Ok(())
    }

    fn last_id(&mut self) -> Result<i64> {
        Ok(last_id(&self.db)?)
    }

    fn ask(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        let mut statement = self.db.prepare(sql)?;
        let count = statement.column_count();
        let rows = statement.query_map([], |row| (0..count).map(|at| row.get(at)).collect())?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn bytes(&mut self) -> Result<u64> {
        Ok(file_bytes(&self.path))
    }

    fn self_check(&mut self) -> Result<Vec<String>> {
        let mut found = self.strings("PRAGMA integrity_check(100)")?;
        found.retain(|line| line != "ok");
        Ok(found)
    }

    fn as_sqlite(&self) -> Option<&SqliteSource> {
        Some(self)
    }
}

/// The greatest id that was ever given.
pub(super) fn last_id(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = ?", [NUMBERED], |row| {
        row.get(0)
    })
}

/// Of the file and of what is not yet written back into it.
pub(super) fn file_bytes(path: &Path) -> u64 {
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    size(path) + size(&draft::beside(path, "-wal"))
}

fn cell(kind: Kind, value: ValueRef<'_>) -> Cell<'_> {
    match (kind, value) {
        (_, ValueRef::Null) => Cell::Null,
        (Kind::Text, ValueRef::Text(text)) => match std::str::from_utf8(text) {
            Ok(text) => Cell::Text(text.into()),
            Err(_) => Cell::Damaged(NOT_UTF8),
        },
        (Kind::Int, ValueRef::Integer(int)) => Cell::Int(int),
        (Kind::Bool, ValueRef::Integer(int)) => Cell::Bool(int != 0),
        (Kind::Bytes, ValueRef::Blob(bytes)) => Cell::Bytes(bytes),
        _ => Cell::Damaged(WRONG_TYPE),
    }
}
