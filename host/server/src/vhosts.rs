//! The virtual hosts of the server: added, changed and removed while it runs.
//!
//! What the storage keeps of one is what differs from the config file, or from the defaults where the file does
//! not have it.

use crate::server::Server;
use crate::session::Session;
use crate::vhost::{Vhost, prepare};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use waxwing_config::{Settings, VhostSettings, vhost_domain};
use waxwing_plugins::Authority;
use waxwing_storage::{AccountSummary, Batch, Error as StorageError, Storage, Write};
use waxwing_xmpp::{Jid, StreamCondition, StreamError, rfc6122_domain};

const FOR_OTHERS: &str = "owner: only an administrator of the server adds a domain for somebody else";
const LEFT: &str = "The domain has been served here before, and its accounts are still there: ask an \
    administrator of the server to add it, or to erase them";

/// The virtual hosts by domain.
pub(crate) type Vhosts = HashMap<Box<str>, Arc<Vhost>>;

/// Why a virtual host could not be added, changed or removed.
#[derive(Debug, thiserror::Error)]
pub enum VhostError {
    /// The sentence says what is wrong, or who may do it.
    #[error("{0}")]
    Invalid(String),
    /// Accounts that are to be erased have rights over other domains, which whoever asks has not.
    #[error(
        "not erased, because only somebody with the rights of these accounts may do that: {}",
        .0.iter().map(Jid::as_str).collect::<Vec<_>>().join(", ")
    )]
    Above(Vec<Jid>),
    /// There is such a virtual host.
    #[error("the domain is served already")]
    Exists,
    /// There is none.
    #[error("the domain is not served here")]
    NotFound,
    /// It is in the config file, and comes from there.
    #[error(
        "the domain is in the config file: take it out there and start the server again, or switch it off"
    )]
    InFile,
    /// It could not be kept.
    #[error(transparent)]
    Storage(#[from] waxwing_storage::Error),
}

impl Server {
    /// The virtual host with this domain.
    pub fn vhost(&self, domain: &str) -> Option<Arc<Vhost>> {
        self.vhosts.load().get(domain).cloned()
    }

    /// All virtual hosts, in order of their domains.
    pub fn vhosts(&self) -> Vec<Arc<Vhost>> {
        let sorted: BTreeMap<_, _> = self.vhosts.load().iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        sorted.into_values().collect()
    }

    /// Whether this is the domain of a virtual host, be it switched off.
    pub(crate) fn is_local(&self, domain: &str) -> bool {
        self.vhosts.load().contains_key(domain)
    }

    /// Whether this is the domain of a virtual host that is switched on: stanzas for any other go elsewhere.
    pub(crate) fn is_served(&self, domain: &str) -> bool {
        self.vhosts.load().get(domain).is_some_and(|vhost| vhost.enabled())
    }

    /// Serve one more domain, from now on and after every restart. `changes` are settings that are not the
    /// default ones, by key, as text.
    pub async fn add_vhost(&self, domain: &str, changes: &[(String, String)]) -> Result<(), VhostError> {
        self.add_vhost_by(None, domain, changes).await
    }

    /// Serve one more domain because a user wants it, or the operator. Whoever is no administrator of the server must
    /// be its owner, and may not come to accounts that were left when it was served before.
    pub(crate) async fn add_vhost_by(
        &self,
        user: Option<&Jid>,
        domain: &str,
        changes: &[(String, String)],
    ) -> Result<(), VhostError> {
        let jid = vhost_domain(domain).map_err(VhostError::Invalid)?;
        let _turn = self.vhosts_turn.acquire().await;
        if self.is_local(jid.domain()) {
            return Err(VhostError::Exists);
        }
        let older = rfc6122_domain(jid.domain());
        if let Some(other) = self.vhosts().iter().find(|other| rfc6122_domain(other.domain()) == older) {
            return Err(VhostError::Invalid(format!(
                "{jid} and {other}, which is served here, are one domain to software that follows RFC 6122"
            )));
        }
        let vhost = Vhost::new(&VhostSettings::new(jid.domain()), false, &self.settings)
            .map_err(VhostError::Invalid)?;
        let settings = self.with_changes(&vhost, changes)?;
        let tenant = user.filter(|user| !self.is_admin(user));
        if let Some(tenant) = tenant {
            self.check_tenant(tenant, &settings).await?;
        }
        let authority = if tenant.is_some() { Authority::Owner } else { Authority::Server };
        let before = vhost.settings();
        self.check_change(authority, &before, &settings).map_err(VhostError::Invalid)?;
        self.keep_vhost(&vhost, settings).await?;
        let vhost = Arc::new(vhost);
        self.vhosts.rcu(|vhosts| {
            let mut vhosts = HashMap::clone(vhosts);
            vhosts.insert(vhost.domain().into(), vhost.clone());
            vhosts
        });
        tracing::info!(domain = vhost.domain(), "virtual host added");
        self.vhosts_have_changed().await;
        Ok(())
    }

