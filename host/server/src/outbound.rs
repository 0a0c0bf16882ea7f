//! A session's way out: a bounded queue that some stream drains.
//!
//! Nobody waits to put something into it. Beyond a first mark the queue is crowded: of presence only the latest of
//! each sender is kept, and clients that send anything else are slowed down afterwards. Beyond a second one the
//! session ends.

mod backup;
mod crowd;
mod inactive;
mod latest;
mod managed;
mod receipt;
mod resume;
#[cfg(test)]
mod tests;

pub(crate) use backup::{Answer, Backup, Offer, Refused, Which};
pub(crate) use crowd::{Marks, Overload};
pub(crate) use managed::Managed;
pub use managed::TooHigh;
pub(crate) use receipt::{Copies, Remains, Ticket, receipt};
pub(crate) use resume::AttachError;

use inactive::Inactive;
use latest::Latest;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::SystemTime;
use tokio::sync::Notify;
use tokio::sync::oneshot;
use tokio::time::Instant;
use waxwing_config::ClientState;
use waxwing_plugins::Hold;
use waxwing_xmpp::{Kind, Stanza, StreamError};

/// A queue longer than this gives its memory back when it runs empty.
const KEPT_CAPACITY: usize = 32;

/// The server has ended a session. The stream sends the error, if there is one, and closes.
#[derive(Clone, Debug)]
pub struct SessionEnd {
    /// What to tell the client (RFC 6120, section 4.9.3).
    pub error: Option<StreamError>,
}

/// Why a stream is given nothing more.
#[derive(Clone, Debug)]
pub enum StreamEnd {
    /// The session has ended.
    Session(SessionEnd),
    /// The session goes on with another stream (XEP-0198, section 5): the one that asks is to let go of it.
    Moved,
}

/// A stanza is in the queue.
pub(crate) struct Queued {
    pub load: Load,
    /// Of a client without a connection: plugins are to keep the stanza. The answer comes with an error if it was refused
    /// and taken out again, and without one if all is well.
    pub answer: Option<oneshot::Receiver<Refused>>,
}

/// Whether a session has room for more, after a stanza was queued for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    Light,
    /// Whoever sends more is to be slowed down: see [`Outbound::relieved`].
    Crowded,
}

/// A stanza that was not queued.
pub(crate) enum Unqueued {
    /// The session has ended because too much waited for it, and what waited has yet to be taken out.
    Full(Box<Entry>),
    /// The session will write nothing more.
    Gone(Box<Entry>),
}

/// Why a stream should not go on writing to a peer that does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// The session goes on with another stream.
    Moving,
    /// The session is to end; there is time for the peer to read what it has been given.
    Ending,
    /// So much waits that there is no time.
    Overflowing,
}

/// A stanza on its way to a stream.
pub(crate) struct Entry {
    pub stanza: Stanza,
    /// Told when the stanza has been written or, if the client acknowledges stanzas, acknowledged.
    pub ticket: Option<Ticket>,
    /// Of a message that other sessions of the account get too.
    pub copies: Option<Arc<Copies>>,
    /// When it was queued for a client that acknowledges stanzas, in milliseconds since the Unix epoch; else 0.
    pub received: u64,
    /// Rises from one entry to the next, whichever of the account's queues they are in.
    pub order: u64,
    /// Whether it is in the storage as well.
    pub backup: Backup,
    /// Whoever waits to hear whether it is refused.
    pub answer: Option<oneshot::Sender<Refused>>,
}

impl Entry {
    /// A stanza of which nobody wants to hear again.
    pub fn new(stanza: Stanza) -> Self {
        Self { stanza, ticket: None, copies: None, received: 0, order: 0, backup: Backup::New, answer: None }
    }

    /// It has reached its client, as far as can be known, or nobody needs it any more.
    fn settle(self) {
        if let Some(copies) = self.copies {
            copies.written();
        }
        if let Some(ticket) = self.ticket {
            ticket.done();
        }
        if let Backup::Stored(copy) = self.backup {
            copy.delete();
        }
    }

    /// This is when it came, for a client that acknowledges stanzas.
    fn stamp(&mut self) {
        if self.received == 0 {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            self.received = since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
        }
    }

    /// It is in the queue of a client that acknowledges stanzas, and leaves it only for good.
    fn accept(&mut self, hold: &Arc<Hold>) {
        self.stamp();
        if let Some(ticket) = &mut self.ticket {
            ticket.accept(hold);
        }
    }
}

/// Where a pushed stanza goes while messages are held back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Behind what is held, if it is a message.
    Behind,
    /// Ahead of everything that is held.
    Ahead,
}

/// The queue. Stanzas leave in the order in which they came, except that messages wait while the
/// queue is held (see [`Outbound::hold`]).
pub(crate) struct Outbound {
    queue: Mutex<Queue>,
    /// Told when the queue may have been relieved.
    relief: Notify,
    hold: Arc<Hold>,
    /// The next [`Entry::order`].
    orders: Arc<AtomicU64>,
}

