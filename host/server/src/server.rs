//! The server: what all its sessions share, and how sessions begin and end.

use crate::access_list::AccessLists;
use crate::anonymous::{Guest, Guests};
use crate::certificates::CertificateStore;
use crate::clock::Clock;
use crate::directory::{AddError, Directory};
use crate::known_accounts::KnownAccounts;
use crate::process::ProcessControl;
use crate::session::{Held, Session};
use crate::vhosts::{Vhosts, VhostsError};
use arc_swap::ArcSwap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use tokio::time::timeout;
use waxwing_config::Settings;
use waxwing_plugins::{Change, Engine, PluginInfo, SessionEvents};
use waxwing_storage::{AccountSummary, Storage};
use waxwing_xmpp::{Condition, Jid, StanzaError, StreamCondition, StreamError};

/// Random bytes in a resource that the server chooses.
const RESOURCE_BYTES: usize = 9;

/// The core of the server.
pub struct Server {
    pub(crate) me: Weak<Server>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) directory: Directory,
    pub(crate) known_accounts: KnownAccounts,
    pub(crate) clock: Clock,
    /// Milliseconds since the Unix epoch.
    pub(crate) started: u64,
    pub(crate) engine: OnceLock<Arc<Engine>>,
    pub(crate) random: ring::rand::SystemRandom,
    /// From it come the keys shown to those who guess at accounts.
    pub(crate) decoy_secret: ring::hmac::Key,
    /// What virtual hosts tell of themselves.
    pub(crate) abouts: crate::disco::Abouts,
    /// The ad-hoc commands under way.
    pub(crate) command_sessions: crate::commands::Sessions,
    pub(crate) departed: crate::resumption::Departed,
    pub(crate) vhosts: ArcSwap<Vhosts>,
    /// Held while one is added, changed or removed, while accounts are removed, and while access lists change.
    pub(crate) vhosts_turn: tokio::sync::Semaphore,
    pub(crate) access_lists: ArcSwap<AccessLists>,
    pub(crate) certificates: OnceLock<Arc<dyn CertificateStore>>,
    pub(crate) process: OnceLock<Arc<dyn ProcessControl>>,
    pub(crate) resolver: crate::resolver::Resolver,
    pub(crate) guests: Arc<Guests>,
    /// Held while accounts are imported.
    pub(crate) importing: tokio::sync::Semaphore,
    next_session: AtomicU64,
    /// Messages of sessions that are ending, which are in no queue any more.
    pub(crate) leaving: AtomicUsize,
    pub(crate) stats: Stats,
}

/// Counters since the start.
#[derive(Default, Debug)]
pub struct Stats {
    /// Sessions bound.
    pub sessions_bound: AtomicU64,
    /// Sessions ended.
    pub sessions_ended: AtomicU64,
    /// Stanzas that entered from clients.
    pub stanzas_in: AtomicU64,
    /// Messages that had not been written, or not acknowledged, when their session ended, and were routed
    /// again.
    pub rerouted: AtomicU64,
    /// Those of them whose client acknowledges stanzas (XEP-0198).
    pub rerouted_unacknowledged: AtomicU64,
    /// Messages that waited for a session without a connection, or one that ended, and were stored meanwhile.
    pub stored_copies: AtomicU64,
    /// Sessions whose clients have asked to acknowledge stanzas.
    pub managed: AtomicU64,
    /// Sessions that went on with a new stream.
    pub resumed: AtomicU64,
    /// Sessions that could not.
    pub failed_resumptions: AtomicU64,
    /// Stanzas answered with an error.
    pub bounced: AtomicU64,
    /// Stanzas of clients without an account that had to wait.
    pub anonymous_stanzas_delayed: AtomicU64,
    /// Sessions refused to clients without an account, because there were enough from their address.
    pub anonymous_refused: AtomicU64,
    /// Fields of ad-hoc commands that were refused because they were too long.
    pub fields_too_long: AtomicU64,
    /// Stanzas whose sender was slowed down because those they were for did not keep up.
    pub slowed: AtomicU64,
    /// Stanzas sent back because the session that they were for had just ended for want of room.
    pub refused: AtomicU64,
    /// Sessions ended because more waited for them than may.
    pub ended_full: AtomicU64,
    /// Sessions ended because their clients did not read what waited for them.
    pub ended_unread: AtomicU64,
    /// Ad-hoc commands that were given up, unfinished, because others wanted their place.
    pub commands_given_up: AtomicU64,
}

impl Stats {
    /// How much has been let go of: it rises as long as a stop gets on.
    pub fn let_go(&self) -> u64 {
        let counters = [&self.sessions_ended, &self.stored_copies, &self.rerouted, &self.bounced];
        counters.iter().map(|counter| counter.load(Ordering::Relaxed)).sum()
    }
}

/// Why a resource could not be bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// To be answered with this error (RFC 6120, section 7.6.2 and 7.7.2).
    #[error("refused: {0:?}")]
    Refused(StanzaError),
}

