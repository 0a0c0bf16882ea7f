//! What a session remembers of a client that acknowledges stanzas (XEP-0198, sections 4 and 5).

use super::Entry;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use waxwing_config::StreamManagement;
use waxwing_xmpp::ns;

/// A queue longer than this gives its memory back when it runs empty.
const KEPT_CAPACITY: usize = 32;

/// A client has acknowledged stanzas that it was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooHigh {
    /// What it has acknowledged.
    pub h: u32,
    /// How many it was sent.
    pub sent: u32,
}

/// Who drains the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    /// A stream.
    Stream,
    /// Nobody; a stanza of the last stream may still be being processed.
    Nobody { busy: bool },
}

/// The counters of both directions, and the stanzas that may have to be sent again.
///
/// All counters are modulo 2^32. How many stanzas were sent is `acked` and what is in `unacked`.
pub(crate) struct Managed {
    /// By which the client may resume; empty if it may not.
    pub id: Box<str>,
    /// How long it may stay away.
    pub(super) absence: Duration,
    /// Stanzas of the client that were processed to their end.
    pub handled: u32,
    /// Stanzas that the client has acknowledged.
    acked: u32,
    /// Taken from the queue and not acknowledged, in order.
    unacked: VecDeque<Entry>,
    bytes: usize,
    /// How many of them the present stream has been given; the rest is to be sent again.
    handed: usize,
    /// An acknowledgement has been asked for and has not come.
    asked: bool,
    /// Stanzas given to the stream since then.
    since: u32,
    /// The last acknowledgement was of something new.
    advanced: bool,
    bounds: Bounds,
    pub(super) carrier: Carrier,
    /// How often a stream has gone.
    pub(super) rounds: u64,
    /// Somebody is about to resume it.
    pub(super) claimed: bool,
    /// Told of every change of `carrier` and `claimed`, and of the session's end.
    pub(super) changed: Arc<Notify>,
}

/// See the settings of the same names.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    stanzas: usize,
    bytes: usize,
    request_after: u32,
}

impl Managed {
    /// Counters at zero. Without an id the session cannot be resumed.
    pub fn new(settings: &StreamManagement, resume: Option<(String, Duration)>) -> Self {
        let (id, absence) = resume.unwrap_or_default();
        Self {
            id: id.into(),
            absence,
            handled: 0,
            acked: 0,
            unacked: VecDeque::new(),
            bytes: 0,
            handed: 0,
            asked: false,
            since: 0,
            advanced: false,
            bounds: Bounds {
                stanzas: settings.unacknowledged_stanzas as usize,
                bytes: settings.unacknowledged_bytes,
                request_after: settings.request_after,
            },
            carrier: Carrier::Stream,
            rounds: 0,
            claimed: false,
            changed: Arc::default(),
        }
    }

    #[cfg(test)]
    pub fn count_from(&mut self, start: u32) {
        (self.acked, self.handled) = (start, start);
    }

    /// Whether one more stanza may be sent.
    pub fn has_room(&self) -> bool {
        self.unacked.len() < self.bounds.stanzas && self.bytes < self.bounds.bytes
    }

    /// How many stanzas the client was sent, modulo 2^32.
    fn sent(&self) -> u32 {
        self.acked.wrapping_add(self.unacked.len() as u32)
    }

    /// Write what the stream before this one may not have brought to the client, until `out` is longer
    /// than `max`. Answers whether all of it is written.
    pub fn resend(&mut self, out: &mut Vec<u8>, max: usize) -> bool {
        while out.len() <= max {
            let Some(entry) = self.unacked.get(self.handed) else { return true };
            entry.stanza.write_to(out);
            self.handed += 1;
            self.since = self.since.saturating_add(1);
        }
        self.handed == self.unacked.len()
    }

    /// A stanza has been given to the stream.
    pub fn give(&mut self, entry: Entry) {
        self.bytes += entry.stanza.wire_len();
        self.unacked.push_back(entry);
        self.handed += 1;
        self.since = self.since.saturating_add(1);
    }

    /// Ask for an acknowledgement where that makes sense: there is something to acknowledge, the last
    /// request has been answered, and the stream is idle, or much has been written since, or no more may
    /// be. An answer that acknowledges nothing new is not asked for again.
    pub fn ask(&mut self, out: &mut Vec<u8>, idle: bool) {
        let news = self.since > 0 || self.advanced;
        let time = idle || self.since >= self.bounds.request_after || !self.has_room();
        if self.asked || self.unacked.is_empty() || !news || !time {
            return;
        }
        out.extend_from_slice(format!("<r xmlns='{}'/>", ns::SM).as_bytes());
        self.asked = true;
        self.since = 0;
        self.advanced = false;
    }

    /// The client has handled `h` stanzas. Gives those that it had not acknowledged before.
    pub fn acknowledge(&mut self, h: u32) -> Result<Vec<Entry>, TooHigh> {
        // Less than before is, modulo 2^32, far more than was sent.
        let news = h.wrapping_sub(self.acked) as usize;
        if news > self.unacked.len() {
            return Err(TooHigh { h, sent: self.sent() });
        }
        self.asked = false;
        self.advanced = news > 0;
        self.acked = h;
        self.handed = self.handed.saturating_sub(news);
        let done: Vec<_> = self.unacked.drain(..news).collect();
        self.bytes -= done.iter().map(|entry| entry.stanza.wire_len()).sum::<usize>();
        if self.unacked.is_empty() && self.unacked.capacity() > KEPT_CAPACITY {
            self.unacked = VecDeque::new();
        }
        Ok(done)
    }

