//! A session's way out: a bounded queue that some stream drains.

use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use waxwing_xmpp::{Kind, Stanza, StreamError};

/// A queue longer than this gives its memory back when it runs empty.
const KEPT_CAPACITY: usize = 32;

/// The server has ended a session. The stream sends the error, if there is one, and closes.
#[derive(Clone, Debug)]
pub struct SessionEnd {
    /// What to tell the client (RFC 6120, section 4.9.3).
    pub error: Option<StreamError>,
}

/// What happened to a stanza that was pushed.
pub(crate) enum Pushed {
    Queued,
    /// No room: try again after [`Outbound::room`].
    Full(Entry),
    /// The session will write nothing more.
    Gone(Entry),
}

/// A stanza on its way to a stream.
pub(crate) struct Entry {
    pub stanza: Stanza,
    /// Told when the stanza has been written.
    pub ticket: Option<Ticket>,
    /// Of a message that other sessions of the account get too.
    pub copies: Option<Arc<Copies>>,
}

impl Entry {
    /// A stanza of which nobody wants to hear again.
    pub fn new(stanza: Stanza) -> Self {
        Self { stanza, ticket: None, copies: None }
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
    room: Notify,
    limit: usize,
}

#[derive(Default)]
struct Queue {
    ready: VecDeque<Entry>,
    held: VecDeque<Entry>,
    /// Handed to the stream, not known to be written.
    unwritten: Vec<Entry>,
    /// Bytes in `ready`.
    ready_bytes: usize,
    /// Bytes in `held`: counted apart, because what is held waits for what must still get through.
    held_bytes: usize,
    /// When the stream last wrote all that it had.
    written: Option<Instant>,
    /// How many want messages held back.
    holds: u32,
    /// Set once; a stream that finds nothing left to write ends with it.
    end: Option<SessionEnd>,
    /// Nothing more is accepted or handed out.
    gone: bool,
    waker: Option<Waker>,
}

impl Outbound {
    /// A queue that accepts stanzas until it holds `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { queue: Mutex::default(), room: Notify::new(), limit }
    }

    /// Queue a stanza.
    pub fn push(&self, entry: Entry, place: Place) -> Pushed {
        let mut queue = self.queue.lock();
        if queue.gone {
            return Pushed::Gone(entry);
        }
        let bytes = entry.stanza.wire_len();
        if queue.holds > 0 && place == Place::Behind && entry.stanza.kind() == Kind::Message {
            if queue.held_bytes >= self.limit {
                return Pushed::Full(entry);
            }
            queue.held_bytes += bytes;
            queue.held.push_back(entry);
            return Pushed::Queued;
        }
        if queue.ready_bytes >= self.limit {
            return Pushed::Full(entry);
        }
        queue.ready_bytes += bytes;
        queue.ready.push_back(entry);
        let waker = queue.waker.take();
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
        Pushed::Queued
    }

    /// When the stream last wrote all that it had, if it ever did.
    pub fn last_written(&self) -> Option<Instant> {
        self.queue.lock().written
    }

    /// Whether the session is to end; if not, `cx` hears of it.
    pub fn poll_ending(&self, cx: &mut Context<'_>) -> bool {
        let mut queue = self.queue.lock();
        if queue.end.is_none() {
            queue.waker = Some(cx.waker().clone());
        }
        queue.end.is_some()
    }

    /// Wait until something was written, or the queue ended. Register before trying to push again.
    pub fn room(&self) -> tokio::sync::futures::Notified<'_> {
        self.room.notified()
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
        queue.ready.append(&mut held);
        queue.ready_bytes += std::mem::take(&mut queue.held_bytes);
        let waker = queue.waker.take();
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
        self.room.notify_waiters();
    }

    /// Append queued stanzas to `out` until it is longer than `max`.
    pub fn poll(&self, cx: &mut Context<'_>, out: &mut Vec<u8>, max: usize) -> Poll<Result<(), SessionEnd>> {
        let mut queue = self.queue.lock();
        let queue = &mut *queue;
        if queue.gone || queue.ready.is_empty() {
            if let Some(end) = &queue.end {
                return Poll::Ready(Err(end.clone()));
            }
            if !queue.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                queue.waker = Some(cx.waker().clone());
            }
            return Poll::Pending;
        }
        while out.len() <= max {
            let Some(entry) = queue.ready.pop_front() else { break };
            queue.ready_bytes = queue.ready_bytes.saturating_sub(entry.stanza.wire_len());
            entry.stanza.write_to(out);
            // A presence that is not written is out of date.
            if entry.ticket.is_some() || entry.stanza.kind() != Kind::Presence {
                queue.unwritten.push(entry);
            }
        }
        Poll::Ready(Ok(()))
    }

    /// All that [`Outbound::poll`] has handed out is written.
    pub fn written(&self) {
        let mut queue = self.queue.lock();
        let done = std::mem::take(&mut queue.unwritten);
        queue.written = Some(Instant::now());
        if queue.ready.is_empty() && queue.ready.capacity() > KEPT_CAPACITY {
            queue.ready = VecDeque::new();
        }
        drop(queue);
        for entry in done {
            if let Some(copies) = entry.copies {
                copies.written();
            }
            if let Some(ticket) = entry.ticket {
                ticket.done();
            }
        }
        self.room.notify_waiters();
    }

    /// Let the stream end once it has written what is queued.
    pub fn end(&self, end: SessionEnd) {
        let mut queue = self.queue.lock();
        queue.end.get_or_insert(end);
        let waker = queue.waker.take();
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Take everything that was not written, in order. With nothing left to take the queue is gone
    /// for good: until then it accepts stanzas, so that none overtakes those that were taken.
    pub fn take_unwritten(&self) -> Vec<Entry> {
        let mut queue = self.queue.lock();
        let queue = &mut *queue;
        let mut left = std::mem::take(&mut queue.unwritten);
        left.extend(queue.ready.drain(..));
        left.extend(queue.held.drain(..));
        queue.ready_bytes = 0;
        queue.held_bytes = 0;
        if left.is_empty() {
            queue.gone = true;
            queue.ready = VecDeque::new();
            queue.held = VecDeque::new();
            queue.end.get_or_insert(SessionEnd { error: None });
            if let Some(waker) = queue.waker.take() {
                waker.wake();
            }
        }
        self.room.notify_waiters();
        left
    }
}

