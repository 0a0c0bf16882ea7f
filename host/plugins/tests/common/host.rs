//! A host that notes what it is told to do, in order.

use super::storage::Memory;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use tokio::sync::oneshot;
use waxwing_plugins::{
    AccountData, AccountError, AccountInfo, AdminAnswer, AdminError, AdminRequest, AfterStop, Authority,
    CertificateInfo, ConnectionInfo, Contact, Engine, Facts, Host, Outgoing, Promise, ServiceRecord,
    SessionInfo, Stage, Subscription, Written,
};
use waxwing_storage::Storage;
use waxwing_xmpp::{Jid, Stanza};

/// Something that the engine has let happen.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A batch of so many writes.
    Commit(usize),
    /// One that a crash may lose.
    CommitSoon(usize),
    Mark(String, u8, bool),
    /// Stanzas, and the session that is held back.
    Send(Vec<String>, Option<String>),
    Remove(String),
    End(String),
    /// What a plugin that administers the server wanted changed.
    Admin(AdminRequest),
}

pub struct FakeHost {
    pub storage: Memory,
    pub steps: Arc<Mutex<Vec<Step>>>,
    pub sent: Mutex<Vec<Stanza>>,
    pub sessions: Mutex<Vec<SessionInfo>>,
    /// Streams are gone: nothing is ever written.
    pub streams_gone: AtomicBool,
    /// Tells whether the client acknowledges what is sent next.
    pub acknowledged: Mutex<Option<oneshot::Receiver<bool>>>,
    /// Nobody takes what is sent, so this engine is asked what to do.
    pub echo: OnceLock<Weak<Engine>>,
    /// The clock.
    pub now: AtomicU64,
    /// The next random byte.
    pub random: AtomicU8,
    /// Of accounts that are online.
    pub account_data: Mutex<HashMap<String, Arc<AccountData>>>,
    /// Of the virtual host.
    pub settings: Mutex<HashMap<String, String>>,
}

impl Default for FakeHost {
    fn default() -> Self {
        let steps = Arc::<Mutex<Vec<Step>>>::default();
        let juliet =
            SessionInfo { jid: super::jid(super::JULIET), priority: 5, available: true, marks: 0b11 };
        FakeHost {
            storage: Memory::new(steps.clone()),
            steps,
            sent: Mutex::default(),
            sessions: Mutex::new(vec![juliet]),
            streams_gone: AtomicBool::new(false),
            acknowledged: Mutex::default(),
            echo: OnceLock::new(),
            now: AtomicU64::new(1_800_000_000_000),
            random: AtomicU8::new(0),
            account_data: Mutex::default(),
            settings: Mutex::new([("register".to_owned(), "true".to_owned())].into()),
        }
    }
}

impl FakeHost {
    /// What has happened since this was last asked.
    pub fn steps(&self) -> Vec<Step> {
        std::mem::take(&mut self.steps.lock().unwrap())
    }

    fn step(&self, step: Step) {
        self.steps.lock().unwrap().push(step);
    }
}

impl Host for FakeHost {
    fn now(&self) -> u64 {
        self.now.load(SeqCst)
    }

    fn random(&self, bytes: &mut [u8]) -> bool {
        bytes.fill_with(|| self.random.fetch_add(1, SeqCst));
        true
    }

    fn storage(&self) -> &dyn Storage {
        &self.storage
    }

    fn is_local(&self, domain: &str) -> bool {
        domain == "capulet.example"
    }

    fn vhost_setting(&self, domain: &str, name: &str) -> Option<String> {
        self.settings.lock().unwrap().get(name).filter(|_| self.is_local(domain)).cloned()
    }

    fn started(&self) -> u64 {
        500
    }

    fn has_feature(&self, domain: &str, feature: &str) -> bool {
        self.is_local(domain) && feature == "urn:test"
    }

