//! What plugins that administer the server may have done. Who may do what has been decided before.

use crate::access_list::AccessListError;
use crate::accounts::AccountError;
use crate::server::Server;
use crate::session::Session;
use crate::vhosts::VhostError;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use waxwing_config::VhostSettings;
use waxwing_plugins::{AccessList, AccountInfo, AdminAnswer, AdminError, AdminRequest, ConnectionInfo};
use waxwing_xmpp::{Jid, StreamCondition, StreamError};

impl Server {
    /// Do it.
    pub(crate) async fn administer(&self, request: AdminRequest) -> AdminAnswer {
        match spelt(request) {
            AdminRequest::Vhosts => {
                AdminAnswer::Names(self.vhosts().iter().map(|vhost| vhost.domain().to_owned()).collect())
            }
            AdminRequest::Vhost(domain) => AdminAnswer::Settings(self.vhost(&domain).map(|vhost| {
                let settings = vhost.settings();
                let keys = VhostSettings::KEYS.iter();
                keys.filter_map(|key| Some((key.to_string(), settings.text(key)?))).collect()
            })),
            AdminRequest::AddVhost { by, domain, settings } => {
                self.to_its_end(by, |server, user| async move {
                    server.add_vhost_by(user.as_ref(), &domain, &settings).await
                })
                .await
            }
            AdminRequest::ChangeVhost { by, domain, settings } => {
                self.to_its_end(by, |server, user| async move {
                    server.change_vhost_by(user.as_ref(), &domain, &settings).await
                })
                .await
            }
            AdminRequest::RemoveVhost { by, domain, erase } => {
                self.to_its_end(by, |server, user| async move {
                    server.remove_vhost_by(user.as_ref(), &domain, erase).await
                })
                .await
            }
            AdminRequest::Account(account) => match parsed(&account) {
                Ok(account) => match self.storage.account(&account).await {
                    Ok(found) => AdminAnswer::Account(
                        found.map(|found| info(&found.jid, found.created, found.enabled)),
                    ),
                    Err(error) => unavailable(&error),
                },
                Err(refused) => refused,
            },
            AdminRequest::Enable { account, enabled } => match parsed(&account) {
                Ok(account) => changed(self.enable_account(&account, enabled).await),
                Err(refused) => refused,
            },
            AdminRequest::Accounts { domain, after, limit } => {
                let after = after.and_then(|after| Jid::parse(&after).ok());
                match self.storage.accounts(&domain, after.as_ref(), limit).await {
                    Ok(page) => AdminAnswer::Accounts(
                        page.iter().map(|found| info(&found.jid, found.created, found.enabled)).collect(),
                    ),
                    Err(error) => unavailable(&error),
                }
            }
            AdminRequest::CountAccounts(domain) => {
                let counts =
                    (self.storage.count_accounts(&domain).await, self.storage.count_disabled(&domain).await);
                match counts {
                    (Ok(all), Ok(disabled)) => AdminAnswer::Count(all, disabled),
                    (Err(error), _) | (_, Err(error)) => unavailable(&error),
                }
            }
            AdminRequest::Connections { of, after, limit } => {
                AdminAnswer::Connections(self.connections(&of, after.as_deref(), limit as usize))
            }
            AdminRequest::CountConnections(domain) => {
                let mut count = 0;
                self.directory.each_session(|session| count += u64::from(session.jid.domain() == domain));
                AdminAnswer::Count(count, 0)
            }
            AdminRequest::End { jid, reason } => match parsed(&jid) {
                Ok(jid) => AdminAnswer::Count(self.end_by_admin(&jid, &reason), 0),
                Err(refused) => refused,
            },
            AdminRequest::Certificates => AdminAnswer::Certificates(
                self.certificates.get().map(|store| store.list()).unwrap_or_default(),
            ),
            AdminRequest::PutCertificate { domain, pem } => match self.certificates.get() {
                Some(store) => match store.put(&domain, pem.reveal()).await {
                    Ok(kept) => AdminAnswer::Certificates(vec![kept]),
                    Err(why) => AdminAnswer::Refused(AdminError::Invalid(why)),
                },
                None => AdminAnswer::Refused(AdminError::Unavailable),
            },
            AdminRequest::AccessList(list) => AdminAnswer::Names(self.access_list(list)),
            AdminRequest::SetAccessList { list, entries } => self.change_access_list(list, entries).await,
            AdminRequest::Stop { then, delay } => match self.process.get() {
                Some(process) => match process.stop(then, Duration::from_secs(delay.into())) {
                    Ok(()) => AdminAnswer::Done,
                    Err(why) => AdminAnswer::Refused(AdminError::Invalid(why)),
                },
                None => AdminAnswer::Refused(AdminError::Unavailable),
            },
            AdminRequest::Addresses(name) => self.resolver.addresses(&name).await,
            AdminRequest::Services(name) => self.resolver.services(&name).await,
        }
    }

    /// Change virtual hosts for the user who wants it, whether or not the plugin's call is given up before that is done.
    async fn to_its_end<F>(
        &self,
        by: Option<String>,
        change: impl FnOnce(Arc<Server>, Option<Jid>) -> F,
    ) -> AdminAnswer
    where
        F: Future<Output = Result<(), VhostError>> + Send + 'static,
    {
        let user = match by.as_deref().map(parsed).transpose() {
            Ok(user) => user,
            Err(refused) => return refused,
        };
        let Some(server) = self.me.upgrade() else { return AdminAnswer::Refused(AdminError::Unavailable) };
        match tokio::spawn(change(server, user)).await {
            Ok(result) => vhost(result),
            Err(_) => AdminAnswer::Refused(AdminError::Unavailable),
        }
    }

