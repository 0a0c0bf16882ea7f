//! Which engine and where, as operators write it.

use crate::{Address, OpenError, Postgres, PostgresError, PostgresOptions, Sqlite, SqliteOptions, Storage};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A file.
    Sqlite(PathBuf),
    /// A database of a PostgreSQL server.
    Postgres(Box<Address>),
}

/// Why a database could not be found or opened.
#[derive(Debug, thiserror::Error)]
pub enum LocationError {
    /// The URI is for no engine that there is.
    #[error(
        "'{0}' is no database: it is 'sqlite:PATH', such as 'sqlite:data/waxwing.db', or \
         'postgresql://USER:PASSWORD@HOST/DATABASE'"
    )]
    Unknown(String),
    /// By SQLite.
    #[error(transparent)]
    Sqlite(#[from] OpenError),
    /// By PostgreSQL.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
}

impl LocationError {
    /// Whether trying again later may help without anybody changing the settings.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Postgres(error) if error.may_pass())
    }
}

impl Location {
    /// From `sqlite:PATH`, or `postgresql:` as [`Address::parse`] takes it.
    ///
    /// # Errors
    /// A sentence about what is wrong with it, without the password.
    pub fn parse(uri: &str) -> Result<Self, LocationError> {
        let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
        match (uri.strip_prefix("sqlite:"), scheme) {
            (Some(path), _) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            (None, "postgresql" | "postgres" | "jdbc") => Ok(Self::Postgres(Box::new(Address::parse(uri)?))),
            // Whatever it is, it may have a password behind the scheme.
            _ => Err(LocationError::Unknown(format!("{scheme}:"))),
        }
    }

    /// Open it, making the file if need be, and bring its schema up to date.
    ///
    /// # Errors
    /// When it cannot be used.
    pub async fn open(&self, options: PostgresOptions) -> Result<Arc<dyn Storage>, LocationError> {
        Ok(match self {
            Self::Sqlite(path) => Arc::new(Sqlite::open(path, SqliteOptions::default())?),
            Self::Postgres(address) => Arc::new(Postgres::open(address, options).await?),
        })
    }
}

impl fmt::Display for Location {
    /// For people and logs: without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_as_operators_write_them() {
        assert_eq!(Location::parse("sqlite:data/x.db").unwrap(), Location::Sqlite("data/x.db".into()));
        for (uri, shown) in [
            ("postgresql://u:secret@h/d", "postgresql://u@h/d"),
            ("jdbc:postgresql://h/d?user=u&password=secret", "postgresql://u@h/d"),
        ] {
            assert_eq!(Location::parse(uri).unwrap().to_string(), shown);
        }
        for uri in ["sqlite:", "data/x.db", "jdbc:mysql://h/d?password=secret", "mysql://u:secret@h/d"] {
            let why = Location::parse(uri).unwrap_err().to_string();
            assert!(!why.contains("secret"), "{why}");
        }
    }
}
