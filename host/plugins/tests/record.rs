//! Calls of which nothing comes to be, calls on tape, and calls made again.

mod common;

use common::*;
use tokio::io::AsyncReadExt;
use waxwing_plugins::*;
use waxwing_storage::Write;

const JULIET_BARE: &str = "juliet@capulet.example";

/// Called with what a message or IQ with this command is.
fn told(command: &str, hook: fn(Shown) -> Input) -> Input {
    let xml = match command.strip_prefix("message:") {
        Some(command) => message(command),
        None => iq(command),
    };
    hook(Shown {
        vhost: VHOST.into(),
        origin: Origin::Session,
        received: 1000,
        client: None,
        accepted: false,
        xml: xml.to_xml(),
    })
}

async fn dry(world: &World, input: Input) -> Trace {
    world.engine.dry_call("hostile", &Scope::Everywhere, &input).await.unwrap()
}

/// Where a recording goes, and what it is once it has ended.
struct Tape {
    recording: Recording,
    source: tokio::io::DuplexStream,
}

impl Tape {
    fn start(world: &World, name: &str, calls: u32, redact: bool) -> Tape {
        let (sink, source) = tokio::io::duplex(16 << 20);
        let options = RecordOptions { calls, redact };
        let recording = world.engine.record(name, &Scope::Everywhere, options, sink).unwrap();
        Tape { recording, source }
    }

    async fn read(mut self) -> (RecordingFigures, String) {
        let figures = self.recording.finished().await.unwrap();
        let mut text = String::new();
        self.source.read_to_string(&mut text).await.unwrap();
        (figures, text)
    }
}

fn reader(text: &str) -> RecordingReader<&[u8]> {
    RecordingReader::new(text.as_bytes()).unwrap()
}

async fn replayed(guest_name: &str, text: &str) -> Vec<(u64, Replayed)> {
    let options = ReplayOptions { cache_folder: options().cache_folder, ..ReplayOptions::default() };
    replay(Source::File(guest(guest_name)), reader(text), options).await.unwrap()
}

/// What has happened, in no order: deletes wait for streams, beside what comes after them.
async fn steps(world: &World) -> Vec<String> {
    world.engine.come_to_rest().await;
    let mut steps: Vec<String> = world.host.steps().iter().map(|step| format!("{step:?}")).collect();
    steps.sort();
    steps
}

/// Something of everything that a plugin asks and does.
async fn busy_day(world: &World) {
    for command in ["sessions", "overlay", "increment", "owners", "mark", "effects", "error", "trap"] {
        let _ = world.iq(command).await;
    }
    for (stage, command) in [(Stage::Pre, "replace"), (Stage::Post, "effects"), (Stage::Pre, "replace-kind")]
    {
        world.message(stage, command).await;
    }
    world.engine.session_event(&jid(JULIET), Change::Bound).await;
    let append = |value: &str| Write::LogAppend {
        store: "hostile/queue".into(),
        owner: JULIET_BARE.into(),
        at: 1,
        tag: None,
        value: format!("<message><body>{value}</body></message>").into_bytes(),
        expires: None,
    };
    world.host.storage.put(["a", "b", "c"].map(append).into());
    world.engine.session_event(&jid(JULIET), Change::Available(5)).await;
    let _ = world.iq("remove-account").await;
}

#[tokio::test]
async fn nothing_comes_of_a_dry_call() {
    let world = World::new().await;
    let trace = dry(&world, told("effects", Input::Process)).await;
    assert_eq!(trace.answer, TraceAnswer::Handled);
    assert!(
        matches!(&trace.outbox[..], [TraceStanza::Route(_), TraceStanza::Deliver { session, .. }] if session == JULIET)
    );
    assert!(matches!(
        &trace.writes[..],
        [TraceWrite::TableSet { .. }, TraceWrite::LogAppend { .. }, TraceWrite::LogRemove { id: 1, .. }]
    ));
    assert_eq!(trace.marks, [TraceMark { session: JULIET.into(), mark: "on".into(), on: true }]);
    assert!(world.host.steps().is_empty());
    assert_eq!(world.host.storage.value("hostile/table", JULIET_BARE, "key"), None);
    assert_eq!((world.counters().0, world.counters().1), (0, 0));

    let removal = dry(&world, told("remove-account", Input::Process)).await;
    assert_eq!(
        (removal.answer, &removal.removals[..]),
        (TraceAnswer::Handled, &[JULIET_BARE.to_owned()][..])
    );
    assert!(world.host.steps().is_empty());
}

#[tokio::test]
async fn a_dry_call_that_fails_harms_nobody() {
    let world = World::new().await;
    for _ in 0..10 {
        let trace = dry(&world, told("trap", Input::Process)).await;
        assert!(matches!(&trace.answer, TraceAnswer::Failed(failure) if failure.kind == "trap"), "{trace:?}");
        assert_eq!((trace.outbox.len(), trace.writes.len()), (0, 0));
    }
    // The breaker has heard of nothing.
    assert_eq!(world.answer("reply").await, "yes");
    // Each has an instance of its own.
    for _ in 0..2 {
        let trace = dry(&world, told("calls", Input::Process)).await;
        assert_eq!(trace.answer, TraceAnswer::Reply("<is xmlns='urn:test'>1</is>".into()));
    }
    let trace = dry(&world, told("message:flood-log", Input::Pre)).await;
    assert!(!trace.log.is_empty() && trace.log.iter().all(|line| line.text == "here I am"));
}

