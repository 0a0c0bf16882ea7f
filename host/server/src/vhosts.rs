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
use waxwing_storage::{AccountSummary, Batch, Storage, Vhost as Stored, Write};
use waxwing_xmpp::{Jid, StreamCondition, StreamError, rfc6122_domain};

/// The virtual hosts by domain.
pub(crate) type Vhosts = HashMap<Box<str>, Arc<Vhost>>;

/// Why a virtual host could not be added, changed or removed.
#[derive(Debug, thiserror::Error)]
pub enum VhostError {
    /// The sentence says what is wrong.
    #[error("{0}")]
    Invalid(String),
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

    pub(crate) fn is_local(&self, domain: &str) -> bool {
        self.vhosts.load().contains_key(domain)
    }

    /// Serve one more domain, from now on and after every restart. `changes` are settings that are not the
    /// default ones, by key, as text.
    pub async fn add_vhost(&self, domain: &str, changes: &[(String, String)]) -> Result<(), VhostError> {
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
        let vhost = Vhost::new(&VhostSettings::new(jid.domain()), false).map_err(VhostError::Invalid)?;
        self.keep_vhost(&vhost, changes).await?;
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

    /// Change settings of a virtual host, by key, as text. Its sessions end if it is switched off.
    pub async fn change_vhost(&self, domain: &str, changes: &[(String, String)]) -> Result<(), VhostError> {
        let _turn = self.vhosts_turn.acquire().await;
        let vhost = self.vhost(domain).ok_or(VhostError::NotFound)?;
        self.keep_vhost(&vhost, changes).await?;
        tracing::info!(domain, "virtual host changed");
        self.vhosts_have_changed().await;
        if !vhost.enabled() {
            self.end_sessions_of(domain);
        }
        Ok(())
    }

    /// Serve a domain no longer. Its sessions end with `host-gone`. Its accounts stay for the day it comes back,
    /// unless they are to be erased.
    pub async fn remove_vhost(&self, domain: &str, erase: bool) -> Result<(), VhostError> {
        let _turn = self.vhosts_turn.acquire().await;
        let vhost = self.vhost(domain).ok_or(VhostError::NotFound)?;
        if vhost.in_file {
            return Err(VhostError::InFile);
        }
        // Nobody comes in meanwhile. If the server dies in the middle, the domain is still there to be removed.
        self.keep_vhost(&vhost, &[("enabled".to_owned(), "false".to_owned())]).await?;
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

    /// Take its virtual hosts from an account that is to be removed, or whoever gets its name next would get them with
    /// it. They go first: there is no moment at which the name is free and has rights.
    pub(crate) async fn release_vhosts_of(&self, account: &Jid) -> Result<(), VhostError> {
        let _turn = self.vhosts_turn.acquire().await;
        self.release_in_turn(account).await
    }

    async fn release_in_turn(&self, account: &Jid) -> Result<(), VhostError> {
        let account = account.as_str();
        for vhost in self.vhosts() {
            let settings = vhost.settings();
            let mut changes = Vec::new();
            if settings.owner.as_deref() == Some(account) {
                changes.push(("owner".to_owned(), String::new()));
            }
            if settings.admins.iter().any(|admin| admin == account) {
                let others: Vec<_> =
                    settings.admins.iter().map(String::as_str).filter(|admin| *admin != account).collect();
                changes.push(("admins".to_owned(), others.join(", ")));
            }
            if !changes.is_empty() {
                self.keep_vhost(&vhost, &changes).await?;
                tracing::info!(domain = vhost.domain(), account, "virtual host released");
            }
        }
        Ok(())
    }

    /// Settings laid over those of a virtual host: checked, stored, and in effect.
    async fn keep_vhost(&self, vhost: &Vhost, changes: &[(String, String)]) -> Result<(), VhostError> {
        let mut settings = VhostSettings::clone(&vhost.settings());
        for (key, text) in changes {
            settings.set(key, text).map_err(VhostError::Invalid)?;
        }
        prepare(&mut settings).map_err(VhostError::Invalid)?;
        self.check_client_ca(&settings).map_err(VhostError::Invalid)?;
        let differing = VhostSettings::KEYS.iter().filter_map(|key| {
            let text = settings.text(key)?;
            (Some(&text) != vhost.file.text(key).as_ref()).then(|| (key.to_string(), text))
        });
        let stored = Stored {
            domain: vhost.domain().to_owned(),
            enabled: settings.enabled,
            settings: differing.collect(),
        };
        self.storage.commit(Batch::one(Write::PutVhost(stored))).await?;
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
                self.release_in_turn(&account).await?;
                self.erase_account(&account).await.map_err(|why| VhostError::Invalid(why.to_string()))?;
            }
        }
    }
}

/// Those of the settings and of the storage.
pub(crate) async fn load(
    settings: &Settings,
    storage: &dyn Storage,
) -> Result<Vhosts, waxwing_storage::Error> {
    let mut vhosts = Vhosts::new();
    for configured in &settings.vhosts {
        let vhost = Vhost::new(configured, true).map_err(waxwing_storage::Error::Unavailable)?;
        vhosts.insert(vhost.domain().into(), Arc::new(vhost));
    }
    for stored in storage.vhosts().await? {
        let domain = &stored.domain;
        let known = vhosts.get(domain.as_str()).cloned();
        let vhost =
            match known.map_or_else(|| Vhost::new(&VhostSettings::new(domain), false).map(Arc::new), Ok) {
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