    /// Check that somebody who is no administrator of the server may have a domain that is not served yet.
    async fn check_tenant(&self, tenant: &Jid, settings: &VhostSettings) -> Result<(), VhostError> {
        let domain = settings.domain.as_str();
        if settings.owner.as_deref() != Some(tenant.bare_str()) {
            return Err(VhostError::Invalid(FOR_OTHERS.to_owned()));
        }
        if !domain.contains('.') {
            return Err(VhostError::Invalid(format!(
                "{domain} has no dot in it: only an administrator of the server adds such a name"
            )));
        }
        // Whoever has a domain decides about the names below it.
        let is_below = |other: &str| other.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
        let is_foreign = |other: &str| self.authority_over(tenant, other) < Authority::Owner;
        let mut others = self.vhosts().into_iter().filter(|other| is_below(other.domain()));
        if let Some(other) = others.find(|other| is_foreign(other.domain())) {
            let why = format!("{}, which is somebody else's, is below {domain}", other.domain());
            return Err(VhostError::Invalid(why));
        }
        match self.storage.count_accounts(domain).await? {
            0 => Ok(()),
            _ => Err(VhostError::Invalid(LEFT.to_owned())),
        }
    }

    /// Change settings of a virtual host, by key, as text. Its sessions end if it is switched off.
    pub async fn change_vhost(&self, domain: &str, changes: &[(String, String)]) -> Result<(), VhostError> {
        self.change_vhost_by(None, domain, changes).await
    }

    /// Change settings of a virtual host because a user wants it, or the operator.
    pub(crate) async fn change_vhost_by(
        &self,
        user: Option<&Jid>,
        domain: &str,
        changes: &[(String, String)],
    ) -> Result<(), VhostError> {
        let _turn = self.vhosts_turn.acquire().await;
        let vhost = self.vhost(domain).ok_or(VhostError::NotFound)?;
        let settings = self.with_changes(&vhost, changes)?;
        let authority = user.map_or(Authority::Server, |user| self.authority_over(user, domain));
        let before = vhost.settings();
        self.check_change(authority, &before, &settings).map_err(VhostError::Invalid)?;
        self.keep_vhost(&vhost, settings).await?;
        tracing::info!(domain, "virtual host changed");
        self.vhosts_have_changed().await;
        if !vhost.enabled() {
            self.end_sessions_of(domain);
            return Ok(());
        }
        if before.anonymous && !vhost.anonymous() {
            self.end_guests_of(domain);
        }
        self.cut_off(vhost, before);
        Ok(())
    }

    /// Serve a domain no longer. Its sessions end with `host-gone`. Its accounts stay for the day it comes back,
    /// unless they are to be erased.
    pub async fn remove_vhost(&self, domain: &str, erase: bool) -> Result<(), VhostError> {
        self.remove_vhost_by(None, domain, erase).await
    }

