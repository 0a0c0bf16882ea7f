//! One moment of a PostgreSQL database, also beside a running server.

use super::copy_format::Reader;
use super::source::{Each, OwnColumn, Source};
use super::tables::{NUMBERED, TABLES, Table};
use super::{PATIENCE, Result};
use crate::convert::unsigned;
use crate::postgres::text::decode;
use crate::postgres::{Address, PostgresError, blocking, migrations};
use postgres::{Client, SimpleQueryMessage};

/// A tool works for as long as there is data. It does not wait for those who change whole tables.
pub(super) const SESSION: &str = "SET application_name = 'waxwing db'; SET statement_timeout = 0;
     SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '5s'; SET client_min_messages = warning;
     SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

pub(super) struct PostgresSource {
    client: Client,
    version: i64,
}

impl PostgresSource {
    /// What is there now; what is written later is not seen.
    pub(super) fn open(address: &Address) -> Result<Self> {
        let mut client = blocking::connect(address, PATIENCE)?;
        client.batch_execute(SESSION)?;
        let known = migrations::KNOWN;
        let version = migrations::version(&mut client)?;
        if version > known {
            return Err(PostgresError::Newer { found: version, known }.into());
        }
        let there = lockable(&mut client)?;
        client.batch_execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")?;
        // Before the first query, with which the moment is chosen: a table that is emptied as a whole is empty at
        // every moment.
        if !there.is_empty() {
            client.batch_execute(&format!("LOCK TABLE {} IN ACCESS SHARE MODE", there.join(", ")))?;
        }
        Ok(Self { client, version })
    }
}

/// Those of our tables that are there.
fn lockable(client: &mut Client) -> Result<Vec<String>> {
    let tables: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
    let there = client
        .query("SELECT name FROM unnest($1::text[]) name WHERE to_regclass(name) IS NOT NULL", &[&tables])?;
    Ok(there.iter().map(|row| row.get(0)).collect())
}

/// The greatest id that was ever given.
pub(super) fn last_id(client: &mut Client) -> Result<i64> {
    let sql = format!(
        "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('{NUMBERED}', 'id')::regclass), 0)"
    );
    Ok(client.query_one(&sql, &[])?.get(0))
}

/// Bytes of the whole database.
pub(super) fn database_bytes(client: &mut Client) -> Result<u64> {
    let bytes: i64 = client.query_one("SELECT pg_database_size(current_database())", &[])?.get(0);
    Ok(unsigned(bytes))
}

impl Source for PostgresSource {
    fn version(&self) -> i64 {
        self.version
    }

    fn known(&self) -> i64 {
        migrations::KNOWN
    }

    fn engine(&mut self) -> Result<String> {
        let version: String = self.client.query_one("SHOW server_version", &[])?.get(0);
        Ok(format!("PostgreSQL {version}"))
    }

    fn tables(&mut self) -> Result<Vec<String>> {
        let rows = self.client.query(
            "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') AND pg_table_is_visible(oid)
             AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)",
            &[],
        )?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    fn columns(&mut self, table: &str) -> Result<Vec<OwnColumn>> {
        let rows = self.client.query(
            "SELECT attname::text, upper(format_type(atttypid, NULL)), NOT attnotnull,
             coalesce((SELECT array_position(conkey, attnum) FROM pg_constraint
                       WHERE conrelid = attrelid AND contype = 'p'), 0)::bigint
             FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
             ORDER BY attnum",
            &[&table],
        )?;
        let column = |row: &postgres::Row| OwnColumn {
            name: row.get(0),
            kind: row.get(1),
            nullable: row.get(2),
            key: row.get(3),
        };
        Ok(rows.iter().map(column).collect())
    }

    fn rows(&mut self, table: &'static Table, each: &mut Each<'_>) -> Result<()> {
        let copy = format!("COPY ({}) TO STDOUT (FORMAT binary)", table.select());
        let mut reader = Reader::new(self.client.copy_out(&copy)?)?;
        while let Some(row) = reader.next(table.columns)? {
            each(&row)?;
        }
        reader.finish()
    }

    fn last_id(&mut self) -> Result<i64> {
        last_id(&mut self.client)
    }

    fn ask(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        let shown = |text: &str| decode(text).map_or_else(|_| text.to_owned(), Into::into);
        let mut rows = Vec::new();
        for message in self.client.simple_query(sql)? {
            if let SimpleQueryMessage::Row(row) = message {
                rows.push((0..row.len()).map(|at| row.get(at).map(shown)).collect());
            }
        }
        Ok(rows)
    }

    fn bytes(&mut self) -> Result<u64> {
        database_bytes(&mut self.client)
    }

    fn self_check(&mut self) -> Result<Vec<String>> {
        // Whatever is damaged says so when it is read.
        Ok(Vec::new())
    }
}
