//! What a call wants done. Nothing of it happens before the call has returned, and nothing at all
//! if it fails.
//!
//! The order: writes commit as one batch (`set-soon` alone only queues it), then accounts are removed, then marks are set, then stanzas leave, then
//! deletes commit. A crash in between repeats work and never loses it.

pub(crate) mod copy;
pub(crate) mod staged;

use crate::common::chain::Chain;
use crate::common::counters::add;
use crate::common::failure::Failure;
use crate::common::pending::owner;
use crate::common::quiet::Job;
use crate::common::requests::Request;
use crate::common::shared::Shared;
use crate::declare::options::Limits;
use crate::effects::staged::{Quota, Staged};
use crate::host::account_data;
use crate::host::{AccountError, Fate, Host, Outgoing, Promise, Written};
use std::sync::Arc;
use waxwing_storage::{Batch, Error, Write};
use waxwing_xmpp::Jid;

/// The effects of one call.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub staged: Staged,
    pub outbox: Outbox,
    /// Session, number of the mark, on or off.
    pub marks: Vec<(Jid, u8, bool)>,
    /// Changes to the data of accounts, in order.
    pub account_data: Vec<Datum>,
    /// Requests whose stanzas are in the outbox.
    pub requests: Vec<Request>,
    /// Accounts to remove.
    pub removals: Vec<Jid>,
}

/// One change to the data of an account; no value deletes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Datum {
    pub account: Jid,
    pub key: String,
    pub value: Option<Vec<u8>>,
    /// A crash may lose it.
    pub soon: bool,
}

/// Stanzas to send, in order.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    stanzas: Vec<Outgoing>,
    bytes: usize,
}

/// The outbox limit of the call is reached.
#[derive(Debug)]
pub(crate) struct Full;

impl Outbox {
    /// Whether so many more stanzas of so many more bytes fit.
    pub fn has_room(&self, stanzas: usize, bytes: usize, limits: &Limits) -> bool {
        let fits = |have: usize, more: usize, most: usize| have.saturating_add(more) <= most;
        fits(self.stanzas.len(), stanzas, limits.outbox_stanzas)
            && fits(self.bytes, bytes, limits.outbox_bytes)
    }

    pub fn push(&mut self, stanza: Outgoing, bytes: usize, limits: &Limits) -> Result<(), Full> {
        if !self.has_room(1, bytes, limits) {
            return Err(Full);
        }
        self.stanzas.push(stanza);
        self.bytes += bytes;
        Ok(())
    }

    /// What is in it.
    pub fn stanzas(&self) -> &[Outgoing] {
        &self.stanzas
    }
}

impl Effects {
    /// Whether the call has moved anything, so that calling again may be of use.
    pub fn makes_progress(&self) -> bool {
        !self.outbox.stanzas.is_empty() || !self.staged.is_empty() || !self.account_data.is_empty()
    }

    /// Send a stanza of the host's own after those of the plugin.
    pub fn send_last(&mut self, stanza: Outgoing) {
        self.outbox.stanzas.push(stanza);
    }

    /// Let everything happen that must be durable before anybody hears of it. After an error, nothing
    /// has.
    pub async fn commit(self, host: &dyn Host, shared: &Shared) -> Result<Departure, Failure> {
        let soon = self.may_be_lost();
        let (writes, committed) = self.prepare(shared)?;
        if !writes.is_empty() {
            let batch = Batch { writes };
            match soon {
                true => host.storage().commit_soon(batch).await?,
                false => drop(host.storage().commit(batch).await?),
            }
        }
        committed.departure.remove_accounts(host).await?;
        Ok(committed.settle(host, shared))
    }

    /// Whether nothing of what the call writes is worth a wait for the disk. With anything that is, it costs nothing.
    fn may_be_lost(&self) -> bool {
        self.account_data.iter().all(|datum| datum.soon)
            && !self.staged.must_last()
            && self.removals.is_empty()
    }

    /// What is to be committed, and what is to happen when it is.
    pub fn prepare(self, shared: &Shared) -> Result<(Vec<Write>, Committed), Failure> {
        let stanzas = self.outbox.stanzas;
        let chain = Chain::link(stanzas.len(), shared.limits.outbox_stanzas)?;
        let (mut writes, deletes) = self.staged.into_writes();
        writes.extend(self.account_data.iter().map(|datum| datum.write(&shared.name)));
        let rings = writes.iter().any(|write| matches!(write, Write::SetAlarm(_)));
        let job = shared.common.work.begin();
        let departure = Departure { stanzas, removals: self.removals, deletes, chain, job };
        let (account_data, marks, requests) = (self.account_data, self.marks, self.requests);
        Ok((writes, Committed { rings, account_data, marks, requests, departure }))
    }

    /// How much one call may change.
    pub fn quota(limits: &Limits) -> Quota {
        Quota { count: limits.writes, bytes: limits.write_bytes }
    }
}

impl Datum {
    fn write(&self, plugin: &str) -> Write {
        let (store, owner) = (account_data::store(plugin), self.account.as_str().to_owned());
        match &self.value {
            Some(value) => Write::TableSet { store, owner, key: self.key.clone(), value: value.clone() },
            None => Write::TableDelete { store, owner, key: self.key.clone() },
        }
    }
}

/// A call whose writes are to be durable before anything else of it happens.
pub(crate) struct Committed {
    rings: bool,
    account_data: Vec<Datum>,
    marks: Vec<(Jid, u8, bool)>,
    requests: Vec<Request>,
    departure: Departure,
}