    /// Serve a domain no longer because a user wants it, or the operator. A user erases nobody whose account he could
    /// not remove alone.
    pub(crate) async fn remove_vhost_by(
        &self,
        user: Option<&Jid>,
        domain: &str,
        erase: bool,
    ) -> Result<(), VhostError> {
        let _turn = self.vhosts_turn.acquire().await;
        let vhost = self.vhost(domain).ok_or(VhostError::NotFound)?;
        if vhost.in_file {
            return Err(VhostError::InFile);
        }
        if let Some(user) = user.filter(|_| erase) {
            let mut above = Vec::new();
            for account in self.above(user, domain) {
                if self.is_account(&account).await? {
                    above.push(account);
                }
            }
            if !above.is_empty() {
                return Err(VhostError::Above(above));
            }
        }
        // Nobody comes in meanwhile. If the server dies in the middle, the domain is still there to be removed.
        let settings = self.with_changes(&vhost, &[("enabled".to_owned(), "false".to_owned())])?;
        self.keep_vhost(&vhost, settings).await?;
        for session in self.end_sessions_of(domain) {
            // While the domain is there, so that others hear of it as of any end.
            self.finish(&session).await;
        }
        if erase {
            self.erase_accounts(domain).await?;
        }
        self.storage.commit(Batch::one(Write::RemoveVhost(domain.to_owned()))).await?;
        self.vhosts.rcu(|vhosts| {
            let mut vhosts = HashMap::clone(vhosts);
            vhosts.remove(domain);
            vhosts
        });
        tracing::info!(domain, "virtual host removed");
        self.vhosts_have_changed().await;
        Ok(())
    }

    /// The settings of the virtual hosts without this account's rights over them, for an account that is to be removed:
    /// whoever gets its name next is not to get them with it.
    pub(crate) fn released_by(&self, account: &Jid) -> Vec<(Arc<Vhost>, VhostSettings)> {
        let account = account.as_str();
        let mut released = Vec::new();
        for vhost in self.vhosts() {
            let mut settings = VhostSettings::clone(&vhost.settings());
            let owned = settings.owner.take_if(|owner| owner == account).is_some();
            let helpers = settings.admins.len();
            settings.admins.retain(|admin| admin != account);
            if owned || settings.admins.len() < helpers {
                released.push((vhost, settings));
            }
        }
        released
    }

    /// Settings laid over those of a virtual host, and checked.
    fn with_changes(&self, vhost: &Vhost, changes: &[(String, String)]) -> Result<VhostSettings, VhostError> {
        let mut settings = VhostSettings::clone(&vhost.settings());
        for (key, text) in changes {
            settings.set(key, text).map_err(VhostError::Invalid)?;
        }
        prepare(&mut settings).map_err(VhostError::Invalid)?;
        self.check_client_ca(&settings).map_err(VhostError::Invalid)?;
        self.check_names(&vhost.settings(), &settings).map_err(VhostError::Invalid)?;
        Ok(settings)
    }

    /// Settings of a virtual host stored, and in effect.
    async fn keep_vhost(&self, vhost: &Vhost, settings: VhostSettings) -> Result<(), VhostError> {
        self.storage.commit(Batch::one(Write::PutVhost(vhost.stored(&settings)))).await?;
        vhost.change(settings);
        Ok(())
    }

    /// Check what nobody but the network side can.
    fn check_client_ca(&self, settings: &VhostSettings) -> Result<(), String> {
        match self.certificates.get() {
            Some(store) if !settings.client_ca.is_empty() => {
                store.check_client_ca(&settings.client_ca).map_err(|why| format!("client-ca: {why}"))
            }
            _ => Ok(()),
        }
    }

    /// Check what is named anew: a port that clients come in through, plugins that are there.
    fn check_names(&self, before: &VhostSettings, settings: &VhostSettings) -> Result<(), String> {
        if settings.c2s_ports != before.c2s_ports {
            self.settings.c2s.check_ports(&settings.c2s_ports).map_err(|why| format!("c2s-ports: {why}"))?;
        }
        match self.unknown_plugins(settings).find(|name| !before.without_plugins.contains(name)) {
            Some(name) => Err(format!("without-plugins: there is no plugin '{name}'")),
            None => Ok(()),
        }
    }