impl Server {
    /// A server for the virtual hosts of the settings and of the storage.
    pub async fn new(settings: Arc<Settings>, storage: Arc<dyn Storage>) -> Result<Arc<Self>, VhostsError> {
        let vhosts = crate::vhosts::load(&settings, &*storage).await?;
        let access_lists = AccessLists::load(&*storage).await?;
        let random = ring::rand::SystemRandom::new();
        let decoy_secret = crate::credentials::decoy_secret(&*storage, &random).await?;
        Ok(Arc::new_cyclic(|me| Self {
            me: me.clone(),
            command_sessions: crate::commands::Sessions::new(&settings.limits),
            settings,
            storage,
            directory: Directory::new(),
            known_accounts: KnownAccounts::default(),
            started: Clock::default().now(),
            clock: Clock::default(),
            engine: OnceLock::new(),
            random,
            decoy_secret,
            abouts: crate::disco::Abouts::default(),
            departed: crate::resumption::Departed::default(),
            vhosts: ArcSwap::from_pointee(vhosts),
            vhosts_turn: tokio::sync::Semaphore::new(1),
            access_lists: ArcSwap::from_pointee(access_lists),
            certificates: OnceLock::new(),
            process: OnceLock::new(),
            resolver: crate::resolver::Resolver::default(),
            guests: Arc::default(),
            importing: tokio::sync::Semaphore::new(1),
            next_session: AtomicU64::new(1),
            leaving: AtomicUsize::new(0),
            stats: Stats::default(),
        }))
    }

    /// Give the server its plugins. Before this it has none; a second call has no effect.
    pub fn install_plugins(&self, engine: Arc<Engine>) {
        let _ = self.engine.set(engine);
        self.leave_out_plugins();
        self.warn_of_unknown_plugins();
    }

    /// Tell the server who keeps its certificates. A second call has no effect.
    pub fn install_certificates(&self, store: Arc<dyn CertificateStore>) {
        let _ = self.certificates.set(store);
    }

    /// Tell the server who can stop its process. A second call has no effect.
    pub fn install_process_control(&self, process: Arc<dyn ProcessControl>) {
        let _ = self.process.set(process);
    }

    /// The counters.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Put the clock that plugins see forward: for tests, which do not wait. What expires in the storage
    /// does so by the system's clock.
    pub fn advance_clock(&self, by: std::time::Duration) {
        self.clock.advance(by);
    }

    /// Up to `limit` accounts of a domain after `after`, in order.
    pub async fn accounts(
        &self,
        domain: &str,
        after: Option<&Jid>,
        limit: u32,
    ) -> Result<Vec<AccountSummary>, waxwing_storage::Error> {
        self.storage.accounts(domain, after, limit).await
    }

    /// The domains that have accounts in the database and are not served, in order.
    pub async fn unserved_domains(&self) -> Result<Vec<String>, waxwing_storage::Error> {
        let (mut unserved, mut last) = (Vec::new(), String::new());
        while let Some(domain) = self.storage.account_domain(&last).await? {
            if !self.is_local(&domain) {
                unserved.push(domain.clone());
            }
            last = domain;
        }
        Ok(unserved)
    }

    /// The plugin engine, once the server has its plugins.
    pub fn engine(&self) -> Option<&Arc<Engine>> {
        self.engine.get()
    }

    /// The plugins that run.
    pub fn plugins(&self) -> Vec<PluginInfo> {
        self.engine.get().map(|engine| engine.plugins()).unwrap_or_default()
    }

    /// Begin a session (RFC 6120, section 7). The resource is the client's wish or else chosen here.
    /// An older session with the same resource is ended with `conflict`.
    pub async fn bind(&self, account: &Jid, resource: Option<&str>) -> Result<Arc<Session>, BindError> {
        Box::pin(self.bind_as(account, resource, None)).await
    }

    /// Begin a session of somebody who has no account (XEP-0175), from a network of clients that are counted together. The
    /// address is one that nobody has.
    pub async fn bind_anonymous(
        &self,
        address: &Jid,
        resource: Option<&str>,
        network: Option<IpAddr>,
    ) -> Result<Arc<Session>, BindError> {
        let most = self.settings.limits.anonymous_per_address;
        let Some(guest) = self.guests.admit(address.clone(), network, most) else {
            self.stats.anonymous_refused.fetch_add(1, Ordering::Relaxed);
            let error = StanzaError::from(Condition::ResourceConstraint);
            let text = "there are enough clients without an account from your address";
            return Err(BindError::Refused(error.with_text(text)));
        };
        Box::pin(self.bind_as(address, resource, Some(guest))).await
    }

