//! Components to try the tools on: the bundled plugins, and a guest of the engine's own tests.

#![allow(dead_code, reason = "each test file uses a part")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use waxwing_plugins::{EngineOptions, componentize};

/// A plugin of `plugins-src/`, by the name of its folder.
pub fn bundled(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    // Where `make plugins` builds them too.
    let modules = BUILT.get_or_init(|| build("plugins-src", "../plugins"));
    component(modules, name)
}

/// A guest of `host/plugins/tests/guests/`.
pub fn guest(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let modules = BUILT.get_or_init(|| build("host/plugins/tests/guests", "engine-guests"));
    component(modules, name)
}

/// Compiled once for all tests.
pub fn options() -> EngineOptions {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
    EngineOptions { cache_folder: Some(cache), ..EngineOptions::default() }
}

fn build(workspace: &str, target: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(target);
    let status = Command::new(root.join("scripts/wasm-cargo.sh"))
        .args(["build", "--release", "--quiet"])
        .current_dir(root.join(workspace))
        .env("CARGO_TARGET_DIR", &target)
        .env_remove("RUSTFLAGS")
        .status()
        .unwrap();
    assert!(status.success(), "{workspace} is not built");
    target.join("wasm32-unknown-unknown/release")
}

/// `NAME.wasm` in a folder of its own: tests run side by side.
fn component(modules: &Path, name: &str) -> PathBuf {
    let module = modules.join(name.replace('-', "_")).with_extension("wasm");
    let component = componentize(&std::fs::read(module).unwrap()).unwrap();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap().keep();
    let file = folder.join(name).with_extension("wasm");
    std::fs::write(&file, component).unwrap();
    file
}