    /// Plugins that a virtual host does without, and that do not run anyway.
    fn unknown_plugins<'a>(&self, settings: &'a VhostSettings) -> impl Iterator<Item = &'a String> {
        let running = self.engine.get().map(|engine| engine.plugins());
        let is_unknown = move |name: &&String| {
            running.as_ref().is_some_and(|running| running.iter().all(|plugin| plugin.name != **name))
        };
        settings.without_plugins.iter().filter(is_unknown)
    }

    /// Warn of plugins that virtual hosts do without, and that are not there: perhaps another was meant.
    pub(crate) fn warn_of_unknown_plugins(&self) {
        for vhost in self.vhosts() {
            for plugin in self.unknown_plugins(&vhost.settings()) {
                tracing::warn!(domain = vhost.domain(), "without-plugins: there is no plugin '{plugin}'");
            }
        }
    }

    async fn vhosts_have_changed(&self) {
        self.leave_out_plugins();
        if let Some(certificates) = self.certificates.get() {
            certificates.vhosts_changed().await;
        }
    }

    /// Tell the engine which plugins virtual hosts do without.
    pub(crate) fn leave_out_plugins(&self) {
        let Some(engine) = self.engine.get() else { return };
        let vhosts = self.vhosts();
        let left_out = vhosts.iter().filter_map(|vhost| {
            let without: BTreeSet<String> = vhost.settings().without_plugins.iter().cloned().collect();
            (!without.is_empty()).then(|| (vhost.domain().into(), without))
        });
        engine.leave_out(left_out.collect());
    }

    /// End all sessions of a domain: it is served no longer (RFC 6120, section 4.9.3.5).
    fn end_sessions_of(&self, domain: &str) -> Vec<Arc<Session>> {
        let mut sessions = self.directory.all_sessions();
        sessions.retain(|session| session.jid.domain() == domain);
        for session in &sessions {
            session.end(StreamError::new(StreamCondition::HostGone));
        }
        sessions
    }

    async fn erase_accounts(&self, domain: &str) -> Result<(), VhostError> {
        /// Accounts read at a time.
        const PAGE: u32 = 256;
        loop {
            let page = self.storage.accounts(domain, None, PAGE).await?;
            if page.is_empty() {
                return Ok(());
            }
            for AccountSummary { jid: account, .. } in page {
                let erased = self.erase_account(&account).await;
                erased.map_err(|why| VhostError::Storage(StorageError::Unavailable(why.to_string())))?;
            }
        }
    }
}

/// Why the virtual hosts are not known.
#[derive(Debug, thiserror::Error)]
pub enum VhostsError {
    /// A setting of one in the config file is wrong; the sentence says of which, and how.
    #[error("virtual-hosts: {0}")]
    Settings(String),
    /// Those that were added while the server ran cannot be read.
    #[error(transparent)]
    Storage(#[from] waxwing_storage::Error),
}

/// Those of the settings and of the storage.
pub(crate) async fn load(settings: &Settings, storage: &dyn Storage) -> Result<Vhosts, VhostsError> {
    let mut vhosts = Vhosts::new();
    for configured in &settings.vhosts {
        let vhost = Vhost::new(configured, true, settings).map_err(VhostsError::Settings)?;
        vhosts.insert(vhost.domain().into(), Arc::new(vhost));
    }
    for stored in storage.vhosts().await? {
        let domain = &stored.domain;
        let known = vhosts.get(domain.as_str()).cloned();
        let added = || Vhost::new(&VhostSettings::new(domain), false, settings).map(Arc::new);
        let vhost = match known.map_or_else(added, Ok) {
            Ok(vhost) => vhost,
            Err(reason) => {
                tracing::error!(domain, "left out a stored virtual host: {reason}");
                continue;
            }
        };
        let mut own = VhostSettings::clone(&vhost.settings());
        own.enabled = stored.enabled;
        let mut as_stored = own.clone();
        for (key, text) in &stored.settings {
            if let Err(reason) = as_stored.set(key, text) {
                tracing::error!(domain, "left out a stored setting of a virtual host: {reason}");
            }
        }
        // Addresses in them may have been spelt by an earlier release.
        match prepare(&mut as_stored) {
            Ok(()) => own = as_stored,
            Err(reason) => {
                tracing::error!(domain, "left out the stored settings of a virtual host: {reason}")
            }
        }
        vhost.change(own);
        vhosts.insert(vhost.domain().into(), vhost);
    }
    Ok(vhosts)
}

#[cfg(test)]
mod tests;
