//! A server that is none, with a database that is one, for plugins that are installed in it.

use crate::common::{FakeHost, VHOST, event, guest, options};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use waxwing_plugins::*;
use waxwing_storage::{InstalledPlugin, Sqlite, SqliteOptions, Storage};
use waxwing_xmpp::{Jid, Stanza};

/// Another virtual host.
pub const OTHER: &str = "montague.example";

/// The server around the engine.
pub struct Town {
    fake: FakeHost,
    storage: Sqlite,
    /// A database that answers nothing any more.
    broken: Sqlite,
    /// How often the storage is looked at before it breaks.
    lasts: AtomicUsize,
}

pub struct World {
    folder: tempfile::TempDir,
    pub town: Arc<Town>,
    pub engine: Arc<Engine>,
    pub catalogue: Arc<Catalogue>,
}

impl World {
    /// A server in which nothing is installed.
    pub async fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        World::open(folder, Vec::new()).await
    }

    /// The same with plugins in its config file.
    pub async fn with(listed: Vec<PluginSpec>) -> World {
        let world = World::open(tempfile::tempdir().unwrap(), listed).await;
        for spec in world.catalogue_options().listed {
            world.engine.put(spec).await.unwrap();
        }
        world
    }

    async fn open(folder: tempfile::TempDir, listed: Vec<PluginSpec>) -> World {
        let open = |name: &str| Sqlite::open(folder.path().join(name), SqliteOptions::default()).unwrap();
        let broken = open("broken.db");
        broken.close().await.unwrap();
        let (fake, storage) = (FakeHost::default(), open("waxwing.db"));
        let town = Arc::new(Town { fake, storage, broken, lasts: AtomicUsize::new(usize::MAX) });
        let host: Arc<dyn Host> = town.clone();
        let options = EngineOptions { alarms: false, ..options() };
        let engine = Engine::new(options, Arc::downgrade(&host)).unwrap();
        let catalogue = CatalogueOptions { listed, file_bytes: 4 << 20 };
        let catalogue = Catalogue::new(engine.clone(), catalogue);
        World { folder, town, engine, catalogue }
    }

    /// The same database, with everything else new. What is installed is not started yet.
    pub async fn again(self, listed: Vec<PluginSpec>) -> World {
        self.town.storage.close().await.unwrap();
        let World { folder, .. } = self;
        World::open(folder, listed).await
    }

    /// After a restart.
    pub async fn restarted(self) -> World {
        let world = self.again(Vec::new()).await;
        world.catalogue.start().await.unwrap();
        world
    }

    /// What it says of the only plugin that does not start.
    pub async fn trouble(&self) -> String {
        let troubles = self.catalogue.start().await.unwrap();
        assert_eq!(troubles.len(), 1, "{troubles:?}");
        troubles[0].to_string()
    }

    pub fn catalogue_options(&self) -> CatalogueOptions {
        self.catalogue.options().clone()
    }

    /// The storage breaks after it has been looked at so often.
    pub fn break_after(&self, looks: usize) {
        self.town.lasts.store(looks, SeqCst);
    }

    pub fn mend(&self) {
        self.break_after(usize::MAX);
    }

    /// Install a greeter with all that it asks for.
    pub async fn install(&self, name: &'static str, wish: Wish) -> Done {
        done(self.catalogue.install(bytes(name), allowed(wish)).await.unwrap())
    }

    pub async fn rows(&self) -> Vec<InstalledPlugin> {
        self.town.storage.plugins().await.unwrap()
    }

    /// The manifest of the only row.
    pub async fn manifest(&self) -> Manifest {
        let rows = self.rows().await;
        assert_eq!(rows.len(), 1, "{rows:?}");
        serde_json::from_str(&rows[0].manifest).unwrap()
    }

    /// Change what is stored.
    pub async fn write(&self, write: waxwing_storage::Write) {
        self.town.storage.commit(waxwing_storage::Batch::one(write)).await.unwrap();
    }

    pub async fn value(&self, store: &str, owner: &str, key: &str) -> Option<String> {
        let value = self.town.storage.table_get(store, owner, key).await.unwrap();
        value.map(|value| String::from_utf8(value).unwrap())
    }

    /// What the greeter of a virtual host says: its greeting, `nobody`, or what happened instead.
    pub async fn greeting_at(&self, vhost: &str) -> String {
        let xml = format!(
            "<iq xmlns='jabber:client' type='get' id='1' from='juliet@{vhost}/balcony' to='{vhost}'>\
             <greet xmlns='urn:test:greeter'/></iq>"
        );
        let stanza = Stanza::parse(&xml).unwrap();
        let facts = Facts { targets: Target::SERVER, ..Facts::default() };
        let calls = self.engine.matching(vhost, Stage::Process, &stanza, || facts);
        if calls.is_empty() {
            return "nobody".into();
        }
        match self.engine.call(calls, &event(), stanza).await {
            Outcome::Reply(xml) => xml
                .trim_start_matches("<greet xmlns='urn:test:greeter'>")
                .trim_end_matches("</greet>")
                .to_owned(),
            other => format!("{other:?}"),
        }
    }

    pub async fn greeting(&self) -> String {
        self.greeting_at(VHOST).await
    }
}

