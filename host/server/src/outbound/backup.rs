//! Messages in the queue of a session without a connection that plugins keep as well, so that they outlive the server.
//!
//! They are offered oldest first, and each once. What is kept stays where it is in the queue; its copy in the storage is
//! deleted when its client has acknowledged it, and is all that there is of it when the session ends.

use super::{Copies, Entry, Outbound, Queue};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use waxwing_plugins::StoredCopy;
use waxwing_xmpp::{Condition, Kind, Stanza, StanzaError, Type};

/// Whether an entry is kept as well.
#[derive(Default)]
pub(crate) enum Backup {
    /// It has not been offered.
    #[default]
    New,
    /// It is being offered, under this number.
    Offered(u64),
    /// It is. Boxed, so that entries are small.
    Stored(Box<StoredCopy>),
    /// No plugin keeps it, it needs none, or another copy of the same message is kept.
    Needless,
}

/// A message that is not accepted after all, and why.
pub(crate) struct Refused {
    pub stanza: Stanza,
    pub error: StanzaError,
}

/// Entries that have not been offered. What comes is appended, so they are at the end, unless some are to be offered
/// again.
fn new_entries(entries: &mut VecDeque<Entry>, again: bool) -> impl Iterator<Item = &mut Entry> {
    let is_new = |entry: &Entry| matches!(entry.backup, Backup::New);
    let old = if again { None } else { entries.iter().rposition(|entry| !is_new(entry)) };
    entries.range_mut(old.map_or(0, |at| at + 1)..).filter(move |entry| is_new(entry))
}

/// Which entries are to be offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    All,
    /// Those of which other sessions got a copy too.
    Copies,
}

/// An entry that is being offered.
pub(crate) struct Offer {
    pub number: u64,
    pub stanza: Stanza,
    /// See [`Entry::received`].
    pub received: u64,
    /// Nobody waits to hear whether it is taken.
    pub accepted: bool,
    /// See [`Entry::copies`].
    pub copies: Option<Arc<Copies>>,
}

/// What became of an offer.
pub(crate) enum Answer {
    Stored(StoredCopy),
    Needless,
    Refused(StanzaError),
    /// To be offered again. Whoever waits for an answer is refused: it is for the sender to try again.
    Later,
    /// To be offered again, because it was not looked at.
    NotYet,
}

impl Entry {
    /// Whether plugins are asked to keep it when its session ends.
    pub fn is_kept_afterwards(&self) -> bool {
        let ty = self.stanza.ty();
        self.stanza.kind() == Kind::Message
            && matches!(ty, Type::Normal | Type::Chat)
            && self.ticket.is_none()
    }

    /// Whether it is in the storage as well.
    pub fn is_stored(&self) -> bool {
        self.ticket.is_some() || matches!(self.backup, Backup::Stored(_))
    }
}

impl Outbound {
    /// Up to `most` entries that have not been offered, oldest first. Of messages that other sessions got too, those that
    /// `elsewhere` knows to be in good hands are passed over.
    pub fn offers(&self, most: usize, which: Which, elsewhere: impl Fn(&Arc<Copies>) -> bool) -> Vec<Offer> {
        let mut queue = self.queue.lock();
        let all = std::mem::take(&mut queue.offer_again) || which == Which::Copies;
        let mut number = queue.offered;
        let mut offers = Vec::new();
        let new = queue.parts().flat_map(|(_, entries)| new_entries(entries, all));
        for entry in new.filter(|entry| which == Which::All || entry.copies.is_some()) {
            if offers.len() >= most {
                break;
            }
            let needless = !entry.is_kept_afterwards()
                || entry.copies.as_ref().is_some_and(|copies| elsewhere(copies) || !copies.offer());
            if needless {
                entry.backup = Backup::Needless;
                entry.answer = None;
                continue;
            }
            number += 1;
            entry.backup = Backup::Offered(number);
            offers.push(Offer {
                number,
                stanza: entry.stanza.clone(),
                received: entry.received,
                accepted: entry.answer.is_none(),
                copies: entry.copies.clone(),
            });
        }
        queue.offered = number;
        offers
    }

    /// When the oldest entry came that has not been offered; see [`Entry::order`].
    pub fn oldest_offer(&self) -> Option<u64> {
        let mut queue = self.queue.lock();
        let all = queue.offer_again;
        queue
            .parts()
            .filter_map(|(_, entries)| new_entries(entries, all).map(|entry| entry.order).next())
            .min()
    }

