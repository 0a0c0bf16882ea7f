//! Why a tool could not do as asked.

use crate::{Error, LocationError, OpenError, PostgresError};
use std::io;
use std::path::{Path, PathBuf};
use tokio_postgres::error::SqlState;

/// Why a tool could not do as asked. Nothing that was there before has changed.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The database cannot be opened, or somebody has it.
    #[error(transparent)]
    Open(#[from] LocationError),
    /// The database cannot answer.
    #[error(transparent)]
    Storage(#[from] Error),
    /// A file cannot be used.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is no such file.
    #[error("there is no database {0}")]
    Missing(PathBuf),
    /// The backup would replace something.
    #[error("{0} exists already: name another file, or give --force to replace it")]
    Exists(PathBuf),
    /// Another process writes the same file.
    #[error("{0} is being written by another process")]
    UnderWay(PathBuf),
    /// What is to be restored is something else.
    #[error("{path} is no backup of Waxwing: {why}")]
    NotABackup {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: Box<ToolError>,
    },
    /// The target has data.
    #[error("{target} is not empty (table {table}: {rows} rows): give --force to replace all that is in it")]
    NotEmpty {
        /// The database.
        target: String,
        /// The first table that has any rows.
        table: &'static str,
        /// How many.
        rows: u64,
    },
    /// The target cannot be read, so nobody knows whether it has data.
    #[error("{target} cannot be read ({why}): give --force to set it aside and put another in its place")]
    Unreadable {
        /// The database.
        target: String,
        /// What is wrong.
        why: String,
    },
    /// The source has to be migrated first.
    #[error(
        "the database has schema version {found}, this program has {known}: run `waxwing db migrate` first, with the \
         server stopped"
    )]
    Older {
        /// Its version.
        found: i64,
        /// That of this program.
        known: i64,
    },
    /// A value was read that cannot be passed on.
    #[error(
        "table {table}, row {key}: the value of {column} {why}; `waxwing db check` finds all that is damaged"
    )]
    Damaged {
        /// The table.
        table: &'static str,
        /// The key of the row.
        key: String,
        /// The column.
        column: String,
        /// What is wrong.
        why: &'static str,
    },
    /// What was written is not what was read.
    #[error("table {table}: {read} rows were read, {written} are there now; nothing was replaced")]
    Differs {
        /// The table.
        table: &'static str,
        /// Rows of the source.
        read: u64,
        /// Rows of the target.
        written: u64,
    },
    /// SQLite finds the file damaged.
    #[error("{path} is damaged: {why}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        why: String,
    },
    /// Both are the same database.
    #[error("{0} cannot be copied onto itself")]
    Same(String),
    /// Somebody else has the tables.
    #[error(
        "another program keeps the tables of the database locked, perhaps a backup or a restore: try again later"
    )]
    Locked,
}

impl ToolError {
    /// For a file.
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::NotFound => Self::Missing(path),
            _ => Self::File { path, source },
        }
    }
}

impl From<OpenError> for ToolError {
    fn from(error: OpenError) -> Self {
        Self::Open(error.into())
    }
}

impl From<rusqlite::Error> for ToolError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(error.into())
    }
}

impl From<tokio_postgres::Error> for ToolError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.code() {
            Some(&SqlState::LOCK_NOT_AVAILABLE) => Self::Locked,
            _ => Self::Storage(error.into()),
        }
    }
}

impl From<PostgresError> for ToolError {
    fn from(error: PostgresError) -> Self {
        Self::Open(error.into())
    }
}

/// From a stream of rows, whose errors are wrapped.
pub(super) fn of_stream(error: io::Error) -> ToolError {
    match error.downcast::<tokio_postgres::Error>() {
        Ok(error) => error.into(),
        Err(error) => Error::Unavailable(error.to_string()).into(),
    }
}
