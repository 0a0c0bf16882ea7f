//! A host that makes a question of whatever a call wants to know, and has somebody answer it. What a call
//! wants done never gets through it.

use super::exchange::{HostAnswer, HostQuestion, SeenContact, odd};
use crate::blob::Secret;
use crate::common::shared::Shared;
use crate::host::account_data::AccountData;
use crate::host::admin::{AdminAnswer, AdminError, AdminRequest, Authority};
use crate::host::{AccountError, Contact, Host, Outgoing, SessionInfo, Subscription, Written};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use std::sync::Arc;
use waxwing_storage::{Result as StorageResult, Storage};
use waxwing_xmpp::Jid;

/// Answers questions.
pub(crate) trait Oracle: Send + Sync + 'static {
    /// Answer what the host answers without a wait.
    fn at_once(&self, question: HostQuestion) -> HostAnswer;

    /// Answer anything.
    fn answer(&self, question: HostQuestion) -> BoxFuture<'_, HostAnswer>;

    /// How full a store is: a question of the engine, not of the plugin.
    fn store_bytes<'a>(&'a self, store: &'a str) -> BoxFuture<'a, waxwing_storage::Result<u64>>;

    /// How much a plugin's alarms take, likewise.
    fn alarm_bytes<'a>(&'a self, plugin: &'a str) -> BoxFuture<'a, waxwing_storage::Result<u64>>;
}

/// The world as a plugin sees it, behind an oracle.
pub(crate) struct Asked<O> {
    pub oracle: O,
    /// Of the plugin that asks.
    pub shared: Arc<Shared>,
}

impl<O: Oracle> Host for Asked<O> {
    fn now(&self) -> u64 {
        match self.oracle.at_once(HostQuestion::Now) {
            HostAnswer::Time(now) => now,
            _ => 0,
        }
    }

    fn started(&self) -> u64 {
        match self.oracle.at_once(HostQuestion::Started) {
            HostAnswer::Time(started) => started,
            _ => 0,
        }
    }

    fn random(&self, bytes: &mut [u8]) -> bool {
        match self.oracle.at_once(HostQuestion::Random(bytes.len() as u64)) {
            HostAnswer::Random(Some(drawn)) if drawn.0.len() == bytes.len() => {
                bytes.copy_from_slice(&drawn.0);
                true
            }
            _ => false,
        }
    }

    fn storage(&self) -> &dyn Storage {
        self
    }

    fn is_local(&self, domain: &str) -> bool {
        matches!(self.oracle.at_once(HostQuestion::IsLocal(domain.to_owned())), HostAnswer::Is(true))
    }

    fn vhost_setting(&self, domain: &str, name: &str) -> Option<String> {
        let question = HostQuestion::VhostSetting { domain: domain.to_owned(), name: name.to_owned() };
        match self.oracle.at_once(question) {
            HostAnswer::Text(text) => text,
            _ => None,
        }
    }

    fn has_feature(&self, domain: &str, feature: &str) -> bool {
        let question = HostQuestion::HasFeature { domain: domain.to_owned(), feature: feature.to_owned() };
        matches!(self.oracle.at_once(question), HostAnswer::Is(true))
    }

