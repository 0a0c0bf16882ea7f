//! What the engine needs from the server around it. The server implements this; the engine knows
//! nothing else of it.

pub(crate) mod account_data;
pub(crate) mod admin;
pub(crate) mod hold;

use crate::host::account_data::AccountData;
use crate::host::admin::{AdminAnswer, AdminRequest, Authority};
use crate::host::hold::Hold;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use waxwing_storage::{Result, Storage};
use waxwing_xmpp::{Jid, Stanza};

/// A stanza in a plugin's outbox.
#[derive(Clone, Debug)]
pub enum Outgoing {
    /// To be routed by its `to`.
    Route(Stanza),
    /// For exactly this session, or for nobody.
    Deliver {
        /// A full JID.
        session: Jid,
        /// What goes to it.
        stanza: Stanza,
    },
}

/// A bound resource as plugins see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    /// Its full JID.
    pub jid: Jid,
    /// Meaningless unless `available`.
    pub priority: i8,
    /// Whether it has sent available presence.
    pub available: bool,
    /// Bit `n` is mark number `n`.
    pub marks: u64,
}

/// Why the server refused to change an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountError {
    /// The account is taken.
    Exists,
    /// There is no such account.
    NotFound,
    /// The virtual host does not allow it, or the name is not to be had.
    NotAllowed,
    /// The virtual host has as many accounts as it may have.
    Full,
    /// An address or password that cannot be used.
    Invalid,
    /// The storage cannot answer now.
    Unavailable,
}

/// What `owner`'s roster says of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subscription {
    /// Neither sees the other's presence.
    None,
    /// The owner sees the contact's presence.
    To,
    /// The contact sees the owner's presence.
    From,
    /// Both see each other's.
    Both,
}

/// A contact of a roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Its bare JID.
    pub jid: Jid,
    /// What the owner calls it.
    pub name: Option<String>,
    /// Who sees whose presence.
    pub subscription: Subscription,
    /// In order.
    pub groups: Vec<String>,
}

/// The server, as the engine sees it. All that plugins learn of the world comes from here, so that a
/// recording of its answers is enough to run a call again.
pub trait Host: Send + Sync + 'static {
    /// Milliseconds since the Unix epoch.
    fn now(&self) -> u64;

    /// When the server was started, in milliseconds since the Unix epoch.
    fn started(&self) -> u64;

    /// Fill with unpredictable bytes; `false` if the system has none.
    fn random(&self, bytes: &mut [u8]) -> bool;

    /// Where plugins' data is kept.
    fn storage(&self) -> &dyn Storage;

    /// Whether this is the domain of a virtual host here.
    fn is_local(&self, domain: &str) -> bool;

    /// A setting of a virtual host that plugins may know, as text.
    fn vhost_setting(&self, domain: &str, name: &str) -> Option<String>;

    /// Whether a virtual host announces this feature.
    fn has_feature(&self, domain: &str, feature: &str) -> bool;

    /// Every bound resource of an account.
    fn sessions(&self, account: &Jid) -> BoxFuture<'_, Vec<SessionInfo>>;

    /// What plugins keep for an account, while it has sessions.
    fn account_data(&self, account: &Jid) -> Option<Arc<AccountData>>;

    /// Set or clear marks of a session; `false` if there is no such session.
    fn set_mark(&self, session: &Jid, mark: u8, on: bool) -> bool;

    /// Let stanzas leave, in order. `ahead` names a session that is being held back and whose
    /// stanzas here go before everything held. Returns once all stanzas are queued; the answer
    /// tells whether every `Deliver` was written to its stream or, where the client acknowledges stanzas,
    /// acknowledged.
    fn send<'a>(&'a self, stanzas: Vec<Outgoing>, ahead: Option<&'a Jid>) -> BoxFuture<'a, Written>;

    /// Whether this is somebody who has no account but a session (XEP-0175). Nothing is kept for them.
    fn is_anonymous(&self, _account: &Jid) -> bool {
        false
    }

    /// Whether there is an account of this bare JID, be it an anonymous one.
    ///
    /// # Errors
    /// When the storage cannot say now.
    fn account_exists<'a>(&'a self, account: &'a Jid) -> BoxFuture<'a, Result<bool>>;

    /// What `owner`'s roster says of `contact`; both are bare JIDs.
    fn subscription<'a>(&'a self, owner: &'a Jid, contact: &'a Jid) -> BoxFuture<'a, Result<Subscription>>;

    /// Up to `limit` contacts of `owner`'s roster after `after`, in order of their addresses.
    fn contacts<'a>(
        &'a self,
        owner: &'a Jid,
        after: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Contact>>>;

    /// Make an account; `by_admin`, or because its future owner asks for it.
    fn create_account<'a>(
        &'a self,
        account: &'a Jid,
        password: &'a str,
        by_admin: bool,
    ) -> BoxFuture<'a, std::result::Result<(), AccountError>>;

    /// Give an account another password.
    fn set_password<'a>(
        &'a self,
        account: &'a Jid,
        password: &'a str,
    ) -> BoxFuture<'a, std::result::Result<(), AccountError>>;

    /// Remove an account with all that it owns. Its sessions hear what is said to them until
    /// [`Host::end_removed`], but no more is heard of them.
    fn remove_account<'a>(&'a self, account: &'a Jid)
    -> BoxFuture<'a, std::result::Result<(), AccountError>>;

    /// Close the sessions of an account that has been removed, once what is queued for them is written.
    fn end_removed(&self, account: &Jid);

    /// What a user may do with a virtual host.
    fn authority(&self, user: &Jid, domain: &str) -> Authority;

    /// Whether a user may manage an account: its domain, and everything that the account has rights over.
    fn may_manage(&self, user: &Jid, account: &Jid) -> bool;

    /// Administer the server. Only of changes to virtual hosts, which name their user, is checked here who may do what.
    fn admin(&self, request: AdminRequest) -> BoxFuture<'_, AdminAnswer>;
}