    /// Change an access list, whether or not the plugin's call is given up before that is done.
    async fn change_access_list(&self, list: AccessList, entries: Vec<String>) -> AdminAnswer {
        let Some(server) = self.me.upgrade() else { return AdminAnswer::Refused(AdminError::Unavailable) };
        match tokio::spawn(async move { server.set_access_list(list, &entries).await }).await {
            Ok(Ok(())) => AdminAnswer::Done,
            Ok(Err(AccessListError::Invalid(why))) => AdminAnswer::Refused(AdminError::Invalid(why)),
            Ok(Err(AccessListError::Storage(error))) => unavailable(&error),
            Err(_) => AdminAnswer::Refused(AdminError::Unavailable),
        }
    }

    /// Sessions of an account or of a domain, in order of their addresses.
    fn connections(&self, of: &str, after: Option<&str>, limit: usize) -> Vec<ConnectionInfo> {
        let mut page: Vec<Arc<Session>> = Vec::new();
        // The least of those that come after, in order, and no more of them than are wanted.
        let mut take = |session: &Arc<Session>| {
            let jid = session.jid.as_str();
            let full = page.len() >= limit;
            let is_after = after.is_none_or(|after| jid > after);
            if !is_after || full && page.last().is_none_or(|last| jid > last.jid.as_str()) {
                return;
            }
            let at = page.partition_point(|other| other.jid.as_str() < jid);
            page.insert(at, session.clone());
            page.truncate(limit);
        };
        match of.contains('@') {
            true => {
                let entry = self.directory.account(of);
                entry.iter().flat_map(|entry| entry.sessions()).for_each(|session| take(&session));
            }
            false => self.directory.each_session(|session| {
                if session.jid.domain() == of {
                    take(session);
                }
            }),
        }
        let shown = page.into_iter().map(|session| ConnectionInfo {
            jid: session.jid.to_string(),
            since: session.since(),
            active: session.acted(),
            address: session.address().map(|address| address.to_string()),
            available: session.priority().is_some(),
        });
        shown.collect()
    }

    /// End a session, or all of an account (XEP-0133, section 4.6). How many there were.
    fn end_by_admin(&self, jid: &Jid, reason: &str) -> u64 {
        let Some(entry) = self.directory.account(jid.bare_str()) else { return 0 };
        let sessions = entry.sessions();
        let meant = sessions.iter().filter(|session| jid.is_bare() || session.jid == *jid);
        meant
            .map(|session| {
                let error = StreamError::new(StreamCondition::UndefinedCondition);
                let text = if reason.is_empty() { "ended by an administrator" } else { reason };
                session.end(error.with_text(text));
            })
            .count() as u64
    }
}

fn info(jid: &Jid, created: SystemTime, enabled: bool) -> AccountInfo {
    let since = created.duration_since(UNIX_EPOCH).unwrap_or_default();
    let created = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    AccountInfo { jid: jid.to_string(), created, enabled }
}

/// The request with its domain or account as addresses are compared.
fn spelt(mut request: AdminRequest) -> AdminRequest {
    if let AdminRequest::Vhost(address)
    | AdminRequest::CountAccounts(address)
    | AdminRequest::CountConnections(address)
    | AdminRequest::ChangeVhost { domain: address, .. }
    | AdminRequest::RemoveVhost { domain: address, .. }
    | AdminRequest::Accounts { domain: address, .. }
    | AdminRequest::Connections { of: address, .. }
    | AdminRequest::PutCertificate { domain: address, .. } = &mut request
        && let Ok(jid) = Jid::parse(address)
    {
        *address = jid.to_string();
    }
    request
}

fn parsed(text: &str) -> Result<Jid, AdminAnswer> {
    Jid::parse(text).map_err(|why| AdminAnswer::Refused(AdminError::Invalid(why.to_string())))
}

fn unavailable(error: &dyn std::error::Error) -> AdminAnswer {
    tracing::error!("an administrator cannot be served: {error}");
    AdminAnswer::Refused(AdminError::Unavailable)
}

fn vhost(result: Result<(), VhostError>) -> AdminAnswer {
    AdminAnswer::Refused(match result {
        Ok(()) => return AdminAnswer::Done,
        Err(VhostError::Exists) => AdminError::Exists,
        Err(VhostError::NotFound) => AdminError::NotFound,
        Err(error @ (VhostError::Invalid(_) | VhostError::Above(_) | VhostError::InFile)) => {
            AdminError::Invalid(error.to_string())
        }
        Err(VhostError::Storage(error)) => return unavailable(&error),
    })
}

fn changed(result: Result<(), AccountError>) -> AdminAnswer {
    AdminAnswer::Refused(match result {
        Ok(()) => return AdminAnswer::Done,
        Err(AccountError::Exists) => AdminError::Exists,
        Err(AccountError::NotFound) => AdminError::NotFound,
        Err(
            AccountError::NotAllowed | AccountError::NotServed | AccountError::Reserved | AccountError::Full,
        ) => AdminError::Denied,
        Err(error @ AccountError::Invalid) => AdminError::Invalid(error.to_string()),
        Err(error @ AccountError::Unavailable(_)) => return unavailable(&error),
    })
}
