//! A PostgreSQL database whose whole content is replaced in one transaction, while no server has it.

use super::copy_format;
use super::error::of_stream;
use super::postgres_source::{SESSION, last_id};
use super::sink::{Rows, Sink};
use super::sqlite_sink::refuse_damage;
use super::tables::{NUMBERED, TABLES, Table};
use super::{PATIENCE, Result, ToolError};
use crate::convert::unsigned;
use crate::postgres::{Address, blocking, migrations};
use postgres::Client;
use std::io::Write;

/// Bytes that are sent in one go.
const CHUNK: usize = 64 << 10;

pub(super) struct PostgresSink {
    client: Client,
}

impl PostgresSink {
    /// Keep servers out, bring the schema up to date, and begin. With `replace` whatever is there goes, in the same
    /// transaction.
    pub(super) fn begin(address: &Address, replace: bool) -> Result<Self> {
        let mut client = blocking::connect_alone(address, PATIENCE)?;
        client.batch_execute(SESSION)?;
        migrations::migrate(&mut client, &[])?;
        client.batch_execute("BEGIN")?;
        let mut sink = Self { client };
        for table in TABLES.iter().filter(|_| !replace) {
            let rows = sink.count(table)?;
            if rows > 0 {
                return Err(ToolError::NotEmpty { target: address.to_string(), table: table.name, rows });
            }
        }
        let names: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
        sink.client.batch_execute(&format!("TRUNCATE {}", names.join(", ")))?;
        Ok(sink)
    }

    fn count(&mut self, table: &Table) -> Result<u64> {
        Ok(unsigned(self.client.query_one(&format!("SELECT count(*) FROM {}", table.name), &[])?.get(0)))
    }

    /// Now it is there, for all.
    pub(super) fn commit(mut self) -> Result<()> {
        self.client.batch_execute("COMMIT")?;
        // What the database knows of its tables is about those that were there before.
        for table in &TABLES {
            if let Err(error) = self.client.batch_execute(&format!("ANALYZE {}", table.name)) {
                tracing::warn!("{} was not analyzed: {error}", table.name);
            }
        }
        Ok(())
    }
}

impl Sink for PostgresSink {
    fn fill(&mut self, table: &'static Table, rows: &mut Rows<'_>) -> Result<u64> {
        let copy = format!("COPY {} ({}) FROM STDIN (FORMAT binary)", table.name, table.column_list());
        let mut writer = self.client.copy_in(&copy)?;
        let mut buffer = Vec::with_capacity(2 * CHUNK);
        copy_format::begin(&mut buffer);
        rows(&mut |row| {
            refuse_damage(table, row)?;
            copy_format::row(&mut buffer, row);
            if buffer.len() >= CHUNK {
                writer.write_all(&buffer).map_err(of_stream)?;
                buffer.clear();
            }
            Ok(())
        })?;
        copy_format::end(&mut buffer);
        writer.write_all(&buffer).map_err(of_stream)?;
        writer.finish()?;
        self.count(table)
    }

    /// That is so at once, and stays so if what follows fails.
    fn continue_after(&mut self, id: i64) -> Result<()> {
        let last = last_id(&mut self.client)?.max(id);
        if last > 0 {
            let sql = format!("SELECT setval(pg_get_serial_sequence('{NUMBERED}', 'id'), $1)");
            self.client.query(&sql, &[&last])?;
        }
        Ok(())
    }
}
