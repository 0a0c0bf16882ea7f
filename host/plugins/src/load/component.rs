//! From the bytes of a component to what it asks for.

use crate::bindings::VERSION;
use crate::common::Common;
use crate::common::compiler::Compiler;
use crate::declare::declared::Declared;
use crate::declare::error::Reason;
use crate::declare::grants::{Grant, HOOKS, Interfaces};
use crate::declare::options::Source;
use crate::declare::requested::Requested;
use crate::run::wasi;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

/// The package whose interfaces plugins speak.
pub(crate) const PACKAGE: &str = "xmpp:plugin/";
/// What a WebAssembly file begins with, and then a module and a component.
const MAGIC: &[u8] = b"\0asm";
const MODULE: &[u8] = &[1, 0, 0, 0];
const COMPONENT: &[u8] = &[0x0d, 0, 1, 0];

/// A component that has said what it is, and is not loaded.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// Its name, as it says itself.
    pub name: String,
    /// Its version, as it says itself.
    pub version: String,
    /// What it does, as it says itself.
    pub summary: String,
    /// The keys of its settings.
    pub settings: Vec<String>,
    /// What else it says of itself.
    pub declared: Declared,
    /// What it asks for besides.
    pub requested: Requested,
    /// Bytes of the component.
    pub size: usize,
    /// The SHA-256 of the component.
    pub sha256: [u8; 32],
}

impl Inspected {
    /// The names that it wants under each of its virtual hosts, for services and for components.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        let services = self.declared.services.iter().map(|service| &service.name);
        services.chain(self.declared.components.iter().map(|component| &component.name))
    }
}

/// A compiled component.
pub(crate) struct Compiled {
    pub component: Component,
    pub requested: Requested,
    /// Bytes of the component.
    pub size: usize,
    pub sha256: [u8; 32],
}

/// Read and compile a component, or take it from the cache of compiled code.
pub(crate) async fn compile(
    engine: &wasmtime::Engine,
    common: &Arc<Common>,
    source: &Source,
) -> Result<Compiled, Reason> {
    let (engine, common, source) = (engine.clone(), common.clone(), source.clone());
    // A tenth of a second for each plugin, on as many threads as there are.
    let compiled = tokio::task::spawn_blocking(move || compile_now(&engine, &common.compiler, source)).await;
    compiled.map_err(|error| Reason::Runtime(error.to_string()))?
}

fn compile_now(engine: &wasmtime::Engine, compiler: &Compiler, source: Source) -> Result<Compiled, Reason> {
    let bytes: Arc<[u8]> = match source {
        Source::Bytes(bytes) => bytes,
        Source::File(file) => match std::fs::read(&file) {
            Ok(bytes) => bytes.into(),
            Err(error) => return Err(Reason::Unreadable { file, error }),
        },
    };
    match bytes.strip_prefix(MAGIC) {
        Some(rest) if rest.starts_with(COMPONENT) => {}
        Some(rest) if rest.starts_with(MODULE) => return Err(Reason::CoreModule),
        _ => return Err(Reason::NotAComponent),
    }
    let sha256 = sha256(&bytes);
    compiler.prepare(&bytes, &sha256)?;
    let component =
        Component::from_binary(engine, &bytes).map_err(|error| Reason::Invalid(format!("{error:#}")))?;
    let requested = requested(&component)?;
    make_memory_image(&component)?;
    Ok(Compiled { component, requested, size: bytes.len(), sha256 })
}

/// Make the memory that instances start with. Linux refuses to seal it (EBUSY) while the kernel itself is busy with one
/// of its pages, as it may be when memory is short: that passes.
fn make_memory_image(component: &Component) -> Result<(), Reason> {
    for wait in [1, 10, 100, 500] {
        if component.initialize_copy_on_write_image().is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(wait));
    }
    let made = component.initialize_copy_on_write_image();
    made.map_err(|error| Reason::Memory(format!("{error:#}")))
}

/// The SHA-256 of a component, by which it is known.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    hash
}

/// What the types of a component say, in our own words rather than those of the runtime.
fn requested(component: &Component) -> Result<Requested, Reason> {
    let (engine, types) = (component.engine(), component.component_type());
    let imports: Vec<&str> = types.imports(engine).map(|(name, _)| name).collect();
    // Functions that stand alone, as some tools leave them, are nobody's business.
    let exports =
        types.exports(engine).filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentInstance(_)));
    let exports: Vec<&str> = exports.map(|(name, _)| name).collect();
    for name in imports.iter().chain(&exports) {
        if let Some((_, version)) = ours(name)
            && !is_spoken(version)
        {
            return Err(Reason::Version { found: version.to_owned(), ours: VERSION });
        }
    }
    let mut requested = Requested::default();
    for name in imports {
        match ours(name) {
            Some(("types", _)) => {}
            Some((interface, _)) => match Grant::named(interface) {
                Some(grant) if !HOOKS.contains(&grant) => {
                    requested.interfaces = requested.interfaces.with(grant);
                }
                _ => return Err(Reason::UnknownImport(name.to_owned())),
            },
            None if name.starts_with(wasi::HTTP) => (requested.wasi, requested.http) = (true, true),
            None if name.starts_with(wasi::PREFIX) => requested.wasi = true,
            None => return Err(Reason::UnknownImport(name.to_owned())),
        }
    }
    if !exports.iter().any(|name| ours(name).is_some_and(|(interface, _)| interface == "lifecycle")) {
        return Err(Reason::NoLifecycle);
    }
    let hooks = exports.iter().filter_map(|name| Grant::named(ours(name)?.0));
    requested.interfaces =
        hooks.filter(|grant| HOOKS.contains(grant)).fold(requested.interfaces, Interfaces::with);
    // Its alarms would fail for ever.
    if requested.interfaces.has(Grant::Scheduler) && !requested.interfaces.has(Grant::Alarms) {
        return Err(Reason::NoAlarms);
    }
    Ok(requested)
}

/// The interface and version of a name of our package.
fn ours(name: &str) -> Option<(&str, &str)> {
    let rest = name.strip_prefix(PACKAGE)?;
    Some(rest.split_once('@').unwrap_or((rest, "without a version")))
}

/// Before 1.0, each minor version is a language of its own; patches only add.
fn is_spoken(version: &str) -> bool {
    let minor = |version: &str| version.rsplit_once('.').map(|(minor, _)| minor.to_owned());
    minor(version).is_some() && minor(version) == minor(VERSION)
}
