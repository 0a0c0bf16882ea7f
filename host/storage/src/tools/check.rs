//! Whether all that is in a database is as this program writes it.

use super::cell::{Cell, damage, key_of};
use super::source::{self, Source};
use super::tables::{MIGRATIONS, NUMBERED, TABLES, Table};
use super::{OnProgress, Result, ToolError};
use crate::{Error, Location};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use waxwing_xmpp::Jid;

/// Findings of one kind that are told; the rest is most likely the same.
const MOST: u32 = 1000;

/// In the place of a table, for what is about all of them.
const WHOLE: &str = "database";

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The table.
    pub table: String,
    /// The key of the row, if it is about one.
    pub key: Option<String>,
    /// What is wrong with it. Never a value.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "{}, row {key}: {}", self.table, self.what),
            None => write!(f, "{}: {}", self.table, self.what),
        }
    }
}

/// Told what is found.
type Tell<'a> = dyn FnMut(Finding) + 'a;

/// Read all of a database, which may be in use, and tell what is damaged in it or does not go together.
///
/// # Errors
/// When it cannot be read at all, or its schema is not that of this program.
pub fn check(location: &Location, progress: &mut OnProgress<'_>, tell: &mut Tell<'_>) -> Result<()> {
    let mut source = source::open(location)?;
    let (found, known) = (source.version(), source.known());
    if found != known {
        return Err(ToolError::Older { found, known });
    }
    let own = source.self_check().map(|found| {
        for what in found {
            tell(Finding { table: WHOLE.to_owned(), key: None, what });
        }
    });
    unread_is_found(WHOLE, own, tell)?;
    if !schema(&mut *source, tell)? {
        return Ok(());
    }
    for table in &TABLES {
        let read = source::read(&mut *source, table, progress, &mut |row| {
            let mut say = |what: String| {
                tell(Finding { table: table.name.to_owned(), key: Some(key_of(table, row)), what });
            };
            match damage(table, row) {
                Some((column, why)) => say(format!("{column} {why}")),
                None => values(table, row, &mut say),
            }
            Ok(())
        });
        unread_is_found(table.name, read.map(drop), tell)?;
    }
    for (table, what, sql) in TOGETHER {
        unread_is_found(table, together(&mut *source, table, what, sql, tell), tell)?;
    }
    unread_is_found(NUMBERED, ids(&mut *source, tell), tell)
}

/// What cannot be read ends the reading of its table, and not that of the others.
fn unread_is_found(table: &str, read: Result<()>, tell: &mut Tell<'_>) -> Result<()> {
    match read {
        Err(ToolError::Storage(Error::Corrupt(why))) => {
            tell(Finding { table: table.to_owned(), key: None, what: why });
            Ok(())
        }
        Err(ToolError::Differs { read, written, .. }) => {
            let what = format!("{read} rows are counted, but {written} can be read");
            tell(Finding { table: table.to_owned(), key: None, what });
            Ok(())
        }
        other => other,
    }
}

/// Whether the tables are there, each with its columns.
fn schema(source: &mut dyn Source, tell: &mut Tell<'_>) -> Result<bool> {
    let there = source.tables()?;
    let is_ours = |name: &str| name == MIGRATIONS || TABLES.iter().any(|table| table.name == name);
    for name in there.iter().filter(|name| !is_ours(name)) {
        let what = "is no table of Waxwing: backups and copies do not have what is in it".to_owned();
        tell(Finding { table: name.clone(), key: None, what });
    }
    let mut good = true;
    for table in &TABLES {
        if let Some(what) = source::differs(table, &source.columns(table.name)?) {
            good = false;
            tell(Finding { table: table.name.to_owned(), key: None, what });
        }
    }
    Ok(good)
}

