//! Messages that expire in the offline storage (section 3.3.2).
//!
//! Each pair of a recipient and a sender has at most one alarm, called after the sender, however many messages
//! wait, and one row of the table `expiry`.

use crate::answers;
use crate::letter::{Letter, NS};
use waxwing_plugin::prelude::*;
use waxwing_plugin::storage::{Log, Query, Table};

/// Where `msgoffline` keeps messages: of the recipient's account, tagged with the sender's.
pub fn kept() -> Result<Log> {
    Ok(storage::open_log("shared/offline")?)
}

/// The time after its arrival in which a message is stored for sure.
const GRACE: u64 = 5_000;
/// Messages read at a time, and how much of each: the rules come first.
const PAGE: u32 = 16;
const START: usize = 16 * 1024;

/// What is known of a pair, in milliseconds since the Unix epoch.
struct Watch {
    /// When the next message expires.
    next: u64,
    /// Until when the rules have been looked at.
    seen: u64,
    /// When the newest message came.
    newest: u64,
}

/// See to it that a message which is about to be stored expires.
pub fn watch(event: &Event, letter: &Letter) -> Result<()> {
    let dues = letter.rules.iter().filter_map(|rule| rule.due());
    let Some(due) = dues.filter(|due| *due > event.received).min() else { return Ok(()) };
    let (owner, sender, table) = (event.account(), event.sender_bare(), storage::open_table("expiry")?);
    let known = Watch::read(&table, owner, sender)?;
    let (next, seen) = known.map_or((u64::MAX, event.received), |known| (known.next, known.seen));
    if due < next {
        scheduler::set(owner, sender, due.max(event.received + GRACE), &[])?;
    }
    Watch { next: due.min(next), seen, newest: event.received }.write(&table, owner, sender)
}

/// Do with the messages of this sender what their rules say, for all rules that have become due since the last
/// time, and see when the next is.
pub fn ring(owner: &str, sender: &str) -> Result<()> {
    let (table, log, now) = (storage::open_table("expiry")?, kept()?, runtime::now());
    let Some(Watch { seen, newest, .. }) = Watch::read(&table, owner, sender)? else { return Ok(()) };
    // What came just now may not be stored yet.
    let mut next = Some(newest + GRACE).filter(|time| *time > now);
    let mut after = 0;
    loop {
        let page =
            log.read(owner, &Query { after, tag: Some(sender.into()), limit: PAGE, ..Query::default() })?;
        for entry in &page {
            let start = entry.value.get(..START).unwrap_or(&entry.value);
            let start = String::from_utf8_lossy(start);
            let Some(letter) = start.contains(NS).then(|| Letter::read(&start)).flatten() else { continue };
            // None counts before the message is stored for sure, and those that were due when it came have been
            // looked at then.
            let rules = letter.rules.iter().filter_map(|rule| {
                let due = rule.due().filter(|due| *due > entry.at)?;
                Some((rule, due.max(entry.at + GRACE)))
            });
            if let Some((rule, _)) = rules.clone().find(|(_, time)| *time > seen && *time <= now) {
                answers::tell(&letter, domain(owner), rule)?;
                if !rule.continues() && rule.action != "store" {
                    log.remove(owner, entry.id)?;
                    continue;
                }
            }
            let later = rules.map(|(_, time)| time).filter(|time| *time > now).min();
            next = next.into_iter().chain(later).min();
        }
        match page.last() {
            Some(last) if page.len() == PAGE as usize => after = last.id,
            _ => break,
        }
    }
    match next {
        Some(next) => {
            scheduler::set(owner, sender, next, &[])?;
            Watch { next, seen: now, newest }.write(&table, owner, sender)
        }
        None => Ok(table.unset(owner, sender)?),
    }
}

impl Watch {
    fn read(table: &Table, owner: &str, sender: &str) -> Result<Option<Watch>> {
        let row = table.get_text(owner, sender)?.unwrap_or_default();
        let mut times = row.split(' ').map_while(|time| time.parse().ok());
        let (next, seen, newest) = (times.next(), times.next(), times.next());
        Ok(next.zip(seen).zip(newest).map(|((next, seen), newest)| Watch { next, seen, newest }))
    }

    fn write(&self, table: &Table, owner: &str, sender: &str) -> Result<()> {
        Ok(table.set_text(owner, sender, &format!("{} {} {}", self.next, self.seen, self.newest))?)
    }
}
