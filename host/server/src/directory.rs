//! Who is online: accounts that have sessions, and what is remembered of them meanwhile.

use crate::anonymous::Guest;
use crate::session::Session;
use parking_lot::{Mutex, RwLock};
use smallvec::SmallVec;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::{Semaphore, SemaphorePermit};
use waxwing_plugins::AccountData;
use waxwing_storage::Roster;
use waxwing_xmpp::Jid;

/// Accounts are spread over this many maps, so that threads rarely meet at one.
const SHARDS: usize = 64;

/// The sessions of one account at one moment.
pub(crate) type Sessions = SmallVec<[Arc<Session>; 2]>;

/// The accounts that are online here.
pub(crate) struct Directory {
    shards: Vec<RwLock<HashMap<Box<str>, Arc<AccountEntry>>>>,
    hasher: RandomState,
}

impl Directory {
    pub fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| RwLock::default()).collect(), hasher: RandomState::new() }
    }

    fn shard(&self, account: &str) -> &RwLock<HashMap<Box<str>, Arc<AccountEntry>>> {
        // The remainder is always an index.
        &self.shards[self.hasher.hash_one(account) as usize % SHARDS]
    }

    /// The account with this bare JID, if it is online.
    pub fn account(&self, bare: &str) -> Option<Arc<AccountEntry>> {
        self.shard(bare).read().get(bare).cloned()
    }

    /// The session with this full JID.
    pub fn session(&self, full: &Jid) -> Option<Arc<Session>> {
        self.account(full.bare_str())?.session(full)
    }

    /// Add the session that `make` makes for its account, or for a guest, unless a session with its JID exists
    /// (then that one is the answer) or the account has `limit` sessions.
    pub fn add(
        &self,
        full: &Jid,
        limit: usize,
        guest: &mut Option<Guest>,
        make: impl FnOnce(Arc<AccountEntry>) -> Session,
    ) -> Result<Arc<Session>, AddError> {
        let bare = full.bare_str();
        let mut shard = self.shard(bare).write();
        let entry = match shard.get(bare) {
            Some(entry) => entry.clone(),
            None => {
                let entry = Arc::new(AccountEntry::new(full.bare(), guest.take()));
                shard.insert(bare.into(), entry.clone());
                entry
            }
        };
        let mut sessions = entry.sessions.write();
        if let Some(older) = sessions.iter().find(|session| session.jid == *full) {
            return Err(AddError::Taken(older.clone()));
        }
        if sessions.len() >= limit {
            return Err(AddError::TooMany);
        }
        let session = Arc::new(make(entry.clone()));
        sessions.push(session.clone());
        Ok(session)
    }

    /// Remove a session, and its account with the last one.
    pub fn remove(&self, session: &Session) {
        let bare = session.jid.bare_str();
        let mut shard = self.shard(bare).write();
        let entry = &session.account;
        let mut sessions = entry.sessions.write();
        sessions.retain(|other| other.id != session.id);
        if sessions.is_empty() && shard.get(bare).is_some_and(|present| Arc::ptr_eq(present, entry)) {
            shard.remove(bare);
        }
        drop(sessions);
        drop(shard);
        entry.refresh_marks();
    }

    /// Every session, for shutting down.
    pub fn all_sessions(&self) -> Vec<Arc<Session>> {
        let mut all = Vec::new();
        self.each_session(|session| all.push(session.clone()));
        all
    }

    /// Look at every session, in no order. Others may come and go meanwhile.
    pub fn each_session(&self, mut look: impl FnMut(&Arc<Session>)) {
        for shard in &self.shards {
            for entry in shard.read().values() {
                entry.sessions.read().iter().for_each(&mut look);
            }
        }
    }
}

/// Why a session could not be added.
pub(crate) enum AddError {
    Taken(Arc<Session>),
    TooMany,
}

