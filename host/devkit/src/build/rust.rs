//! Rust: cargo makes a core module, or a component where the project asks for `wasm32-wasip2`.

use crate::Error;
use crate::embedded::WASM_CARGO;
use crate::tools::{Missing, output};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

const CARGO: Missing = Missing {
    tool: "cargo",
    install: "Rust plugins need Rust: install rustup (https://rustup.rs), or on Debian and Ubuntu: apt-get install \
              rustc-web cargo-web rust-web-src lld",
};

/// The project's name and the file that cargo has made.
pub fn build(folder: &Path) -> Result<(String, PathBuf), Error> {
    let manifest = folder.join("Cargo.toml");
    let package = package(folder, &manifest)?;
    let name = package["name"].as_str().unwrap_or("plugin").to_owned();
    let target = package["metadata"]["waxwing"]["target"].as_str().unwrap_or("wasm32-unknown-unknown");
    let messages = output(
        Command::new("sh")
            .args(["-c", WASM_CARGO, "wasm-cargo.sh", "build", "--release", "--lib"])
            .arg("--message-format=json-render-diagnostics")
            .current_dir(folder)
            .env("WASM_TARGET", target)
            // Meant for the machine that this runs on.
            .env_remove("RUSTFLAGS"),
        "cargo build",
        CARGO,
    )?;
    match artifact(&messages, &manifest) {
        Some(file) => Ok((name, file)),
        None => Err(Error::Manifest {
            file: manifest,
            problem: "the plugin is no library that can be loaded: add [lib] crate-type = [\"cdylib\"]"
                .into(),
        }),
    }
}

/// What cargo knows of the package with this manifest.
fn package(folder: &Path, manifest: &Path) -> Result<Value, Error> {
    let mut command = Command::new("cargo");
    let command = command.args(["metadata", "--no-deps", "--format-version=1"]).current_dir(folder);
    let metadata = output(command, "cargo metadata", CARGO)?;
    let metadata: Value = serde_json::from_slice(&metadata).unwrap_or_default();
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let package = packages.into_iter().find(|package| package["manifest_path"].as_str() == manifest.to_str());
    package.cloned().ok_or_else(|| Error::Manifest {
        file: manifest.to_owned(),
        problem: "this is a workspace; name the folder of one of its plugins".into(),
    })
}

/// The file that cargo says it has made of the package itself.
fn artifact(messages: &[u8], manifest: &Path) -> Option<PathBuf> {
    let messages = messages.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
    let ours = messages.filter(|message: &Value| {
        message["reason"] == "compiler-artifact" && message["manifest_path"].as_str() == manifest.to_str()
    });
    let files = ours.flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default());
    files
        .filter_map(|file| file.as_str().map(PathBuf::from))
        .find(|file| file.extension().is_some_and(|extension| extension == "wasm"))
}
