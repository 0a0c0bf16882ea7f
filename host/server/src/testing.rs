//! For tests: a server on a database of its own, and clients without sockets.

use crate::server::Server;
use crate::session::Session;
use std::ops::Deref;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::SystemTime;
use tempfile::TempDir;
use waxwing_config::{Settings, VhostSettings};
use waxwing_storage::{Account, Batch, Roster, RosterItem, ScramKeys, Sqlite, SqliteOptions, Write};
use waxwing_xmpp::{Jid, Stanza};

/// The domain of the tests.
pub(crate) const DOMAIN: &str = "verona.lit";

/// A server with one virtual host and no plugins.
pub(crate) struct World {
    pub server: Arc<Server>,
    _folder: TempDir,
}

impl Deref for World {
    type Target = Arc<Server>;

    fn deref(&self) -> &Arc<Server> {
        &self.server
    }
}

/// A client's session, and the client's end of it.
pub(crate) struct Client {
    server: Arc<Server>,
    pub session: Arc<Session>,
}

pub(crate) fn jid(text: &str) -> Jid {
    Jid::parse(text).unwrap()
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A world with other settings.
    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage = Sqlite::open(folder.path().join("db"), SqliteOptions::default()).unwrap();
        let mut settings = Settings { vhosts: vec![VhostSettings::new(DOMAIN)], ..Settings::default() };
        settings.scram_iterations = 1;
        change(&mut settings);
        let server = Server::new(Arc::new(settings), Arc::new(storage)).await.unwrap();
        Self { server, _folder: folder }
    }

    /// Make an account that nobody can log in to, without the work of hashing.
    pub async fn account(&self, bare: &str) -> Jid {
        let keys = |length| ScramKeys {
            iterations: 1,
            salt: vec![1],
            stored_key: vec![2; length],
            server_key: vec![3; length],
        };
        let account = Account {
            jid: jid(bare),
            sha1: Some(keys(20)),
            sha256: Some(keys(32)),
            created: SystemTime::UNIX_EPOCH,
            enabled: true,
        };
        self.storage.commit(Batch::one(Write::CreateAccount(account))).await.unwrap();
        jid(bare)
    }

    /// Bind a resource, making the account if there is none.
    pub async fn login(&self, full: &str) -> Client {
        let full = jid(full);
        if !self.has_account(&full.bare()).await.unwrap() {
            self.account(full.bare_str()).await;
        }
        let session = self.bind(&full.bare(), full.resource()).await.unwrap();
        Client { server: self.server.clone(), session }
    }

    /// Bind a resource that asks for its roster and becomes available, and forget what it got.
    pub async fn online(&self, full: &str) -> Client {
        let client = self.login(full).await;
        client.send("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>").await;
        client.send("<presence/>").await;
        client.received();
        client
    }

    /// Let two accounts see each other, whatever was between them. For accounts that are offline.
    pub async fn befriend(&self, one: &str, other: &str) {
        for (owner, contact) in [(one, other), (other, one)] {
            if !self.has_account(&jid(owner)).await.unwrap() {
                self.account(owner).await;
            }
            let roster = self.storage.roster(&jid(owner)).await.unwrap();
            let item =
                RosterItem { from: true, to: true, hidden: false, ..crate::roster::new_item(jid(contact)) };
            let write =
                Write::Roster { owner: jid(owner), expect: roster.version, put: vec![item], remove: vec![] };
            self.storage.commit(Batch::one(write)).await.unwrap();
        }
    }

    /// The stored item of a contact as its `subscription`, with `+ask`, `+in`, `+approved` and
    /// `+hidden` where they apply; nothing for no item.
    pub async fn state(&self, owner: &str, contact: &str) -> String {
        let stored: Roster = self.storage.roster(&jid(owner)).await.unwrap();
        let known = self.roster_of(&jid(owner)).await.unwrap();
        let Some(item) = stored.item(contact) else { return String::new() };
        assert_eq!(known.item(contact), Some(item), "what is remembered is what is stored");
        let mut text = crate::subscription::State::of(Some(item)).as_attr().to_owned();
        let flags = [
            (item.pending_out, "+ask"),
            (item.pending_in.is_some(), "+in"),
            (item.approved, "+approved"),
            (item.hidden, "+hidden"),
        ];
        for (_, flag) in flags.iter().filter(|(set, _)| *set) {
            text += flag;
        }
        text
    }
}

impl Client {
    pub async fn send(&self, xml: &str) {
        self.server.receive(&self.session, Stanza::parse(xml).unwrap()).await;
    }

    /// What the client has got since it was last asked, each stanza as it goes on the wire.
    pub fn received(&self) -> Vec<String> {
        let mut all = Vec::new();
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            let mut out = Vec::new();
            // Nothing fits, so that each stanza comes alone.
            match self.session.poll_outgoing(&mut cx, &mut out, 0) {
                Poll::Ready(Ok(())) => all.push(String::from_utf8(out).unwrap()),
                Poll::Ready(Err(_)) | Poll::Pending => break,
            }
        }
        self.session.written();
        all
    }

    /// The same, with the own and the other addresses as short as they can be: `verona.lit` left out. What a
    /// roster's version is does not matter.
    pub fn got(&self) -> Vec<String> {
        self.received()
            .into_iter()
            .map(|xml| xml.replace("@verona.lit", "").replace("jabber:iq:", ""))
            .map(|xml| match xml.split_once(" ver='") {
                Some((before, rest)) => {
                    let (_, after) = rest.split_once('\'').unwrap();
                    format!("{before} ver='*'{after}")
                }
                None => xml,
            })
            .collect()
    }

    /// Send an IQ and take its answer; pushes and presence that came first are thrown away.
    pub async fn ask(&self, xml: &str) -> String {
        self.send(xml).await;
        self.received().pop().unwrap_or_default()
    }

    pub async fn leave(&self) {
        self.server.finish(&self.session).await;
    }
}
