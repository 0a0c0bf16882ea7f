//! One account on its way in.
//!
//! Plugins take their elements as they come, before the account is there. Until it is, a placeholder keeps its name:
//! an account that nobody can log in to, with a mark. An import that is interrupted leaves that behind, and the next
//! one begins the account anew.

use super::roster::Contacts;
use super::{OWN, PortableError, keys};
use crate::accounts::AccountError;
use crate::server::Server;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use waxwing_storage::{Account, AccountError as StoredError, Batch, Error, ScramKeys, Write};
use waxwing_xmpp::sasl::Hash;
use waxwing_xmpp::{Element, Jid, datetime};

/// Store and key of the mark on an account whose import has not come to its end. It is the account's, so that it
/// goes with it.
pub(super) const UNFINISHED: (&str, &str) = ("host/import", "unfinished");
/// The name of the element about an account.
pub(super) const NAME: &str = "account";
/// How often a roster is written that others write to as well.
const ATTEMPTS: usize = 5;

/// What is known of an account so far.
pub(super) struct User {
    pub jid: Jid,
    pub password: Option<String>,
    pub contacts: Contacts,
    created: SystemTime,
    enabled: bool,
    sha1: Option<ScramKeys>,
    sha256: Option<ScramKeys>,
    /// There is a placeholder.
    begun: bool,
}

/// What of an account XEP-0227 has no place for.
pub(super) fn element(account: &Account) -> Element {
    let created = account.created.duration_since(UNIX_EPOCH).unwrap_or_default();
    let millis = u64::try_from(created.as_millis()).unwrap_or(u64::MAX);
    let element = Element::new(NAME, OWN).with_attr("created", datetime::format(millis));
    if account.enabled { element } else { element.with_attr("enabled", "false") }
}

impl User {
    pub fn new(jid: Jid, password: Option<String>) -> Self {
        Self {
            jid,
            password,
            contacts: Contacts::default(),
            created: SystemTime::now(),
            enabled: true,
            sha1: None,
            sha256: None,
            begun: false,
        }
    }

    /// Take what [`element`] has written.
    pub fn about(&mut self, element: &Element) -> Result<(), String> {
        if let Some(text) = element.attr("created") {
            let created = datetime::parse(text).ok_or_else(|| format!("'{text}' is no time"))?;
            self.created = UNIX_EPOCH + Duration::from_millis(created);
        }
        self.enabled = element.attr("enabled") != Some("false");
        Ok(())
    }

    /// Take keys; `false` if they are of a mechanism that is not known here.
    pub fn keys(&mut self, element: &Element) -> Result<bool, String> {
        let Some((hash, keys)) = keys::read(element)? else { return Ok(false) };
        let place = match hash {
            Hash::Sha1 => &mut self.sha1,
            Hash::Sha256 => &mut self.sha256,
        };
        match place {
            Some(known) if *known != keys => Err(format!("there are two different keys for {hash:?}")),
            _ => {
                *place = Some(keys);
                Ok(true)
            }
        }
    }

    /// Whether it has keys for one mechanism only, and whether it has any.
    pub fn mechanisms(&self) -> (bool, bool) {
        let (one, other) = (self.sha1.is_some(), self.sha256.is_some());
        (one != other, one || other)
    }
}

impl Server {
    /// Whether the account is there; one whose import was interrupted is not.
    pub(super) async fn has_imported(&self, jid: &Jid) -> Result<bool, PortableError> {
        // An account that older software calls so has the name, too.
        Ok(self.storage.account(jid).await?.is_some() && !self.is_unfinished(jid).await?)
    }

    /// See to it that plugins can keep something for the account.
    pub(super) async fn begin_user(&self, user: &mut User) -> Result<(), PortableError> {
        if user.begun {
            return Ok(());
        }
        let (store, key) = UNFINISHED;
        let (store, owner, key) = (store.to_owned(), user.jid.to_string(), key.to_owned());
        let placeholder = Account {
            jid: user.jid.clone(),
            sha1: None,
            sha256: None,
            created: user.created,
            enabled: false,
        };
        let mut writes = Vec::new();
        if self.is_unfinished(&user.jid).await? {
            writes.push(Write::RemoveAccount(user.jid.clone()));
        }
        writes.push(Write::CreateAccount(placeholder));
        writes.push(Write::TableSet { store, owner, key, value: Vec::new() });
        self.commit_and_forget(Batch { writes }).await?;
        user.begun = true;
        Ok(())
    }

    /// Have the account, with its password and its roster.
    ///
    /// # Errors
    /// A sentence, if the account itself is the reason.
    pub(super) async fn finish_user(&self, user: &mut User) -> Result<Result<(), String>, PortableError> {
        if let Some(password) = user.password.take() {
            match self.hash_password(&password).await {
                Ok((sha1, sha256)) => (user.sha1, user.sha256) = (Some(sha1), Some(sha256)),
                Err(AccountError::Invalid) => return Ok(Err("its password cannot be one".to_owned())),
                Err(error) => return Err(Error::Unavailable(error.to_string()).into()),
            }
        }
        // One that has nothing with plugins needs no placeholder, unless an earlier import has left one.
        if !user.begun && self.is_unfinished(&user.jid).await? {
            self.begin_user(user).await?;
        }
        let put = std::mem::take(&mut user.contacts).into_items();
        for _ in 0..ATTEMPTS {
            let mut writes = Vec::new();
            let (jid, sha1, sha256) = (user.jid.clone(), user.sha1.clone(), user.sha256.clone());
            if user.begun {
                let (store, key) = UNFINISHED;
                let (store, owner, key) = (store.to_owned(), jid.to_string(), key.to_owned());
                writes.push(Write::SetKeys { jid: jid.clone(), sha1, sha256 });
                writes.push(Write::EnableAccount { jid, enabled: user.enabled });
                writes.push(Write::TableDelete { store, owner, key });
            } else {
                let (created, enabled) = (user.created, user.enabled);
                writes.push(Write::CreateAccount(Account { jid, sha1, sha256, created, enabled }));
            }
            if !put.is_empty() {
                // Somebody may have asked for a subscription since the placeholder is there.
                let expect = self.storage.roster(&user.jid).await?.version;
                let (owner, put) = (user.jid.clone(), put.clone());
                writes.push(Write::Roster { owner, expect, put, remove: Vec::new() });
            }
            match self.storage.commit(Batch { writes }).await {
                Ok(_) => return Ok(Ok(())),
                Err(Error::Conflict) => {}
                Err(Error::Account(StoredError::Exists)) => {
                    return Ok(Err("somebody else has made the account meanwhile".to_owned()));
                }
                Err(Error::Account(StoredError::NotFound)) => {
                    return Ok(Err("somebody has removed the account meanwhile".to_owned()));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Err("its roster keeps changing".to_owned()))
    }

    /// Leave nothing of an account that cannot be imported.
    pub(super) async fn drop_user(&self, user: &User) -> Result<(), PortableError> {
        if user.begun {
            self.commit_and_forget(Batch::one(Write::RemoveAccount(user.jid.clone()))).await?;
        }
        Ok(())
    }
}
