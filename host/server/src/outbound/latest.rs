//! The latest presence of each sender: all that is worth keeping of presence that cannot be written now.

use super::Entry;
use std::collections::{BTreeMap, HashMap};
use waxwing_xmpp::Jid;

/// What waits, in the order in which it came. What comes of the same sender takes the place of the last.
#[derive(Default)]
pub(super) struct Latest {
    entries: BTreeMap<u64, Entry>,
    senders: HashMap<Jid, u64>,
    next: u64,
    bytes: usize,
}

impl Latest {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Keep a presence. It must have a sender; gives back one without.
    pub fn put(&mut self, entry: Entry) -> Option<Entry> {
        let Some(from) = entry.stanza.from.clone() else { return Some(entry) };
        self.bytes += entry.stanza.wire_len();
        self.entries.insert(self.next, entry);
        self.senders.insert(from, self.next);
        self.next += 1;
        None
    }

    /// Take what is kept of a sender.
    pub fn take(&mut self, sender: &Jid) -> Option<Entry> {
        let entry = self.entries.remove(&self.senders.remove(sender)?)?;
        self.bytes -= entry.stanza.wire_len();
        Some(entry)
    }

    /// Everything, in order.
    pub fn into_entries(self) -> impl Iterator<Item = Entry> {
        self.entries.into_values()
    }
}
