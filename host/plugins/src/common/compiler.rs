//! Compiling in a process of its own. What that takes of memory goes back to the system when it is over, and what a
//! component can make a compiler do is bounded. The process leaves its code in the cache, and here it is loaded.

use crate::common::counters::add;
use crate::common::wasm;
use crate::declare::error::Reason;
use crate::declare::options::EngineOptions;
use parking_lot::Mutex;
use std::collections::HashSet;
use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use wasmtime::component::Component;

/// Bytes of a component that is compiled where it is used: that takes a moment and little memory.
const SMALL: usize = 256 << 10;
/// The signal of a process that gives up, as it does when it gets no more memory.
const ABORT: i32 = 6;
/// What it says where it does not give up at once.
const OUT_OF_MEMORY: [&str; 2] = ["out of memory", "Cannot allocate memory"];
/// The signals of a process that has used up its processor time.
const OUT_OF_TIME: [i32; 2] = [24, 9];

/// Compile a component into the cache of compiled code, for an engine with the same options.
///
/// # Errors
/// When it is not valid.
pub fn compile_into_cache(options: &EngineOptions, component: &[u8]) -> Result<(), Reason> {
    let (engine, _) = wasm::compiler(options)?;
    Component::from_binary(&engine, component).map_err(|error| Reason::Invalid(format!("{error:#}")))?;
    Ok(())
}

/// Has another process compile what is large.
#[derive(Debug, Default)]
pub(crate) struct Compiler {
    /// The program and its arguments.
    command: Vec<OsString>,
    /// The digests of what is in the cache.
    compiled: Mutex<HashSet<[u8; 32]>>,
    failures: AtomicU64,
}

impl Compiler {
    pub fn new(options: &EngineOptions) -> Compiler {
        Compiler { command: options.compiler.clone(), ..Self::default() }
    }

    /// How often the other process has failed, or could not be started.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// See to it that the code of a component is in the cache, if it is worth a process. Blocks.
    pub fn prepare(&self, component: &[u8], sha256: &[u8; 32]) -> Result<(), Reason> {
        let Some((program, arguments)) = self.command.split_first() else { return Ok(()) };
        if component.len() < SMALL || self.compiled.lock().contains(sha256) {
            return Ok(());
        }
        match run(program, arguments, component) {
            Ok(output) => judge(&output).inspect_err(|_| add(&self.failures, 1))?,
            // Then it is compiled here, as without another process.
            Err(why) => {
                add(&self.failures, 1);
                tracing::warn!(%why, "no process to compile a plugin can be started, so that the server does it");
                return Ok(());
            }
        }
        self.compiled.lock().insert(*sha256);
        Ok(())
    }
}

fn run(program: &OsString, arguments: &[OsString], component: &[u8]) -> std::io::Result<Output> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // One that ends before it has read everything says why.
        let _ = input.write_all(component);
    }
    child.wait_with_output()
}

fn judge(output: &Output) -> Result<(), Reason> {
    let status = output.status;
    if status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim().trim_start_matches("waxwing: ").chars().take(1000).collect::<String>();
    Err(match (status.signal(), status.code()) {
        (Some(signal), _) if OUT_OF_TIME.contains(&signal) => Reason::CompileTime,
        (Some(ABORT), _) => Reason::CompileMemory,
        _ if OUT_OF_MEMORY.iter().any(|words| said.contains(words)) => Reason::CompileMemory,
        (None, Some(1)) => Reason::Compiler(said),
        _ => Reason::Compiler(format!("compiling it failed: {status}: {said}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiler(script: &str) -> Compiler {
        let command = ["/bin/sh", "-c", script].map(OsString::from).to_vec();
        Compiler { command, ..Compiler::default() }
    }

    #[test]
    fn what_is_large_is_compiled_elsewhere_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("got");
        let compiler = compiler(&format!("cat >> {}", file.display()));
        let large = vec![7; SMALL];
        compiler.prepare(&[7; 10], &[0; 32]).unwrap();
        assert!(!file.exists());
        compiler.prepare(&large, &[1; 32]).unwrap();
        compiler.prepare(&large, &[1; 32]).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), large);
        assert_eq!(compiler.failures(), 0);
    }

    #[test]
    fn how_it_ended_is_told() {
        let said = |script| {
            let compiler = compiler(script);
            let why = compiler.prepare(&vec![0; SMALL], &[0; 32]).unwrap_err();
            assert_eq!(compiler.failures(), 1);
            why
        };
        assert!(matches!(said("kill -XCPU $$"), Reason::CompileTime));
        assert!(matches!(said("kill -KILL $$"), Reason::CompileTime));
        assert!(matches!(said("kill -ABRT $$"), Reason::CompileMemory));
        assert!(matches!(said("echo 'waxwing: out of memory' >&2; exit 1"), Reason::CompileMemory));
        assert_eq!(said("echo oh >&2; exit 101").to_string(), "compiling it failed: exit status: 101: oh");
        assert_eq!(said("echo 'waxwing: it is not valid' >&2; exit 1").to_string(), "it is not valid");
    }

    #[test]
    fn without_a_process_it_is_compiled_here() {
        let nowhere = Compiler { command: vec!["/nowhere/waxwing".into()], ..Compiler::default() };
        nowhere.prepare(&vec![0; SMALL], &[0; 32]).unwrap();
        assert_eq!(nowhere.failures(), 1);
    }
}
