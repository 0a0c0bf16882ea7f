//! A host that notes what it is told to do, in order.

use super::storage::Memory;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use waxwing_plugins::{
    AccountData, AccountError, AdminAnswer, AdminError, AdminRequest, Authority, Contact, Engine, Facts,
    Host, Outgoing, SessionInfo, Stage, Subscription, Written,
};
use waxwing_storage::Storage;
use waxwing_xmpp::{Jid, Stanza};

/// Something that the engine has let happen.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A batch of so many writes.
    Commit(usize),
    Mark(String, u8, bool),
    /// Stanzas, and the session that is held back.
    Send(Vec<String>, Option<String>),
    Remove(String),
}

pub struct FakeHost {
    pub storage: Memory,
    pub steps: Arc<Mutex<Vec<Step>>>,
    pub sent: Mutex<Vec<Stanza>>,
    pub sessions: Mutex<Vec<SessionInfo>>,
    /// Streams are gone: nothing is ever written.
    pub streams_gone: AtomicBool,
    /// Nobody takes what is sent, so this engine is asked what to do.
    pub echo: OnceLock<Weak<Engine>>,
    /// The clock.
    pub now: AtomicU64,
    /// The next random byte.
    pub random: AtomicU8,
    /// Of accounts that are online.
    pub account_data: Mutex<HashMap<String, Arc<AccountData>>>,
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
            echo: OnceLock::new(),
            now: AtomicU64::new(1_800_000_000_000),
            random: AtomicU8::new(0),
            account_data: Mutex::default(),
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
        (self.is_local(domain) && name == "register").then(|| "true".into())
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
                    let calls = engine.matching(super::VHOST, Stage::Post, &stanza, &Facts::default());
                    engine.call(calls, &super::event(), stanza).await;
                }
            }
            Written::new(ready(written))
        }
        .boxed()
    }

    fn account_exists<'a>(&'a self, account: &'a Jid) -> BoxFuture<'a, bool> {
        ready(self.is_local(account.domain())).boxed()
    }

    fn subscription<'a>(&'a self, _: &'a Jid, _: &'a Jid) -> BoxFuture<'a, Subscription> {
        ready(Subscription::Both).boxed()
    }

    fn contacts<'a>(&'a self, _: &'a Jid, after: Option<&'a str>, limit: u32) -> BoxFuture<'a, Vec<Contact>> {
        let all = ["nurse@capulet.example", "romeo@montague.example"].map(super::jid);
        let contact = |jid| Contact { jid, subscription: Subscription::Both, groups: vec!["Friends".into()] };
        let after = all.into_iter().filter(|jid| after.is_none_or(|after| jid.as_str() > after));
        ready(after.map(contact).take(limit as usize).collect()).boxed()
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

    fn authority(&self, _: &Jid, _: &str) -> Authority {
        Authority::None
    }

    fn admin(&self, _: AdminRequest) -> BoxFuture<'_, AdminAnswer> {
        ready(AdminAnswer::Refused(AdminError::Denied)).boxed()
    }
}
