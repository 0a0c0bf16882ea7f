//! Addresses that an earlier release has stored by other rules (RFC 6122), spelt by those of RFC 7622. It is a step of
//! the migrations of both engines, and so takes place once, in their transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use waxwing_xmpp::Jid;

/// What the step takes of an engine. Placeholders are `$1`, `$2` and so on.
pub(crate) trait Sql {
    /// What it says when it cannot.
    type Error;

    /// The first column of each row, which is text.
    fn each(&mut self, sql: &str, values: &[&str], row: &mut dyn FnMut(&str)) -> Result<(), Self::Error>;

    /// Change rows.
    fn run(&mut self, sql: &str, values: &[&str]) -> Result<(), Self::Error>;
}

/// What is to become of an address that cannot stay as it is stored, as the operator decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The address, exactly as it is stored: an account, or a domain for all that is on it.
    pub stored: String,
    /// Its new name; `None` if it goes with all that it owns.
    pub becomes: Option<Jid>,
}

/// Stored addresses that the operator must decide about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undecided {
    /// Spellings, and the address that each is another spelling of, which is stored as well.
    pub same: BTreeMap<String, String>,
    /// Accounts and domains that are no addresses.
    pub invalid: BTreeSet<String>,
    /// Stored addresses that were to have another name, with that name, which somebody has.
    pub taken: BTreeMap<String, String>,
}

/// Why the step did not take place.
pub(crate) enum Failed<E> {
    /// The database said so.
    Sql(E),
    /// Nothing was changed.
    Undecided(Undecided),
}

impl<E> From<E> for Failed<E> {
    fn from(error: E) -> Self {
        Self::Sql(error)
    }
}

impl fmt::Display for Undecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing was changed, because addresses are stored that cannot stay: ")?;
        let same = self.same.iter().map(|(stored, same)| format!("{stored} is another spelling of {same}"));
        let invalid = self.invalid.iter().map(|stored| format!("{stored} is not a valid address"));
        let taken = self.taken.iter();
        let taken =
            taken.map(|(stored, name)| format!("{stored} cannot become {name}, which is there already"));
        f.write_str(&taken.chain(same).chain(invalid).collect::<Vec<_>>().join("; "))?;
        f.write_str(
            ". Keep a copy of the database, then decide about each: waxwing db migrate --rename STORED=OTHER, or \
             --erase STORED with all that it owns",
        )
    }
}

/// Columns with whom a row belongs to. Of each address there is one owner.
const OWNERS: [(&str, &str); 8] = [
    ("account", "jid"),
    ("vhost", "domain"),
    ("roster", "owner"),
    ("roster_item", "owner"),
    ("table_entry", "owner"),
    ("log_entry", "owner"),
    ("alarm", "owner"),
    ("plugin", "scope"),
];

/// Spell all addresses as they are compared.
pub(crate) fn readdress<S: Sql>(sql: &mut S, decisions: &[Decision]) -> Result<(), Failed<S::Error>> {
    let mut undecided = Undecided::default();
    for decision in decisions {
        decide(sql, decision, &mut undecided.taken)?;
    }
    if !undecided.taken.is_empty() {
        return Err(Failed::Undecided(undecided));
    }
    let mut moves = Vec::new();
    for (table, column) in OWNERS {
        let mut spelt = BTreeMap::new();
        for (stored, address) in odd(sql, table, column)? {
            match address {
                Some(address) => {
                    let mut other = spelt.insert(address.clone(), stored.clone());
                    let there = format!("SELECT {column} FROM {table} WHERE {column} = $1");
                    sql.each(&there, &[&address], &mut |text| other = Some(text.to_owned()))?;
                    match other {
                        Some(_) => drop(undecided.same.insert(stored, address)),
                        None => moves.push((table, column, stored, address)),
                    }
                }
                // Of what belongs to nobody, nobody is to decide.
                None if matches!(table, "account" | "vhost") => drop(undecided.invalid.insert(stored)),
                None => {}
            }
        }
    }
    if undecided != Undecided::default() {
        return Err(Failed::Undecided(undecided));
    }
    for (table, column, stored, address) in &moves {
        rename(sql, table, column, stored, address)?;
    }
    let contacts = contacts(sql)?;
    if !moves.is_empty() || contacts > 0 {
        tracing::info!(owners = moves.len(), contacts, "stored addresses are spelt as RFC 7622 has them");
    }
    Ok(())
}

/// What is stored in a column and is no address as it is compared, with that address, if it is a spelling of one.
fn odd<S: Sql>(sql: &mut S, table: &str, column: &str) -> Result<Vec<(String, Option<String>)>, S::Error> {
    let mut odd = Vec::new();
    sql.each(&format!("SELECT DISTINCT {column} FROM {table}"), &[], &mut |stored| {
        // Nobody's, or of all domains.
        if matches!(stored, "" | "*") {
            return;
        }
        match Jid::parse(stored).ok().filter(Jid::is_bare) {
            Some(jid) if jid.as_str() == stored => {}
            jid => odd.push((stored.to_owned(), jid.map(|jid| jid.to_string()))),
        }
    })?;
    Ok(odd)
}

