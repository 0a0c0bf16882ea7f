//! From a component to a plugin that can be called.

pub(crate) mod component;
pub(crate) mod componentize;
pub(crate) mod user_cache;

use crate::bindings::VERSION;
use crate::bindings::exports::xmpp::plugin as exports;
use crate::common::Common;
use crate::common::counters::Counters;
use crate::common::failure::Failure;
use crate::common::lanes::Lanes;
use crate::common::shared::{Said, Shared};
use crate::declare::declared::Declared;
use crate::declare::description::{self, Description};
use crate::declare::error::{LoadError, Reason};
use crate::declare::grants::Grants;
use crate::declare::marks::Allocator;
use crate::declare::options::{Limits, PluginSpec, Source};
use crate::declare::requested::Requested;
use crate::imports;
use crate::line::one_line;
use crate::load::component::{Compiled, Inspected, PACKAGE, compile};
use crate::run::breaker::Breaker;
use crate::run::call::Callable;
use crate::run::instance::{Exports, Instance};
use crate::run::plugin::Plugin;
use crate::run::pool::{Pool, init};
use crate::run::state::State;
use parking_lot::Mutex;
use std::sync::{Arc, OnceLock};
use wasmtime::component::{Component, InstancePre, Linker};

/// Compile a plugin, check what it asks for, have it say what it is and set up one instance.
pub(crate) async fn load(
    engine: &wasmtime::Engine,
    common: &Arc<Common>,
    marks: &Mutex<Allocator>,
    spec: &PluginSpec,
) -> Result<Plugin, LoadError> {
    let loaded = load_or_reason(engine, common, marks, spec).await;
    loaded.map_err(|reason| LoadError { plugin: spec.name.clone(), reason })
}

async fn load_or_reason(
    engine: &wasmtime::Engine,
    common: &Arc<Common>,
    marks: &Mutex<Allocator>,
    spec: &PluginSpec,
) -> Result<Plugin, Reason> {
    check_name(&spec.name)?;
    let Compiled { component, requested, size, sha256 } = compile(engine, common, &spec.source).await?;
    requested.check(&spec.grants)?;
    let (pre, exports) = link(&component, &requested, &spec.grants)?;

    let shared = share(spec, common, common.lanes(&spec.name), &exports);
    let timeout = spec.limits.call_timeout;
    let before = std::time::Instant::now();
    let started = tokio::time::timeout(timeout, Instance::new(&pre, &exports, &shared)).await;
    let mut instance = settled("instantiate", started)?;
    let described = settled("describe", tokio::time::timeout(timeout, instance.describe()).await)?;
    let described = description::check(described, spec, &shared.hooks)?;
    let (description, own_marks) = described.number(spec, &mut marks.lock())?;
    let services = description.services.iter().map(|service| service.name.clone()).collect();
    let _ = shared.said.set(Said { marks: own_marks, services, any_sender: description.any_sender });
    let ready = tokio::time::timeout(timeout, init(&mut instance, &spec.settings)).await;
    settled("init", ready)?.map_err(|why| Reason::Refused(one_line(&why)))?;

    let hooks = shared.hooks.clone();
    let pool = Pool::new(pre, exports, shared.clone(), spec.settings.clone());
    pool.keep(instance, before.elapsed());
    let callable = Callable { shared, pool, breaker: Breaker::default() };
    Ok(Plugin::new(callable, spec.clone(), description, hooks, requested, size, sha256))
}

