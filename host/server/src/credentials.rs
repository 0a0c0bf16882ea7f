//! What a login is checked with.

use crate::accounts::{AccountError, SALT_BYTES};
use crate::server::Server;
use ring::rand::{SecureRandom, SystemRandom};
use waxwing_storage::{Account, Batch, Error, ScramKeys, Storage, Write};
use waxwing_xmpp::Jid;
use waxwing_xmpp::sasl::{Hash, Keys};

/// What a login is checked with (RFC 5802). Of an account that does not exist there are some too,
/// which no password has and which stay the same, so that nobody learns which accounts there are.
#[derive(Debug)]
pub struct Credentials {
    /// Whose they are: software that follows RFC 6122 may call the account something else.
    pub account: Jid,
    /// The hash that the keys are of.
    pub hash: Hash,
    /// The salt of the password.
    pub salt: Vec<u8>,
    /// The rounds of hashing.
    pub iterations: u32,
    /// What a proof or a password is compared with.
    pub keys: Keys,
    /// Whether the account may log in. To be told only to those who know its password.
    pub enabled: bool,
    /// The account has no keys for another mechanism (see [`Server::complete_keys`]).
    pub(crate) alone: bool,
}

impl Server {
    /// What a login as this account with SCRAM is checked with. An account that has no keys of this hash looks as one
    /// that does not exist.
    pub async fn credentials(&self, jid: &Jid, hash: Hash) -> Result<Credentials, AccountError> {
        let account = self.storage.account(jid).await?;
        Ok(account.and_then(|account| of(account, hash)).unwrap_or_else(|| self.decoy(jid, hash)))
    }

    /// What a password of this account is checked with: the keys of the stronger hash that it has.
    pub async fn password_credentials(&self, jid: &Jid) -> Result<Credentials, AccountError> {
        let Some(account) = self.storage.account(jid).await? else {
            return Ok(self.decoy(jid, Hash::Sha256));
        };
        let hash = if account.sha256.is_some() { Hash::Sha256 } else { Hash::Sha1 };
        Ok(of(account, hash).unwrap_or_else(|| self.decoy(jid, Hash::Sha256)))
    }

    /// Store the keys of the other mechanism, where the account has none (it came from another server), now that its
    /// `password` is known to be the one of these credentials. Not if it has another password meanwhile.
    pub async fn complete_keys(&self, jid: &Jid, password: &str, known: &Credentials) {
        if !known.alone {
            return;
        }
        let other = match known.hash {
            Hash::Sha1 => Hash::Sha256,
            Hash::Sha256 => Hash::Sha1,
        };
        let completed = match self.hash(other, password).await {
            Ok(new) => {
                let Credentials { salt, iterations, keys, .. } = known;
                let Keys { stored_key, server_key } = keys.clone();
                let old = ScramKeys { iterations: *iterations, salt: salt.clone(), stored_key, server_key };
                let (sha1, sha256) = match known.hash {
                    Hash::Sha1 => (old, new),
                    Hash::Sha256 => (new, old),
                };
                let write = Write::CompleteKeys { jid: jid.clone(), sha1, sha256 };
                self.storage.commit(Batch::one(write)).await.map(drop).map_err(AccountError::from)
            }
            Err(error) => Err(error),
        };
        match completed {
            Ok(()) => tracing::info!(account = %jid, "has keys for all mechanisms now"),
            // The next login tries again.
            Err(error) => tracing::debug!(account = %jid, "keys were not completed: {error}"),
        }
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
            account: jid.clone(),
            hash,
            salt: bytes("salt", SALT_BYTES),
            iterations: self.settings.scram_iterations,
            keys: Keys { stored_key: bytes("stored", length), server_key: bytes("server", length) },
            enabled: false,
            alone: false,
        }
    }
}

/// The credentials of a hash, if the account has them.
fn of(account: Account, hash: Hash) -> Option<Credentials> {
    let Account { jid: account, sha1, sha256, enabled, .. } = account;
    let alone = sha1.is_some() != sha256.is_some();
    let stored = match hash {
        Hash::Sha1 => sha1,
        Hash::Sha256 => sha256,
    };
    let ScramKeys { iterations, salt, stored_key, server_key } = stored?;
    Some(Credentials {
        account,
        hash,
        salt,
        iterations,
        keys: Keys { stored_key, server_key },
        enabled,
        alone,
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
