//! Accounts: made, changed, removed.

use crate::directory::AccountEntry;
use crate::server::Server;
use ring::rand::SecureRandom;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use waxwing_plugins::{AccessList, Authority};
use waxwing_storage::{Account, AccountError as StoredError, Batch, Error, Roster, ScramKeys, Write};
use waxwing_xmpp::sasl::{Hash, derive_keys};
use waxwing_xmpp::{Condition, Jid, Kind, Stanza, StanzaError, StreamCondition, StreamError};

/// Random bytes in the salt of a password.
pub(crate) const SALT_BYTES: usize = 16;
/// How long the sessions of a removed account live on at most, so that the one that asked hears the answer.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Why an account could not be made, changed or removed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// There is one with this name.
    #[error("the account exists already")]
    Exists,
    /// There is none with this name.
    #[error("there is no such account")]
    NotFound,
    /// Not by strangers, or not for somebody who has no account.
    #[error("that is not allowed here")]
    NotAllowed,
    /// Nobody serves its domain.
    #[error("its domain is not served here")]
    NotServed,
    /// The name is that of a part of the server.
    #[error("the name belongs to a part of the server")]
    Reserved,
    /// The domain has as many accounts as it may have.
    #[error("its domain has as many accounts as it may have")]
    Full,
    /// The name or the password cannot be one.
    #[error("the name or the password is not valid")]
    Invalid,
    /// The storage cannot answer.
    #[error("that cannot be done now: {0}")]
    Unavailable(String),
}

