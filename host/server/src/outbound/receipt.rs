//! What becomes of stanzas that somebody follows on their way out.

use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::oneshot;
use waxwing_plugins::{Hold, Promise, StoredCopy, Written};
use waxwing_xmpp::StanzaError;

/// The copies of one message in several sessions' queues.
pub(crate) struct Copies(Mutex<Spread>);

struct Spread {
    /// Queues that have one, and whoever still hands them out.
    holders: usize,
    written: bool,
    /// Plugins have been asked to keep it for all that have it.
    offered: bool,
    /// What they have kept.
    stored: Option<StoredCopy>,
    /// Why somebody did not want one.
    refusal: Option<StanzaError>,
}

/// What there is of a message when one of its holders has given up its copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remains {
    /// Somebody has got it, or will.
    Enough,
    /// It is in the storage, and there alone.
    Stored,
    Nothing,
}

impl Copies {
    /// Held by whoever hands the copies out, until it [gives up](Self::give_up) its part.
    pub fn new() -> Arc<Self> {
        let spread = Spread { holders: 1, written: false, offered: false, stored: None, refusal: None };
        Arc::new(Self(Mutex::new(spread)))
    }

    /// One more queue gets a copy.
    pub fn add(&self) {
        self.0.lock().holders += 1;
    }

    /// One was written, or somebody did not want it.
    pub fn written(&self) {
        let mut spread = self.0.lock();
        spread.written = true;
        let stored = spread.stored.take();
        drop(spread);
        if let Some(stored) = stored {
            stored.delete();
        }
    }

    /// Somebody did not want one, for this reason.
    pub fn refuse(&self, error: StanzaError) {
        self.0.lock().refusal.get_or_insert(error);
    }

    /// Why somebody did not want one.
    pub fn refusal(&self) -> Option<StanzaError> {
        self.0.lock().refusal.clone()
    }

    /// Whether plugins are to be asked to keep it, which this caller will do.
    pub fn offer(&self) -> bool {
        let mut spread = self.0.lock();
        !spread.written && !std::mem::replace(&mut spread.offered, true)
    }

    /// They could not say.
    pub fn offer_again(&self) {
        self.0.lock().offered = false;
    }

    /// They have kept it.
    pub fn stored(&self, copy: StoredCopy) {
        let mut spread = self.0.lock();
        if spread.written {
            drop(spread);
            copy.delete();
        } else {
            spread.stored = Some(copy);
        }
    }

    /// Whether it has reached somebody or is in the storage.
    pub fn is_safe(&self) -> bool {
        let spread = self.0.lock();
        spread.written || spread.stored.is_some()
    }

    /// One holder less. If it was the last, it must find the message another way, unless something remains.
    pub fn give_up(&self) -> Remains {
        let mut spread = self.0.lock();
        spread.holders = spread.holders.saturating_sub(1);
        if spread.holders > 0 || spread.written {
            return Remains::Enough;
        }
        let stored = spread.stored.take();
        drop(spread);
        if stored.is_some() { Remains::Stored } else { Remains::Nothing }
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
    /// Of the session that has them.
    hold: Arc<OnceLock<Arc<Hold>>>,
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
        hold: Arc::default(),
        accepted: Answer(Mutex::new(Some(accepted))),
        settled: Answer(Mutex::new(Some(settled))),
    });
    let promise =
        Promise::new(receipt.lost.clone(), receipt.hold.clone(), async { is_settled.await.unwrap_or(false) });
    let written = Written::promised(async { is_accepted.await.unwrap_or(false) }, promise);
    let ticket = || Ticket { receipt: Some(receipt.clone()), accepted: false };
    ((0..count).map(|_| ticket()).collect(), written)
}

impl Ticket {
    /// The stanza is with a session that keeps it until its client has acknowledged it.
    pub fn accept(&mut self, hold: &Arc<Hold>) {
        if let Some(receipt) = &self.receipt {
            receipt.hold.get_or_init(|| hold.clone());
        }
        self.is_accepted();
    }

    fn is_accepted(&mut self) {
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
        self.is_accepted();
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
    use waxwing_xmpp::Jid;

    fn hold() -> Arc<Hold> {
        Hold::new(&Jid::parse("a@b/c").unwrap())
    }

    #[test]
    fn the_last_holder_of_copies_finds_another_way_unless_one_was_written() {
        let copies = Copies::new();
        copies.add();
        copies.add();
        assert_eq!(copies.give_up(), Remains::Enough);
        assert_eq!(copies.give_up(), Remains::Enough);
        assert_eq!(copies.give_up(), Remains::Nothing);
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
        tickets.iter_mut().for_each(|ticket| ticket.accept(&hold()));
        let Some(Fate::Open(promise)) = written.all().now_or_never() else { panic!("it is open") };
        let lost = promise.loss();
        tickets.into_iter().for_each(Ticket::done);
        assert_eq!(promise.kept().now_or_never(), Some(true));
        assert!(!lost.load(Ordering::Acquire));
    }

    #[test]
    fn one_that_is_lost_loses_all_at_once() {
        let (mut tickets, written) = receipt(2);
        tickets.iter_mut().for_each(|ticket| ticket.accept(&hold()));
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
