//! From a file to a plugin that can be called.

use crate::bindings::VERSION;
use crate::bindings::exports::xmpp::plugin as exports;
use crate::breaker::Breaker;
use crate::call::Callable;
use crate::counters::Counters;
use crate::description::{self, Description};
use crate::error::{LoadError, Reason};
use crate::grants::{Grant, Grants};
use crate::imports;
use crate::instance::{Exports, Instance};
use crate::marks::Allocator;
use crate::options::{EngineOptions, PluginSpec};
use crate::pool::{Pool, init};
use crate::state::{Shared, State};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use wasmtime::component::{Component, InstancePre, Linker};

/// The package whose interfaces plugins speak.
const PACKAGE: &str = "xmpp:plugin/";
/// What a WebAssembly file begins with, and then a module and a component.
const MAGIC: &[u8] = b"\0asm";
const MODULE: &[u8] = &[1, 0, 0, 0];
const COMPONENT: &[u8] = &[0x0d, 0, 1, 0];

/// A plugin that has been loaded, described and set up.
pub(crate) struct Loaded {
    pub callable: Callable,
    pub description: Description,
    /// The hooks that it exports.
    pub hooks: Vec<&'static str>,
}

/// Load one plugin.
pub(crate) async fn load(
    engine: &wasmtime::Engine,
    options: &EngineOptions,
    spec: &PluginSpec,
    marks: &mut Allocator,
) -> Result<Loaded, LoadError> {
    let loaded = load_or_reason(engine, options, spec, marks).await;
    loaded.map_err(|reason| LoadError { plugin: spec.name.clone(), reason })
}

async fn load_or_reason(
    engine: &wasmtime::Engine,
    options: &EngineOptions,
    spec: &PluginSpec,
    marks: &mut Allocator,
) -> Result<Loaded, Reason> {
    check_name(&spec.name)?;
    let component = compile(engine, &spec.file).await?;
    check_interfaces(&component, spec.grants)?;
    let (pre, exports) = link(&component, spec.grants)?;

    let shared = Arc::new(Shared {
        name: spec.name.clone(),
        options: options.clone(),
        counters: Counters::default(),
        marks: OnceLock::new(),
    });
    let timeout = options.call_timeout;
    let started = tokio::time::timeout(timeout, Instance::new(&pre, &exports, &shared)).await;
    let mut instance = settled("instantiate", started)?;
    let described = settled("describe", tokio::time::timeout(timeout, instance.describe()).await)?;
    let mut description = description::check(described, &spec.name, &exports, marks)?;
    let _ = shared.marks.set(std::mem::take(&mut description.marks));
    let ready = tokio::time::timeout(timeout, init(&mut instance, &spec.settings)).await;
    settled("init", ready)?.map_err(Reason::Refused)?;

    let hooks = exports.names();
    let pool = Pool::new(pre, exports, shared.clone(), spec.settings.clone());
    pool.keep(instance);
    Ok(Loaded { callable: Callable { shared, pool, breaker: Breaker::default() }, description, hooks })
}

/// The result of a function that was given a time limit.
fn settled<T>(
    function: &'static str,
    result: Result<wasmtime::Result<T>, tokio::time::error::Elapsed>,
) -> Result<T, Reason> {
    let failed = |error: String| Reason::Failed { function, error };
    let result = result.map_err(|_| failed("it takes too long".into()))?;
    result.map_err(|error| failed(crate::call::Failure::from(error).to_string()))
}

/// A name goes into names of stores, where `/` follows it, and into logs.
fn check_name(name: &str) -> Result<(), Reason> {
    let fine = (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic() && b != b'/');
    if fine { Ok(()) } else { Err(Reason::BadName(name.to_owned())) }
}

/// Read and compile a component, or take it from the cache.
async fn compile(engine: &wasmtime::Engine, file: &Path) -> Result<Component, Reason> {
    let (engine, file) = (engine.clone(), file.to_owned());
    // A tenth of a second for each plugin, on as many threads as there are.
    let compiled = tokio::task::spawn_blocking(move || compile_now(&engine, file)).await;
    compiled.map_err(|error| Reason::Runtime(error.to_string()))?
}

fn compile_now(engine: &wasmtime::Engine, file: PathBuf) -> Result<Component, Reason> {
    let bytes = match std::fs::read(&file) {
        Ok(bytes) => bytes,
        Err(error) => return Err(Reason::Unreadable { file, error }),
    };
    match bytes.strip_prefix(MAGIC) {
        Some(rest) if rest.starts_with(COMPONENT) => {}
        Some(rest) if rest.starts_with(MODULE) => return Err(Reason::CoreModule(file)),
        _ => return Err(Reason::NotAComponent(file)),
    }
    Component::from_binary(engine, &bytes).map_err(|error| Reason::Invalid(format!("{error:#}")))
}

/// Say in our own words what linking would only say in those of the runtime.
fn check_interfaces(component: &Component, grants: Grants) -> Result<(), Reason> {
    let (engine, types) = (component.engine(), component.component_type());
    let names: Vec<&str> = types.imports(engine).chain(types.exports(engine)).map(|(name, _)| name).collect();
    for name in names {
        if let Some((_, version)) = ours(name)
            && !is_spoken(version)
        {
            return Err(Reason::Version { found: version.to_owned(), ours: VERSION });
        }
    }
    for (name, _) in types.imports(engine) {
        match ours(name) {
            Some(("types", _)) => {}
            Some((interface, _)) => match Grant::ALL.iter().find(|grant| grant.name() == interface) {
                Some(grant) if grants.has(*grant) => {}
                Some(grant) => return Err(Reason::NotGranted { grant: *grant, allows: grant.allows() }),
                None => return Err(Reason::UnknownImport(name.to_owned())),
            },
            None => return Err(Reason::UnknownImport(name.to_owned())),
        }
    }
    Ok(())
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

/// Link what is granted and find what is exported.
fn link(component: &Component, grants: Grants) -> Result<(InstancePre<State>, Exports), Reason> {
    let mut linker = Linker::new(component.engine());
    imports::link(&mut linker, grants).map_err(|error| Reason::Runtime(format!("{error:#}")))?;
    let pre = linker.instantiate_pre(component).map_err(|error| Reason::Mismatch {
        interface: "imports",
        ours: VERSION,
        error: format!("{error:#}"),
    })?;
    let has = |interface: &str| {
        component.get_export_index(None, format!("{PACKAGE}{interface}@{VERSION}")).is_some()
    };
    if !has("lifecycle") {
        return Err(Reason::NoLifecycle);
    }
    let wrong = |interface: &'static str| {
        move |error: wasmtime::Error| Reason::Mismatch {
            interface,
            ours: VERSION,
            error: format!("{error:#}"),
        }
    };
    macro_rules! hook {
        ($module:ident, $interface:literal) => {
            has($interface)
                .then(|| exports::$module::GuestIndices::new(&pre))
                .transpose()
                .map_err(wrong($interface))?
        };
    }
    let exports = Exports {
        lifecycle: exports::lifecycle::GuestIndices::new(&pre).map_err(wrong("lifecycle"))?,
        pre: hook!(pre, "pre"),
        process: hook!(process, "process"),
        post: hook!(post, "post"),
        filter: hook!(filter, "filter"),
        sessions: hook!(sessions, "sessions"),
    };
    Ok((pre, exports))
}
