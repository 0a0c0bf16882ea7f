//! A bound resource: what the server knows of a client that is logged in, whatever carries it.

use crate::directory::AccountEntry;
use crate::outbound::{
    Copies, Entry, Marks, Outbound, Parting, Place, Queued, SessionEnd, StreamEnd, Ticket, TooHigh, Unqueued,
};
use crate::vhost::Vhost;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use waxwing_config::{ClientState, Limits};
use waxwing_plugins::Hold;
use waxwing_xmpp::{Jid, Stanza, StreamError};

/// A session. It is not its connection: streams come and go, and this one drains its queue.
pub struct Session {
    /// Rises with every bind on this server.
    pub id: u64,
    /// The full JID.
    pub jid: Jid,
    /// The virtual host of the account.
    pub vhost: Arc<Vhost>,
    pub(crate) account: Arc<AccountEntry>,
    pub(crate) outbound: Outbound,
    /// How long a message waits, after the session's end, until what it had is in other hands.
    patience: Duration,
    /// How often the server has had something of its own to say to the client.
    told: AtomicU64,
    marks: AtomicU64,
    /// Has asked for its roster, and so wants pushes (RFC 6121, section 2.1.6).
    interested: AtomicBool,
    finishing: AtomicBool,
    /// Closed when what it had is in other hands.
    emptied: Semaphore,
    /// Closed when it has ended with all that this means.
    finished: Semaphore,
    presence: Mutex<Presence>,
    /// When it was bound, in milliseconds since the Unix epoch.
    since: u64,
    /// When its client last sent a stanza.
    acted: AtomicU64,
    /// Where its client connects from.
    address: Mutex<Option<IpAddr>>,
    /// Others may read what its client sends: it comes from another machine without TLS.
    overheard: AtomicBool,
    /// Held while a presence is being told to others; closed with the last.
    presence_turn: Semaphore,
}

/// A stanza that could not be queued.
pub(crate) enum Undelivered {
    /// The session is gone.
    Gone(Stanza),
    /// The session has just ended because too much waited for it.
    Full(Stanza),
}

/// Messages of a session are held back.
pub(crate) struct Held(Arc<Session>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.outbound.release();
    }
}

#[derive(Default)]
struct Presence {
    /// The last broadcast presence, while available.
    available: Option<(i8, Stanza)>,
    /// Who got directed presence and must hear of the end (RFC 6121, section 4.6.3).
    directed: BTreeSet<Jid>,
}

impl Session {
    pub(crate) fn new(
        id: u64,
        jid: Jid,
        vhost: Arc<Vhost>,
        account: Arc<AccountEntry>,
        limits: &Limits,
        now: u64,
    ) -> Self {
        Self {
            id,
            outbound: Outbound::new(Marks::from(limits), Hold::new(&jid), account.orders()),
            jid,
            vhost,
            account,
            patience: limits.slow_reader_timeout,
            told: AtomicU64::new(0),
            marks: AtomicU64::new(0),
            interested: AtomicBool::new(false),
            finishing: AtomicBool::new(false),
            emptied: Semaphore::new(0),
            finished: Semaphore::new(0),
            presence: Mutex::default(),
            since: now,
            acted: AtomicU64::new(now),
            address: Mutex::default(),
            overheard: AtomicBool::new(false),
            presence_turn: Semaphore::new(1),
        }
    }

    /// For the stream: where its client connects from.
    pub fn comes_from(&self, address: IpAddr, tls: bool) {
        *self.address.lock() = Some(address);
        self.overheard.store(!tls && !address.to_canonical().is_loopback(), Ordering::Relaxed);
    }

    pub(crate) fn is_overheard(&self) -> bool {
        self.overheard.load(Ordering::Relaxed)
    }

    pub(crate) fn address(&self) -> Option<IpAddr> {
        *self.address.lock()
    }

    /// When it was bound, in milliseconds since the Unix epoch.
    pub(crate) fn since(&self) -> u64 {
        self.since
    }

    /// When its client last sent a stanza.
    pub(crate) fn acted(&self) -> u64 {
        self.acted.load(Ordering::Relaxed)
    }

    pub(crate) fn has_acted(&self, now: u64) {
        self.acted.store(now, Ordering::Relaxed);
    }

    /// For the stream: append queued stanzas to `out` until it is longer than `max` bytes, and a request to
    /// acknowledge them where that makes sense. Fails once the server has ended the session and everything
    /// queued was handed out, or at once when another stream is to take the place of this one.
    pub fn poll_outgoing(
        &self,
        cx: &mut Context<'_>,
        out: &mut Vec<u8>,
        max: usize,
    ) -> Poll<Result<(), StreamEnd>> {
        self.outbound.poll(cx, out, max)
    }