struct Queue {
    marks: Marks,
    ready: VecDeque<Entry>,
    held: VecDeque<Entry>,
    /// Handed to the stream, not known to be written.
    unwritten: VecDeque<Entry>,
    /// Bytes in `ready`.
    ready_bytes: usize,
    /// Bytes in `held`: counted apart, because what is held waits for what must still get through.
    held_bytes: usize,
    /// When the client last read something.
    read: Instant,
    /// Since when what leaves next has been more than the client should keep waiting, while it is.
    crowded: Option<Instant>,
    /// Why the session has ended, if it was for not reading.
    overload: Option<Overload>,
    /// How many want messages held back.
    holds: u32,
    /// Set once; a stream that finds nothing left to write ends with it.
    end: Option<SessionEnd>,
    /// Nothing more is accepted or handed out: what is left is being taken out.
    over: bool,
    /// How many entries have been offered to plugins.
    offered: u64,
    /// Some of them are to be offered again.
    offer_again: bool,
    /// Once the client acknowledges stanzas.
    managed: Option<Box<Managed>>,
    /// While the client says that nobody looks at it.
    inactive: Option<Inactive>,
    /// Presence that is held back.
    latest: Option<Box<Latest>>,
    waker: Option<Waker>,
}

impl Outbound {
    /// An empty queue.
    pub fn new(marks: Marks, hold: Arc<Hold>, orders: Arc<AtomicU64>) -> Self {
        Self { queue: Mutex::new(Queue::new(marks)), relief: Notify::new(), hold, orders }
    }

    /// The session's hold on what is in the storage as well.
    pub fn storage_hold(&self) -> &Arc<Hold> {
        &self.hold
    }

    /// Queue a stanza. Never waits.
    pub fn push(&self, mut entry: Entry, place: Place) -> Result<Queued, Unqueued> {
        let mut queue = self.queue.lock();
        if queue.over {
            return Err(Unqueued::Gone(entry.into()));
        }
        if !queue.admit() {
            return Err(Unqueued::Full(entry.into()));
        }
        entry.order = self.orders.fetch_add(1, Ordering::Relaxed);
        let before = queue.ready.len();
        let queued = queue.add(entry, place, &self.hold);
        // What is held back wakes nobody, unless it has ended the session.
        let news = queue.ready.len() > before || queue.overload.is_some();
        let waker = if news { queue.waker.take() } else { None };
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(queued)
    }

