//! What a hundred and fifty loaded plugins of 70 KB, each different, cost in memory.

#[path = "../tests/common/mod.rs"]
mod common;

use common::{FakeHost, copies, engine, options};
use std::process::Command;
use std::sync::Arc;

/// Resident memory of this process, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::main]
async fn main() {
    let specs: Vec<_> = copies("greeter", 150).collect();
    let host = Arc::new(FakeHost::default());
    let before = resident();
    let engine = engine(options(), specs, &host).await.unwrap();
    let (count, kib) = (engine.plugins().len(), resident() - before);
    // Compiling takes memory of its own. A server that starts again finds all of it done, and so does this again.
    if std::env::var_os("COMPILED").is_none() {
        let again = Command::new(std::env::current_exe().unwrap()).env("COMPILED", "1").status();
        assert!(again.unwrap().success());
    } else {
        println!("memory/{count} plugins of 70 KB: {kib} KiB");
    }
}