    /// For the stream: all that was handed out so far is written to the socket.
    pub fn written(&self) {
        self.outbound.written();
    }

    /// End the session once its stream has written what is queued.
    pub fn end(&self, error: StreamError) {
        self.outbound.end(SessionEnd { error: Some(error) });
    }

    /// For the stream, while its peer does not read: why it should stop writing, if it should. `cx` hears of changes.
    pub fn poll_parting(&self, cx: &mut Context<'_>) -> Option<Parting> {
        self.outbound.poll_parting(cx)
    }

    /// For the stream: its peer reads, if slowly.
    pub fn some_read(&self) {
        self.outbound.some_read();
    }

    /// For the stream: whether the client acknowledges stanzas (XEP-0198).
    pub fn is_managed(&self) -> bool {
        self.outbound.managed(|_| ()).is_some()
    }

    /// For the stream: the client has handled `h` stanzas.
    ///
    /// # Errors
    /// If it was not sent so many.
    pub fn acknowledge(&self, h: u32) -> Result<(), TooHigh> {
        self.outbound.acknowledge(h)
    }

    /// For the stream: one more of the client's stanzas has been processed to its end.
    pub fn count_handled(&self) {
        self.outbound.managed(|managed| managed.handled = managed.handled.wrapping_add(1));
    }

    /// How many of the client's stanzas have been processed, modulo 2^32.
    pub fn handled(&self) -> u32 {
        self.outbound.managed(|managed| managed.handled).unwrap_or_default()
    }

    /// Whether the session may go on without a stream.
    pub fn may_sleep(&self) -> bool {
        self.outbound.may_sleep()
    }

    /// The stream is gone; with `busy` one of its stanzas is still being processed, until
    /// [`Session::idle`]. Answers which absence this is.
    pub fn detach(&self, busy: bool) -> u64 {
        self.outbound.detach(busy)
    }

    /// The last stanza of the stream that has gone is processed.
    pub fn idle(&self) {
        self.outbound.idle();
    }

    /// Wait until the absence is over: `false` if a new stream has come, `true` if the session has ended,
    /// for want of one or for another reason. It is to be finished then.
    pub async fn sleep(&self, absence: u64) -> bool {
        self.outbound.sleep(absence).await
    }

    /// The client says whether anybody looks at it (XEP-0352).
    pub fn set_inactive(&self, inactive: Option<&ClientState>) {
        self.outbound.set_inactive(inactive);
    }

    /// For the stream: answer the client in the server's name, as one more stanza of its queue. Waits until the client
    /// has room for more.
    pub async fn answer(&self, stanza: Stanza) {
        self.tell(stanza);
        self.outbound.make_room().await;
    }

    /// Queue what the server itself has to say: answers and pushes. Nobody is left to hear that the session is gone.
    pub(crate) fn tell(&self, stanza: Stanza) {
        self.note_told();
        let _ = self.outbound.push(Entry::new(stanza), Place::Behind);
    }

    /// The server has something of its own to say to the client.
    pub(crate) fn note_told(&self) {
        self.told.fetch_add(1, Ordering::Relaxed);
    }

    /// How often the server has had something of its own to say to the client.
    pub(crate) fn told(&self) -> u64 {
        self.told.load(Ordering::Relaxed)
    }

    /// Queue a stanza for the client.
    pub(crate) fn deliver(&self, stanza: Stanza) -> Result<Queued, Unqueued> {
        self.outbound.push(Entry::new(stanza), Place::Behind)
    }

    /// Queue one of several copies of a stanza.
    pub(crate) fn deliver_copy(&self, stanza: Stanza, copies: Arc<Copies>) -> Result<Queued, Unqueued> {
        copies.add();
        let entry = Entry { copies: Some(copies.clone()), ..Entry::new(stanza) };
        self.outbound.push(entry, Place::Behind).inspect_err(|_| {
            // Whoever hands them out still holds one.
            copies.give_up();
        })
    }

    /// Queue a stanza whose fate somebody follows. If it cannot be queued, the ticket is dropped with it, which says
    /// so. What goes ahead of everything held waits until the client has room for it.
    pub(crate) async fn deliver_with(&self, stanza: Stanza, ticket: Ticket, place: Place) {
        if place == Place::Ahead {
            self.outbound.make_room().await;
        }
        self.note_told();
        let _ = self.outbound.push(Entry { ticket: Some(ticket), ..Entry::new(stanza) }, place);
    }

