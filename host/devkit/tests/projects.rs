//! From nothing to a plugin that answers, in every language, with the tools that its authors have.

mod every_hook;
mod kit;

use kit::{built_once, check_file, engine, project};
use std::fs;
use std::path::Path;
use std::time::Duration;
use waxwing_devkit::{Built, Error, Language, build, new_project};
use waxwing_plugins::{Outcome, PluginSpec, Stage};
use waxwing_xmpp::Stanza;

/// What the plugin says to two greetings, in an engine that lets it do all there is.
async fn greetings(component: &Path) -> [String; 2] {
    let spec = PluginSpec {
        settings: vec![("greeting".into(), vec!["Hi".into()])],
        // A busy machine must not be taken for a busy plugin.
        limits: engine::limited(|limits| {
            (limits.cpu, limits.call_timeout) = (Duration::from_secs(60), Duration::from_secs(60));
        }),
        ..engine::spec_of("greeter", component.to_owned())
    };
    let world = engine::World::with(spec).await;
    let greet = || async {
        let xml = format!(
            "<iq xmlns='jabber:client' type='get' id='1' from='{}' to='capulet.example'>\
             <greet xmlns='urn:example:greeter'/></iq>",
            engine::JULIET
        );
        match world.show(Stage::Process, Stanza::parse(&xml).unwrap()).await {
            Outcome::Reply(xml) => xml,
            other => panic!("{other:?}"),
        }
    };
    [greet().await, greet().await]
}

fn expected() -> [String; 2] {
    ["Hi, juliet!", "Hi again, juliet!"]
        .map(|text| format!("<greet xmlns='urn:example:greeter'>{text}</greet>"))
}

/// What the greeter needs, whatever it is written in.
const ASKED: [&str; 4] = ["process", "runtime", "stanzas", "storage"];

fn wasi(built: &Built) -> bool {
    built.imports.iter().any(|name| name.starts_with("wasi:"))
}

#[tokio::test]
async fn rust() {
    let folder = project(Language::Rust, "target", "Cargo.toml");
    let built = build(&folder, None).unwrap();
    check_file(&built, &folder);
    assert_eq!(built.permissions(), ASKED);
    assert!(!wasi(&built), "{:?}", built.imports);
    assert_eq!(greetings(&built.file).await, expected());

    // The same program for another target, which makes components itself.
    let manifest = folder.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.clone() + "\n[package.metadata.waxwing]\ntarget = \"wasm32-wasip2\"\n")
        .unwrap();
    let elsewhere = folder.join("target/elsewhere/wasip2.wasm");
    let built = build(&folder, Some(&elsewhere)).unwrap();
    fs::write(&manifest, text).unwrap();
    assert_eq!(built.file, elsewhere);
    assert_eq!(built.permissions(), ASKED);
    assert!(wasi(&built), "{:?}", built.imports);
}

#[tokio::test]
async fn javascript() {
    let folder = project(Language::JavaScript, "node_modules", "package.json");
    let built = built_once(&folder, "first");
    // No WASI, because package.json asks for none.
    assert_eq!(built.permissions(), ASKED);
    assert!(!wasi(&built), "{:?}", built.imports);
    assert_eq!(greetings(&built.file).await, expected());

    let hooks = every_hook::component(&folder, "js");
    every_hook::check(&hooks).await;
}

#[tokio::test]
async fn python() {
    let folder = project(Language::Python, ".venv", "requirements.txt");
    let built = built_once(&folder, "first");
    assert_eq!(built.permissions(), ASKED);
    assert!(wasi(&built), "{:?}", built.imports);
    assert_eq!(greetings(&built.file).await, expected());

    let hooks = every_hook::component(&folder, "py");
    every_hook::check(&hooks).await;
}

#[test]
fn every_project_has_a_test_and_says_what_comes_next() {
    let parent = tempfile::tempdir().unwrap();
    for (language, name) in [(Language::Rust, "r"), (Language::JavaScript, "j"), (Language::Python, "p-1")] {
        let folder = new_project(parent.path(), name, language).unwrap();
        let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
        assert!(read("README.md").contains("waxwing plugin build"));
        assert!(read("tests/first.xml").contains(&format!("<greet xmlns='urn:example:{name}'/>")));
        assert!(read(".gitignore").contains(".wasm"));
        assert!(read("docs/plugins.md").contains("## Hooks"));
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file())
        {
            assert!(!read(entry.file_name().to_str().unwrap()).contains("{{"), "{:?}", entry.path());
        }
        assert_eq!(Language::of(&folder).unwrap(), language);
    }
}

#[test]
fn names_that_are_refused() {
    let parent = tempfile::tempdir().unwrap();
    let long = "a".repeat(65);
    for name in ["", "Ping", "1st", "a_b", "a b", "../a", "a/b", ".", "a-", "a--b", "é", &long] {
        let error = new_project(parent.path(), name, Language::Python).unwrap_err();
        assert!(matches!(error, Error::BadName(..)), "{name}: {error}");
    }
    for name in ["type", "test", "waxwing-plugin"] {
        assert!(
            matches!(new_project(parent.path(), name, Language::Rust), Err(Error::BadName(..))),
            "{name}"
        );
    }
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    assert!(new_project(parent.path(), "type", Language::Python).is_ok());
}

#[test]
fn what_is_there_is_left_alone() {
    let parent = tempfile::tempdir().unwrap();
    fs::create_dir(parent.path().join("folder")).unwrap();
    fs::write(parent.path().join("file"), "mine").unwrap();
    for name in ["folder", "file"] {
        let error = new_project(parent.path(), name, Language::Rust).unwrap_err();
        assert!(matches!(error, Error::Exists(_)), "{error}");
    }
    assert_eq!(fs::read_dir(parent.path().join("folder")).unwrap().count(), 0);
    assert_eq!(fs::read_to_string(parent.path().join("file")).unwrap(), "mine");
}

#[test]
fn languages_are_told_apart_by_their_files() {
    let found = |files: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        files.iter().for_each(|file| fs::write(folder.path().join(file), "").unwrap());
        Language::of(folder.path()).ok()
    };
    assert_eq!(found(&["Cargo.toml", "package.json"]), Some(Language::Rust));
    assert_eq!(found(&["package.json", "app.js"]), Some(Language::JavaScript));
    assert_eq!(found(&["pyproject.toml"]), Some(Language::Python));
    assert_eq!(found(&["requirements.txt", "app.py"]), Some(Language::Python));
    assert_eq!(found(&["requirements.txt"]), None);
    assert_eq!(found(&[]), None);
    assert!("cobol".parse::<Language>().is_err());
}

#[test]
fn what_is_no_project_is_said_to_be_none() {
    let folder = tempfile::tempdir().unwrap();
    let error = build(folder.path(), None).unwrap_err();
    assert!(error.to_string().contains("Cargo.toml"), "{error}");
    assert!(matches!(build(&folder.path().join("missing"), None), Err(Error::File { .. })));

    let module = folder.path().join("module.wasm");
    fs::write(&module, b"\0asm\x01\0\0\0").unwrap();
    assert!(matches!(build(&module, None), Err(Error::NoOutput(_))));
    let output = folder.path().join("component.wasm");
    assert!(matches!(build(&module, Some(&output)), Err(Error::Component { .. })));
    assert!(!output.exists());
}
