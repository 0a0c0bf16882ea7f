//! The plugins of `host/plugins/tests/guests`, which do what no plugin should.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::server::{binary, plugins_dir, target_dir};

/// Makes `folder` one with the bundled plugins and these guests.
pub fn plugins_with(guests: &[String], folder: &Path) {
    fs::create_dir_all(folder).expect("a folder for plugins");
    for entry in fs::read_dir(plugins_dir()).expect("the plugins folder").map_while(Result::ok) {
        let link = folder.join(entry.file_name());
        if !link.exists() {
            symlink(entry.path(), link).expect("a link to a plugin");
        }
    }
    for guest in guests {
        component(guest, folder);
    }
}

/// Makes the component of a guest in a folder; returns its path.
pub fn component(guest: &str, folder: &Path) -> PathBuf {
    let module = modules().join(guest.replace('-', "_")).with_extension("wasm");
    let component = folder.join(guest).with_extension("wasm");
    let output = Command::new(binary())
        .args(["plugin", "build"])
        .arg(module)
        .arg("--output")
        .arg(&component)
        .output()
        .expect("the waxwing binary can be run");
    assert!(
        output.status.success(),
        "{guest} is made a component: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    component
}

/// Where cargo puts the guests; built on first use.
fn modules() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        // Where the engine's own tests have them built.
        let target = target_dir().join("../tmp/engine-guests");
        let status = Command::new(root.join("scripts/wasm-cargo.sh"))
            .args(["build", "--release", "--quiet"])
            .current_dir(root.join("host/plugins/tests/guests"))
            .env("CARGO_TARGET_DIR", &target)
            .env_remove("RUSTFLAGS")
            .status();
        assert!(status.expect("scripts/wasm-cargo.sh can be run").success(), "the guests are built");
        target.join("wasm32-unknown-unknown/release")
    })
}