    fn sessions(&self, account: &Jid) -> BoxFuture<'_, Vec<SessionInfo>> {
        let sessions = self.sessions.lock().unwrap();
        let of_account = sessions.iter().filter(|session| session.jid.bare() == *account);
        ready(of_account.cloned().collect()).boxed()
    }

    fn account_data(&self, account: &Jid) -> Option<Arc<AccountData>> {
        self.account_data.lock().unwrap().get(account.as_str()).cloned()
    }

    fn set_mark(&self, session: &Jid, mark: u8, on: bool) -> bool {
        self.step(Step::Mark(session.to_string(), mark, on));
        true
    }

    fn send<'a>(&'a self, stanzas: Vec<Outgoing>, ahead: Option<&'a Jid>) -> BoxFuture<'a, Written> {
        let stanzas = stanzas.into_iter().map(|outgoing| match outgoing {
            Outgoing::Route(stanza) | Outgoing::Deliver { stanza, .. } => stanza,
        });
        let stanzas: Vec<Stanza> = stanzas.collect();
        let names = stanzas.iter().map(|stanza| stanza.text("body").unwrap_or_default());
        self.step(Step::Send(names.collect(), ahead.map(ToString::to_string)));
        self.sent.lock().unwrap().extend_from_slice(&stanzas);
        let written = !self.streams_gone.load(SeqCst);
        async move {
            if let Some(engine) = self.echo.get().and_then(Weak::upgrade) {
                for stanza in stanzas {
                    let calls = engine.matching(super::VHOST, Stage::Post, &stanza, Facts::default);
                    engine.call(calls, &super::event(), stanza).await;
                }
            }
            match self.acknowledged.lock().unwrap().take() {
                Some(kept) => {
                    let kept = async { kept.await.unwrap_or(false) };
                    Written::promised(ready(true), Promise::new(Arc::default(), Arc::default(), kept))
                }
                None => Written::new(ready(written)),
            }
        }
        .boxed()
    }

    fn account_exists<'a>(&'a self, account: &'a Jid) -> BoxFuture<'a, waxwing_storage::Result<bool>> {
        ready(Ok(self.is_local(account.domain()) && account.local() != Some("nobody"))).boxed()
    }

    fn subscription<'a>(
        &'a self,
        _: &'a Jid,
        _: &'a Jid,
    ) -> BoxFuture<'a, waxwing_storage::Result<Subscription>> {
        ready(Ok(Subscription::Both)).boxed()
    }

    fn contacts<'a>(
        &'a self,
        _: &'a Jid,
        after: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, waxwing_storage::Result<Vec<Contact>>> {
        let all = ["nurse@capulet.example", "romeo@montague.example"].map(super::jid);
        let contact = |jid| Contact {
            jid,
            name: None,
            subscription: Subscription::Both,
            groups: vec!["Friends".into()],
        };
        let after = all.into_iter().filter(|jid| after.is_none_or(|after| jid.as_str() > after));
        ready(Ok(after.map(contact).take(limit as usize).collect())).boxed()
    }

    fn create_account<'a>(
        &'a self,
        _: &'a Jid,
        _: &'a str,
        _: bool,
    ) -> BoxFuture<'a, Result<(), AccountError>> {
        ready(Err(AccountError::Exists)).boxed()
    }

    fn set_password<'a>(&'a self, _: &'a Jid, _: &'a str) -> BoxFuture<'a, Result<(), AccountError>> {
        ready(Ok(())).boxed()
    }

    fn remove_account<'a>(&'a self, account: &'a Jid) -> BoxFuture<'a, Result<(), AccountError>> {
        self.step(Step::Remove(account.to_string()));
        ready(Ok(())).boxed()
    }

    fn end_removed(&self, account: &Jid) {
        self.step(Step::End(account.to_string()));
    }

    /// Juliet manages the virtual host, and nobody else does.
    fn authority(&self, user: &Jid, domain: &str) -> Authority {
        match user.bare_str() {
            "juliet@capulet.example" if self.is_local(domain) => Authority::Admin,
            _ => Authority::None,
        }
    }

    fn may_manage(&self, user: &Jid, account: &Jid) -> bool {
        self.authority(user, account.domain()) >= self.authority(account, account.domain())
            && self.authority(user, account.domain()) >= Authority::Admin
    }

    fn admin(&self, request: AdminRequest) -> BoxFuture<'_, AdminAnswer> {
        if request.changes() {
            self.step(Step::Admin(request.clone()));
        }
        ready(self.administer(request)).boxed()
    }
}