    /// Why the stream should stop writing, if it should; `cx` hears of what else comes.
    pub fn poll_parting(&self, cx: &mut Context<'_>) -> Option<Parting> {
        let mut queue = self.queue.lock();
        if !queue.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            queue.waker = Some(cx.waker().clone());
        }
        if queue.is_claimed() {
            return Some(Parting::Moving);
        }
        if queue.overload == Some(Overload::Bytes) {
            return Some(Parting::Overflowing);
        }
        queue.end.is_some().then_some(Parting::Ending)
    }

    /// Whether the client says that nobody looks at it. What is held back for it meanwhile leaves when
    /// somebody does.
    pub fn set_inactive(&self, inactive: Option<&ClientState>) {
        let mut queue = self.queue.lock();
        match inactive {
            Some(settings) if queue.inactive.is_none() => {
                queue.inactive = Some(Inactive::new(settings));
            }
            Some(_) => {}
            None => {
                queue.flush();
                queue.inactive = None;
            }
        }
        let waker = queue.waker.take();
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// From now on messages wait behind those pushed [`Place::Ahead`], until as many
    /// [`Outbound::release`] as `hold`.
    pub fn hold(&self) {
        self.queue.lock().holds += 1;
    }

    /// Undo one [`Outbound::hold`].
    pub fn release(&self) {
        let mut queue = self.queue.lock();
        queue.holds = queue.holds.saturating_sub(1);
        if queue.holds > 0 {
            return;
        }
        let mut held = std::mem::take(&mut queue.held);
        if !held.is_empty() {
            queue.flush();
        }
        queue.ready.append(&mut held);
        queue.ready_bytes += std::mem::take(&mut queue.held_bytes);
        queue.note_crowd();
        let waker = queue.waker.take();
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
        self.relief.notify_waiters();
    }

    /// Append queued stanzas to `out` until it is longer than `max`.
    pub fn poll(&self, cx: &mut Context<'_>, out: &mut Vec<u8>, max: usize) -> Poll<Result<(), StreamEnd>> {
        let mut queue = self.queue.lock();
        let queue = &mut *queue;
        if queue.is_claimed() {
            return Poll::Ready(Err(StreamEnd::Moved));
        }
        // One that has overflowed is to end at once.
        let more = !queue.over && queue.overload != Some(Overload::Bytes);
        if more && queue.hand_out(out, max) {
            return Poll::Ready(Ok(()));
        }
        if let Some(end) = &queue.end {
            return Poll::Ready(Err(StreamEnd::Session(end.clone())));
        }
        if !queue.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            queue.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// All that [`Outbound::poll`] has handed out is written.
    pub fn written(&self) {
        let mut queue = self.queue.lock();
        let done = std::mem::take(&mut queue.unwritten);
        queue.read = Instant::now();
        if queue.ready.is_empty() && queue.ready.capacity() > KEPT_CAPACITY {
            queue.ready = VecDeque::new();
        }
        drop(queue);
        done.into_iter().for_each(Entry::settle);
        self.relief.notify_waiters();
    }

    /// The peer has read something of what [`Outbound::poll`] has handed out.
    pub fn some_read(&self) {
        self.queue.lock().read = Instant::now();
    }

    /// Let the stream end once it has written what is queued.
    pub fn end(&self, end: SessionEnd) {
        let mut queue = self.queue.lock();
        queue.end.get_or_insert(end);
        if let Some(managed) = &queue.managed {
            managed.changed.notify_waiters();
        }
        let waker = queue.waker.take();
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Accept and hand out nothing more: what is left is going to be taken out.
    pub fn close(&self) {
        let mut queue = self.queue.lock();
        queue.over = true;
        // Presence that was held back is out of date.
        queue.inactive = None;
        queue.latest = None;
        queue.end.get_or_insert(SessionEnd { error: None });
        if let Some(managed) = &queue.managed {
            managed.changed.notify_waiters();
        }
        let waker = queue.waker.take();
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
        self.relief.notify_waiters();
    }

    /// Take everything that was not written or acknowledged, in order, out of a closed queue.
    pub fn take(&self) -> Vec<Entry> {
        let mut queue = self.queue.lock();
        let queue = &mut *queue;
        let mut left = Vec::from(std::mem::take(&mut queue.unwritten));
        left.extend(queue.managed.iter_mut().flat_map(|managed| managed.take()));
        left.extend(std::mem::take(&mut queue.ready));
        left.extend(std::mem::take(&mut queue.held));
        queue.ready_bytes = 0;
        queue.held_bytes = 0;
        queue.crowded = None;
        left
    }
}

impl Queue {
    fn new(marks: Marks) -> Self {
        Self {
            marks,
            ready: VecDeque::new(),
            held: VecDeque::new(),
            unwritten: VecDeque::new(),
            ready_bytes: 0,
            held_bytes: 0,
            read: Instant::now(),
            crowded: None,
            overload: None,
            holds: 0,
            end: None,
            over: false,
            offered: 0,
            offer_again: false,
            managed: None,
            inactive: None,
            latest: None,
            waker: None,
        }
    }

    /// Take a stanza in.
    fn add(&mut self, mut entry: Entry, place: Place, hold: &Arc<Hold>) -> Queued {
        if self.inactive.is_some() || self.crowded.is_some() {
            match self.weigh(entry) {
                Some(back) => entry = back,
                None => {
                    self.end_if_stuck();
                    return Queued { load: Load::Light, answer: None };
                }
            }
        }
        let mut answer = None;
        if let Some(managed) = &self.managed {
            entry.accept(hold);
            if managed.is_asleep() && entry.is_kept_afterwards() {
                let (sender, receiver) = oneshot::channel();
                entry.answer = Some(sender);
                answer = Some(receiver);
            }
        }
        let held = self.holds > 0 && place == Place::Behind && entry.stanza.kind() == Kind::Message;
        if held {
            self.held_bytes += entry.stanza.wire_len();
            self.held.push_back(entry);
        } else {
            self.make_ready(entry);
        }
        Queued { load: self.load(held), answer }
    }

    /// Put a stanza behind what leaves next.
    fn make_ready(&mut self, mut entry: Entry) {
        if self.managed.is_some() {
            entry.stamp();
        }
        self.ready_bytes += entry.stanza.wire_len();
        self.ready.push_back(entry);
    }

    fn is_claimed(&self) -> bool {
        self.managed.as_ref().is_some_and(|managed| managed.claimed)
    }

    /// Append what may go now. Answers whether there was anything.
    fn hand_out(&mut self, out: &mut Vec<u8>, max: usize) -> bool {
        if let Some(mut managed) = self.managed.take() {
            let before = out.len();
            let resent = managed.resend(out, max);
            while resent && out.len() <= max && managed.has_room() {
                let Some(entry) = self.next(out) else { break };
                managed.give(entry);
            }
            managed.ask(out, resent && self.ready.is_empty());
            self.managed = Some(managed);
            self.note_relief();
            return out.len() > before;
        }
        if self.ready.is_empty() {
            return false;
        }
        while out.len() <= max {
            let Some(entry) = self.next(out) else { break };
            // A presence that is not written is out of date.
            if entry.ticket.is_some() || entry.stanza.kind() != Kind::Presence {
                self.unwritten.push_back(entry);
            }
        }
        self.note_relief();
        true
    }

    /// Take the next stanza and write it.
    fn next(&mut self, out: &mut Vec<u8>) -> Option<Entry> {
        let entry = self.ready.pop_front()?;
        self.ready_bytes = self.ready_bytes.saturating_sub(entry.stanza.wire_len());
        entry.stanza.write_to(out);
        Some(entry)
    }
}
