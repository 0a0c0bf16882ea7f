//! What SQLite says, as what an engine answers.

use crate::Error;

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::{Error as Sql, ErrorCode};
        match &error {
            Sql::SqliteFailure(code, _) => match code.code {
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Corrupt(error.to_string()),
                ErrorCode::DiskFull => Self::Unavailable("the disk is full".into()),
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
                    Self::Unavailable("another program keeps the database locked".into())
                }
                _ => Self::Unavailable(error.to_string()),
            },
            Sql::FromSqlConversionFailure(..)
            | Sql::IntegralValueOutOfRange(..)
            | Sql::InvalidColumnType(..)
            | Sql::Utf8Error(..) => Self::Corrupt(error.to_string()),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}