/// The copies of one message in several sessions' queues.
pub(crate) struct Copies {
    /// Queues that have one, and whoever still hands them out.
    holders: AtomicUsize,
    written: AtomicBool,
}

impl Copies {
    /// Held by whoever hands the copies out, until it [gives up](Self::give_up) its part.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { holders: AtomicUsize::new(1), written: AtomicBool::new(false) })
    }

    /// One more queue gets a copy.
    pub fn add(&self) {
        self.holders.fetch_add(1, Ordering::AcqRel);
    }

    /// One was written, or somebody did not want it.
    pub fn written(&self) {
        self.written.store(true, Ordering::Release);
    }

    /// One holder less. `true` if it was the last and no copy was written: then it must find the
    /// message another way.
    pub fn give_up(&self) -> bool {
        self.holders.fetch_sub(1, Ordering::AcqRel) == 1 && !self.written.load(Ordering::Acquire)
    }
}

/// One stanza's part in a [`receipt`]. Dropped without [`Ticket::done`], it fails the whole.
pub(crate) struct Ticket(Option<Arc<Receipt>>);

struct Receipt {
    remaining: AtomicUsize,
    answer: Mutex<Option<oneshot::Sender<bool>>>,
}

/// `count` tickets, and what becomes `true` once all are done, `false` as soon as one never will be.
pub(crate) fn receipt(count: usize) -> (Vec<Ticket>, oneshot::Receiver<bool>) {
    let (answer, answered) = oneshot::channel();
    let receipt = Arc::new(Receipt { remaining: AtomicUsize::new(count), answer: Mutex::new(Some(answer)) });
    if count == 0 {
        receipt.settle(true);
    }
    ((0..count).map(|_| Ticket(Some(receipt.clone()))).collect(), answered)
}

impl Receipt {
    fn settle(&self, written: bool) {
        if let Some(answer) = self.answer.lock().take() {
            // Nobody may be waiting any more.
            let _ = answer.send(written);
        }
    }
}

