//! `waxwing plugin build`: a component from a project, or from a core module.

mod javascript;
mod python;
mod rust;

use crate::error::On;
use crate::{Error, Language};
use std::fs;
use std::path::{Path, PathBuf};
use wasmparser::{Parser, Payload};

/// A component that has been written.
#[derive(Debug)]
pub struct Built {
    /// Where it is.
    pub file: PathBuf,
    /// Its size in bytes.
    pub size: usize,
    /// The interfaces that it imports, e.g. `xmpp:plugin/router@0.1.0`.
    pub imports: Vec<String>,
    /// The interfaces that it exports: its hooks.
    pub exports: Vec<String>,
}

impl Built {
    /// The interfaces that an operator must allow it, as the config file calls them: `router`, `process`.
    #[must_use]
    pub fn permissions(&self) -> Vec<&str> {
        let ours =
            |name| str::strip_prefix(name, "xmpp:plugin/").map(|name| name.split('@').next().unwrap_or(name));
        let names = self.exports.iter().chain(&self.imports).filter_map(|name| ours(name));
        let mut names: Vec<&str> = names.filter(|name| !matches!(*name, "types" | "lifecycle")).collect();
        names.sort_unstable();
        names
    }

    /// Whether it wants to send HTTP requests, for which an operator names the hosts.
    #[must_use]
    pub fn http(&self) -> bool {
        self.imports.iter().any(|name| name.starts_with("wasi:http/"))
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
    let (imports, exports) = interfaces(&component).map_err(|error| wrong(error.to_string()))?;
    if !exports.iter().any(|name| name.starts_with("xmpp:plugin/lifecycle@")) {
        return Err(wrong("it is no plugin, because it does not export xmpp:plugin/lifecycle".into()));
    }
    if let Some(folder) = output.parent() {
        fs::create_dir_all(folder).on("make", folder)?;
    }
    // A running server that watches the folder must never see half a file.
    let half = output.with_extension("wasm.new");
    fs::write(&half, &component).and_then(|()| fs::rename(&half, output)).on("write", output)?;
    Ok(Built { file: output.to_owned(), size: component.len(), imports, exports })
}

/// The names of what a component imports and exports, e.g. `xmpp:plugin/router@0.1.0`.
pub(crate) fn interfaces(component: &[u8]) -> wasmparser::Result<(Vec<String>, Vec<String>)> {
    let (mut imports, mut exports, mut depth) = (Vec::new(), Vec::new(), 0_u32);
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            // What the modules and components inside have is their own business.
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    exports.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_operator_must_allow() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        let imports = ["xmpp:plugin/types@0.1.0", "xmpp:plugin/router@0.1.0", "wasi:http/types@0.2.3"];
        let exports = names(&["xmpp:plugin/lifecycle@0.1.0", "xmpp:plugin/alarms@0.1.0"]);
        let built = Built { file: PathBuf::new(), size: 0, imports: names(&imports), exports };
        assert_eq!((built.permissions(), built.http()), (vec!["alarms", "router"], true));
        let built = Built { imports: names(&["wasi:clocks/wall-clock@0.2.3"]), ..built };
        assert!(!built.http());
    }
}
