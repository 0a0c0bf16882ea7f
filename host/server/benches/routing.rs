//! What routing costs: from a session's stanza to the other session's queue and out of it, without
//! plugins and without sockets.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::Arc;
use std::task::{Context, Waker};
use tokio::runtime::Runtime;
use waxwing_config::Settings;
use waxwing_server::{Server, Session};
use waxwing_storage::{Sqlite, SqliteOptions};
use waxwing_xmpp::{Jid, Stanza};

/// Contacts who see a change of presence.
const CONTACTS: usize = 100;

struct World {
    runtime: Runtime,
    server: Arc<Server>,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let runtime = Runtime::new().expect("a runtime");
        let server = runtime.block_on(async {
            let storage =
                Sqlite::open(folder.path().join("db"), SqliteOptions::default()).expect("a database");
            let settings = Settings { scram_iterations: 4096, ..Settings::default() };
            Server::new(Arc::new(settings), Arc::new(storage)).await.expect("a server")
        });
        Self { runtime, server, _folder: folder }
    }

    /// Make an account and a session of it that is available and has asked for its roster.
    fn online(&self, user: &str) -> Arc<Session> {
        let account = Jid::parse(&format!("{user}@localhost")).expect("an address");
        let session = self.runtime.block_on(async {
            self.server.create_account(&account, "secret").await.expect("an account");
            self.server.bind(&account, Some("bench")).await.expect("a session")
        });
        self.send(&session, "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
        self.send(&session, "<presence/>");
        drain(&session);
        session
    }

    fn send(&self, session: &Arc<Session>, xml: &str) {
        self.runtime.block_on(self.server.receive(session, parse(xml)));
    }
}

fn parse(xml: &str) -> Stanza {
    Stanza::parse(xml).expect("a stanza")
}

/// Take out what is queued, as a stream does that writes at once.
fn drain(session: &Session) -> usize {
    let mut out = Vec::with_capacity(4096);
    let mut context = Context::from_waker(Waker::noop());
    let _ = session.poll_outgoing(&mut context, &mut out, usize::MAX);
    session.written();
    out.len()
}

fn routing(criterion: &mut Criterion) {
    let world = World::new();
    let (romeo, juliet) = (world.online("romeo"), world.online("juliet"));
    let mut group = criterion.benchmark_group("routing");
    let body = "x".repeat(100);
    for (name, to) in [("bare", "juliet@localhost"), ("full", "juliet@localhost/bench")] {
        let stanza = parse(&format!("<message to='{to}' type='chat' id='1'><body>{body}</body></message>"));
        group.bench_function(format!("chat/{name}"), |bencher| {
            bencher.iter(|| {
                world.runtime.block_on(world.server.receive(&romeo, stanza.clone()));
                assert!(black_box(drain(&juliet)) > 0);
            });
        });
    }
    let stanza = parse(
        "<iq to='localhost' type='get' id='1'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
    );
    group.bench_function("iq/disco", |bencher| {
        bencher.iter(|| {
            world.runtime.block_on(world.server.receive(&romeo, stanza.clone()));
            assert!(black_box(drain(&romeo)) > 0);
        });
    });

    let contacts: Vec<_> = (0..CONTACTS).map(|number| world.online(&format!("contact{number}"))).collect();
    for contact in &contacts {
        world.send(contact, "<presence to='romeo@localhost' type='subscribe'/>");
        let bare = contact.jid.bare();
        world.send(&romeo, &format!("<presence to='{bare}' type='subscribed'/>"));
        drain(contact);
    }
    drain(&romeo);
    let stanza = parse("<presence><show>away</show><status>at the ball</status></presence>");
    group.throughput(Throughput::Elements(CONTACTS as u64));
    group.bench_function("presence/100 contacts", |bencher| {
        bencher.iter(|| {
            world.runtime.block_on(world.server.receive(&romeo, stanza.clone()));
            drain(&romeo);
            for contact in &contacts {
                assert!(black_box(drain(contact)) > 0);
            }
        });
    });
    group.finish();
}

criterion_group!(benches, routing);
criterion_main!(benches);
