//! Answers from the real host.

use super::exchange::{HostAnswer, HostQuestion, SeenSession};
use super::host::Oracle;
use crate::blob::Blob;
use crate::common::shared::Shared;
use crate::host::{AccountError, Host};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use waxwing_xmpp::Jid;

/// The real host.
pub(crate) struct Live {
    pub host: Arc<dyn Host>,
    /// Of the plugin that asks.
    pub shared: Arc<Shared>,
    /// Accounts are not changed: a change is answered as far as that can be done without making it.
    pub dry: bool,
}

impl Oracle for Live {
    fn at_once(&self, question: HostQuestion) -> HostAnswer {
        match question {
            HostQuestion::Now => HostAnswer::Time(self.host.now()),
            HostQuestion::Started => HostAnswer::Time(self.host.started()),
            HostQuestion::Random(len) => {
                let mut bytes = vec![0; usize::try_from(len).unwrap_or_default()];
                HostAnswer::Random(self.host.random(&mut bytes).then(|| bytes.into()))
            }
            HostQuestion::IsLocal(domain) => HostAnswer::Is(self.host.is_local(&domain)),
            HostQuestion::VhostSetting { domain, name } => {
                HostAnswer::Text(self.host.vhost_setting(&domain, &name))
            }
            HostQuestion::HasFeature { domain, feature } => {
                HostAnswer::Is(self.host.has_feature(&domain, &feature))
            }
            HostQuestion::Authority { user, domain } => {
                with(&user, |user| HostAnswer::Authority(self.host.authority(&user, &domain)))
            }
            HostQuestion::MayManage { user, account } => with(&user, |user| {
                with(&account, |account| HostAnswer::Is(self.host.may_manage(&user, &account)))
            }),
            HostQuestion::IsAnonymous(account) => {
                with(&account, |account| HostAnswer::Is(self.host.is_anonymous(&account)))
            }
            HostQuestion::AccountData(account) => with(&account, |account| {
                let data = self.host.account_data(&account);
                HostAnswer::Data(data.and_then(|data| data.entries(&self.shared.name)).map(blobs))
            }),
            _ => HostAnswer::Failed("this takes a wait".to_owned()),
        }
    }

    fn answer(&self, question: HostQuestion) -> BoxFuture<'_, HostAnswer> {
        async move { self.look_up(question).await.unwrap_or_else(|error| HostAnswer::Failed(error.to_string())) }
            .boxed()
    }

    fn store_bytes<'a>(&'a self, store: &'a str) -> BoxFuture<'a, waxwing_storage::Result<u64>> {
        self.host.storage().store_bytes(store)
    }

    fn alarm_bytes<'a>(&'a self, plugin: &'a str) -> BoxFuture<'a, waxwing_storage::Result<u64>> {
        self.host.storage().alarm_bytes(plugin)
    }
}

impl Live {
    async fn look_up(&self, question: HostQuestion) -> waxwing_storage::Result<HostAnswer> {
        let (host, storage) = (&self.host, self.host.storage());
        let jid = |text: &str| {
            Jid::parse(text).map_err(|_| waxwing_storage::Error::Unavailable("not an address".to_owned()))
        };
        Ok(match question {
            HostQuestion::Sessions(account) => {
                let sessions = host.sessions(&jid(&account)?).await.into_iter();
                let marks = self.shared.marks();
                HostAnswer::Sessions(sessions.map(|session| SeenSession::new(session, marks)).collect())
            }
            HostQuestion::AccountExists(account) => {
                HostAnswer::Is(host.account_exists(&jid(&account)?).await?)
            }
            HostQuestion::Subscription { owner, contact } => {
                HostAnswer::Subscription(host.subscription(&jid(&owner)?, &jid(&contact)?).await?)
            }
            HostQuestion::Contacts { owner, after, limit } => {
                let contacts = host.contacts(&jid(&owner)?, after.as_deref(), limit).await?;
                HostAnswer::Contacts(contacts.into_iter().map(Into::into).collect())
            }
            HostQuestion::CreateAccount { account, password, by_admin } => {
                let account = jid(&account)?;
                HostAnswer::Account(match self.dry {
                    false => host.create_account(&account, &password.0, by_admin).await,
                    true if host.account_exists(&account).await? => Err(AccountError::Exists),
                    true => Ok(()),
                })
            }
            HostQuestion::SetPassword { account, password } => {
                let account = jid(&account)?;
                HostAnswer::Account(match self.dry {
                    false => host.set_password(&account, &password.0).await,
                    true if host.account_exists(&account).await? => Ok(()),
                    true => Err(AccountError::NotFound),
                })
            }
            HostQuestion::Admin(request) => HostAnswer::Admin(match self.dry && request.changes() {
                true => request.pretended(),
                false => host.admin(request).await,
            }),
            HostQuestion::TableGet { store, owner, key } => {
                HostAnswer::Value(storage.table_get(&store, &owner, &key).await?.map(Into::into))
            }
            HostQuestion::TableKeys { store, owner, prefix, after, limit } => {
                HostAnswer::Keys(storage.table_keys(&store, &owner, &prefix, after.as_deref(), limit).await?)
            }
            HostQuestion::TableScan { store, owner, range } => {
                HostAnswer::Rows(blobs(storage.table_scan(&store, &owner, &range.into()).await?))
            }
            HostQuestion::LogRead { store, owner, query } => {
                let entries = storage.log_read(&store, &owner, query.into()).await?;
                HostAnswer::Entries(entries.into_iter().map(Into::into).collect())
            }
            HostQuestion::LogCount { store, owner, tag } => {
                HostAnswer::Count(storage.log_count(&store, &owner, tag.as_deref()).await?)
            }
            HostQuestion::StoredAccountData(account) => {
                let all = storage.account_data(&account).await?.into_iter();
                let own = all.filter(|(plugin, ..)| *plugin == self.shared.name);
                HostAnswer::Data(Some(blobs(own.map(|(_, key, value)| (key, value)).collect())))
            }
            at_once @ (HostQuestion::Now
            | HostQuestion::Started
            | HostQuestion::Random(_)
            | HostQuestion::IsLocal(_)
            | HostQuestion::VhostSetting { .. }
            | HostQuestion::HasFeature { .. }
            | HostQuestion::Authority { .. }
            | HostQuestion::MayManage { .. }
            | HostQuestion::IsAnonymous(_)
            | HostQuestion::AccountData(_)) => self.at_once(at_once),
        })
    }
}

fn with(address: &str, answer: impl FnOnce(Jid) -> HostAnswer) -> HostAnswer {
    Jid::parse(address).map_or_else(|_| HostAnswer::Failed("not an address".to_owned()), answer)
}

fn blobs(entries: Vec<(String, Vec<u8>)>) -> Vec<(String, Blob)> {
    entries.into_iter().map(|(key, value)| (key, value.into())).collect()
}
