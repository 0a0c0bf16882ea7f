//! The one place where the WebAssembly runtime is configured.

use crate::declare::error::Reason;
use crate::declare::options::EngineOptions;
use std::fs::DirBuilder;
use std::num::NonZeroUsize;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::time::Duration;
use wasmtime::{Cache, CacheConfig, Config, Engine, OptLevel};

/// One epoch: the grain of the CPU budget, and how often a plugin that computes for long lets
/// others run on its thread. Shorter makes more wake-ups on an idle server, longer delays others.
pub(crate) const SLICE: Duration = Duration::from_millis(5);

/// The stack of a plugin's own code. Rust guests use a few KiB; interpreters in wasm more.
const WASM_STACK: usize = 512 << 10;
/// The stack that a call runs on: the plugin's part and the host functions that it calls. Address
/// space until touched.
const FIBER_STACK: usize = 1 << 20;
/// Unmapped space behind a memory: lets accesses a little past a checked address go unchecked.
const GUARD: u64 = 64 << 10;

/// A runtime for all plugins, and the clock that bounds them.
pub(crate) fn start(options: &EngineOptions) -> Result<(Engine, Option<Cache>), Reason> {
    let (engine, cache) = compiler(options)?;
    tick(&engine).map_err(|error| Reason::Runtime(error.to_string()))?;
    Ok((engine, cache))
}

/// A runtime that compiles for those of the same options, and runs nothing.
pub(crate) fn compiler(options: &EngineOptions) -> Result<(Engine, Option<Cache>), Reason> {
    let cache = options.cache_folder.as_deref().map(cache).transpose().map_err(broken)?;
    let mut config = config(options);
    config.cache(cache.clone());
    Ok((Engine::new(&config).map_err(broken)?, cache))
}

fn broken(error: wasmtime::Error) -> Reason {
    Reason::Runtime(format!("{error:#}"))
}

fn config(options: &EngineOptions) -> Config {
    let mut config = Config::new();
    // Calls and host functions are plain in WIT; the component model's own concurrency would
    // only make each of them dearer.
    config.concurrency_support(false);
    // Preemption by time rather than by fuel: operators think in milliseconds.
    config.epoch_interruption(true);
    config.max_wasm_stack(WASM_STACK).async_stack_size(FIBER_STACK);
    // Plugins are compiled once and run for months.
    config.cranelift_opt_level(OptLevel::Speed);
    // A memory gets as much address space as it may ever fill: it never moves, and hundreds of
    // instances fit where address space is scarce (4 GiB each would not, under `ulimit -v` or on
    // small ARM machines). The price is a bounds check at most accesses, which is not felt by
    // code that mostly asks the host.
    config.memory_reservation(options.limits.memory as u64).memory_reservation_for_growth(0);
    config.memory_guard_size(GUARD).guard_before_linear_memory(false);
    // A new instance maps its initial memory from the compiled image: pages are shared between
    // instances until written, so that a warm one costs little more than what it has touched.
    config.memory_init_cow(true);
    // Guests address 32 bits.
    config.wasm_memory64(false);
    // A trap says where it happened, as far as the plugin was built with names.
    config.wasm_backtrace_max_frames(NonZeroUsize::new(8));
    config
}

fn cache(folder: &Path) -> wasmtime::Result<Cache> {
    // What is in there is run, so nobody else may write there.
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut config = CacheConfig::new();
    // The cache wants an absolute path.
    config.with_directory(std::path::absolute(folder)?);
    Cache::new(config)
}

/// Count epochs for as long as the runtime lives. A thread of its own, because it must go on when
/// every worker of tokio is busy in a plugin.
fn tick(engine: &Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    let ticker = std::thread::Builder::new().name("plugin-epochs".into()).stack_size(64 << 10);
    ticker.spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(SLICE);
        }
    })?;
    Ok(())
}
