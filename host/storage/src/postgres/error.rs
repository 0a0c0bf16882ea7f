//! What PostgreSQL and its client say, as what an engine answers.

use crate::turn::TOO_LONG;
use crate::{Error, Undecided};
use tokio_postgres::error::SqlState;

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// The address is not one; a sentence.
    #[error("the address of the database: {0}")]
    Address(String),
    /// TLS as asked for is not possible; a sentence.
    #[error("TLS to the database: {0}")]
    Tls(String),
    /// Another server has it.
    #[error(
        "the database is in use by another server ({name}, from {place}, database process {process}); one database \
         serves one server at a time"
    )]
    InUse {
        /// As the other calls itself.
        name: String,
        /// Its address.
        place: String,
        /// The process of the database that serves it.
        process: i32,
    },
    /// Names could not be compared as they must be.
    #[error(
        "the database has the encoding {0}, but it must be UTF8: CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
    )]
    Encoding(String),
    /// It has tables, and they are not ours.
    #[error("the database is that of another program: an empty one is needed")]
    Foreign,
    /// Written by a later release.
    #[error(
        "the database has schema version {found}, but this release knows only up to {known}: upgrade the server"
    )]
    Newer {
        /// The version of the database.
        found: i64,
        /// The latest version that this release knows.
        known: i64,
    },
    /// Written by an earlier release, with addresses that cannot stay as they are.
    #[error("{0}")]
    Addresses(Undecided),
    /// What the database or the way there says.
    #[error("{}", sentence(.0))]
    Database(#[from] tokio_postgres::Error),
    /// Nothing at all.
    #[error("the database does not answer")]
    Silent,
}

impl PostgresError {
    /// Whether trying again later may help without anybody changing the settings.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Silent => true,
            Self::Database(error) => match error.code() {
                // Not there, starting, stopping, full.
                None => true,
                Some(code) => {
                    is_class(code, "08")
                        || is_class(code, "57")
                        || is_class(code, "53")
                        || is_class(code, "55")
                }
            },
            _ => false,
        }
    }
}

fn is_class(code: &SqlState, class: &str) -> bool {
    code.code().starts_with(class)
}

/// What went wrong, for a person: the database's own words, or those of the system underneath.
pub(super) fn sentence(error: &tokio_postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        return match *error.code() {
            SqlState::DISK_FULL => "the disk of the database is full".to_owned(),
            SqlState::TOO_MANY_CONNECTIONS => {
                format!("the database has no connection left ({})", error.message())
            }
            SqlState::READ_ONLY_SQL_TRANSACTION => "the database is read-only".to_owned(),
            SqlState::QUERY_CANCELED | SqlState::LOCK_NOT_AVAILABLE => TOO_LONG.to_owned(),
            _ => format!("the database says: {}", error.message()),
        };
    }
    match std::error::Error::source(error) {
        Some(source) => format!("the database cannot be reached: {error}: {source}"),
        None => format!("the database cannot be reached: {error}"),
    }
}

/// Whether somebody else's lock was in the way for too long.
pub(super) fn is_lock_timeout(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE)
}

/// The statement of a condition that did not hold divides by zero.
pub(super) fn is_unmet_condition(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&SqlState::DIVISION_BY_ZERO)
}

/// Whether the fault is with the values of a statement, so that others in its place would do.
pub(super) fn is_about_values(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| is_class(code, "22") || is_class(code, "23") || is_class(code, "54"))
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.code() {
            Some(code) if is_class(code, "54") => Self::TooLong(sentence(&error)),
            Some(code) if is_class(code, "XX") => Self::Corrupt(sentence(&error)),
            Some(_) => Self::Unavailable(sentence(&error)),
            // A column that is not of the type that it was made with.
            None if error.to_string().starts_with("error deserializing") => Self::Corrupt(error.to_string()),
            None => Self::Unavailable(sentence(&error)),
        }
    }
}
