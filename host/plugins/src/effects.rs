//! What a call wants done. Nothing of it happens before the call has returned, and nothing at all
//! if it fails.
//!
//! The order: writes commit as one batch, then marks are set, then stanzas leave, then accounts are
//! removed and deletes commit. A crash in between repeats work and never loses it.

use crate::call::Failure;
use crate::chain::Chain;
use crate::counters::add;
use crate::host::{Host, Outgoing, Written};
use crate::options::EngineOptions;
use crate::staged::{Quota, Staged};
use crate::state::Shared;
use std::sync::Arc;
use waxwing_storage::{Batch, Write};
use waxwing_xmpp::Jid;

/// The effects of one call.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub staged: Staged,
    pub outbox: Outbox,
    /// Session, number of the mark, on or off.
    pub marks: Vec<(Jid, u8, bool)>,
    /// Accounts to remove.
    pub removals: Vec<Jid>,
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
    pub fn push(&mut self, stanza: Outgoing, bytes: usize, options: &EngineOptions) -> Result<(), Full> {
        let bytes = self.bytes.saturating_add(bytes);
        if self.stanzas.len() >= options.outbox_stanzas || bytes > options.outbox_bytes {
            return Err(Full);
        }
        self.stanzas.push(stanza);
        self.bytes = bytes;
        Ok(())
    }
}

/// What is left to do once the stanzas of a call are queued.
pub(crate) struct Rest {
    written: Option<Written>,
    /// Whether a stanza was for one session only, so that deletes must wait for it.
    delivers: bool,
    deletes: Vec<Write>,
}

impl Effects {
    /// Whether the call has moved anything, so that calling again may be of use.
    pub fn makes_progress(&self) -> bool {
        !self.outbox.stanzas.is_empty() || !self.staged.is_empty()
    }

    /// Send a stanza of the host's own after those of the plugin.
    pub fn send_last(&mut self, stanza: Outgoing) {
        self.outbox.stanzas.push(stanza);
    }

    /// Let everything happen but the deletes. After an error, nothing has.
    pub async fn commit(
        self,
        host: &dyn Host,
        shared: &Shared,
        ahead: Option<&Jid>,
    ) -> Result<Rest, Failure> {
        let stanzas = self.outbox.stanzas;
        let chain = Chain::link(stanzas.len(), shared.options.outbox_stanzas)?;
        let (writes, deletes) = self.staged.into_writes();
        if !writes.is_empty() {
            host.storage().commit(Batch { writes }).await?;
        }
        for (session, mark, on) in &self.marks {
            // A session that has ended meanwhile needs no mark.
            host.set_mark(session, *mark, *on);
        }
        let delivers = stanzas.iter().any(|stanza| matches!(stanza, Outgoing::Deliver { .. }));
        let written = if stanzas.is_empty() {
            None
        } else {
            add(&shared.counters.sends, stanzas.len() as u64);
            Some(chain.follow(host.send(stanzas, ahead)).await)
        };
        for account in &self.removals {
            if let Err(error) = host.remove_account(account).await {
                tracing::warn!(plugin = %shared.name, %account, ?error, "an account could not be removed");
            }
        }
        Ok(Rest { written, delivers, deletes })
    }
}

impl Rest {
    /// Whether anything is to be deleted.
    pub fn has_deletes(&self) -> bool {
        !self.deletes.is_empty()
    }

    /// Finish without making the caller wait for anybody's stream: deletes that must wait do so
    /// in a task of their own.
    pub async fn finish_aside(self, host: Arc<dyn Host>, shared: Arc<Shared>) {
        if self.deletes.is_empty() {
            return;
        }
        if self.delivers {
            tokio::spawn(async move { self.finish(&*host, &shared).await });
        } else {
            delete(self.deletes, &*host, &shared).await;
        }
    }

    /// Wait until the stanzas are written, then delete. `false` if one never will be: then the
    /// deletes are not made.
    pub async fn finish(self, host: &dyn Host, shared: &Shared) -> bool {
        if let Some(written) = self.written
            && !written.all().await
        {
            return false;
        }
        delete(self.deletes, host, shared).await
    }
}

async fn delete(deletes: Vec<Write>, host: &dyn Host, shared: &Shared) -> bool {
    if deletes.is_empty() {
        return true;
    }
    match host.storage().commit(Batch { writes: deletes }).await {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(plugin = %shared.name, %error, "deletes were not made; the work will be repeated");
            false
        }
    }
}

impl Quota {
    /// How much one call may change.
    pub fn of(options: &EngineOptions) -> Quota {
        Quota { count: options.writes, bytes: options.write_bytes }
    }
}
