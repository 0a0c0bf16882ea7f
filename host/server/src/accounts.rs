//! Accounts: made, changed, removed, and the keys that a login is checked with.

use crate::server::Server;
use crate::session::Session;
use ring::rand::{SecureRandom, SystemRandom};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use waxwing_storage::{
    Account, AccountError as StoredError, Batch, Error, Roster, ScramKeys, Storage, Write,
};
use waxwing_xmpp::sasl::{Hash, Keys, derive_keys};
use waxwing_xmpp::{Jid, StreamCondition, StreamError};

/// Random bytes in the salt of a password.
const SALT_BYTES: usize = 16;
/// How long the sessions of a removed account live on, so that the one that asked hears the answer.
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
    /// Not on this domain, or not by strangers, or there are as many as there may be.
    #[error("that is not allowed here")]
    NotAllowed,
    /// The name or the password cannot be one.
    #[error("the name or the password is not valid")]
    Invalid,
    /// The storage cannot answer.
    #[error("that cannot be done now: {0}")]
    Unavailable(String),
}

/// What a login is checked with (RFC 5802). Of an account that does not exist there are some too,
/// which no password has and which stay the same, so that nobody learns which accounts there are.
#[derive(Debug)]
pub struct Credentials {
    /// The salt of the password.
    pub salt: Vec<u8>,
    /// The rounds of hashing.
    pub iterations: u32,
    /// What a proof or a password is compared with.
    pub keys: Keys,
    /// Whether the account may log in. To be told only to those who know its password.
    pub enabled: bool,
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
        if self.directory.account(jid.as_str()).is_some() {
            return Ok(true);
        }
        Ok(jid.local().is_some() && self.storage.account(jid).await?.is_some())
    }

    /// Make an account because its future owner asks for it (XEP-0077): the virtual host must
    /// allow that.
    pub async fn register(&self, jid: &Jid, password: &str) -> Result<(), AccountError> {
        let vhost = self.vhost(jid.domain()).ok_or(AccountError::NotAllowed)?;
        if !vhost.register() || !vhost.enabled() {
            return Err(AccountError::NotAllowed);
        }
        self.create_account(jid, password).await
    }

    /// Make an account on a virtual host of this server, as long as there are fewer than its limit.
    pub async fn create_account(&self, jid: &Jid, password: &str) -> Result<(), AccountError> {
        if jid.local().is_none() || !jid.is_bare() {
            return Err(AccountError::Invalid);
        }
        let vhost = self.vhost(jid.domain()).ok_or(AccountError::NotAllowed)?;
        // What is sent there is not for an account.
        if self.component(jid).is_some() {
            return Err(AccountError::NotAllowed);
        }
        // Before the work of hashing; the storage decides in the end.
        if self.has_account(jid).await? {
            return Err(AccountError::Exists);
        }
        let limit = vhost.max_users();
        if limit > 0 && self.storage.count_accounts(jid.domain()).await? >= limit {
            return Err(AccountError::NotAllowed);
        }
        let (sha1, sha256) = self.hash_password(password).await?;
        let account = Account { jid: jid.clone(), sha1, sha256, created: SystemTime::now(), enabled: true };
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
        self.storage.commit(Batch::one(Write::SetKeys { jid: jid.clone(), sha1, sha256 })).await?;
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

    /// Remove an account with all that it owns. Its contacts hear that nothing is left between them,
    /// then its sessions end.
    pub async fn remove_account(&self, jid: &Jid) -> Result<(), AccountError> {
        if self.storage.account(jid).await?.is_none() {
            return Err(AccountError::NotFound);
        }
        let entry = self.directory.account(jid.as_str());
        let roster = {
            let _turn = match &entry {
                Some(entry) => entry.roster_turn().await,
                None => None,
            };
            let roster = self.storage.roster(jid).await?;
            self.storage.commit(Batch::one(Write::RemoveAccount(jid.clone()))).await?;
            // Looked up again: it may have come online meanwhile.
            if let Some(entry) = self.directory.account(jid.as_str()) {
                entry.forget_data();
            }
            if let Some(entry) = &entry {
                // No change is ever based on this version: its sessions cannot begin a new roster.
                entry.set_roster(Roster { version: u64::MAX, items: Vec::new() }.into());
            }
            roster
        };
        tracing::info!(account = %jid, "removed");
        for item in &roster.items {
            self.end_relation(jid, item).await;
        }
        // Looked up again: somebody may have bound a resource until the account was gone.
        let Some(entry) = self.directory.account(jid.as_str()) else { return Ok(()) };
        for session in &entry.sessions() {
            self.end_later(session.clone());
        }
        Ok(())
    }

    /// End the session of a removed account (XEP-0077, section 3.2).
    fn end_later(&self, session: Arc<Session>) {
        tokio::spawn(async move {
            tokio::time::sleep(LAST_WORDS).await;
            let error = StreamError::new(StreamCondition::NotAuthorized);
            session.end(error.with_text("the account has been removed"));
        });
    }

    /// What a login as this account is checked with.
    pub async fn credentials(&self, jid: &Jid, hash: Hash) -> Result<Credentials, AccountError> {
        let Some(account) = self.storage.account(jid).await? else { return Ok(self.decoy(jid, hash)) };
        let stored = match hash {
            Hash::Sha1 => account.sha1,
            Hash::Sha256 => account.sha256,
        };
        let ScramKeys { iterations, salt, stored_key, server_key } = stored;
        let keys = Keys { stored_key, server_key };
        Ok(Credentials { salt, iterations, keys, enabled: account.enabled })
    }

    /// Credentials for an account that does not exist: always the same, and nobody's.
    fn decoy(&self, jid: &Jid, hash: Hash) -> Credentials {
        let length = match hash {
            Hash::Sha1 => 20,
            Hash::Sha256 => 32,
        };
        let bytes = |purpose: &str, count: usize| {
            let tag = ring::hmac::sign(&self.decoy_secret, format!("{purpose} {hash:?} {jid}").as_bytes());
            tag.as_ref().iter().copied().take(count).collect()
        };
        Credentials {
            salt: bytes("salt", SALT_BYTES),
            iterations: self.settings.scram_iterations,
            keys: Keys { stored_key: bytes("stored", length), server_key: bytes("server", length) },
            enabled: false,
        }
    }

    /// The keys of a password for both hashes, with a salt each. Hashing takes long on purpose, so
    /// it happens off the threads that serve others.
    async fn hash_password(&self, password: &str) -> Result<(ScramKeys, ScramKeys), AccountError> {
        let mut salts = [[0; SALT_BYTES]; 2];
        for salt in &mut salts {
            let filled = self.random.fill(salt);
            filled.map_err(|_| AccountError::Unavailable("the system gives no random bytes".to_owned()))?;
        }
        let (password, iterations) = (password.to_owned(), self.settings.scram_iterations);
        let [sha1, sha256] = salts;
        let hashed = tokio::task::spawn_blocking(move || {
            let sha1 = stored_keys(Hash::Sha1, &password, &sha1, iterations)?;
            Ok((sha1, stored_keys(Hash::Sha256, &password, &sha256, iterations)?))
        });
        hashed.await.map_err(|_| AccountError::Unavailable("the server is stopping".to_owned()))?
    }
}