/// An account that is online.
pub(crate) struct AccountEntry {
    /// The bare JID.
    pub jid: Jid,
    sessions: RwLock<Sessions>,
    /// The marks of all sessions together.
    marks: AtomicU64,
    roster: Mutex<Option<Arc<Roster>>>,
    data: Mutex<Arc<AccountData>>,
    turn: Semaphore,
    roster_turn: Semaphore,
    keeping_turn: Semaphore,
    /// Of what is queued for its sessions.
    orders: Arc<AtomicU64>,
    /// There is no such account, only somebody who has logged in without one.
    guest: Option<Guest>,
    removed: AtomicBool,
}

impl AccountEntry {
    fn new(jid: Jid, guest: Option<Guest>) -> Self {
        Self {
            jid,
            sessions: RwLock::default(),
            marks: AtomicU64::new(0),
            orders: Arc::default(),
            roster: Mutex::new(None),
            data: Mutex::default(),
            turn: Semaphore::new(1),
            roster_turn: Semaphore::new(1),
            keeping_turn: Semaphore::new(1),
            guest,
            removed: AtomicBool::new(false),
        }
    }

    /// Whether the account has been removed: its sessions are about to end.
    pub fn is_removed(&self) -> bool {
        self.removed.load(Ordering::Acquire)
    }

    /// It has.
    pub fn set_removed(&self) {
        self.removed.store(true, Ordering::Release);
    }

    /// Whether it is somebody without an account (XEP-0175).
    pub fn is_anonymous(&self) -> bool {
        self.guest.is_some()
    }

    /// Who has logged in without an account, if this is one.
    pub fn guest(&self) -> Option<&Guest> {
        self.guest.as_ref()
    }

    /// The sessions at this moment.
    pub fn sessions(&self) -> Sessions {
        self.sessions.read().clone()
    }

    /// The session with this full JID.
    pub fn session(&self, full: &Jid) -> Option<Arc<Session>> {
        self.sessions.read().iter().find(|session| session.jid == *full).cloned()
    }

    /// The sessions that get what is sent to the bare JID: available with priority >= 0.
    pub fn receivers(&self) -> Sessions {
        let sessions = self.sessions.read();
        sessions.iter().filter(|session| session.priority().is_some_and(|p| p >= 0)).cloned().collect()
    }

    /// Counts what is queued for its sessions, so that the oldest is known.
    pub fn orders(&self) -> Arc<AtomicU64> {
        self.orders.clone()
    }

    /// The marks of all sessions together.
    pub fn marks(&self) -> u64 {
        self.marks.load(Ordering::Acquire)
    }

    pub fn refresh_marks(&self) {
        // Alone, so that an older sum is not stored after a newer one.
        let sessions = self.sessions.write();
        let marks = sessions.iter().fold(0, |marks, session| marks | session.marks());
        self.marks.store(marks, Ordering::Release);
    }

    /// The roster, if it has been read since the account came online.
    pub fn roster(&self) -> Option<Arc<Roster>> {
        self.roster.lock().clone()
    }

    /// Keep a roster that was just read or committed, unless a later one is known.
    pub fn set_roster(&self, roster: Arc<Roster>) {
        let mut kept = self.roster.lock();
        if kept.as_ref().is_none_or(|kept| kept.version <= roster.version) {
            *kept = Some(roster);
        }
    }

    /// What plugins keep for it.
    pub fn data(&self) -> Arc<AccountData> {
        self.data.lock().clone()
    }

    /// The account has been removed with all that plugins keep for it. Its sessions still end: nobody is
    /// to find that here meanwhile.
    pub fn forget_data(&self) {
        *self.data.lock() = Arc::default();
    }

    /// Wait for the turn to change the roster: pushes are queued in the order of its versions.
    pub async fn roster_turn(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed.
        self.roster_turn.acquire().await.ok()
    }

    /// Wait for the turn to have plugins keep what is in the queues of its sessions: that is stored in the order in which
    /// it came.
    pub async fn keeping_turn(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed.
        self.keeping_turn.acquire().await.ok()
    }

    /// Wait for this account's turn: plugins see the events of an account one at a time.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed.
        self.turn.acquire().await.ok()
    }
}