    /// A stanza that was not queued. If the session is gone, waits until what it had is in other hands, so that this
    /// one does not overtake it.
    pub(crate) async fn give_back(&self, unqueued: Unqueued) -> Undelivered {
        let entry = match unqueued {
            Unqueued::Full(entry) => return Undelivered::Full(entry.stanza),
            Unqueued::Gone(entry) => entry,
        };
        if entry.is_kept_afterwards() {
            // Nobody who is part of that waits for it longer than for a client that does not read.
            let _ = tokio::time::timeout(self.patience, self.emptied.acquire()).await;
        }
        Undelivered::Gone(entry.stanza)
    }

    /// Hold messages back until this is dropped, so that stored ones can go ahead of them.
    pub(crate) fn hold(self: &Arc<Self>) -> Held {
        self.outbound.hold();
        Held(self.clone())
    }

    /// Whether it has begun to end: it takes no more stanzas.
    pub(crate) fn is_finishing(&self) -> bool {
        self.finishing.load(Ordering::Acquire)
    }

    /// It begins to end; `false` if it did so before.
    pub(crate) fn begin_to_finish(&self) -> bool {
        !self.finishing.swap(true, Ordering::AcqRel)
    }

    /// What it had is in other hands, or whoever waits for that is not to wait any longer.
    pub(crate) fn is_emptied(&self) {
        self.emptied.close();
    }

    /// It has ended.
    pub(crate) fn is_finished(&self) {
        self.finished.close();
    }

    /// Wait until it has ended.
    pub(crate) async fn until_finished(&self) {
        // An error is what is waited for.
        let _ = self.finished.acquire().await;
    }

    /// Whether no stream drains its queue.
    pub(crate) fn is_asleep(&self) -> bool {
        self.outbound.managed(|managed| managed.is_asleep()).unwrap_or(false)
    }

    /// Wait for the turn to tell others of this session's presence. `None` once the last has been
    /// told: a presence that was still on its way then would make a ghost of the session.
    pub(crate) async fn presence_turn(&self) -> Option<SemaphorePermit<'_>> {
        self.presence_turn.acquire().await.ok()
    }

    /// The same for the last presence.
    pub(crate) async fn last_presence_turn(&self) -> Option<SemaphorePermit<'_>> {
        let turn = self.presence_turn().await;
        self.presence_turn.close();
        turn
    }

    /// The priority, while the session is available.
    pub(crate) fn priority(&self) -> Option<i8> {
        self.presence.lock().available.as_ref().map(|(priority, _)| *priority)
    }

    /// The last broadcast presence, while available.
    pub(crate) fn presence(&self) -> Option<Stanza> {
        self.presence.lock().available.as_ref().map(|(_, stanza)| stanza.clone())
    }

    /// Take note of a broadcast presence; `None` for unavailable. Answers the priority before.
    pub(crate) fn set_presence(&self, available: Option<(i8, Stanza)>) -> Option<i8> {
        let before = std::mem::replace(&mut self.presence.lock().available, available);
        before.map(|(priority, _)| priority)
    }

    /// Remember that `to` got directed presence; `false` when `limit` addresses are remembered.
    pub(crate) fn add_directed(&self, to: Jid, limit: usize) -> bool {
        let mut presence = self.presence.lock();
        presence.directed.contains(&to) || (presence.directed.len() < limit && presence.directed.insert(to))
    }

    /// Whether `to` got directed presence.
    pub(crate) fn has_directed(&self, to: &Jid) -> bool {
        self.presence.lock().directed.contains(to)
    }

    /// Forget that `to` got directed presence.
    pub(crate) fn remove_directed(&self, to: &Jid) {
        self.presence.lock().directed.remove(to);
    }

    /// Those of them whom this picks; forgets them.
    pub(crate) fn take_directed_if(&self, pick: impl Fn(&Jid) -> bool) -> BTreeSet<Jid> {
        let mut presence = self.presence.lock();
        let (taken, left) = std::mem::take(&mut presence.directed).into_iter().partition(pick);
        presence.directed = left;
        taken
    }

    /// Everybody who got directed presence; forgets them.
    pub(crate) fn take_directed(&self) -> BTreeSet<Jid> {
        std::mem::take(&mut self.presence.lock().directed)
    }

    /// Whether the client has asked for its roster.
    pub(crate) fn interested(&self) -> bool {
        self.interested.load(Ordering::Acquire)
    }

    pub(crate) fn set_interested(&self) {
        self.interested.store(true, Ordering::Release);
    }

    /// The marks that plugins have set.
    pub(crate) fn marks(&self) -> u64 {
        self.marks.load(Ordering::Acquire)
    }

    pub(crate) fn set_mark(&self, mark: u8, on: bool) {
        let bit = 1u64 << (mark & 63);
        if on {
            self.marks.fetch_or(bit, Ordering::AcqRel);
        } else {
            self.marks.fetch_and(!bit, Ordering::AcqRel);
        }
        self.account.refresh_marks();
    }
}