    async fn bind_as(
        &self,
        account: &Jid,
        resource: Option<&str>,
        mut guest: Option<Guest>,
    ) -> Result<Arc<Session>, BindError> {
        let anonymous = guest.is_some();
        let refuse = |condition| BindError::Refused(StanzaError::from(condition));
        let vhost = self.vhost(account.domain()).ok_or_else(|| refuse(Condition::NotAllowed))?;
        let jid = match resource {
            Some(wish) if !wish.is_empty() => {
                account.with_resource(wish).map_err(|_| refuse(Condition::BadRequest))?
            }
            _ => {
                let random = self.random_text(RESOURCE_BYTES);
                let jid = random.and_then(|random| account.with_resource(&random).ok());
                jid.ok_or_else(|| refuse(Condition::InternalServerError))?
            }
        };
        let limits = &self.settings.limits;
        let session = loop {
            let id = self.next_session.fetch_add(1, Ordering::Relaxed);
            let added = self.directory.add(&jid, limits.sessions_per_account as usize, &mut guest, |entry| {
                Session::new(id, jid.clone(), vhost.clone(), entry, limits, self.clock.now())
            });
            match added {
                Ok(session) => break session,
                // Clients that never come back are not to keep those out that do.
                Err(AddError::TooMany) => match self.oldest_asleep(account) {
                    Some(asleep) => {
                        asleep.end(StreamError::new(StreamCondition::ResourceConstraint));
                        self.finish(&asleep).await;
                    }
                    None => return Err(refuse(Condition::ResourceConstraint)),
                },
                Err(AddError::Taken(older)) => {
                    older.end(StreamError::new(StreamCondition::Conflict));
                    self.finish(&older).await;
                }
            }
        };
        self.stats.sessions_bound.fetch_add(1, Ordering::Relaxed);
        // The account may have been removed since the login, or the domain switched off; from here on whoever does
        // that finds the session.
        let served = self.vhost(account.domain()).is_some_and(|now| Arc::ptr_eq(&now, &vhost));
        // What a session needs at once is asked for together: one wait for a database on another machine.
        let (stored, (), ()) = tokio::join!(
            self.storage.account(account),
            self.load_account_data(&session),
            self.load_roster(&session)
        );
        let refusal = match stored {
            _ if !served || !vhost.enabled() => Some(Condition::NotAllowed),
            _ if session.account.is_anonymous() != anonymous => Some(Condition::NotAuthorized),
            Ok(Some(account)) if account.enabled && !anonymous => None,
            Ok(None) if anonymous && vhost.anonymous() => None,
            Ok(_) => Some(Condition::NotAuthorized),
            Err(_) => Some(Condition::ResourceConstraint),
        };
        if let Some(condition) = refusal {
            self.finish(&session).await;
            return Err(refuse(condition));
        }
        self.session_event(&session, Change::Bound, SessionEvents::BOUND, None).await;
        Ok(session)
    }

    /// Bring what plugins keep for an account into memory, before they can ask for it.
    async fn load_account_data(&self, session: &Session) {
        if !self.engine.get().is_some_and(|engine| engine.uses_account_data()) {
            return;
        }
        let account = &session.account;
        if let Err(error) = account.data().load(&*self.storage, account.jid.as_str()).await {
            // Until somebody else binds, plugins read from the storage.
            error.log(format_args!("the data that plugins keep of {} was not loaded", account.jid));
        }
    }

    /// Bring the roster into memory: nearly every client asks for it next, and presence needs it.
    async fn load_roster(&self, session: &Session) {
        if !session.account.is_anonymous() {
            // Whoever needs it tries again, and says what is wrong.
            let _ = self.roster_of(&session.account.jid).await;
        }
    }

    /// Text that nobody can guess, made of so many random bytes; `None` if the system has none.
    pub(crate) fn random_text(&self, bytes: usize) -> Option<String> {
        use base64::Engine as _;
        let mut random = vec![0; bytes];
        ring::rand::SecureRandom::fill(&self.random, &mut random).ok()?;
        Some(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random))
    }

    /// Tell plugins of a change, in the account's turn. Waits for that, but not for long: another session whose client
    /// reads slowly may have the turn. Messages of the session are `held` back until it is done.
    pub(crate) async fn session_event(
        &self,
        session: &Arc<Session>,
        change: Change,
        event: SessionEvents,
        held: Option<Held>,
    ) {
        let vhost = session.vhost.domain();
        let Some(engine) = self.engine.get().filter(|engine| engine.wants(vhost, event)) else { return };
        let (engine, session) = (engine.clone(), session.clone());
        let mut telling = Box::pin(async move {
            let _turn = session.account.turn().await;
            engine.session_event(&session.jid, change).await;
            drop(held);
        });
        // Polled here first, so that turns come in the order of the events.
        if timeout(self.settings.limits.sender_patience, &mut telling).await.is_err() {
            tokio::spawn(telling);
        }
    }

    /// How many sessions there are.
    pub fn session_count(&self) -> usize {
        self.directory.all_sessions().len()
    }
}
