//! A server that is none, for an engine with a plugin that does as it is told.

#![allow(dead_code, reason = "each test file uses a part")]

mod host;
mod storage;

pub use host::*;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use waxwing_plugins::*;
use waxwing_xmpp::{Jid, Stanza};

pub const VHOST: &str = "capulet.example";
pub const JULIET: &str = "juliet@capulet.example/balcony";

/// The component of a guest of `guests/`, built on first use.
pub fn guest(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let modules = BUILT.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("engine-guests");
        let status = Command::new(root.join("scripts/wasm-cargo.sh"))
            .args(["build", "--release", "--quiet"])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests"))
            .env("CARGO_TARGET_DIR", &target)
            .env_remove("RUSTFLAGS")
            .status()
            .unwrap();
        assert!(status.success(), "the guests are not built");
        target.join("wasm32-unknown-unknown/release")
    });
    let component =
        componentize(&std::fs::read(modules.join(name.replace('-', "_")).with_extension("wasm")).unwrap())
            .unwrap();
    file(name, &component)
}

/// A guest under other names, each a component of its own. The guest's name has seven letters, and so has theirs.
pub fn copies(name: &str, count: usize) -> impl Iterator<Item = PluginSpec> {
    let (name, component) = (name.to_owned(), std::fs::read(guest(name)).unwrap());
    (0..count).map(move |number| {
        let copy = format!("{}{number:03}", &name[..4]);
        assert_eq!(copy.len(), name.len());
        let mut bytes = component.clone();
        for at in 0..bytes.len() - name.len() {
            if bytes[at..].starts_with(name.as_bytes()) {
                bytes[at..at + name.len()].copy_from_slice(copy.as_bytes());
            }
        }
        spec_of(&copy, file(&copy, &bytes))
    })
}

/// A file with these bytes. Tests run side by side, so each gets its own.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("components");
    std::fs::create_dir_all(&folder).unwrap();
    let mut file = tempfile::Builder::new().prefix(name).suffix(".wasm").tempfile_in(folder).unwrap();
    std::io::Write::write_all(&mut file, bytes).unwrap();
    file.into_temp_path().keep().unwrap()
}

/// Compiled once for all tests.
pub fn options() -> EngineOptions {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
    EngineOptions { cache_folder: Some(cache), ..EngineOptions::default() }
}

/// The usual options with other limits.
pub fn limited(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

pub fn spec(name: &str) -> PluginSpec {
    spec_of(name, guest(name))
}

/// A plugin that may do everything.
pub fn spec_of(name: &str, file: PathBuf) -> PluginSpec {
    // A busy machine must not be taken for a busy plugin.
    let limits = limited(|limits| limits.cpu = std::time::Duration::from_secs(1));
    PluginSpec { grants: Grants::everything(), limits, ..PluginSpec::new(name, Source::File(file)) }
}

/// An engine with the hostile plugin.
pub struct World {
    pub engine: Arc<Engine>,
    pub host: Arc<FakeHost>,
}

impl World {
    pub async fn new() -> World {
        World::with(spec("hostile")).await
    }

    /// With other limits.
    pub async fn limited(change: impl FnOnce(&mut Limits)) -> World {
        World::with(PluginSpec { limits: limited(change), ..spec("hostile") }).await
    }

    pub async fn with(spec: PluginSpec) -> World {
        let host = Arc::new(FakeHost::default());
        World { engine: engine(options(), vec![spec], &host).await.unwrap(), host }
    }

    /// Let a message with this command go through a stage.
    pub async fn message(&self, stage: Stage, command: &str) -> Outcome {
        self.show(stage, message(command)).await
    }

    /// Let an IQ with this command be processed.
    pub async fn iq(&self, command: &str) -> Outcome {
        self.show(Stage::Process, iq(command)).await
    }

    pub async fn show(&self, stage: Stage, stanza: Stanza) -> Outcome {
        let facts = Facts { targets: Target::SERVER, ..Facts::default() };
        let calls = self.engine.matching(VHOST, stage, &stanza, || facts);
        assert!(!calls.is_empty(), "nobody is interested");
        self.engine.call(calls, &event(), stanza).await
    }

    /// What the plugin says to an IQ with this command.
    pub async fn answer(&self, command: &str) -> String {
        match self.iq(command).await {
            Outcome::Reply(xml) => xml
                .trim_start_matches("<is xmlns='urn:test'>")
                .trim_end_matches("</is>")
                .replace("&quot;", "\"")
                .replace("&apos;", "'")
                .replace("&lt;", "<")
                .replace("&gt;", ">"),
            other => panic!("{command}: {other:?}"),
        }
    }

    pub fn counters(&self) -> (u64, u64, u64) {
        let counters = &self.engine.plugins()[0].counters;
        (counters.calls, counters.failures, counters.instances)
    }
}

pub async fn engine(
    options: EngineOptions,
    plugins: Vec<PluginSpec>,
    host: &Arc<FakeHost>,
) -> Result<Arc<Engine>, LoadError> {
    let host: Arc<dyn Host> = host.clone();
    Engine::load(options, plugins, Arc::downgrade(&host)).await
}

pub fn event() -> Event {
    Event { vhost: jid(VHOST), origin: Origin::Session, received: 1000, client: None, accepted: false }
}

pub fn message(command: &str) -> Stanza {
    let xml = format!(
        "<message xmlns='jabber:client' type='chat' id='1' from='{JULIET}' to='romeo@montague.example'>\
         <body>x</body><{command} xmlns='urn:test'/></message>"
    );
    Stanza::parse(&xml).unwrap()
}

pub fn iq(command: &str) -> Stanza {
    let xml = format!(
        "<iq xmlns='jabber:client' type='get' id='1' from='{JULIET}'><{command} xmlns='urn:test'/></iq>"
    );
    Stanza::parse(&xml).unwrap()
}

pub fn jid(text: &str) -> Jid {
    Jid::parse(text).unwrap()
}
