//! `waxwing plugin build`: a component from a project, or from a core module.

mod javascript;
mod python;
mod rust;

use crate::error::On;
use crate::{Error, Language};
use std::fs;
use std::path::{Path, PathBuf};

/// A component that has been written.
#[derive(Debug)]
pub struct Built {
    /// Where it is.
    pub file: PathBuf,
    /// Its size in bytes.
    pub size: usize,
    /// The interfaces that it imports: what it asks an operator for.
    pub imports: Vec<String>,
}

impl Built {
    /// What it asks for, in the words of the config file: `router`, `storage`; and `wasi` for anything of WASI.
    #[must_use]
    pub fn permissions(&self) -> Vec<&str> {
        let names = self.imports.iter().map(|name| match name.strip_prefix("xmpp:plugin/") {
            Some(interface) => interface.split('@').next().unwrap_or(interface),
            None if name.starts_with("wasi:") => "wasi",
            None => name,
        });
        let mut names: Vec<&str> = names.filter(|name| *name != "types").collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Make a component of the project in the folder `from`, by default as `NAME.wasm` in it; or, if `from` is a core
/// module as cargo makes it for `wasm32-unknown-unknown`, of that.
///
/// # Errors
/// A folder without a project, a tool that is missing or fails, a program that does not follow the contract.
pub fn build(from: &Path, output: Option<&Path>) -> Result<Built, Error> {
    if from.is_file() {
        let output = output.ok_or_else(|| Error::NoOutput(from.to_owned()))?;
        return finish(from, fs::read(from).on("read", from)?, output);
    }
    // Tools are started in the project's folder, and given absolute paths.
    let folder = from.canonicalize().on("read", from)?;
    let (name, made) = match Language::of(&folder)? {
        Language::Rust => rust::build(&folder)?,
        Language::JavaScript => javascript::build(&folder)?,
        Language::Python => python::build(&folder)?,
    };
    let output = match output {
        Some(output) => output.to_owned(),
        None => from.join(name).with_added_extension("wasm"),
    };
    let bytes = fs::read(&made).on("read", &made)?;
    finish(&made, bytes, &output)
}

/// Wrap what is no component yet, and put it where it belongs.
fn finish(made: &Path, bytes: Vec<u8>, output: &Path) -> Result<Built, Error> {
    let wrong = |error: String| Error::Component { file: made.to_owned(), error };
    let component = match bytes.get(..8) {
        Some(b"\0asm\x0d\0\x01\0") => bytes,
        _ => waxwing_plugins::componentize(&bytes).map_err(|error| wrong(error.to_string()))?,
    };
    let imports = imports(&component).map_err(wrong)?;
    if let Some(folder) = output.parent() {
        fs::create_dir_all(folder).on("make", folder)?;
    }
    // A running server that watches the folder must never see half a file.
    let half = output.with_extension("wasm.new");
    fs::write(&half, &component).and_then(|()| fs::rename(&half, output)).on("write", output)?;
    Ok(Built { file: output.to_owned(), size: component.len(), imports })
}

/// The names of the imports of a component, e.g. `xmpp:plugin/router@0.1.0`.
fn imports(component: &[u8]) -> Result<Vec<String>, String> {
    let decoded = wit_component::decode(component).map_err(|error| format!("{error:#}"))?;
    let wit_component::DecodedWasm::Component(resolve, world) = decoded else {
        return Err("this is a package of WIT and no program".into());
    };
    let imports = resolve.worlds[world].imports.keys();
    Ok(imports.map(|key| resolve.name_world_key(key)).collect())
}
