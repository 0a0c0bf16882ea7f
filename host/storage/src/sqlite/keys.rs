//! The keys of accounts, in four columns for each mechanism.

use super::apply::run;
use crate::convert::KeyColumns;
use crate::{AccountError, Error, Result, ScramKeys};
use rusqlite::{Connection, Params};
use waxwing_xmpp::Jid;

const UPDATE: &str = "UPDATE account SET sha1_iterations = ?1, sha1_salt = ?2, sha1_stored_key = ?3,
     sha1_server_key = ?4, sha256_iterations = ?5, sha256_salt = ?6, sha256_stored_key = ?7,
     sha256_server_key = ?8 WHERE domain = ?9 AND jid = ?10";

pub(super) fn set(
    db: &Connection,
    jid: &Jid,
    sha1: Option<&ScramKeys>,
    sha256: Option<&ScramKeys>,
) -> Result<()> {
    let changed = run(db, UPDATE, columns(jid, &KeyColumns::of(sha1), &KeyColumns::of(sha256)))?;
    if changed == 0 { Err(Error::Account(AccountError::NotFound)) } else { Ok(()) }
}

pub(super) fn complete(db: &Connection, jid: &Jid, sha1: &ScramKeys, sha256: &ScramKeys) -> Result<()> {
    let sql = format!(
        "{UPDATE}
         AND (sha1_iterations = 0 OR (sha1_iterations = ?1 AND sha1_salt = ?2
              AND sha1_stored_key = ?3 AND sha1_server_key = ?4))
         AND (sha256_iterations = 0 OR (sha256_iterations = ?5 AND sha256_salt = ?6
              AND sha256_stored_key = ?7 AND sha256_server_key = ?8))"
    );
    let changed = run(db, &sql, columns(jid, &KeyColumns::of(Some(sha1)), &KeyColumns::of(Some(sha256))))?;
    if changed == 0 { Err(Error::Conflict) } else { Ok(()) }
}

fn columns<'a>(jid: &'a Jid, sha1: &'a KeyColumns<'_>, sha256: &'a KeyColumns<'_>) -> impl Params + 'a {
    (
        sha1.iterations,
        sha1.salt,
        sha1.stored_key,
        sha1.server_key,
        sha256.iterations,
        sha256.salt,
        sha256.stored_key,
        sha256.server_key,
        jid.domain(),
        jid.bare_str(),
    )
}