fn rename<S: Sql>(
    sql: &mut S,
    table: &str,
    column: &str,
    stored: &str,
    address: &str,
) -> Result<(), S::Error> {
    if table == "account" {
        let set = "UPDATE account SET domain = $1, jid = $2, rfc6122 = NULLIF($3, '') WHERE domain = $4 AND jid = $5";
        let older = older(address).unwrap_or_default();
        return sql.run(set, &[domain(address), address, &older, domain(stored), stored]);
    }
    sql.run(&format!("UPDATE {table} SET {column} = $1 WHERE {column} = $2"), &[address, stored])
}

fn domain(address: &str) -> &str {
    address.split_once('@').map_or(address, |(_, domain)| domain)
}

/// The name that software which follows RFC 6122 writes, if it is another.
fn older(address: &str) -> Option<String> {
    Some(Jid::parse(address).ok()?.rfc6122()?.bare_str().to_owned())
}

/// Do with one stored address, or with all on a stored domain, as the operator has decided. What cannot have the name that
/// was chosen for it, because somebody has that, is added to `taken`.
fn decide<S: Sql>(
    sql: &mut S,
    decision: &Decision,
    taken: &mut BTreeMap<String, String>,
) -> Result<(), S::Error> {
    let Decision { stored, becomes } = decision;
    let mut owners = BTreeSet::new();
    for (table, column) in OWNERS {
        sql.each(&format!("SELECT DISTINCT {column} FROM {table}"), &[], &mut |owner| {
            if owner == stored || owner.split_once('@').is_some_and(|(_, domain)| domain == stored) {
                owners.insert(owner.to_owned());
            }
        })?;
    }
    for owner in owners {
        let Some(new) = becomes else {
            for (table, column) in OWNERS {
                sql.run(&format!("DELETE FROM {table} WHERE {column} = $1"), &[&owner])?;
            }
            continue;
        };
        let local = owner.split_once('@').filter(|_| owner != *stored).map(|(local, _)| local);
        let new = local.map_or_else(|| new.to_string(), |local| format!("{local}@{new}"));
        if new == owner {
            continue;
        }
        if is_taken(sql, &new)? {
            taken.insert(owner, new);
            continue;
        }
        for (table, column) in OWNERS {
            rename(sql, table, column, &owner, &new)?;
        }
    }
    Ok(())
}

/// Whether there is anything of an address, or an account that older software could not tell from it.
fn is_taken<S: Sql>(sql: &mut S, address: &str) -> Result<bool, S::Error> {
    let mut taken = false;
    for (table, column) in OWNERS {
        let found = format!("SELECT {column} FROM {table} WHERE {column} = $1");
        sql.each(&found, &[address], &mut |_| taken = true)?;
    }
    let older = older(address);
    let same = "SELECT jid FROM account WHERE jid = $1 OR rfc6122 = $1";
    sql.each(same, &[older.as_deref().unwrap_or(address)], &mut |_| taken = true)?;
    Ok(taken)
}

/// Spell the contacts of all rosters. Where a roster has two spellings of one contact, what is between the two is what
/// either says; a contact that no address can be is nobody's, and goes. Answers how many contacts that were.
fn contacts<S: Sql>(sql: &mut S) -> Result<usize, S::Error> {
    let odd = odd(sql, "roster_item", "contact")?;
    let mut rosters = BTreeSet::new();
    for (stored, address) in &odd {
        sql.each("SELECT owner FROM roster_item WHERE contact = $1", &[stored], &mut |owner| {
            rosters.insert(owner.to_owned());
        })?;
        if let Some(address) = address {
            sql.run(JOIN_CONTACTS, &[address, stored])?;
            sql.run(RENAME_CONTACT, &[address, stored])?;
        }
        sql.run("DELETE FROM roster_item WHERE contact = $1", &[stored])?;
    }
    for owner in rosters {
        // What clients have kept of it is out of date.
        sql.run("UPDATE roster SET version = version + 1 WHERE owner = $1", &[&owner])?;
        sql.run(
            "UPDATE roster_item SET version = (SELECT version FROM roster WHERE owner = $1) WHERE owner = $1",
            &[&owner],
        )?;
    }
    Ok(odd.len())
}

const JOIN_CONTACTS: &str = "UPDATE roster_item SET
     sub_from = sub_from OR (SELECT o.sub_from FROM roster_item o WHERE o.owner = roster_item.owner AND o.contact = $2),
     sub_to = sub_to OR (SELECT o.sub_to FROM roster_item o WHERE o.owner = roster_item.owner AND o.contact = $2),
     hidden = hidden AND (SELECT o.hidden FROM roster_item o WHERE o.owner = roster_item.owner AND o.contact = $2)
     WHERE contact = $1
     AND EXISTS (SELECT 1 FROM roster_item o WHERE o.owner = roster_item.owner AND o.contact = $2)";

const RENAME_CONTACT: &str = "UPDATE roster_item SET contact = $1 WHERE contact = $2
     AND NOT EXISTS (SELECT 1 FROM roster_item o WHERE o.owner = roster_item.owner AND o.contact = $1)";

#[cfg(test)]
pub(crate) mod tests;
