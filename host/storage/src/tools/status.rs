//! What there is to know of a database.

use super::source::{self, Source, number};
use super::tables::TABLES;
use super::{PATIENCE, Result};
use crate::Location;
use crate::postgres::{Address, blocking, lock};
use crate::sqlite::open;
use serde::Serialize;

/// Stores that are listed.
const STORES: usize = 20;

/// What a database is and has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The engine and its version.
    pub engine: String,
    /// The version of the schema; 0 of a database that has none yet.
    pub schema: i64,
    /// The version of this program.
    pub known: i64,
    /// Bytes on the disk.
    pub bytes: u64,
    /// The tables that are there.
    pub tables: Vec<TableSize>,
    /// The stores of plugins that take most, greatest first.
    pub stores: Vec<StoreSize>,
    /// Who keeps other servers out.
    pub holder: Option<Holder>,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableSize {
    /// Its name.
    pub name: &'static str,
    /// Its rows.
    pub rows: u64,
}

/// What a plugin keeps under one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoreSize {
    /// Its name, that of the plugin first.
    pub name: String,
    /// `table_entry` or `log_entry`.
    pub table: &'static str,
    /// How many values it has, of all owners.
    pub rows: u64,
    /// Bytes of keys, tags and values; on the disk they take more.
    pub bytes: u64,
}

/// Who has a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Holder {
    /// A process of this machine.
    Process(u32),
    /// Somebody connected to PostgreSQL.
    Connection {
        /// As he calls himself.
        name: String,
        /// His address.
        place: String,
        /// The process of the database that serves him.
        process: i32,
    },
}

/// Look at a database, which may be in use. Counts all rows, and the bytes of all values of plugins.
///
/// # Errors
/// When it cannot be read.
pub fn status(location: &Location) -> Result<Status> {
    let mut source = source::open(location)?;
    let there = source.tables()?;
    let mut tables = Vec::new();
    for table in TABLES.iter().filter(|table| there.iter().any(|name| name == table.name)) {
        tables.push(TableSize { name: table.name, rows: source.count(table.name)? });
    }
    let mut stores = Vec::new();
    for (table, beside) in [("table_entry", "key"), ("log_entry", "tag")] {
        if there.iter().any(|name| name == table) {
            stores.extend(stores_of(&mut *source, table, beside)?);
        }
    }
    stores.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    stores.truncate(STORES);
    Ok(Status {
        engine: source.engine()?,
        schema: source.version(),
        known: source.known(),
        bytes: source.bytes()?,
        tables,
        stores,
        holder: match location {
            Location::Sqlite(path) => open::holder(path).map(Holder::Process),
            Location::Postgres(address) => connection(address)?,
        },
    })
}

fn stores_of(source: &mut dyn Source, table: &'static str, beside: &str) -> Result<Vec<StoreSize>> {
    let rows = source.ask(&format!(
        "SELECT store, CAST(count(*) AS TEXT),
         CAST(sum(coalesce(octet_length({beside}), 0) + octet_length(value)) AS TEXT)
         FROM {table} GROUP BY store ORDER BY sum(octet_length(value)) DESC LIMIT {STORES}"
    ))?;
    let size = |row: &Vec<Option<String>>| StoreSize {
        name: row.first().cloned().flatten().unwrap_or_default(),
        table,
        rows: number(row.get(1)),
        bytes: number(row.get(2)),
    };
    Ok(rows.iter().map(size).collect())
}

fn connection(address: &Address) -> Result<Option<Holder>> {
    let mut client = blocking::connect(address, PATIENCE)?;
    let row = client.query_opt(lock::HOLDER, &[&lock::KEY])?;
    let holder = row.as_ref().map(lock::Holder::of);
    Ok(holder.map(|lock::Holder { name, place, process }| Holder::Connection { name, place, process }))
}