/// A server with one virtual host, two accounts and a certificate, on which nothing changes.
impl FakeHost {
    fn administer(&self, request: AdminRequest) -> AdminAnswer {
        match request {
            AdminRequest::Vhosts => AdminAnswer::Names(vec![super::VHOST.into()]),
            AdminRequest::Vhost(domain) => {
                let settings = vec![("register".into(), "true".into()), ("max-users".into(), "5".into())];
                AdminAnswer::Settings(self.is_local(&domain).then_some(settings))
            }
            AdminRequest::AddVhost { domain, .. } => AdminAnswer::Refused(match Jid::parse(&domain) {
                Ok(_) => AdminError::Exists,
                Err(_) => AdminError::Invalid(format!("'{domain}' is no domain")),
            }),
            AdminRequest::ChangeVhost { .. }
            | AdminRequest::RemoveVhost { .. }
            | AdminRequest::Enable { .. } => AdminAnswer::Done,
            AdminRequest::Account(jid) => {
                AdminAnswer::Account(people().into_iter().find(|account| account.jid == jid))
            }
            AdminRequest::Accounts { after, limit, .. } => {
                AdminAnswer::Accounts(page(people(), |account| &account.jid, after, limit))
            }
            AdminRequest::CountAccounts(_) => AdminAnswer::Count(2, 1),
            AdminRequest::Connections { of, after, limit } => {
                AdminAnswer::Connections(page(self.connections(&of), |found| &found.jid, after, limit))
            }
            AdminRequest::CountConnections(of) => AdminAnswer::Count(self.connections(&of).len() as u64, 0),
            AdminRequest::End { jid, .. } => AdminAnswer::Count(self.connections(&jid).len() as u64, 0),
            AdminRequest::Certificates => AdminAnswer::Certificates(vec![certificate(super::VHOST)]),
            AdminRequest::PutCertificate { domain, pem } if pem.reveal().starts_with("-----BEGIN") => {
                AdminAnswer::Certificates(vec![certificate(&domain)])
            }
            AdminRequest::PutCertificate { .. } => {
                AdminAnswer::Refused(AdminError::Invalid("There is no certificate in it".into()))
            }
            AdminRequest::AccessList(_) => AdminAnswer::Names(vec!["evil.example".into()]),
            AdminRequest::SetAccessList { entries, .. } => {
                match entries.iter().find(|entry| Jid::parse(entry).is_err()) {
                    Some(entry) => {
                        AdminAnswer::Refused(AdminError::Invalid(format!("{entry} is no address")))
                    }
                    None => AdminAnswer::Done,
                }
            }
            AdminRequest::Stop { then: AfterStop::Exit, .. } => AdminAnswer::Done,
            // Nothing starts it again.
            AdminRequest::Stop { then: AfterStop::Restart, .. } => {
                AdminAnswer::Refused(AdminError::Unavailable)
            }
            // Nobody knows.
            AdminRequest::Addresses(name) if !name.ends_with(super::VHOST) => {
                AdminAnswer::Refused(AdminError::Unavailable)
            }
            AdminRequest::Addresses(_) => AdminAnswer::Names(vec!["192.0.2.1".into(), "2001:db8::1".into()]),
            AdminRequest::Services(_) => {
                let record = ServiceRecord { target: "xmpp.capulet.example".into(), port: 5222 };
                AdminAnswer::Services(vec![record])
            }
        }
    }

    /// Sessions of an account, of a domain, or one by its own address.
    fn connections(&self, of: &str) -> Vec<ConnectionInfo> {
        let sessions = self.sessions.lock().unwrap();
        let meant = sessions.iter().filter(|session| {
            let jid = &session.jid;
            [jid.as_str(), jid.bare_str(), jid.domain()].contains(&of)
        });
        let connection = |session: &SessionInfo| ConnectionInfo {
            jid: session.jid.to_string(),
            since: 1000,
            active: 2000,
            address: Some("192.0.2.7".into()),
            available: session.available,
        };
        meant.map(connection).collect()
    }
}

fn people() -> Vec<AccountInfo> {
    let account = |jid: &str, enabled| AccountInfo { jid: jid.into(), created: 1000, enabled };
    vec![account("juliet@capulet.example", true), account("nurse@capulet.example", false)]
}

fn page<T>(all: Vec<T>, jid: impl Fn(&T) -> &str, after: Option<String>, limit: u32) -> Vec<T> {
    let comes = |item: &T| after.as_deref().is_none_or(|after| jid(item) > after);
    all.into_iter().filter(comes).take(limit as usize).collect()
}

fn certificate(domain: &str) -> CertificateInfo {
    CertificateInfo {
        domain: domain.into(),
        names: vec![domain.into()],
        issuer: "CN=Verona".into(),
        not_before: 1000,
        not_after: 1_800_000_000_000,
        self_signed: false,
    }
}
