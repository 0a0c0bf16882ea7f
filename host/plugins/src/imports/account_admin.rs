//! `account-admin`: making, changing and removing accounts.
//!
//! Making and changing take place at once, because the plugin needs their answer. Removing waits
//! until the call's stanzas have left, so that the last answer still reaches the account's sessions.

use super::bare;
use crate::bindings::xmpp::plugin::account_admin::{Error, Host};
use crate::host::AccountError;
use crate::state::{Call, State};
use crate::trace::AccountChange;
use waxwing_xmpp::Jid;

/// Removals that one call may ask for.
const REMOVALS: usize = 100;

impl Host for State {
    async fn create(&mut self, account: String, password: String) -> Result<(), Error> {
        let (call, account) = self.admin(&account)?;
        call.host.create_account(&account, &password).await.map_err(answer)?;
        note(call, AccountChange::Create(account.to_string()));
        Ok(())
    }

    async fn set_password(&mut self, account: String, password: String) -> Result<(), Error> {
        let (call, account) = self.admin(&account)?;
        call.host.set_password(&account, &password).await.map_err(answer)?;
        note(call, AccountChange::Password(account.to_string()));
        Ok(())
    }

    async fn remove(&mut self, account: String) -> Result<(), Error> {
        let (call, account) = self.admin(&account)?;
        if !call.host.account_exists(&account).await {
            return Err(Error::NotFound);
        }
        if call.effects.removals.len() >= REMOVALS {
            return Err(Error::Unavailable);
        }
        call.effects.removals.push(account);
        Ok(())
    }
}

impl State {
    /// The call, and the account of one of this server's hosts that is meant.
    fn admin(&mut self, account: &str) -> Result<(&mut Call, Jid), Error> {
        bare(account).filter(|account| !account.is_domain()).ok_or(Error::Invalid)?;
        let (call, _, account) = self.owned(account).ok_or(Error::NotAllowed)?;
        if !call.host.is_local(account.domain()) {
            return Err(Error::NotAllowed);
        }
        Ok((call, account))
    }
}

fn note(call: &Call, change: AccountChange) {
    if let Some(notes) = &call.notes {
        notes.account(change);
    }
}

fn answer(error: AccountError) -> Error {
    match error {
        AccountError::Exists => Error::Exists,
        AccountError::NotFound => Error::NotFound,
        AccountError::NotAllowed => Error::NotAllowed,
        AccountError::Invalid => Error::Invalid,
        AccountError::Unavailable => Error::Unavailable,
    }
}
