//! A server for one plugin: the real one, on a database that vanishes with it, with clients that need no sockets.

use crate::component::{self, Component, Values};
use anyhow::Context as _;
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tempfile::TempDir;
use waxwing_config::{Settings, VhostSettings};
use waxwing_plugins::{Engine, EngineOptions};
use waxwing_server::{Server, Session};
use waxwing_storage::{Sqlite, SqliteOptions, Storage};
use waxwing_xmpp::{Element, Jid, Stanza, ns};

/// The domain that there is when nobody says otherwise.
pub(crate) const DOMAIN: &str = "example.org";
/// How long the server may take to come to rest. Only a plugin that never does needs this long.
const REST: Duration = Duration::from_secs(10);
/// The password of all accounts.
const PASSWORD: &str = "secret";

/// A server with one plugin.
pub(crate) struct World {
    pub server: Arc<Server>,
    pub engine: Arc<Engine>,
    storage: Arc<dyn Storage>,
    clients: Vec<Client>,
    _folder: TempDir,
}

/// A session, and what its client has got and nobody has taken yet.
pub(crate) struct Client {
    pub jid: Jid,
    session: Arc<Session>,
    pub inbox: VecDeque<Element>,
    /// The server has ended it.
    ended: bool,
    /// It is gone from the server.
    gone: bool,
}

impl World {
    /// A server with these virtual hosts, administrators and this plugin. Within a tokio runtime.
    pub async fn new(
        vhosts: Vec<VhostSettings>,
        admins: Vec<String>,
        options: EngineOptions,
        plugin: &Component,
        values: Values,
    ) -> anyhow::Result<World> {
        let folder = tempfile::tempdir().context("there is no place for a database")?;
        let sqlite = Sqlite::open(folder.path().join("waxwing.db"), SqliteOptions::default())?;
        let storage: Arc<dyn Storage> = Arc::new(sqlite);
        let mut settings = Settings { vhosts, admins, ..Settings::default() };
        // Nobody guesses at these passwords.
        settings.scram_iterations = 1;
        let server = Server::new(Arc::new(settings), storage.clone()).await?;
        let engine = component::engine(options, Arc::downgrade(&server))?;
        engine.put(plugin.spec(values)).await?;
        server.install_plugins(engine.clone());
        Ok(World { server, engine, storage, clients: Vec::new(), _folder: folder })
    }

    /// Make an account if there is none.
    pub async fn account(&self, jid: &Jid) -> anyhow::Result<()> {
        let wrong = || format!("cannot make the account {jid}");
        if !self.server.has_account(jid).await.with_context(wrong)? {
            self.server.create_account(jid, PASSWORD).await.with_context(wrong)?;
        }
        Ok(())
    }

    /// Bind a resource, and send its first presence if it is to have one. The presence that goes round
    /// because of that, from sessions of this world, is nothing that anybody waits for.
    pub async fn login(&mut self, jid: &Jid, priority: Option<i8>) -> anyhow::Result<()> {
        self.account(&jid.bare()).await?;
        let server = self.server.clone();
        let bound = self.drive(async { server.bind(&jid.bare(), jid.resource()).await }).await;
        let session = bound.with_context(|| format!("cannot bind {jid}"))?;
        let client =
            Client { jid: session.jid.clone(), session, inbox: VecDeque::new(), ended: false, gone: false };
        // Another of that name, if there was one, has been ended.
        self.clients.retain(|other| other.jid != client.jid);
        self.clients.push(client);
        if let Some(priority) = priority {
            let before: Vec<usize> = self.clients.iter().map(|client| client.inbox.len()).collect();
            let inner =
                if priority == 0 { String::new() } else { format!("<priority>{priority}</priority>") };
            self.send(jid, Stanza::presence(waxwing_xmpp::Type::Available, &inner)).await?;
            self.forget_presence(&before);
        }
        self.rest().await
    }

    /// End a session as a client does that closes its stream. The presence that goes round because of that
    /// is nothing that anybody waits for.
    pub async fn logout(&mut self, jid: &Jid) -> anyhow::Result<()> {
        let before: Vec<usize> = self.clients.iter().map(|client| client.inbox.len()).collect();
        let (server, session) = (self.server.clone(), self.client(jid)?.session.clone());
        self.drive(async { server.finish(&session).await }).await;
        self.client(jid)?.gone = true;
        self.rest().await?;
        self.forget_presence(&before);
        Ok(())
    }