impl Committed {
    /// They are.
    pub fn settle(self, host: &dyn Host, shared: &Shared) -> Departure {
        if self.rings {
            shared.common.wake.notify_one();
        }
        for Datum { account, key, value, .. } in self.account_data {
            if let Some(data) = host.account_data(&account) {
                data.set(&shared.name, &key, value);
            }
        }
        for (session, mark, on) in &self.marks {
            // A session that has ended meanwhile needs no mark.
            host.set_mark(session, *mark, *on);
        }
        for request in self.requests {
            shared.common.requests.open(request, host.now());
            shared.common.wake.notify_one();
        }
        self.departure
    }
}

/// What is to happen once the writes of a call are durable.
pub(crate) struct Departure {
    stanzas: Vec<Outgoing>,
    removals: Vec<Jid>,
    deletes: Vec<Write>,
    chain: Chain,
    job: Job,
}

/// What is left to do once the stanzas of a call are queued.
pub(crate) struct Rest {
    written: Option<Written>,
    /// Whether a stanza was for one session only, so that deletes must wait for it.
    delivers: bool,
    deletes: Vec<Write>,
    _job: Job,
}

impl Departure {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.stanzas.is_empty() && self.removals.is_empty() && self.deletes.is_empty()
    }

    /// Remove accounts, before anybody hears of it.
    async fn remove_accounts(&self, host: &dyn Host) -> Result<(), Failure> {
        for account in &self.removals {
            match host.remove_account(account).await {
                // Somebody else was faster.
                Ok(()) | Err(AccountError::NotFound) => {}
                Err(error) => {
                    tracing::warn!(%account, ?error, "an account could not be removed");
                    return Err(Failure::Storage(Error::Unavailable(
                        "an account could not be removed".into(),
                    )));
                }
            }
        }
        Ok(())
    }

    /// Let stanzas leave, and the sessions of removed accounts end after them.
    pub async fn leave(self, host: &dyn Host, shared: &Shared, ahead: Option<&Jid>) -> Rest {
        let Departure { stanzas, removals, deletes, chain, job } = self;
        let delivers = stanzas.iter().any(|stanza| matches!(stanza, Outgoing::Deliver { .. }));
        let written = if stanzas.is_empty() {
            None
        } else {
            add(&shared.counters.sends, stanzas.len() as u64);
            Some(chain.follow(host.send(stanzas, ahead)).await)
        };
        removals.iter().for_each(|account| host.end_removed(account));
        Rest { written, delivers, deletes, _job: job }
    }

    /// Leave, and finish without making the caller wait for anybody's stream.
    pub async fn leave_aside(self, host: Arc<dyn Host>, shared: Arc<Shared>) {
        if !self.is_empty() {
            let rest = self.leave(&*host, &shared, None).await;
            rest.finish_aside(host, shared).await;
        }
    }
}

impl Rest {
    /// Whether anything is to be deleted.
    pub fn has_deletes(&self) -> bool {
        !self.deletes.is_empty()
    }

    /// Deletes that must wait for a stream do so in a task of their own.
    async fn finish_aside(self, host: Arc<dyn Host>, shared: Arc<Shared>) {
        if self.deletes.is_empty() {
            return;
        }
        if self.delivers {
            let deletion = shared.common.deletions.begin();
            tokio::spawn(async move {
                self.finish(host, shared).await;
                drop(deletion);
            });
        } else {
            delete(self.deletes, &*host, &shared).await;
        }
    }

    /// Wait until the stanzas are written, then delete. `false` if one never will be: then the
    /// deletes are not made. What clients are to acknowledge is not waited for: the deletes are made then,
    /// and `false` says that calls would still see what is to be deleted.
    pub async fn finish(self, host: Arc<dyn Host>, shared: Arc<Shared>) -> bool {
        let _deletion = self.has_deletes().then(|| shared.common.deletions.begin());
        let Some(written) = self.written else { return delete(self.deletes, &*host, &shared).await };
        match written.all().await {
            Fate::Lost => false,
            Fate::Done => delete(self.deletes, &*host, &shared).await,
            Fate::Open(_) if self.deletes.is_empty() => true,
            Fate::Open(promise) => delete_later(promise, self.deletes, host, shared),
        }
    }
}

async fn delete(deletes: Vec<Write>, host: &dyn Host, shared: &Shared) -> bool {
    if deletes.is_empty() {
        return true;
    }
    match host.storage().commit(Batch { writes: deletes }).await {
        Ok(_) => true,
        Err(error) => {
            error.log(format_args!("deletes of {} were not made; the work will be repeated", shared.name));
            false
        }
    }
}

/// Make deletes once a promise has been kept, in a task of their own. Answers whether calls see from now on
/// what they will find then.
fn delete_later(promise: Promise, deletes: Vec<Write>, host: Arc<dyn Host>, shared: Arc<Shared>) -> bool {
    let common = shared.common.clone();
    let number = common.pending.number();
    let (lost, hold) = (promise.loss(), promise.hold());
    let hidden = deletes.iter().all(|write| owner(write).is_some());
    deletes.iter().for_each(|write| common.pending.add(number, write, &lost, hold.as_ref()));
    let deletion = common.deletions.begin();
    tokio::spawn(async move {
        if promise.kept().await {
            delete(deletes.clone(), &*host, &shared).await;
        }
        deletes.iter().for_each(|write| common.pending.remove(number, write));
        drop(deletion);
    });
    hidden
}
