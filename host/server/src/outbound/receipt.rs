//! What becomes of stanzas that somebody follows on their way out.

use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::oneshot;
use waxwing_plugins::{Promise, Written};
use waxwing_xmpp::StanzaError;

/// The copies of one message in several sessions' queues.
pub(crate) struct Copies {
    /// Queues that have one, and whoever still hands them out.
    holders: AtomicUsize,
    written: AtomicBool,
    refusal: Mutex<Option<StanzaError>>,
}

impl Copies {
    /// Held by whoever hands the copies out, until it [gives up](Self::give_up) its part.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            holders: AtomicUsize::new(1),
            written: AtomicBool::new(false),
            refusal: Mutex::default(),
        })
    }

    /// One more queue gets a copy.
    pub fn add(&self) {
        self.holders.fetch_add(1, Ordering::AcqRel);
    }

    /// One was written, or somebody did not want it.
    pub fn written(&self) {
        self.written.store(true, Ordering::Release);
    }

    /// Somebody did not want one, for this reason.
    pub fn refuse(&self, error: StanzaError) {
        self.refusal.lock().get_or_insert(error);
    }

    /// Why somebody did not want one.
    pub fn refusal(&self) -> Option<StanzaError> {
        self.refusal.lock().clone()
    }

    /// One holder less. `true` if it was the last and no copy was written: then it must find the
    /// message another way.
    pub fn give_up(&self) -> bool {
        self.holders.fetch_sub(1, Ordering::AcqRel) == 1 && !self.written.load(Ordering::Acquire)
    }
}

/// One stanza's part in a [`receipt`]. Dropped without [`Ticket::done`], it fails the whole.
pub(crate) struct Ticket {
    receipt: Option<Arc<Receipt>>,
    accepted: bool,
}

struct Receipt {
    /// Stanzas that no session has answered for.
    loose: AtomicUsize,
    /// Stanzas that are not known to have reached their client.
    open: AtomicUsize,
    lost: Arc<AtomicBool>,
    accepted: Answer,
    settled: Answer,
}

/// Told once.
struct Answer(Mutex<Option<oneshot::Sender<bool>>>);

impl Answer {
    fn tell(&self, answer: bool) {
        if let Some(sender) = self.0.lock().take() {
            // Nobody may be waiting any more.
            let _ = sender.send(answer);
        }
    }
}

/// `count` tickets, and what becomes of them all together.
pub(crate) fn receipt(count: usize) -> (Vec<Ticket>, Written) {
    if count == 0 {
        return (Vec::new(), Written::new(std::future::ready(true)));
    }
    let ((accepted, is_accepted), (settled, is_settled)) = (oneshot::channel(), oneshot::channel());
    let receipt = Arc::new(Receipt {
        loose: AtomicUsize::new(count),
        open: AtomicUsize::new(count),
        lost: Arc::default(),
        accepted: Answer(Mutex::new(Some(accepted))),
        settled: Answer(Mutex::new(Some(settled))),
    });
    let promise = Promise::new(receipt.lost.clone(), async { is_settled.await.unwrap_or(false) });
    let written = Written::promised(async { is_accepted.await.unwrap_or(false) }, promise);
    let ticket = || Ticket { receipt: Some(receipt.clone()), accepted: false };
    ((0..count).map(|_| ticket()).collect(), written)
}

impl Ticket {
    /// The stanza is with a session that keeps it until its client has acknowledged it.
    pub fn accept(&mut self) {
        if let Some(receipt) = self.receipt.as_ref().filter(|_| !self.accepted) {
            self.accepted = true;
            if receipt.loose.fetch_sub(1, Ordering::AcqRel) == 1 {
                receipt.accepted.tell(true);
            }
        }
    }

    /// The stanza has reached the client, as far as can be known.
    pub fn done(mut self) {
        if let Some(receipt) = &self.receipt
            && receipt.open.fetch_sub(1, Ordering::AcqRel) == 1
        {
            receipt.settled.tell(true);
        }
        self.accept();
        self.receipt = None;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(receipt) = self.receipt.take() {
            receipt.lost.store(true, Ordering::Release);
            receipt.accepted.tell(false);
            receipt.settled.tell(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use waxwing_plugins::Fate;

    #[test]
    fn the_last_holder_of_copies_finds_another_way_unless_one_was_written() {
        let copies = Copies::new();
        copies.add();
        copies.add();
        assert!(!copies.give_up());
        assert!(!copies.give_up());
        assert!(copies.give_up());
    }

    #[test]
    fn done_at_once() {
        let (tickets, written) = receipt(2);
        tickets.into_iter().for_each(Ticket::done);
        assert!(matches!(written.all().now_or_never(), Some(Fate::Done)));
        assert!(matches!(receipt(0).1.all().now_or_never(), Some(Fate::Done)));
    }

    #[test]
    fn accepted_first_and_done_later() {
        let (mut tickets, written) = receipt(2);
        tickets.iter_mut().for_each(Ticket::accept);
        let Some(Fate::Open(promise)) = written.all().now_or_never() else { panic!("it is open") };
        let lost = promise.loss();
        tickets.into_iter().for_each(Ticket::done);
        assert_eq!(promise.kept().now_or_never(), Some(true));
        assert!(!lost.load(Ordering::Acquire));
    }

    #[test]
    fn one_that_is_lost_loses_all_at_once() {
        let (mut tickets, written) = receipt(2);
        tickets.iter_mut().for_each(Ticket::accept);
        let Some(Fate::Open(promise)) = written.all().now_or_never() else { panic!("it is open") };
        let lost = promise.loss();
        drop(tickets.pop());
        assert!(lost.load(Ordering::Acquire));
        assert_eq!(promise.kept().now_or_never(), Some(false));

        let (tickets, written) = receipt(1);
        drop(tickets);
        assert!(matches!(written.all().now_or_never(), Some(Fate::Lost)));
    }
}