    fn sessions(&self, account: &Jid) -> BoxFuture<'_, Vec<SessionInfo>> {
        let answer = self.oracle.answer(HostQuestion::Sessions(account.to_string()));
        async move {
            let HostAnswer::Sessions(sessions) = answer.await else { return Vec::new() };
            let marks = self.shared.marks();
            sessions.into_iter().filter_map(|session| session.info(marks)).collect()
        }
        .boxed()
    }

    fn account_data(&self, account: &Jid) -> Option<Arc<AccountData>> {
        match self.oracle.at_once(HostQuestion::AccountData(account.to_string())) {
            HostAnswer::Data(Some(entries)) => {
                let entries = entries.into_iter().map(|(key, value)| (key, value.0)).collect();
                Some(Arc::new(AccountData::holding(&self.shared.name, entries)))
            }
            _ => None,
        }
    }

    fn set_mark(&self, _: &Jid, _: u8, _: bool) -> bool {
        false
    }

    fn send<'a>(&'a self, _: Vec<Outgoing>, _: Option<&'a Jid>) -> BoxFuture<'a, Written> {
        ready(Written::new(ready(false))).boxed()
    }

    fn is_anonymous(&self, account: &Jid) -> bool {
        let question = HostQuestion::IsAnonymous(account.to_string());
        matches!(self.oracle.at_once(question), HostAnswer::Is(true))
    }

    fn account_exists<'a>(&'a self, account: &'a Jid) -> BoxFuture<'a, StorageResult<bool>> {
        let answer = self.oracle.answer(HostQuestion::AccountExists(account.to_string()));
        answer
            .map(|answer| match answer {
                HostAnswer::Is(exists) => Ok(exists),
                other => odd(other),
            })
            .boxed()
    }

    fn subscription<'a>(
        &'a self,
        owner: &'a Jid,
        contact: &'a Jid,
    ) -> BoxFuture<'a, StorageResult<Subscription>> {
        let question = HostQuestion::Subscription { owner: owner.to_string(), contact: contact.to_string() };
        let answer = self.oracle.answer(question);
        answer
            .map(|answer| match answer {
                HostAnswer::Subscription(subscription) => Ok(subscription),
                other => odd(other),
            })
            .boxed()
    }

    fn contacts<'a>(
        &'a self,
        owner: &'a Jid,
        after: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, StorageResult<Vec<Contact>>> {
        let after = after.map(str::to_owned);
        let answer = self.oracle.answer(HostQuestion::Contacts { owner: owner.to_string(), after, limit });
        answer
            .map(|answer| match answer {
                HostAnswer::Contacts(seen) => Ok(seen.into_iter().filter_map(SeenContact::contact).collect()),
                other => odd(other),
            })
            .boxed()
    }

    fn create_account<'a>(
        &'a self,
        account: &'a Jid,
        password: &'a str,
        by_admin: bool,
    ) -> BoxFuture<'a, Result<(), AccountError>> {
        let (account, password) = (account.to_string(), Secret(password.to_owned()));
        self.oracle.answer(HostQuestion::CreateAccount { account, password, by_admin }).map(changed).boxed()
    }

    fn set_password<'a>(
        &'a self,
        account: &'a Jid,
        password: &'a str,
    ) -> BoxFuture<'a, Result<(), AccountError>> {
        let (account, password) = (account.to_string(), Secret(password.to_owned()));
        self.oracle.answer(HostQuestion::SetPassword { account, password }).map(changed).boxed()
    }

    fn remove_account<'a>(&'a self, _: &'a Jid) -> BoxFuture<'a, Result<(), AccountError>> {
        ready(Err(AccountError::NotAllowed)).boxed()
    }

    fn end_removed(&self, _: &Jid) {}

    fn authority(&self, user: &Jid, domain: &str) -> Authority {
        let question = HostQuestion::Authority { user: user.to_string(), domain: domain.to_owned() };
        match self.oracle.at_once(question) {
            HostAnswer::Authority(authority) => authority,
            _ => Authority::None,
        }
    }

    fn may_manage(&self, user: &Jid, account: &Jid) -> bool {
        let question = HostQuestion::MayManage { user: user.to_string(), account: account.to_string() };
        matches!(self.oracle.at_once(question), HostAnswer::Is(true))
    }

    fn admin(&self, request: AdminRequest) -> BoxFuture<'_, AdminAnswer> {
        let answer = self.oracle.answer(HostQuestion::Admin(request));
        answer
            .map(|answer| match answer {
                HostAnswer::Admin(answer) => answer,
                _ => AdminAnswer::Refused(AdminError::Unavailable),
            })
            .boxed()
    }
}

fn changed(answer: HostAnswer) -> Result<(), AccountError> {
    match answer {
        HostAnswer::Account(result) => result,
        _ => Err(AccountError::Unavailable),
    }
}
