//! What plugins may ask of the server: the engine's `Host`.

use crate::accounts::AccountError as OwnError;
use crate::outbound::receipt;
use crate::relation::Relation;
use crate::server::Server;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use waxwing_plugins::{
    AccountData, AccountError, AdminAnswer, AdminRequest, Authority, Contact, Host, Outgoing, SessionInfo,
    Subscription, Written,
};
use waxwing_storage::{Error as StorageError, Result as StorageResult, Storage};
use waxwing_xmpp::{Jid, StanzaError};

impl Host for Server {
    fn now(&self) -> u64 {
        self.clock.now()
    }

    fn started(&self) -> u64 {
        self.started
    }

    fn random(&self, bytes: &mut [u8]) -> bool {
        ring::rand::SecureRandom::fill(&self.random, bytes).is_ok()
    }

    fn storage(&self) -> &dyn Storage {
        &*self.storage
    }

    fn is_local(&self, domain: &str) -> bool {
        Server::is_local(self, domain)
    }

    fn vhost_setting(&self, domain: &str, name: &str) -> Option<String> {
        self.vhost(domain)?.get(|settings| settings.text(name))
    }

    fn has_feature(&self, domain: &str, feature: &str) -> bool {
        Server::has_feature(self, domain, feature)
    }

    fn sessions(&self, account: &Jid) -> BoxFuture<'_, Vec<SessionInfo>> {
        let entry = self.directory.account(account.bare_str());
        let sessions = entry.map(|entry| entry.sessions()).unwrap_or_default();
        let infos = sessions.iter().map(|session| {
            let priority = session.priority();
            SessionInfo {
                jid: session.jid.clone(),
                priority: priority.unwrap_or(0),
                available: priority.is_some(),
                marks: session.marks(),
            }
        });
        std::future::ready(infos.collect()).boxed()
    }

    fn account_data(&self, account: &Jid) -> Option<Arc<AccountData>> {
        self.directory.account(account.bare_str()).map(|entry| entry.data())
    }

    fn set_mark(&self, session: &Jid, mark: u8, on: bool) -> bool {
        let session = self.directory.session(session);
        session.map(|session| session.set_mark(mark, on)).is_some()
    }

    fn send<'a>(&'a self, stanzas: Vec<Outgoing>, ahead: Option<&'a Jid>) -> BoxFuture<'a, Written> {
        async move {
            let deliveries = stanzas.iter().filter(|out| matches!(out, Outgoing::Deliver { .. })).count();
            let (mut tickets, written) = receipt(deliveries);
            for outgoing in stanzas {
                match outgoing {
                    Outgoing::Route(stanza) => self.route(stanza).await,
                    Outgoing::Deliver { session, stanza } => {
                        let ahead = ahead == Some(&session);
                        // There are as many as there are deliveries.
                        if let Some(ticket) = tickets.pop() {
                            self.deliver_to(&session, stanza, ticket, ahead).await;
                        }
                    }
                }
            }
            written
        }
        .boxed()
    }

    fn is_anonymous(&self, account: &Jid) -> bool {
        Server::is_anonymous(self, account)
    }

    fn account_exists<'a>(&'a self, account: &'a Jid) -> BoxFuture<'a, StorageResult<bool>> {
        async move { Ok(Server::is_anonymous(self, account) || self.is_account(account).await?) }.boxed()
    }

    fn subscription<'a>(
        &'a self,
        owner: &'a Jid,
        contact: &'a Jid,
    ) -> BoxFuture<'a, StorageResult<Subscription>> {
        async move { self.relation(owner, contact).await.map(subscription).map_err(unread) }.boxed()
    }

    fn contacts<'a>(
        &'a self,
        owner: &'a Jid,
        after: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, StorageResult<Vec<Contact>>> {
        async move {
            let roster = self.roster_of(owner).await.map_err(unread)?;
            let items = roster.items.iter().filter(|item| !item.hidden);
            let items = items.filter(|item| after.is_none_or(|after| item.jid.as_str() > after));
            let contacts = items.take(limit as usize).map(|item| Contact {
                jid: item.jid.clone(),
                name: Some(item.name.clone()).filter(|name| !name.is_empty()),
                subscription: subscription(Relation::of(Some(item))),
                groups: item.groups.clone(),
            });
            Ok(contacts.collect())
        }
        .boxed()
    }

    fn create_account<'a>(
        &'a self,
        account: &'a Jid,
        password: &'a str,
        by_admin: bool,
    ) -> BoxFuture<'a, Result<(), AccountError>> {
        async move {
            let made = match by_admin {
                true => Server::create_account(self, account, password).await,
                false => self.register(account, password).await,
            };
            made.map_err(answer)
        }
        .boxed()
    }

    fn set_password<'a>(
        &'a self,
        account: &'a Jid,
        password: &'a str,
    ) -> BoxFuture<'a, Result<(), AccountError>> {
        async move { Server::set_password(self, account, password).await.map_err(answer) }.boxed()
    }

    fn remove_account<'a>(&'a self, account: &'a Jid) -> BoxFuture<'a, Result<(), AccountError>> {
        async move { self.remove_silently(account).await.map_err(answer) }.boxed()
    }

    fn end_removed(&self, account: &Jid) {
        Server::end_removed(self, account);
    }

    fn authority(&self, user: &Jid, domain: &str) -> Authority {
        self.authority_over(user, domain)
    }

    fn may_manage(&self, user: &Jid, account: &Jid) -> bool {
        Server::may_manage(self, user, account)
    }

    fn admin(&self, request: AdminRequest) -> BoxFuture<'_, AdminAnswer> {
        self.administer(request).boxed()
    }
}

/// What went wrong has been logged where it did.
fn unread(error: StanzaError) -> StorageError {
    StorageError::Unavailable(error.text.unwrap_or_else(|| "a roster was not read".into()))
}

fn subscription(relation: Relation) -> Subscription {
    match (relation.from, relation.to) {
        (true, true) => Subscription::Both,
        (true, false) => Subscription::From,
        (false, true) => Subscription::To,
        (false, false) => Subscription::None,
    }
}

fn answer(error: OwnError) -> AccountError {
    match error {
        OwnError::Exists => AccountError::Exists,
        OwnError::NotFound => AccountError::NotFound,
        OwnError::NotAllowed | OwnError::NotServed | OwnError::Reserved => AccountError::NotAllowed,
        OwnError::Full => AccountError::Full,
        OwnError::Invalid => AccountError::Invalid,
        OwnError::Unavailable(_) => AccountError::Unavailable,
    }
}
