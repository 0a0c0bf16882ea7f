//! What was moved, for whoever has asked for it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Problems and names that are listed; of others only the number is told.
const LISTED: usize = 1000;
const NAMED: usize = 10;

/// What was exported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// Accounts in the file.
    pub accounts: u64,
    /// Items of their rosters.
    pub roster_items: u64,
    /// Elements by the plugin that gave them out.
    pub elements: BTreeMap<String, u64>,
    /// What could not be exported, each as a sentence.
    pub problems: Problems,
}

/// What was imported, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Nothing was changed.
    pub dry_run: bool,
    /// Virtual hosts that were added.
    pub vhosts: Vec<String>,
    /// Accounts that were made.
    pub accounts: u64,
    /// Accounts that were there, and were left as they are: the first of them, and how many there are.
    pub existing: (Vec<String>, u64),
    /// Accounts that nobody can log in to, since the file has neither a password nor keys for them.
    pub without_password: (Vec<String>, u64),
    /// Accounts that have keys for SCRAM-SHA-1 alone, or for SCRAM-SHA-256.
    pub one_mechanism: u64,
    /// Items of rosters.
    pub roster_items: u64,
    /// Requests for subscription that wait for an answer.
    pub requests: u64,
    /// Elements by the plugin that took them.
    pub elements: BTreeMap<String, u64>,
    /// Elements that nobody here has a place for, by `{namespace}name`.
    pub left_out: BTreeMap<String, u64>,
    /// What could not be imported, each as a sentence that begins with file and line.
    pub problems: Problems,
}

/// A list with a limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problems {
    /// The first of them.
    pub listed: Vec<String>,
    /// How many more there are.
    pub more: u64,
}

impl Problems {
    pub(super) fn add(&mut self, problem: String) {
        tracing::warn!("{problem}");
        match self.listed.len() < LISTED {
            true => self.listed.push(problem),
            false => self.more += 1,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }
}

/// Remember one more of several.
pub(super) fn remember(names: &mut (Vec<String>, u64), one: &str) {
    if names.0.len() < NAMED {
        names.0.push(one.to_owned());
    }
    names.1 += 1;
}

/// `3 accounts`
fn count(f: &mut fmt::Formatter<'_>, number: u64, one: &str, many: &str) -> fmt::Result {
    write!(f, "{number} {}", if number == 1 { one } else { many })
}

fn elements(f: &mut fmt::Formatter<'_>, elements: &BTreeMap<String, u64>) -> fmt::Result {
    for (plugin, number) in elements {
        write!(f, "\n{plugin}: ")?;
        count(f, *number, "element", "elements")?;
    }
    Ok(())
}

fn names(f: &mut fmt::Formatter<'_>, (names, number): &(Vec<String>, u64)) -> fmt::Result {
    f.write_str(&names.join(", "))?;
    let more = number - names.len() as u64;
    if more > 0 { write!(f, " and {more} more") } else { Ok(()) }
}

impl fmt::Display for Exported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        count(f, self.accounts, "account", "accounts")?;
        f.write_str(" exported, ")?;
        count(f, self.roster_items, "roster item", "roster items")?;
        elements(f, &self.elements)
    }
}

impl fmt::Display for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        count(f, self.accounts, "account", "accounts")?;
        write!(f, " {}, ", if self.dry_run { "would be imported" } else { "imported" })?;
        count(f, self.roster_items, "roster item", "roster items")?;
        f.write_str(", ")?;
        count(f, self.requests, "subscription request", "subscription requests")?;
        elements(f, &self.elements)?;
        if !self.vhosts.is_empty() {
            let added = if self.dry_run { "would be added" } else { "added" };
            write!(f, "\nvirtual hosts {added}: {}", self.vhosts.join(", "))?;
        }
        if self.existing.1 > 0 {
            write!(f, "\nthere already, and left as they are: ")?;
            names(f, &self.existing)?;
        }
        if self.without_password.1 > 0 {
            write!(
                f,
                "\nwithout a password, so that nobody can log in until `waxwing user passwd` gives one: "
            )?;
            names(f, &self.without_password)?;
        }
        if self.one_mechanism > 0 {
            f.write_str("\n")?;
            count(f, self.one_mechanism, "account has", "accounts have")?;
            f.write_str(" keys for one SCRAM mechanism only: see docs/moving.md")?;
        }
        for (element, number) in &self.left_out {
            f.write_str("\n")?;
            count(f, *number, "element", "elements")?;
            write!(f, " {element} {} not imported", if *number == 1 { "was" } else { "were" })?;
        }
        Ok(())
    }
}