/// What can be said of a row by itself.
fn values(table: &Table, row: &[Cell<'_>], say: &mut dyn FnMut(String)) {
    let cell = |name: &str| table.position(name).and_then(|at| row.get(at));
    let text = |name: &str| cell(name).and_then(Cell::text);
    let bytes = |name: &str| cell(name).and_then(Cell::bytes).unwrap_or_default();
    for (column, cell) in table.columns.iter().zip(row) {
        if cell.int().is_some_and(|int| int < 0) {
            say(format!("{} is negative", column.name));
        }
    }
    match table.name {
        "account" => {
            let older = |jid: &Jid| jid.rfc6122().map(|older| older.to_string());
            match text("jid").map(bare) {
                Some(Some(jid)) if older(&jid).as_deref() != text("rfc6122") => {
                    say("rfc6122 is not what older software writes for the jid".to_owned());
                }
                Some(Some(jid)) if jid.local().is_none() => say("jid is a domain, not an account".to_owned()),
                Some(Some(jid)) if Some(jid.domain()) != text("domain") => {
                    say("domain is not that of the jid".to_owned());
                }
                Some(Some(_)) => {}
                _ => say("jid is no bare JID".to_owned()),
            }
            let mut mechanisms = 0;
            for (name, length) in [("sha1", 20), ("sha256", 32)] {
                let iterations = cell(&format!("{name}_iterations")).and_then(Cell::int).unwrap_or_default();
                let lengths =
                    ["salt", "stored_key", "server_key"].map(|key| bytes(&format!("{name}_{key}")).len());
                // An account that came from elsewhere may have keys of one mechanism.
                if (iterations, lengths) == (0, [0; 3]) {
                    continue;
                }
                mechanisms += 1;
                if lengths[0] == 0 || lengths[1..] != [length; 2] {
                    say(format!("the keys of {name} have not the right length: set a new password"));
                }
                if !(1..=i64::from(u32::MAX)).contains(&iterations) {
                    say(format!("{name}_iterations is out of range: set a new password"));
                }
            }
            if mechanisms == 0 {
                say("there are no keys: set a password".to_owned());
            }
        }
        "roster" => {
            if text("owner").and_then(bare).is_none_or(|owner| owner.local().is_none()) {
                say("owner is not of the form user@domain".to_owned());
            }
        }
        "roster_item" => {
            for name in ["owner", "contact"] {
                if text(name).and_then(bare).is_none() {
                    say(format!("{name} is no bare JID"));
                }
            }
            if !is_json::<Vec<String>>(text("group_names")) {
                say("group_names is no JSON array of strings".to_owned());
            }
        }
        "vhost" => {
            if text("domain").and_then(bare).is_none_or(|jid| jid.local().is_some()) {
                say("domain is no domain".to_owned());
            }
            if !is_json::<BTreeMap<String, String>>(text("settings")) {
                say("settings is no JSON object of strings".to_owned());
            }
        }
        "component" => {
            if ring::digest::digest(&ring::digest::SHA256, bytes("bytes")).as_ref() != bytes("sha256") {
                say("bytes have another SHA-256".to_owned());
            }
        }
        "plugin" => {
            let scope = text("scope").unwrap_or_default();
            if scope != "*" && bare(scope).is_none() {
                say("scope is neither '*' nor a domain".to_owned());
            }
            if [bytes("sha256").len(), cell("previous").and_then(Cell::bytes).map_or(32, <[u8]>::len)]
                != [32, 32]
            {
                say("sha256 and previous have not 32 bytes each".to_owned());
            }
            if !is_json::<serde::de::IgnoredAny>(text("manifest")) {
                say("manifest is no JSON".to_owned());
            }
        }
        _ => {
            // What the host keeps for itself is nobody's.
            let hosts_own =
                || text("owner") == Some("") && text("store").is_some_and(|it| it.starts_with("host/"));
            if let Some(owner) =
                table.owner.filter(|owner| text(owner).and_then(bare).is_none() && !hosts_own())
            {
                say(format!("{owner} is no bare JID"));
            }
        }
    }
}

/// An address as it is stored: without a resource, and spelt as it is compared.
fn bare(text: &str) -> Option<Jid> {
    Jid::parse(text).ok().filter(|jid| jid.resource().is_none() && jid.bare_str() == text)
}

fn is_json<T: serde::de::DeserializeOwned>(text: Option<&str>) -> bool {
    text.is_some_and(|text| serde_json::from_str::<T>(text).is_ok())
}

/// What can only be said of several rows: the table, what is wrong, and a query for the keys of those that are.
const TOGETHER: [(&str, &str, &str); 5] = [
    (
        "roster",
        "there is no such account",
        "SELECT r.owner FROM roster r LEFT JOIN account a ON a.jid = r.owner WHERE a.jid IS NULL",
    ),
    (
        "roster_item",
        "its owner has no roster",
        "SELECT i.owner, i.contact FROM roster_item i LEFT JOIN roster r ON r.owner = i.owner
         WHERE r.owner IS NULL",
    ),
    (
        "roster_item",
        "version is greater than that of the roster",
        "SELECT i.owner, i.contact FROM roster_item i JOIN roster r ON r.owner = i.owner
         WHERE i.version > r.version",
    ),
    (
        "plugin",
        "its component is not there",
        "SELECT p.name, p.scope FROM plugin p LEFT JOIN component c ON c.sha256 = p.sha256 WHERE c.sha256 IS NULL",
    ),
    (
        "plugin",
        "the component that it replaced is not there",
        "SELECT p.name, p.scope FROM plugin p LEFT JOIN component c ON c.sha256 = p.previous
         WHERE p.previous IS NOT NULL AND c.sha256 IS NULL",
    ),
];

fn together(source: &mut dyn Source, table: &str, what: &str, sql: &str, tell: &mut Tell<'_>) -> Result<()> {
    for row in source.ask(&format!("{sql} LIMIT {MOST}"))? {
        let key: Vec<String> =
            row.into_iter().flatten().map(|part| part.escape_debug().to_string()).collect();
        tell(Finding { table: table.to_owned(), key: Some(key.join(" ")), what: what.to_owned() });
    }
    Ok(())
}

/// An id beyond the last that was given would be given once more.
fn ids(source: &mut dyn Source, tell: &mut Tell<'_>) -> Result<()> {
    let last = source.last_id()?;
    let greater = format!("SELECT CAST(id AS TEXT) FROM {NUMBERED} WHERE id > {last} LIMIT {MOST}");
    for row in source.ask(&greater)? {
        let what = format!("its id is greater than the last one given, {last}: ids would be given twice");
        tell(Finding { table: NUMBERED.to_owned(), key: row.into_iter().flatten().next(), what });
    }
    Ok(())
}
