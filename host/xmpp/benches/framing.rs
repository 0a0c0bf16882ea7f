//! What reading and writing a stanza costs.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use waxwing_xmpp::{Frame, Framer, Jid, Limits, Stanza};

const HEADER: &str = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' \
    to='example.com' version='1.0'>";

/// 200 bytes, as a client sends them.
const CHAT: &str = "<message to='romeo@example.net/orchard' id='3f1c2a7e-8d54' type='chat'>\
    <body>Wherefore art thou, Romeo?</body><active xmlns='http://jabber.org/protocol/chatstates'/>\
    <request xmlns='urn:xmpp:receipts'/></message>";

fn opened() -> Framer {
    let mut framer = Framer::new(Limits::default());
    framer.next(&mut HEADER.as_bytes()).expect("a stream header");
    framer
}

fn read(framer: &mut Framer, xml: &str) -> Stanza {
    match framer.next(&mut xml.as_bytes()) {
        Ok(Some(Frame::Stanza(stanza))) => stanza,
        other => panic!("{other:?}"),
    }
}

fn framing(c: &mut Criterion) {
    let mut framer = opened();
    let mut group = c.benchmark_group("framing");

    group.throughput(Throughput::Bytes(CHAT.len() as u64));
    group.bench_function("read chat", |b| b.iter(|| read(&mut framer, black_box(CHAT))));
    let (start, end) = CHAT.split_at(CHAT.len() / 2);
    group.bench_function("read chat in two reads", |b| {
        b.iter(|| {
            assert!(matches!(framer.next(&mut black_box(start).as_bytes()), Ok(None)));
            read(&mut framer, black_box(end))
        })
    });

    let stanza = read(&mut framer, CHAT);
    let from = Jid::parse("juliet@example.com/balcony").expect("an address");
    let mut out = Vec::with_capacity(1024);
    group.bench_function("write chat", |b| {
        b.iter(|| {
            out.clear();
            let routed = stanza.with_addresses(Some(from.clone()), stanza.to.clone());
            routed.write_to(&mut out);
            black_box(out.len())
        })
    });
    group.bench_function("read, address, write chat", |b| {
        b.iter(|| {
            out.clear();
            let mut stanza = read(&mut framer, black_box(CHAT));
            stanza.from = Some(from.clone());
            stanza.write_to(&mut out);
            black_box(out.len())
        })
    });
    group.bench_function("text of the body", |b| b.iter(|| black_box(&stanza).text("body")));

    let long = format!("<message to='a@b'><body>{}</body></message>", "Wherefore art thou? ".repeat(3277));
    group.throughput(Throughput::Bytes(long.len() as u64));
    group.bench_function("read 64 KiB body", |b| b.iter(|| read(&mut framer, black_box(&long))));
    group.finish();

    let mut group = c.benchmark_group("jid");
    group.bench_function("plain", |b| b.iter(|| Jid::parse(black_box("romeo@example.net/orchard"))));
    group.bench_function("prepared by the library", |b| {
        b.iter(|| Jid::parse(black_box("Romeo@example.net/orchard")))
    });
    group.finish();
}

criterion_group!(benches, framing);
criterion_main!(benches);