#[tokio::test]
async fn what_cannot_be_called_is_an_error() {
    let world = World::new().await;
    let call = |name: &'static str, input: Input| {
        let engine = world.engine.clone();
        async move { engine.dry_call(name, &Scope::Everywhere, &input).await.unwrap_err() }
    };
    assert!(matches!(call("nobody", told("next", Input::Process)).await, DryError::NoPlugin(_)));
    assert_eq!(call("hostile", told("next", Input::Service)).await, DryError::NoHook(Grant::Service));
    let shown = Shown {
        vhost: VHOST.into(),
        origin: Origin::Remote,
        received: 0,
        client: None,
        accepted: false,
        xml: "<iq>".into(),
    };
    assert!(matches!(call("hostile", Input::Process(shown)).await, DryError::Input(InputError::Stanza(_))));
}

#[tokio::test]
async fn a_trace_survives_being_written() {
    let world = World::new().await;
    for command in ["effects", "overlay", "reject", "trap", "remove-account"] {
        let trace = dry(&world, told(command, Input::Process)).await;
        let json = serde_json::to_string(&trace).unwrap();
        assert_eq!(serde_json::from_str::<Trace>(&json).unwrap(), trace, "{json}");
    }
}

#[tokio::test]
async fn a_recorded_call_does_what_it_would_have_done() {
    let (recorded, plain) = (World::new().await, World::new().await);
    let tape = Tape::start(&recorded, "hostile", 1000, false);
    busy_day(&recorded).await;
    busy_day(&plain).await;
    assert_eq!(steps(&recorded).await, steps(&plain).await);
    assert_eq!(
        recorded.host.storage.value("hostile/table", JULIET_BARE, "count"),
        plain.host.storage.value("hostile/table", JULIET_BARE, "count")
    );
    tape.recording.stop();
    let (figures, text) = tape.read().await;
    let calls = recorded.counters().0;
    assert_eq!(figures, RecordingFigures { recorded: calls, too_large: 0, skipped: 0 });

    let mut reader = reader(&text);
    let info = &recorded.engine.plugins()[0];
    assert_eq!((reader.header().plugin.as_str(), &reader.header().version), ("hostile", &info.version));
    let numbers: Vec<u64> = reader.by_ref().map(|call| call.unwrap().number).collect();
    assert_eq!(numbers, (1..=calls).collect::<Vec<_>>());
    assert_eq!(reader.end(), Some(figures));
}

#[tokio::test]
async fn the_same_component_does_the_same_again() {
    let world = World::new().await;
    let tape = Tape::start(&world, "hostile", 1000, false);
    busy_day(&world).await;
    tape.recording.stop();
    let (figures, text) = tape.read().await;
    let all = replayed("hostile", &text).await;
    assert_eq!(all.len() as u64, figures.recorded);
    for (number, replayed) in all {
        assert!(matches!(replayed, Replayed::Same), "{number}: {replayed:?}");
    }
}

fn greet() -> waxwing_xmpp::Stanza {
    let xml = format!(
        "<iq xmlns='jabber:client' type='get' id='1' from='{JULIET}'><greet xmlns='urn:test:greeter'/></iq>"
    );
    waxwing_xmpp::Stanza::parse(&xml).unwrap()
}

#[tokio::test]
async fn another_version_shows_how_it_differs() {
    let world = World::with(spec("greeter")).await;
    let tape = Tape::start(&world, "greeter", 1, false);
    world.show(Stage::Process, greet()).await;
    let (_, text) = tape.read().await;
    let first = |all: Vec<(u64, Replayed)>| match all.into_iter().next() {
        Some((1, Replayed::Differs(difference))) => difference,
        other => panic!("{other:?}"),
    };
    assert!(matches!(&replayed("greeter", &text).await[..], [(1, Replayed::Same)]));
    let counts = first(replayed("greeter-two", &text).await);
    assert_eq!((&*counts.what, &*counts.expected), ("question", "nothing"));
    assert!(counts.got.contains("table-get") && counts.got.contains("greeter/counts"), "{counts:?}");
    let panics = first(replayed("greeter-three", &text).await);
    assert_eq!(panics.what, "answer");
    assert!(panics.expected.contains("Hello") && panics.got.contains("trap"), "{panics:?}");
}

fn clock(command: &str) -> waxwing_xmpp::Stanza {
    let xml = format!(
        "<iq xmlns='jabber:client' type='set' id='1' from='{JULIET}'><{command} xmlns='urn:clock'/></iq>"
    );
    waxwing_xmpp::Stanza::parse(&xml).unwrap()
}