fn stored_keys(hash: Hash, password: &str, salt: &[u8], iterations: u32) -> Result<ScramKeys, AccountError> {
    let keys = derive_keys(hash, password, salt, iterations).map_err(|_| AccountError::Invalid)?;
    Ok(ScramKeys {
        iterations,
        salt: salt.to_vec(),
        stored_key: keys.stored_key,
        server_key: keys.server_key,
    })
}

/// Where the secret behind decoy keys is kept.
const SECRETS: (&str, &str, &str) = ("host/secrets", "", "decoy");

/// The secret behind decoy keys, made on the first start: if they changed with a restart, while
/// those of real accounts stay, everybody could tell which is which.
pub(crate) async fn decoy_secret(
    storage: &dyn Storage,
    random: &SystemRandom,
) -> Result<ring::hmac::Key, Error> {
    let (store, owner, key) = SECRETS;
    let secret = match storage.table_get(store, owner, key).await? {
        Some(secret) => secret,
        None => {
            let mut secret = vec![0; 32];
            random
                .fill(&mut secret)
                .map_err(|_| Error::Unavailable("the system gives no random bytes".into()))?;
            let write = Write::TableSet {
                store: store.to_owned(),
                owner: owner.to_owned(),
                key: key.to_owned(),
                value: secret.clone(),
            };
            storage.commit(Batch::one(write)).await?;
            secret
        }
    };
    Ok(ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret))
}

#[cfg(test)]
mod tests;
