//! A connection without a runtime: for the schema, and for tools that work through whole tables.

use super::Address;
use super::error::PostgresError;
use super::lock::{self, Holder};
use postgres::Client;
use std::time::Duration;

/// Connect, whoever else does.
///
/// # Errors
/// When nobody answers within `patience`, or not to this role.
pub(crate) fn connect(address: &Address, patience: Duration) -> Result<Client, PostgresError> {
    let (config, connector) = address.connecting(patience)?;
    let mut client = postgres::Config::from(config).connect(connector)?;
    let encoding: String = client.query_one("SHOW server_encoding", &[])?.get(0);
    match encoding.as_str() {
        "UTF8" => Ok(client),
        _ => Err(PostgresError::Encoding(encoding)),
    }
}

/// Connect, and keep servers out for as long as the connection lives.
///
/// # Errors
/// As with [`connect`], and when a server has the database.
pub(crate) fn connect_alone(address: &Address, patience: Duration) -> Result<Client, PostgresError> {
    let mut client = connect(address, patience)?;
    if client.query_one(lock::TAKE, &[&lock::KEY])?.get(0) {
        return Ok(client);
    }
    let holder = client.query_opt(lock::HOLDER, &[&lock::KEY])?;
    // It may be gone by now.
    let unknown = || Holder { process: 0, name: "unknown".to_owned(), place: "unknown".to_owned() };
    Err(holder.as_ref().map_or_else(unknown, Holder::of).into())
}