    /// Have a client send a stanza, and wait for all that comes of it.
    pub async fn send(&mut self, from: &Jid, stanza: Stanza) -> anyhow::Result<()> {
        let server = self.server.clone();
        let client = self.client(from)?;
        anyhow::ensure!(!client.ended && !client.gone, "the session {from} has ended");
        let session = client.session.clone();
        self.drive(async { server.receive(&session, stanza).await }).await;
        self.rest().await
    }

    /// Have a stream that has not logged in send an IQ; its answer.
    pub async fn send_before_login(&mut self, vhost: &str, stanza: Stanza) -> anyhow::Result<Option<Stanza>> {
        let vhost = self.server.vhost(vhost).with_context(|| format!("{vhost} is no virtual host here"))?;
        let server = self.server.clone();
        let answer =
            self.drive(async { server.receive_before_login(&vhost, None, true, stanza).await }).await;
        self.rest().await?;
        Ok(answer)
    }

    /// Let time pass: what is due by then is done.
    pub async fn advance(&mut self, by: Duration) -> anyhow::Result<()> {
        self.server.advance_clock(by);
        self.rest().await
    }

    /// The time here, in milliseconds since the Unix epoch.
    pub fn now(&self) -> u64 {
        waxwing_plugins::Host::now(&*self.server)
    }

    /// The client of a session.
    pub fn client(&mut self, jid: &Jid) -> anyhow::Result<&mut Client> {
        let client = self.clients.iter_mut().find(|client| client.jid == *jid);
        client.with_context(|| {
            format!("there is no session {jid}; there must be a <session/> or <login/> before")
        })
    }

    /// What sessions have got since this was last asked, in the order in which they logged in.
    pub fn take(&mut self) -> Vec<(Jid, Vec<Element>)> {
        let taken = self.clients.iter_mut();
        taken.map(|client| (client.jid.clone(), client.inbox.drain(..).collect())).collect()
    }

    /// Write out what is queued and close the database.
    pub async fn close(self) {
        let World { server, engine, storage, clients, _folder: folder } = self;
        drop((clients, engine, server));
        // What is not written by then is not missed.
        let _ = storage.close().await;
        drop(folder);
    }

    /// Wait until nothing is under way.
    async fn rest(&mut self) -> anyhow::Result<()> {
        let (engine, server) = (self.engine.clone(), self.server.clone());
        let rest = tokio::time::timeout(REST, self.drive(engine.come_to_rest())).await;
        rest.map_err(|_| {
            anyhow::anyhow!(
                "the plugin has not come to rest within {} s; does each alarm set another?",
                REST.as_secs()
            )
        })?;
        let ended = self.clients.iter().filter(|client| client.ended && !client.gone);
        let ended: Vec<(Jid, Arc<Session>)> =
            ended.map(|client| (client.jid.clone(), client.session.clone())).collect();
        for (jid, session) in ended {
            self.drive(server.finish(&session)).await;
            self.client(&jid)?.gone = true;
        }
        Ok(())
    }

    /// Await something while all clients read what comes.
    async fn drive<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        std::future::poll_fn(|cx| {
            loop {
                let done = work.as_mut().poll(cx);
                let mut read = false;
                for client in &mut self.clients {
                    read |= client.read(cx);
                }
                if done.is_ready() || !read {
                    return done;
                }
            }
        })
        .await
    }

    /// Forget what sessions have told each other of their presence, beyond what they had before.
    fn forget_presence(&mut self, before: &[usize]) {
        let known: Vec<String> = self.clients.iter().map(|client| client.jid.to_string()).collect();
        let from_one = |stanza: &Element| {
            stanza.name() == "presence"
                && stanza.attr("from").is_some_and(|from| known.iter().any(|jid| jid == from))
        };
        for (client, before) in self.clients.iter_mut().zip(before) {
            let new = client.inbox.split_off((*before).min(client.inbox.len()));
            client.inbox.extend(new.into_iter().filter(|stanza| !from_one(stanza)));
        }
    }
}

impl Client {
    /// Take what is queued, as a stream does that writes it at once; whether there was anything.
    fn read(&mut self, cx: &mut Context<'_>) -> bool {
        let mut any = false;
        while !self.gone && !self.ended {
            let mut out = Vec::new();
            // Nothing fits, so that each stanza comes alone.
            match self.session.poll_outgoing(cx, &mut out, 0) {
                Poll::Ready(Ok(())) => {
                    any = true;
                    // The server has checked what it sends.
                    let stanza = std::str::from_utf8(&out)
                        .ok()
                        .and_then(|xml| Element::parse_in(xml, ns::CLIENT).ok());
                    self.inbox.extend(stanza);
                    self.session.written();
                }
                Poll::Ready(Err(_)) => self.ended = true,
                Poll::Pending => break,
            }
        }
        any
    }
}
