//! What plugins cost, with twenty beside that have nothing to do with it: nobody interested, and one call of each hook of
//! a plugin that reads two headers at most.

#[path = "../tests/common/mod.rs"]
mod common;

use common::{FakeHost, VHOST, copies, engine, event, iq, jid, message, options, spec};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::Arc;
use tokio::runtime::Runtime;
use waxwing_plugins::{Change, Engine, Facts, Stage, Target};
use waxwing_xmpp::Stanza;

/// These plugins, and twenty others.
fn load(runtime: &Runtime, host: &Arc<FakeHost>, names: &[&str]) -> Arc<Engine> {
    let specs = names.iter().map(|name| spec(name)).chain(copies("greeter", 20)).collect();
    runtime.block_on(engine(options(), specs, host)).unwrap()
}

fn headline() -> Stanza {
    let headline = "<message xmlns='jabber:client' type='headline' id='1' from='a@b.example/c' to='d@e.example'>\
                    <body>Hello</body><a xmlns='urn:test'/></message>";
    Stanza::parse(headline).unwrap()
}

/// Nobody is interested, as for most stanzas.
fn index(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let host = Arc::new(FakeHost::default());
    let engine = load(&runtime, &host, &["hostile"]);
    let plain = "<message xmlns='jabber:client' type='chat' id='1' from='a@b.example/c' to='d@e.example'>\
                 <body>Hello</body><active xmlns='http://jabber.org/protocol/chatstates'/>\
                 <request xmlns='urn:xmpp:receipts'/></message>";
    let plain = Stanza::parse(plain).unwrap();
    let facts = Facts { targets: Target::SERVER, ..Facts::default() };
    criterion.bench_function("index/chat, nobody", |bench| {
        bench.iter(|| engine.matching(VHOST, black_box(Stage::Pre), black_box(&plain), || facts));
    });
    let other = iq("x").with_inner("<ping xmlns='urn:xmpp:ping'/>").unwrap();
    criterion.bench_function("index/iq, nobody", |bench| {
        bench.iter(|| engine.matching(VHOST, black_box(Stage::Process), black_box(&other), || facts));
    });
    let chat = message("next");
    criterion.bench_function("index/chat, one", |bench| {
        bench.iter(|| engine.matching(VHOST, black_box(Stage::Pre), black_box(&chat), || facts));
    });
}

/// One plugin that says `next`, or an empty reply in `process`.
fn calls(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let host = Arc::new(FakeHost::default());
    let engine = load(&runtime, &host, &["quiet"]);
    let (event, facts) = (event(), Facts { targets: Target::SERVER, ..Facts::default() });
    let session = jid("romeo@capulet.example/orchard");
    let hooks = [
        ("pre, two headers", Stage::Pre, message("next")),
        ("pre, two headers and two look-ups", Stage::Pre, headline()),
        ("process", Stage::Process, iq("next")),
        ("post", Stage::Post, message("next")),
        ("filter", Stage::Filter, message("next")),
    ];
    for (name, stage, stanza) in hooks {
        criterion.bench_function(&format!("call/{name}"), |bench| {
            bench.iter(|| {
                let calls = engine.matching(VHOST, stage, &stanza, || facts);
                if stage == Stage::Filter {
                    runtime.block_on(engine.filter(calls, &event, &session, stanza.clone()));
                } else {
                    runtime.block_on(engine.call(calls, &event, stanza.clone()));
                }
            });
        });
    }
    criterion.bench_function("call/sessions", |bench| {
        bench.iter(|| runtime.block_on(engine.session_event(&session, Change::Bound)));
    });
    criterion.bench_function("call/nothing, the price of measuring", |bench| {
        bench.iter(|| runtime.block_on(std::future::ready(black_box(1))));
    });
}

criterion_group!(benches, index, calls);
criterion_main!(benches);