/// What becomes of stanzas that have been queued.
pub struct Written(BoxFuture<'static, Fate>);

/// What has become of stanzas that were queued.
pub enum Fate {
    /// One of them will never be written.
    Lost,
    /// All are with their clients, as far as can be known.
    Done,
    /// All are with sessions that keep them until their clients acknowledge them (XEP-0198).
    Open(Promise),
}

/// What clients are still to acknowledge.
pub struct Promise {
    lost: Arc<AtomicBool>,
    hold: Arc<OnceLock<Arc<Hold>>>,
    kept: BoxFuture<'static, bool>,
}

impl Written {
    /// `answer` resolves to `true` once all stanzas are written, to `false` when one never will be.
    pub fn new(answer: impl Future<Output = bool> + Send + 'static) -> Self {
        Self(Box::pin(async { if answer.await { Fate::Done } else { Fate::Lost } }))
    }

    /// `accepted` resolves to `true` once no stanza can get lost unnoticed any more, and then the rest is
    /// the promise.
    pub fn promised(accepted: impl Future<Output = bool> + Send + 'static, promise: Promise) -> Self {
        Self(Box::pin(async {
            if !accepted.await {
                return Fate::Lost;
            }
            let Promise { lost, hold, mut kept } = promise;
            match kept.as_mut().now_or_never() {
                Some(true) => Fate::Done,
                Some(false) => Fate::Lost,
                None => Fate::Open(Promise { lost, hold, kept }),
            }
        }))
    }

    /// Wait until all are written or safe with their sessions, or one never will be.
    pub async fn all(self) -> Fate {
        self.0.await
    }
}

impl Promise {
    /// `kept` resolves to `true` once all stanzas are acknowledged, to `false` when one never will be;
    /// `lost` is set before that. `hold` is of a session that has them.
    pub fn new(
        lost: Arc<AtomicBool>,
        hold: Arc<OnceLock<Arc<Hold>>>,
        kept: impl Future<Output = bool> + Send + 'static,
    ) -> Self {
        Self { lost, hold, kept: Box::pin(kept) }
    }

    /// The hold of a session that has the stanzas.
    pub fn hold(&self) -> Option<Arc<Hold>> {
        self.hold.get().cloned()
    }

    /// Whether it is known already that it will not be kept.
    pub fn loss(&self) -> Arc<AtomicBool> {
        self.lost.clone()
    }

    /// Wait until it is known.
    pub async fn kept(self) -> bool {
        self.kept.await
    }
}