    /// A new stream takes over: it is to send again all that is not acknowledged.
    pub fn begin_again(&mut self) {
        self.handed = 0;
        self.asked = false;
        self.since = 0;
        self.advanced = false;
    }

    /// Take everything that is not acknowledged, in order.
    pub fn take(&mut self) -> impl Iterator<Item = Entry> {
        self.bytes = 0;
        self.handed = 0;
        std::mem::take(&mut self.unacked).into_iter()
    }

    /// What is not acknowledged, in order.
    pub(super) fn unacknowledged(&mut self) -> &mut VecDeque<Entry> {
        &mut self.unacked
    }

    /// Whether no stream drains the queue.
    pub fn is_asleep(&self) -> bool {
        self.carrier != Carrier::Stream
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use waxwing_xmpp::{Stanza, Type};

    fn managed() -> Managed {
        Managed::new(&StreamManagement::default(), None)
    }

    fn message(body: &str) -> Entry {
        Entry::new(Stanza::message(Type::Chat, &format!("<body>{body}</body>")))
    }

    fn give(managed: &mut Managed, count: u32) {
        for n in 0..count {
            managed.give(message(&n.to_string()));
        }
    }

    #[test]
    fn counters_wrap_around() {
        let mut managed = managed();
        managed.count_from(u32::MAX - 2);
        give(&mut managed, 5);
        assert_eq!(managed.sent(), 2);
        assert_eq!(managed.acknowledge(3).err().unwrap(), TooHigh { h: 3, sent: 2 });
        assert_eq!(managed.acknowledge(u32::MAX).unwrap().len(), 2);
        assert_eq!(managed.acknowledge(0).unwrap().len(), 1);
        assert_eq!(managed.acknowledge(0).unwrap().len(), 0);
        assert_eq!(managed.acknowledge(2).unwrap().len(), 2);
        assert!(managed.acknowledge(u32::MAX).is_err());
        assert!(managed.acknowledge(3).is_err());
        assert_eq!((managed.bytes, managed.handed), (0, 0));
    }

    #[test]
    fn what_was_never_sent_or_is_taken_back_cannot_be_acknowledged() {
        let mut managed = managed();
        assert_eq!(managed.acknowledge(1).err().unwrap(), TooHigh { h: 1, sent: 0 });
        give(&mut managed, 3);
        assert_eq!(managed.acknowledge(2).unwrap().len(), 2);
        assert!(managed.acknowledge(1).is_err());
        // An error changes nothing.
        assert_eq!(managed.acknowledge(3).unwrap().len(), 1);
    }

    #[test]
    fn full_by_count_and_by_bytes() {
        let settings = StreamManagement { unacknowledged_stanzas: 2, ..StreamManagement::default() };
        let mut managed = Managed::new(&settings, None);
        give(&mut managed, 2);
        assert!(!managed.has_room());
        managed.acknowledge(1).unwrap();
        assert!(managed.has_room());

        let settings = StreamManagement { unacknowledged_bytes: 100, ..StreamManagement::default() };
        let mut managed = Managed::new(&settings, None);
        give(&mut managed, 1);
        assert!(managed.has_room());
        managed.give(message(&"x".repeat(100)));
        assert!(!managed.has_room());
        managed.acknowledge(2).unwrap();
        assert!(managed.has_room());
    }

    fn asks(managed: &mut Managed, idle: bool) -> bool {
        let mut out = Vec::new();
        managed.ask(&mut out, idle);
        !out.is_empty()
    }

    #[test]
    fn one_request_at_a_time_and_none_without_news() {
        let mut managed = managed();
        assert!(!asks(&mut managed, true));
        give(&mut managed, 3);
        assert!(!asks(&mut managed, false));
        assert!(asks(&mut managed, true));
        give(&mut managed, 1);
        assert!(!asks(&mut managed, true));
        managed.acknowledge(1).unwrap();
        assert!(asks(&mut managed, true));
        // It has nothing new to say: asking again would go on for ever.
        managed.acknowledge(1).unwrap();
        assert!(!asks(&mut managed, true));
        managed.acknowledge(2).unwrap();
        assert!(asks(&mut managed, true));
        managed.acknowledge(4).unwrap();
        assert!(!asks(&mut managed, true));
        give(&mut managed, 20);
        assert!(asks(&mut managed, false));
    }

    #[test]
    fn a_new_stream_sends_what_is_not_acknowledged() {
        let mut managed = managed();
        give(&mut managed, 3);
        managed.acknowledge(1).unwrap();
        managed.begin_again();
        let mut out = Vec::new();
        assert!(!managed.resend(&mut out, 0));
        assert!(managed.resend(&mut out, usize::MAX));
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains(">1<") && text.contains(">2<") && !text.contains(">0<"), "{text}");
        give(&mut managed, 1);
        assert_eq!(managed.acknowledge(4).unwrap().len(), 3);
    }
}