    /// What became of offers. Of those that were acknowledged meanwhile the copies are deleted.
    pub fn answered(&self, answers: Vec<(Offer, Answer)>) {
        let mut answers: HashMap<u64, (Offer, Answer)> =
            answers.into_iter().map(|answer| (answer.0.number, answer)).collect();
        let again = answers.values().any(|(_, answer)| matches!(answer, Answer::Later | Answer::NotYet));
        let mut refused = Vec::new();
        let mut queue = self.queue.lock();
        for (part, entries) in queue.parts() {
            let mut at = entries.len();
            // They are at the end, mostly.
            while at > 0 && !answers.is_empty() {
                at -= 1;
                let Some(entry) = entries.get_mut(at) else { break };
                let Backup::Offered(number) = entry.backup else { continue };
                let Some((_, answer)) = answers.remove(&number) else { continue };
                if matches!(answer, Answer::NotYet) {
                    entry.renew();
                    continue;
                }
                let error = entry.take_answer(answer);
                match (entry.answer.take(), error) {
                    // What a new stream has got meanwhile has been delivered.
                    (Some(waits), Some(error)) if part != Part::Sent => {
                        refused.extend(entries.remove(at).map(|entry| (part, entry, waits, error)));
                    }
                    _ => {}
                }
            }
        }
        queue.offer_again |= again;
        for (part, entry, ..) in &refused {
            let bytes = entry.stanza.wire_len();
            match part {
                Part::Held => queue.held_bytes = queue.held_bytes.saturating_sub(bytes),
                Part::Ready | Part::Sent => queue.ready_bytes = queue.ready_bytes.saturating_sub(bytes),
            }
        }
        drop(queue);
        for (offer, answer) in answers.into_values() {
            match (offer.copies, answer) {
                (Some(copies), Answer::Stored(copy)) => copies.stored(copy),
                (None, Answer::Stored(copy)) => copy.delete(),
                _ => {}
            }
        }
        for (_, entry, waits, error) in refused {
            if let Some(copies) = entry.copies {
                copies.give_up();
            }
            // Whoever waits may have gone.
            let _ = waits.send(Refused { stanza: entry.stanza, error });
        }
    }

    /// The messages here of which other sessions have copies.
    pub fn copies(&self) -> Vec<Arc<Copies>> {
        let mut queue = self.queue.lock();
        let all = queue.parts().flat_map(|(_, entries)| entries.iter());
        all.filter_map(|entry| entry.copies.clone()).collect()
    }

    /// How many messages would be lost if the server ended now.
    pub fn unkept(&self) -> usize {
        let mut queue = self.queue.lock();
        let all = queue.parts().flat_map(|(_, entries)| entries.iter());
        all.filter(|entry| entry.is_at_risk()).count()
    }
}

impl Entry {
    /// Whether it would be lost if the server ended now.
    pub fn is_at_risk(&self) -> bool {
        self.is_kept_afterwards()
            && matches!(self.backup, Backup::New | Backup::Offered(_))
            && self.copies.as_ref().is_none_or(|copies| !copies.is_safe())
    }
}

impl Entry {
    /// Take note of an answer; gives the error for whoever waits, if it is one.
    fn take_answer(&mut self, answer: Answer) -> Option<StanzaError> {
        self.backup = Backup::Needless;
        match (answer, &self.copies) {
            (Answer::Stored(copy), Some(copies)) => copies.stored(copy),
            (Answer::Stored(copy), None) => self.backup = Backup::Stored(Box::new(copy)),
            (Answer::Needless, _) => {}
            (Answer::Refused(error), _) => return Some(error),
            (Answer::Later, _) => {
                self.renew();
                return Some(Condition::ResourceConstraint.into());
            }
            (Answer::NotYet, _) => self.renew(),
        }
        None
    }

    /// It is to be offered again.
    fn renew(&mut self) {
        self.backup = Backup::New;
        if let Some(copies) = &self.copies {
            copies.offer_again();
        }
    }
}

/// Parts of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// A stream has or had it.
    Sent,
    Ready,
    Held,
}

impl Queue {
    /// All entries, from the oldest to the newest.
    fn parts(&mut self) -> impl Iterator<Item = (Part, &mut VecDeque<Entry>)> {
        let unacknowledged =
            self.managed.as_deref_mut().map(|managed| (Part::Sent, managed.unacknowledged()));
        let sent = std::iter::once((Part::Sent, &mut self.unwritten)).chain(unacknowledged);
        sent.chain([(Part::Ready, &mut self.ready), (Part::Held, &mut self.held)])
    }
}