/// The bytes of a guest, made once.
pub fn bytes(name: &'static str) -> Arc<[u8]> {
    static GREETERS: [OnceLock<Arc<[u8]>>; 3] = [OnceLock::new(), OnceLock::new(), OnceLock::new()];
    let at = ["greeter", "greeter_two", "greeter_three"].iter().position(|known| *known == name).unwrap();
    GREETERS[at].get_or_init(|| std::fs::read(guest(name)).unwrap().into()).clone()
}

/// A wish with what all greeters ask for.
pub fn allowed(wish: Wish) -> Wish {
    let allow = Interfaces::named(["process", "stanzas"]).unwrap();
    let reach = Reach::from([ANYTHING.to_owned()]);
    Wish { grants: wish.grants.plus(&Grants { allow, ..Grants::default() }), reach, ..wish }
}

pub fn greeter() -> Which {
    Which { name: "greeter".into(), scope: None }
}

pub fn greeter_at(scope: &str) -> Which {
    Which { name: "greeter".into(), scope: Some(scope.into()) }
}

pub fn done(answer: Answer) -> Done {
    match answer {
        Answer::Done(done) => done,
        Answer::NeedsConsent(question) => panic!("{question:?}"),
    }
}

pub fn question(answer: Answer) -> NeedsConsent {
    match answer {
        Answer::NeedsConsent(question) => question,
        Answer::Done(done) => panic!("{done:?}"),
    }
}

impl Host for Town {
    fn storage(&self) -> &dyn Storage {
        let left = self.lasts.load(SeqCst);
        if left == 0 {
            return &self.broken;
        }
        if left != usize::MAX {
            self.lasts.store(left - 1, SeqCst);
        }
        &self.storage
    }

    fn is_local(&self, domain: &str) -> bool {
        [VHOST, OTHER].contains(&domain)
    }

    fn now(&self) -> u64 {
        self.fake.now()
    }

    fn random(&self, bytes: &mut [u8]) -> bool {
        self.fake.random(bytes)
    }

    fn vhost_setting(&self, domain: &str, name: &str) -> Option<String> {
        self.fake.vhost_setting(domain, name)
    }

    fn started(&self) -> u64 {
        self.fake.started()
    }

    fn has_feature(&self, domain: &str, feature: &str) -> bool {
        self.fake.has_feature(domain, feature)
    }

    fn sessions(&self, account: &Jid) -> BoxFuture<'_, Vec<SessionInfo>> {
        self.fake.sessions(account)
    }

    fn account_data(&self, account: &Jid) -> Option<Arc<AccountData>> {
        self.fake.account_data(account)
    }

    fn set_mark(&self, session: &Jid, mark: u8, on: bool) -> bool {
        self.fake.set_mark(session, mark, on)
    }

    fn send<'a>(&'a self, stanzas: Vec<Outgoing>, ahead: Option<&'a Jid>) -> BoxFuture<'a, Written> {
        self.fake.send(stanzas, ahead)
    }

    fn account_exists<'a>(&'a self, account: &'a Jid) -> BoxFuture<'a, waxwing_storage::Result<bool>> {
        ready(Ok(self.is_local(account.domain()))).boxed()
    }

    fn subscription<'a>(
        &'a self,
        owner: &'a Jid,
        contact: &'a Jid,
    ) -> BoxFuture<'a, waxwing_storage::Result<Subscription>> {
        self.fake.subscription(owner, contact)
    }

    fn contacts<'a>(
        &'a self,
        owner: &'a Jid,
        after: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, waxwing_storage::Result<Vec<Contact>>> {
        self.fake.contacts(owner, after, limit)
    }

    fn create_account<'a>(
        &'a self,
        account: &'a Jid,
        word: &'a str,
        by_admin: bool,
    ) -> BoxFuture<'a, Result<(), AccountError>> {
        self.fake.create_account(account, word, by_admin)
    }

    fn set_password<'a>(
        &'a self,
        account: &'a Jid,
        word: &'a str,
    ) -> BoxFuture<'a, Result<(), AccountError>> {
        self.fake.set_password(account, word)
    }

    fn remove_account<'a>(&'a self, account: &'a Jid) -> BoxFuture<'a, Result<(), AccountError>> {
        self.fake.remove_account(account)
    }

    fn may_manage(&self, user: &Jid, account: &Jid) -> bool {
        self.fake.may_manage(user, account)
    }

    fn end_removed(&self, account: &Jid) {
        self.fake.end_removed(account);
    }

    fn authority(&self, user: &Jid, domain: &str) -> Authority {
        self.fake.authority(user, domain)
    }

    fn admin(&self, request: AdminRequest) -> BoxFuture<'_, AdminAnswer> {
        self.fake.admin(request)
    }
}