impl Ticket {
    pub fn done(mut self) {
        if let Some(receipt) = self.0.take()
            && receipt.remaining.fetch_sub(1, Ordering::AcqRel) == 1
        {
            receipt.settle(true);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(receipt) = self.0.take() {
            receipt.settle(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;
    use waxwing_xmpp::Type;

    fn message(body: &str) -> Entry {
        Entry::new(Stanza::message(Type::Chat, &format!("<body>{body}</body>")))
    }

    fn presence() -> Entry {
        Entry::new(Stanza::presence(Type::Available, ""))
    }

    fn push(outbound: &Outbound, entry: Entry, place: Place) {
        assert!(matches!(outbound.push(entry, place), Pushed::Queued));
    }

    /// What the stream would write now, or `None` if it would wait.
    fn drain(outbound: &Outbound) -> Option<String> {
        let mut out = Vec::new();
        let mut cx = Context::from_waker(Waker::noop());
        match outbound.poll(&mut cx, &mut out, usize::MAX) {
            Poll::Ready(Ok(())) => Some(String::from_utf8(out).expect("stanzas are UTF-8")),
            Poll::Ready(Err(_)) | Poll::Pending => None,
        }
    }

    fn order(written: &str, bodies: &[&str]) -> bool {
        let at: Vec<_> = bodies.iter().map(|body| written.find(&format!(">{body}<"))).collect();
        at.iter().all(Option::is_some) && at.is_sorted()
    }

    #[test]
    fn stanzas_leave_in_the_order_in_which_they_came() {
        let outbound = Outbound::new(1000);
        for body in ["a", "b", "c"] {
            push(&outbound, message(body), Place::Behind);
        }
        assert!(order(&drain(&outbound).expect("something is queued"), &["a", "b", "c"]));
        assert!(drain(&outbound).is_none());
    }

    #[test]
    fn held_messages_wait_behind_those_pushed_ahead_and_presence_does_not() {
        let outbound = Outbound::new(1000);
        outbound.hold();
        push(&outbound, message("new"), Place::Behind);
        push(&outbound, presence(), Place::Behind);
        push(&outbound, message("stored"), Place::Ahead);
        let first = drain(&outbound).expect("presence and the stored message");
        assert!(first.contains("<presence") && first.contains("stored") && !first.contains("new"));
        outbound.release();
        assert!(drain(&outbound).expect("the held message").contains("new"));
    }

    #[test]
    fn two_holds_need_two_releases() {
        let outbound = Outbound::new(1000);
        outbound.hold();
        outbound.hold();
        push(&outbound, message("a"), Place::Behind);
        outbound.release();
        assert!(drain(&outbound).is_none());
        outbound.release();
        assert!(drain(&outbound).is_some());
    }

    #[test]
    fn a_full_queue_takes_more_once_something_was_handed_out() {
        let outbound = Outbound::new(10);
        push(&outbound, message("a"), Place::Behind);
        assert!(matches!(outbound.push(message("b"), Place::Behind), Pushed::Full(_)));
        assert!(drain(&outbound).is_some());
        push(&outbound, message("b"), Place::Behind);
    }

    #[test]
    fn what_was_not_written_is_given_back_in_order_and_then_the_queue_is_gone() {
        let outbound = Outbound::new(1000);
        push(&outbound, message("a"), Place::Behind);
        assert!(drain(&outbound).is_some());
        push(&outbound, message("b"), Place::Behind);
        outbound.hold();
        push(&outbound, message("c"), Place::Behind);
        let left = outbound.take_unwritten();
        let bodies: Vec<_> = left.iter().filter_map(|entry| entry.stanza.text("body")).collect();
        assert_eq!(bodies, ["a", "b", "c"]);
        push(&outbound, message("d"), Place::Behind);
        outbound.release();
        assert_eq!(outbound.take_unwritten().len(), 1);
        assert!(outbound.take_unwritten().is_empty());
        assert!(matches!(outbound.push(message("e"), Place::Behind), Pushed::Gone(_)));
    }

    #[test]
    fn what_was_written_is_not_given_back() {
        let outbound = Outbound::new(1000);
        push(&outbound, message("a"), Place::Behind);
        assert!(drain(&outbound).is_some());
        outbound.written();
        assert!(outbound.take_unwritten().is_empty());
    }

    #[test]
    fn an_ended_queue_is_written_out_before_the_end_is_told() {
        let outbound = Outbound::new(1000);
        push(&outbound, message("a"), Place::Behind);
        outbound.end(SessionEnd { error: None });
        assert!(drain(&outbound).is_some());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(matches!(outbound.poll(&mut cx, &mut Vec::new(), 100), Poll::Ready(Err(_))));
    }

    #[test]
    fn what_is_held_leaves_room_for_what_goes_ahead() {
        let outbound = Outbound::new(10);
        outbound.hold();
        push(&outbound, message("a"), Place::Behind);
        assert!(matches!(outbound.push(message("b"), Place::Behind), Pushed::Full(_)));
        push(&outbound, message("stored"), Place::Ahead);
        assert!(drain(&outbound).is_some());
        push(&outbound, presence(), Place::Behind);
    }

    #[test]
    fn the_last_holder_of_copies_finds_another_way_unless_one_was_written() {
        let copies = Copies::new();
        copies.add();
        copies.add();
        assert!(!copies.give_up());
        assert!(!copies.give_up());
        assert!(copies.give_up());

        let (outbound, copies) = (Outbound::new(1000), Copies::new());
        copies.add();
        push(&outbound, Entry { copies: Some(copies.clone()), ..message("a") }, Place::Behind);
        assert!(drain(&outbound).is_some());
        outbound.written();
        assert!(!copies.give_up());
    }

    #[tokio::test]
    async fn a_receipt_is_true_once_every_ticket_is_done() {
        let (tickets, written) = receipt(2);
        let outbound = Outbound::new(1000);
        for ticket in tickets {
            let entry = Entry { ticket: Some(ticket), ..message("a") };
            push(&outbound, entry, Place::Behind);
        }
        assert!(drain(&outbound).is_some());
        outbound.written();
        assert_eq!(written.await, Ok(true));
    }

    #[tokio::test]
    async fn a_receipt_is_false_when_the_queue_ends_first() {
        let (tickets, written) = receipt(1);
        let outbound = Outbound::new(1000);
        for ticket in tickets {
            push(&outbound, Entry { ticket: Some(ticket), ..message("a") }, Place::Behind);
        }
        drop(outbound.take_unwritten());
        assert_eq!(written.await, Ok(false));
    }
}
