//! `waxwing plugin compile`: what a server starts to compile a plugin that is large, and nobody else. It works with low
//! priority and within limits of its own, and what it has used of memory is free when it ends.

use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, nice, setrlimit};
use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use waxwing_plugins::{EngineOptions, Limits, compile_into_cache};

/// This very program, even after another has taken its place on the disk.
const OURSELVES: &str = "/proc/self/exe";
/// How much it leaves to others.
const NICENESS: i32 = 10;

/// Compile a component from standard input into a cache.
#[derive(Args)]
pub struct Compile {
    /// The folder of the cache.
    #[arg(long)]
    cache: PathBuf,
    /// Bytes of memory that an instance may use, which compiled code knows.
    #[arg(long)]
    memory: usize,
    /// Bytes of memory that compiling may take.
    #[arg(long)]
    compile_memory: usize,
    /// Seconds of processor time that it may take.
    #[arg(long)]
    compile_cpu: u64,
}

/// The command line that has one compiled.
pub fn command(cache: &Path, memory: usize, compile_memory: usize, compile_cpu: Duration) -> Vec<OsString> {
    let number = |number: u64| OsString::from(number.to_string());
    vec![
        OURSELVES.into(),
        "plugin".into(),
        "compile".into(),
        "--cache".into(),
        cache.into(),
        "--memory".into(),
        number(memory as u64),
        "--compile-memory".into(),
        number(compile_memory as u64),
        "--compile-cpu".into(),
        // The system counts whole seconds.
        number(compile_cpu.as_secs().max(1)),
    ]
}

impl Compile {
    /// Do it.
    pub fn run(self) -> anyhow::Result<()> {
        // It works without, too, and only gets in the way.
        let _ = nice(NICENESS);
        limit(Resource::Data, self.compile_memory as u64)?;
        limit(Resource::Cpu, self.compile_cpu)?;
        let mut component = Vec::new();
        std::io::stdin().lock().read_to_end(&mut component)?;
        let limits = Limits { memory: self.memory, ..Limits::default() };
        let options = EngineOptions { cache_folder: Some(self.cache), limits, ..EngineOptions::default() };
        Ok(compile_into_cache(&options, &component)?)
    }
}

/// At most so much, and no more than the system allows anyway.
fn limit(resource: Resource, most: u64) -> anyhow::Result<()> {
    let maximum = getrlimit(resource).maximum;
    let most = maximum.map_or(most, |maximum| maximum.min(most));
    // The hard limit stays, so that the signal is that of the soft one.
    Ok(setrlimit(resource, Rlimit { current: Some(most), maximum })?)
}