/// Have a component that nobody has granted anything yet say what it is. It reaches nothing: what needs
/// a server is refused while a plugin is described.
pub(crate) async fn inspect(
    engine: &wasmtime::Engine,
    common: &Arc<Common>,
    limits: &Limits,
    source: &Source,
) -> Result<Inspected, Reason> {
    let Compiled { component, requested, size, sha256 } = compile(engine, common, source).await?;
    let grants = Grants { allow: requested.interfaces, ..Grants::everything() };
    let spec = PluginSpec { grants, limits: limits.clone(), ..PluginSpec::new("(new)", source.clone()) };
    let (pre, exports) = link(&component, &requested, &spec.grants)?;
    let shared = share(&spec, common, Arc::default(), &exports);
    let timeout = limits.call_timeout;
    let started = tokio::time::timeout(timeout, Instance::new(&pre, &exports, &shared)).await;
    let mut instance = settled("instantiate", started)?;
    let described = settled("describe", tokio::time::timeout(timeout, instance.describe()).await)?;
    check_name(&described.name)?;
    let spec = PluginSpec { name: described.name.clone(), ..spec };
    let checked = description::check(described, &spec, &shared.hooks)?;
    let settings = checked.settings();
    let (description, marks) = checked.number(&spec, &mut Allocator::default())?;
    let declared = Declared::of(&description, &marks);
    let Description { version, summary, .. } = description;
    Ok(Inspected { name: spec.name, version, summary, settings, declared, requested, size, sha256 })
}

fn share(spec: &PluginSpec, common: &Arc<Common>, lanes: Arc<Lanes>, exports: &Exports) -> Arc<Shared> {
    Arc::new(Shared {
        name: spec.name.clone(),
        scope: spec.scope.clone(),
        grants: spec.grants.clone(),
        limits: spec.limits.clone(),
        fresh: spec.fresh,
        hooks: exports.hooks(),
        counters: Counters::default(),
        gauges: Default::default(),
        lanes,
        common: common.clone(),
        said: OnceLock::new(),
    })
}

/// The result of a function that was given a time limit.
fn settled<T>(
    function: &'static str,
    result: Result<wasmtime::Result<T>, tokio::time::error::Elapsed>,
) -> Result<T, Reason> {
    let failed = |error: String| Reason::Failed { function, error };
    let result = result.map_err(|_| failed("it takes too long".into()))?;
    result.map_err(|error| failed(Failure::from(error).to_string()))
}

/// A name goes into names of stores, where `/` follows it, into logs and into command lines.
pub(crate) fn check_name(name: &str) -> Result<(), Reason> {
    let fine = (1..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b":._-".contains(&b));
    let taken = ["shared", "account-data"].contains(&name);
    if fine && !taken { Ok(()) } else { Err(Reason::BadName(name.to_owned())) }
}

/// Link what is granted and find what is exported.
fn link(
    component: &Component,
    requested: &Requested,
    grants: &Grants,
) -> Result<(InstancePre<State>, Exports), Reason> {
    let mut linker = Linker::new(component.engine());
    let broken = |error: wasmtime::Error| Reason::Runtime(format!("{error:#}"));
    imports::link(&mut linker, grants.allow).map_err(broken)?;
    if requested.wasi {
        imports::wasi::link(&mut linker, requested.http).map_err(broken)?;
    }
    let wrong = |interface: &'static str| {
        move |error: wasmtime::Error| Reason::Mismatch {
            interface,
            ours: VERSION,
            error: format!("{error:#}"),
        }
    };
    let pre = linker.instantiate_pre(component).map_err(wrong("imports"))?;
    let has = |interface: &str| {
        component.get_export_index(None, format!("{PACKAGE}{interface}@{VERSION}")).is_some()
    };
    macro_rules! hook {
        ($module:ident) => {
            has(stringify!($module))
                .then(|| exports::$module::GuestIndices::new(&pre))
                .transpose()
                .map_err(wrong(stringify!($module)))?
        };
    }
    let exports = Exports {
        lifecycle: exports::lifecycle::GuestIndices::new(&pre).map_err(wrong("lifecycle"))?,
        pre: hook!(pre),
        incoming: hook!(incoming),
        process: hook!(process),
        post: hook!(post),
        filter: hook!(filter),
        sessions: hook!(sessions),
        service: hook!(service),
        commands: hook!(commands),
        alarms: hook!(alarms),
        replies: hook!(replies),
        portable: hook!(portable),
    };
    Ok((pre, exports))
}