#[tokio::test]
async fn what_is_redacted_is_gone_and_can_still_be_replayed() {
    let settings = vec![("mood".to_owned(), vec!["SECRET".to_owned()])];
    let world = World::with(PluginSpec { settings, ..spec("clockwork") }).await;
    let tape = Tape::start(&world, "clockwork", 4, true);
    for command in [
        "mood",
        // The key is itself when it is hidden.
        "remember key='x' value='SECRET'",
        "recall key='x'",
        "count",
    ] {
        let outcome = world.show(Stage::Process, clock(command)).await;
        assert!(matches!(outcome, Outcome::Reply(_)), "{command}: {outcome:?}");
    }
    let (_, text) = tape.read().await;
    assert!(reader(&text).header().redacted);
    // The second is the first in base64.
    assert!(!text.contains("SECRET") && !text.contains("U0VDUkVU"), "{text}");
    assert!(text.contains("xxxxxx") && text.contains(JULIET_BARE));
    let all = replayed("clockwork", &text).await;
    assert_eq!(all.len(), 4);
    assert!(all.iter().all(|(_, replayed)| matches!(replayed, Replayed::Same)), "{all:?}");
}

#[tokio::test]
async fn what_moves_is_recorded_and_replayed() {
    for redact in [false, true] {
        let world = World::with(spec("clockwork")).await;
        let memory = PortableKind { ns: "urn:clock".into(), name: "memory".into(), children: true };
        let tape = Tape::start(&world, "clockwork", 3, redact);
        let owner = jid(JULIET_BARE);
        world.engine.import(&owner, &memory, "<entry xmlns='urn:clock'>SECRET</entry>").await.unwrap();
        let page = world.engine.export(&owner, &memory, None).await.unwrap();
        assert_eq!(page.elements.len(), 1);
        world.engine.import(&owner, &memory, "<other xmlns='urn:clock'/>").await.unwrap_err();
        let (_, text) = tape.read().await;
        assert_eq!(text.contains("SECRET"), !redact, "{text}");
        let all = replayed("clockwork", &text).await;
        assert_eq!(all.len(), 3);
        assert!(all.iter().all(|(_, replayed)| matches!(replayed, Replayed::Same)), "{all:?}");
    }
}

#[tokio::test]
async fn a_recording_ends_by_itself() {
    let world = World::new().await;
    let tape = Tape::start(&world, "hostile", 2, false);
    let again = RecordOptions { calls: 1, redact: false };
    let second = world.engine.record("hostile", &Scope::Everywhere, again, tokio::io::sink());
    assert!(matches!(second, Err(RecordError::Already(name)) if name == "hostile"));
    for _ in 0..5 {
        world.message(Stage::Pre, "next").await;
    }
    let (figures, text) = tape.read().await;
    assert_eq!((figures.recorded, text.lines().count()), (2, 4));
    assert_eq!(world.engine.plugins()[0].recording, None);

    let tape = Tape::start(&world, "hostile", 0, false);
    assert_eq!(tape.read().await.0.recorded, 0);
    let tape = Tape::start(&world, "hostile", 100, false);
    world.message(Stage::Pre, "next").await;
    world.engine.put(spec("hostile")).await.unwrap();
    world.message(Stage::Pre, "next").await;
    assert_eq!(tape.read().await.0.recorded, 1);
}

#[tokio::test]
async fn nobody_waits_for_a_sink_that_is_slow() {
    let world = World::new().await;
    let (sink, source) = tokio::io::duplex(1);
    let options = RecordOptions { calls: 2000, redact: false };
    let recording = world.engine.record("hostile", &Scope::Everywhere, options, sink).unwrap();
    for _ in 0..1100 {
        assert!(matches!(world.message(Stage::Pre, "next").await, Outcome::Next(_)));
    }
    let figures = recording.figures();
    assert!(figures.recorded == 0 && figures.skipped > 0, "{figures:?}");
    // Whoever listened has gone.
    drop(source);
    assert!(recording.finished().await.is_err());
}

#[tokio::test]
async fn a_call_that_is_too_large_is_left_out() {
    let world = World::with(spec("clockwork")).await;
    let tape = Tape::start(&world, "clockwork", 2, false);
    let large = format!("remember key='k' value='{}'", "x".repeat(5 << 20));
    for command in [&*large, "mood"] {
        world.show(Stage::Process, clock(command)).await;
    }
    let (figures, text) = tape.read().await;
    assert_eq!((figures.recorded, figures.too_large), (1, 1));
    let numbers: Vec<u64> = reader(&text).map(|call| call.unwrap().number).collect();
    assert_eq!(numbers, [2]);
}

#[tokio::test]
async fn a_recording_can_be_ended_by_others() {
    let world = World::new().await;
    let tape = Tape::start(&world, "hostile", 100, false);
    world.iq("reply").await;
    let stop = || world.engine.stop_recording("hostile", &Scope::Everywhere).unwrap();
    assert!(stop().is_some() && stop().is_none());
    world.iq("reply").await;
    assert_eq!(tape.read().await.0.recorded, 1);
    assert!(world.engine.stop_recording("nothing", &Scope::Everywhere).is_err());
}