impl From<Error> for AccountError {
    fn from(error: Error) -> Self {
        match error {
            Error::Account(StoredError::Exists) => Self::Exists,
            Error::Account(StoredError::NotFound) => Self::NotFound,
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl Server {
    /// Whether there is an account with this bare JID, or somebody who is here without one (XEP-0175).
    pub async fn has_account(&self, jid: &Jid) -> Result<bool, AccountError> {
        let is_here = self.directory.account(jid.as_str()).is_some_and(|entry| !entry.is_removed());
        Ok(is_here || self.is_account(jid).await?)
    }

    /// Whether somebody with this very address has an account.
    pub(crate) async fn is_account(&self, jid: &Jid) -> Result<bool, Error> {
        if jid.local().is_none() {
            return Ok(false);
        }
        if self.known_accounts.contains(jid.bare_str()) {
            return Ok(true);
        }
        let asked = self.known_accounts.asking();
        let exists = self.storage.account(jid).await?.is_some_and(|account| account.jid == jid.bare());
        if exists {
            self.known_accounts.exists(jid.bare_str(), asked);
        }
        Ok(exists)
    }

    /// The address that is meant, if whoever writes this one follows RFC 6122, where some names are written in another
    /// way, and there is such an account and no other. Not to be asked of somebody who is online; of names that are known
    /// nothing is looked up.
    ///
    /// # Errors
    /// When the storage does not answer: that is not to be taken for "nobody".
    async fn meant(&self, to: &Jid) -> Result<Option<Jid>, Error> {
        let bare = to.bare_str();
        let is_somebodys = to.local().is_some() && self.is_local(to.domain());
        if !is_somebodys || self.known_accounts.contains(bare) {
            return Ok(None);
        }
        let asked = self.known_accounts.asking();
        let Some(account) = self.storage.account(to).await? else { return Ok(None) };
        if account.jid.as_str() == bare {
            self.known_accounts.exists(bare, asked);
            return Ok(None);
        }
        Ok(match to.resource() {
            Some(resource) => account.jid.with_resource(resource).ok(),
            None => Some(account.jid),
        })
    }

    /// The account that a stanza is for, if it is online. Whoever is meant by an older spelling gets it, whatever sent it.
    ///
    /// # Errors
    /// When the storage cannot tell who is meant. Presence is sent as if nobody else were: it is not worth an answer.
    pub(crate) async fn recipient(
        &self,
        stanza: &mut Stanza,
    ) -> Result<Option<Arc<AccountEntry>>, StanzaError> {
        let online = |to: &Jid| self.directory.account(to.bare_str());
        let Some(to) = &stanza.to else { return Ok(None) };
        if let Some(recipient) = online(to) {
            return Ok(Some(recipient));
        }
        match self.meant(to).await {
            Ok(None) => Ok(None),
            Ok(Some(meant)) => {
                let recipient = online(&meant);
                stanza.redirect(meant);
                Ok(recipient)
            }
            Err(_) if stanza.kind() == Kind::Presence => Ok(None),
            Err(error) => {
                error.log(format_args!("an account could not be read"));
                Err(Condition::ResourceConstraint.into())
            }
        }
    }

    /// Commit a batch, and forget the accounts that it removes.
    pub(crate) async fn commit_and_forget(&self, batch: Batch) -> Result<(), Error> {
        let removed = batch.writes.iter().filter_map(|write| match write {
            Write::RemoveAccount(jid) => Some(jid.clone()),
            _ => None,
        });
        let removed: Vec<Jid> = removed.collect();
        let done = self.storage.commit(batch).await;
        // Even if it has failed: it may be done without our having heard of it.
        for jid in removed {
            self.known_accounts.removed(jid.bare_str());
        }
        done.map(drop)
    }

    /// Make an account because its future owner asks for it (XEP-0077): the virtual host must
    /// allow that.
    pub async fn register(&self, jid: &Jid, password: &str) -> Result<(), AccountError> {
        let vhost = self.vhost(jid.domain()).ok_or(AccountError::NotAllowed)?;
        if !vhost.register() || !vhost.enabled() {
            return Err(AccountError::NotAllowed);
        }
        // A name that has rights here is not for whoever asks first.
        if self.authority_of(jid) != Authority::None {
            return Err(AccountError::Exists);
        }
        self.create_account(jid, password).await
    }

    /// Make an account on a virtual host of this server, as long as there are fewer than its limit.
    pub async fn create_account(&self, jid: &Jid, password: &str) -> Result<(), AccountError> {
        if jid.local().is_none() || !jid.is_bare() {
            return Err(AccountError::Invalid);
        }
        let vhost = self.vhost(jid.domain()).ok_or(AccountError::NotServed)?;
        // What is sent there is not for an account.
        if self.component(jid).is_some() {
            return Err(AccountError::Reserved);
        }
        self.let_removed_go(jid).await;
        // Before the work of hashing; the storage decides in the end.
        if self.has_account(jid).await? {
            return Err(AccountError::Exists);
        }
        let limit = vhost.max_users();
        if limit > 0 && self.storage.count_accounts(jid.domain()).await? >= limit {
            return Err(AccountError::Full);
        }
        let (sha1, sha256) = self.hash_password(password).await?;
        let account = Account {
            jid: jid.clone(),
            sha1: Some(sha1),
            sha256: Some(sha256),
            created: SystemTime::now(),
            enabled: true,
        };
        self.storage.commit(Batch::one(Write::CreateAccount(account))).await?;
        tracing::info!(account = %jid, "made");
        Ok(())
    }

    /// Change the password of an account.
    pub async fn set_password(&self, jid: &Jid, password: &str) -> Result<(), AccountError> {
        if self.is_anonymous(jid) {
            return Err(AccountError::NotAllowed);
        }
        if !self.has_account(jid).await? {
            return Err(AccountError::NotFound);
        }
        let (sha1, sha256) = self.hash_password(password).await?;
        let keys = Write::SetKeys { jid: jid.clone(), sha1: Some(sha1), sha256: Some(sha256) };
        self.storage.commit(Batch::one(keys)).await?;
        tracing::info!(account = %jid, "has a new password");
        Ok(())
    }

    /// Let an account log in from now on, or do not: then its sessions end.
    pub async fn enable_account(&self, jid: &Jid, enabled: bool) -> Result<(), AccountError> {
        self.storage.commit(Batch::one(Write::EnableAccount { jid: jid.clone(), enabled })).await?;
        tracing::info!(account = %jid, enabled, "switched on or off");
        if !enabled && let Some(entry) = self.directory.account(jid.as_str()) {
            for session in &entry.sessions() {
                let error = StreamError::new(StreamCondition::NotAuthorized);
                session.end(error.with_text("the account is disabled"));
            }
        }
        Ok(())
    }

    /// Remove an account with all that it owns, virtual hosts excepted: these are nobody's then. Its contacts hear that
    /// nothing is left between them, then its sessions end.
    pub async fn remove_account(&self, jid: &Jid) -> Result<(), AccountError> {
        self.remove_silently(jid).await?;
        self.end_removed(jid);
        Ok(())
    }

    /// The same for whoever ends its sessions, which are to hear an answer first. They end soon in any case.
    pub(crate) async fn remove_silently(&self, jid: &Jid) -> Result<(), AccountError> {
        if self.storage.account(jid).await?.is_none_or(|account| account.jid != jid.bare()) {
            return Err(AccountError::NotFound);
        }
        let roster = {
            let _turn = self.vhosts_turn.acquire().await;
            self.commit_removal(jid).await?
        };
        self.leave_nothing_behind(jid, &roster).await;
        Ok(())
    }

    /// Remove an account of a virtual host that is removed itself, and whose turn the caller has.
    pub(crate) async fn erase_account(&self, jid: &Jid) -> Result<(), AccountError> {
        let roster = self.commit_removal(jid).await?;
        self.leave_nothing_behind(jid, &roster).await;
        Ok(())
    }

    /// Remove an account and its rights over virtual hosts, whose turn the caller has, and over the server, in one step:
    /// there is no moment at which the name is free and has rights. Answers the roster that it had.
    async fn commit_removal(&self, jid: &Jid) -> Result<Roster, AccountError> {
        let entry = self.directory.account(jid.as_str());
        let _turn = match &entry {
            Some(entry) => entry.roster_turn().await,
            None => None,
        };
        let roster = self.storage.roster(jid).await?;
        let released = self.released_by(jid);
        let puts = released.iter().map(|(vhost, settings)| Write::PutVhost(vhost.stored(settings)));
        let lists = self.lists_without(jid);
        let dismissal = lists.iter().map(|lists| lists.stored(AccessList::Administrators));
        let writes = puts.chain(dismissal).chain([Write::RemoveAccount(jid.clone())]).collect();
        self.commit_and_forget(Batch { writes }).await?;
        if let Some(lists) = lists {
            self.access_lists.store(Arc::new(lists));
            tracing::info!(account = %jid, "administrator dismissed");
        }
        for (vhost, settings) in released {
            vhost.change(settings);
            tracing::info!(domain = vhost.domain(), account = %jid, "virtual host released");
        }
        // Looked up again: it may have come online meanwhile.
        if let Some(entry) = self.directory.account(jid.as_str()) {
            entry.forget_data();
            entry.set_removed();
        }
        if let Some(entry) = &entry {
            // No change is ever based on this version: its sessions cannot begin a new roster.
            entry.set_roster(Roster { version: u64::MAX, items: Vec::new() }.into());
        }
        tracing::info!(account = %jid, "removed");
        Ok(roster)
    }

    /// Let the contacts of a removed account hear of it, and its sessions end.
    async fn leave_nothing_behind(&self, jid: &Jid, roster: &Roster) {
        for item in &roster.items {
            self.end_relation(jid, item).await;
        }
        // Looked up again: somebody may have bound a resource until the account was gone.
        let Some(entry) = self.directory.account(jid.as_str()) else { return };
        tokio::spawn(async move {
            tokio::time::sleep(LAST_WORDS).await;
            end_sessions(&entry);
        });
    }

    /// End the sessions of an account that has been removed (XEP-0077, section 3.2).
    pub(crate) fn end_removed(&self, jid: &Jid) {
        if let Some(entry) = self.directory.account(jid.as_str()).filter(|entry| entry.is_removed()) {
            end_sessions(&entry);
        }
    }

    /// Wait until the sessions of a removed account have ended: whoever gets its name next is not to meet them.
    async fn let_removed_go(&self, jid: &Jid) {
        let Some(entry) = self.directory.account(jid.as_str()).filter(|entry| entry.is_removed()) else {
            return;
        };
        end_sessions(&entry);
        for session in entry.sessions() {
            self.finish(&session).await;
        }
    }

    /// The keys of a password for both hashes, with a salt each. Hashing takes long on purpose, so
    /// it happens off the threads that serve others.
    pub(crate) async fn hash_password(&self, password: &str) -> Result<(ScramKeys, ScramKeys), AccountError> {
        let sha1 = self.hash(Hash::Sha1, password).await?;
        Ok((sha1, self.hash(Hash::Sha256, password).await?))
    }

    /// The keys of a password for one hash, with a salt of its own.
    pub(crate) async fn hash(&self, hash: Hash, password: &str) -> Result<ScramKeys, AccountError> {
        let mut salt = [0; SALT_BYTES];
        let filled = self.random.fill(&mut salt);
        filled.map_err(|_| AccountError::Unavailable("the system gives no random bytes".to_owned()))?;
        let (password, iterations) = (password.to_owned(), self.settings.scram_iterations);
        let hashed = tokio::task::spawn_blocking(move || stored_keys(hash, &password, &salt, iterations));
        hashed.await.map_err(|_| AccountError::Unavailable("the server is stopping".to_owned()))?
    }
}

fn end_sessions(entry: &AccountEntry) {
    for session in entry.sessions() {
        let error = StreamError::new(StreamCondition::NotAuthorized);
        session.end(error.with_text("the account has been removed"));
    }
}

pub(crate) fn stored_keys(
    hash: Hash,
    password: &str,
    salt: &[u8],
    iterations: u32,
) -> Result<ScramKeys, AccountError> {
    let keys = derive_keys(hash, password, salt, iterations).map_err(|_| AccountError::Invalid)?;
    Ok(ScramKeys {
        iterations,
        salt: salt.to_vec(),
        stored_key: keys.stored_key,
        server_key: keys.server_key,
    })
}

#[cfg(test)]
mod tests;
