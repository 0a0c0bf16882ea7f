//! Projects as their authors have them, kept from one run to the next.

#![allow(dead_code, reason = "each test file uses a part")]

#[path = "../../../plugins/tests/common/mod.rs"]
pub mod engine;

use std::fs;
use std::path::{Path, PathBuf};
use waxwing_devkit::{Built, Language, build, new_project};

/// A folder that stays from one run to the next, so that what comes from a registry is fetched once.
fn kept(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("devkit").join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A fresh project called `greeter`. What an earlier run has `installed` goes into it if it `needs` the same.
pub fn project(language: Language, installed: &str, needs: &str) -> PathBuf {
    let parent = kept(&format!("{language:?}").to_lowercase());
    let (old, aside) = (parent.join("greeter"), parent.join("earlier"));
    if old.exists() {
        let _ = fs::remove_dir_all(&aside);
        fs::rename(&old, &aside).unwrap();
    }
    let new = new_project(&parent, "greeter", language).unwrap();
    let text = |folder: &Path| fs::read_to_string(folder.join(needs)).ok();
    if text(&aside) == text(&new) && aside.join(installed).exists() {
        fs::rename(aside.join(installed), new.join(installed)).unwrap();
    }
    new
}

/// The component of a project whose compiler takes long: the one of an earlier run if that was made of the same
/// files by the same code, of which the engine has kept the machine code. `stage` tells apart what a test builds.
pub fn built_once(folder: &Path, stage: &str) -> Built {
    let beside = |extension: &str| folder.with_file_name(stage).with_extension(extension);
    let (recipe, result) = (beside("recipe"), beside("wasm"));
    let now = BUILDERS.concat() + &contents(folder);
    if !fs::read_to_string(&recipe).is_ok_and(|earlier| earlier == now) {
        let _ = fs::remove_file(&recipe);
        let built = build(folder, None).unwrap();
        check_file(&built, folder);
        fs::copy(&built.file, &result).unwrap();
        fs::write(&recipe, now).unwrap();
    }
    // A component is copied as it is.
    build(&result, Some(&folder.join("greeter.wasm"))).unwrap()
}

/// A folder of files beside this one.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// What turns a project into a component.
const BUILDERS: [&str; 6] = [
    include_str!("../../src/build/mod.rs"),
    include_str!("../../src/build/javascript.rs"),
    include_str!("../../src/build/javascript.mjs"),
    include_str!("../../src/build/python.rs"),
    include_str!("../../src/build/python.py"),
    include_str!("../../src/tools.rs"),
];

/// Every file of a project with its text, but what has been installed or made, and what is only read by people.
fn contents(folder: &Path) -> String {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let made = ["docs", "node_modules", "package-lock.json", ".venv", "__pycache__", "greeter.wasm"];
    entries.retain(|path| !made.iter().any(|made| path.ends_with(made)));
    let texts = entries.iter().map(|path| match path.is_dir() {
        true => contents(path),
        false => format!("{}\n{}\n", path.display(), fs::read_to_string(path).unwrap()),
    });
    texts.collect()
}

/// The component is where it should be and nothing else is left there.
pub fn check_file(built: &Built, folder: &Path) {
    assert_eq!(built.file, folder.join("greeter.wasm"));
    assert_eq!(fs::metadata(&built.file).unwrap().len(), built.size as u64);
    assert!(!folder.join("greeter.wasm.new").exists());
}
