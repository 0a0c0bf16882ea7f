//! Accounts and their keys, in four columns for each mechanism.

use super::steps::{Step, Unmet, must, step};
use super::value::Value;
use crate::convert::{KeyColumns, millis};
use crate::{Account, ScramKeys};
use std::borrow::Cow;
use waxwing_xmpp::Jid;

pub(super) fn create(account: &Account) -> Step<'_> {
    let Account { jid, sha1, sha256, created, enabled } = account;
    // `$5` is null where `$6` is the name as it is.
    let mut step = step!(
        Unmet::Exists => "INSERT INTO account (domain, jid, created, enabled, rfc6122, sha1_iterations, sha1_salt,
         sha1_stored_key, sha1_server_key, sha256_iterations, sha256_salt, sha256_stored_key, sha256_server_key)
         SELECT $1, $2, $3, $4, $5, $7, $8, $9, $10, $11, $12, $13, $14
         WHERE NOT EXISTS (SELECT 1 FROM account WHERE domain = $1 AND (jid = $6 OR rfc6122 = $6))
         ON CONFLICT (domain, jid) DO NOTHING",
        jid.domain(),
        jid.bare_str(),
        millis(*created),
        *enabled,
    );
    let older = jid.rfc6122().map(|older| older.bare_str().to_owned());
    step.values.push(Value::Text(older.clone().map(Cow::Owned)));
    step.values.push(older.unwrap_or_else(|| jid.bare_str().to_owned()).into());
    add(&mut step, [sha1.as_ref(), sha256.as_ref()]);
    step
}

pub(super) fn set<'a>(jid: &'a Jid, sha1: Option<&'a ScramKeys>, sha256: Option<&'a ScramKeys>) -> Step<'a> {
    let mut step = step!(
        Unmet::NotFound => "UPDATE account SET sha1_iterations = $3, sha1_salt = $4, sha1_stored_key = $5,
         sha1_server_key = $6, sha256_iterations = $7, sha256_salt = $8, sha256_stored_key = $9,
         sha256_server_key = $10 WHERE domain = $1 AND jid = $2",
        jid.domain(),
        jid.bare_str(),
    );
    add(&mut step, [sha1, sha256]);
    step
}

pub(super) fn complete<'a>(jid: &'a Jid, sha1: &'a ScramKeys, sha256: &'a ScramKeys) -> Step<'a> {
    let mut step = step!(
        Unmet::Conflict => "UPDATE account SET sha1_iterations = $3, sha1_salt = $4, sha1_stored_key = $5,
         sha1_server_key = $6, sha256_iterations = $7, sha256_salt = $8, sha256_stored_key = $9,
         sha256_server_key = $10 WHERE domain = $1 AND jid = $2
         AND (sha1_iterations = 0 OR (sha1_iterations = $3 AND sha1_salt = $4
              AND sha1_stored_key = $5 AND sha1_server_key = $6))
         AND (sha256_iterations = 0 OR (sha256_iterations = $7 AND sha256_salt = $8
              AND sha256_stored_key = $9 AND sha256_server_key = $10))",
        jid.domain(),
        jid.bare_str(),
    );
    add(&mut step, [Some(sha1), Some(sha256)]);
    step
}

fn add<'a>(step: &mut Step<'a>, keys: [Option<&'a ScramKeys>; 2]) {
    for columns in keys.map(KeyColumns::of) {
        step.values.push(i64::from(columns.iterations).into());
        step.values.extend([columns.salt, columns.stored_key, columns.server_key].map(Value::from));
    }
}
