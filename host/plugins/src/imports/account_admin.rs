//! `account-admin`: making, changing and removing accounts.
//!
//! Making and changing take place at once, because the plugin needs their answer. Removing takes place with the call's
//! writes, before anybody is answered; the account's sessions end when the answer has left.

use super::bare;
use crate::bindings::xmpp::plugin::account_admin::{Account, Error, Host, Numbers};
use crate::host::AccountError;
use crate::host::admin::{AccountInfo, AdminAnswer, AdminError, AdminRequest, Authority};
use crate::run::notes::AccountChange;
use crate::run::state::{Call, State};
use waxwing_xmpp::Jid;

/// Removals that one call may ask for.
const REMOVALS: usize = 100;
/// Accounts of one read.
const PAGE: u32 = 256;

impl Host for State {
    async fn create(&mut self, account: String, password: String) -> Result<(), Error> {
        let (call, account) = self.admin(&account)?;
        call.host.create_account(&account, &password, call.actor.is_some()).await.map_err(answer)?;
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
        match call.host.account_exists(&account).await {
            Ok(true) => {}
            Ok(false) => return Err(Error::NotFound),
            Err(_) => return Err(Error::Unavailable),
        }
        if call.effects.removals.len() >= REMOVALS {
            return Err(Error::Unavailable);
        }
        call.effects.removals.push(account);
        Ok(())
    }

    async fn enable(&mut self, account: String, enabled: bool) -> Result<(), Error> {
        let (call, account) = self.admin(&account)?;
        let request = AdminRequest::Enable { account: account.to_string(), enabled };
        match call.host.admin(request).await {
            AdminAnswer::Done => {
                note(call, AccountChange::Enable(account.to_string(), enabled));
                Ok(())
            }
            other => Err(refusal(other)),
        }
    }

    async fn get(&mut self, account: String) -> Result<Account, Error> {
        let (call, account) = self.admin(&account)?;
        match call.host.admin(AdminRequest::Account(account.to_string())).await {
            AdminAnswer::Account(Some(info)) => Ok(info.into()),
            AdminAnswer::Account(None) => Err(Error::NotFound),
            other => Err(refusal(other)),
        }
    }

    async fn page(
        &mut self,
        domain: String,
        after: Option<String>,
        limit: u32,
    ) -> Result<Vec<Account>, Error> {
        let call = self.managing(&domain, Authority::Admin).ok_or(Error::NotAllowed)?;
        match call.host.admin(AdminRequest::Accounts { domain, after, limit: limit.min(PAGE) }).await {
            AdminAnswer::Accounts(accounts) => Ok(accounts.into_iter().map(Into::into).collect()),
            other => Err(refusal(other)),
        }
    }

    async fn count(&mut self, domain: String) -> Result<Numbers, Error> {
        let call = self.managing(&domain, Authority::Admin).ok_or(Error::NotAllowed)?;
        match call.host.admin(AdminRequest::CountAccounts(domain)).await {
            AdminAnswer::Count(accounts, disabled) => Ok(Numbers { accounts, disabled }),
            other => Err(refusal(other)),
        }
    }

    async fn client_address(&mut self) -> Option<String> {
        self.call.as_ref()?.client.map(|address| address.to_string())
    }
}

impl State {
    /// The call, and the account of one of this server's hosts that is meant.
    fn admin(&mut self, account: &str) -> Result<(&mut Call, Jid), Error> {
        bare(account).filter(|account| !account.is_domain()).ok_or(Error::Invalid)?;
        let (call, _, account) = self.owned(account).ok_or(Error::NotAllowed)?;
        if !call.host.is_local(account.domain()) || !call.may_manage(&account) {
            return Err(Error::NotAllowed);
        }
        Ok((call, account))
    }
}

impl Call {
    /// Whether whoever runs the command may manage this account.
    fn may_manage(&self, account: &Jid) -> bool {
        self.actor.as_ref().is_none_or(|user| self.host.may_manage(user, account))
    }
}

impl From<AccountInfo> for Account {
    fn from(info: AccountInfo) -> Self {
        let AccountInfo { jid, created, enabled } = info;
        Account { jid, created, enabled }
    }
}

fn refusal(answer: AdminAnswer) -> Error {
    match answer {
        AdminAnswer::Refused(AdminError::NotFound) => Error::NotFound,
        AdminAnswer::Refused(AdminError::Denied) => Error::NotAllowed,
        AdminAnswer::Refused(AdminError::Invalid(_)) => Error::Invalid,
        _ => Error::Unavailable,
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
        AccountError::Full => Error::Full,
        AccountError::Invalid => Error::Invalid,
        AccountError::Unavailable => Error::Unavailable,
    }
}
