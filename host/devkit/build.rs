//! Lists the files that go into a new project, so that a file added to one of these folders goes along by itself.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The constant, and the folder from the repository's root.
const FOLDERS: [(&str, &str); 7] = [
    ("WIT", "wit"),
    ("SDK_RUST", "plugins-src/sdk"),
    ("SDK_JAVASCRIPT", "plugins-src/sdk-javascript"),
    ("SDK_PYTHON", "plugins-src/sdk-python"),
    ("TEMPLATE_RUST", "host/devkit/templates/rust"),
    ("TEMPLATE_JAVASCRIPT", "host/devkit/templates/javascript"),
    ("TEMPLATE_PYTHON", "host/devkit/templates/python"),
];

/// What tools leave in such folders, and tests of ours.
const LITTER: [&str; 5] = ["__pycache__", "node_modules", "target", "Cargo.lock", "test.mjs"];

fn main() {
    let root =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("../..").canonicalize().unwrap();
    let mut code = String::new();
    for (name, folder) in FOLDERS {
        let folder = root.join(folder);
        println!("cargo::rerun-if-changed={}", folder.display());
        let mut files = Vec::new();
        list(&folder, &folder, &mut files);
        files.sort();
        assert!(!files.is_empty(), "{} is empty", folder.display());
        writeln!(code, "pub const {name}: Files = &[").unwrap();
        for path in files {
            let file = folder.join(&path);
            writeln!(code, "    ({path:?}, include_str!({file:?})),").unwrap();
        }
        code.push_str("];\n");
    }
    fs::write(Path::new(&env::var_os("OUT_DIR").unwrap()).join("embedded.rs"), code).unwrap();
}

/// Every file below `folder`, as its path from `top`.
fn list(top: &Path, folder: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if LITTER.iter().any(|litter| path.ends_with(litter)) {
            continue;
        }
        if path.is_dir() {
            list(top, &path, files);
        } else {
            files.push(path.strip_prefix(top).unwrap().to_str().unwrap().to_owned());
        }
    }
}
