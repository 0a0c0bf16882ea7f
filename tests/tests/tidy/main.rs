//! That the code stays in order: no rings of files, nothing that depends on what is above it in the maps of
//! ARCHITECTURE.md, no file that is too long.
//!
//! What is not in order yet is listed here by name, and a list fails when something of it has been mended: it shrinks.

mod rings;
mod sources;

use sources::{arrows, root, rust_files, sources};
use std::collections::BTreeSet;
use std::fs;

/// The crates of the host, by their folders.
const CRATES: [&str; 8] = ["config", "devkit", "net", "plugins", "server", "storage", "waxwing", "xmpp"];

/// The most lines of a file before its tests.
const LINES: usize = 500;

/// Files that have more.
const LONG: [&str; 0] = [];

/// Rings that are still there: the crate, and the modules of the ring.
const RINGS: &[(&str, &[&str])] = &[
    ("config", &["settings::plugin_block", "settings::plugins"]),
    ("config", &["settings::vhost_text", "settings::vhosts"]),
    ("net", &["certificates", "certificates::check", "certificates::clients", "tls"]),
    ("net", &["listener", "stream"]),
    ("net", &["stream::absence", "stream::ahead", "stream::session"]),
    (
        "server",
        &[
            "access_list",
            "accounts",
            "anonymous",
            "commands",
            "credentials",
            "directory",
            "disco",
            "disco::about",
            "resumption",
            "server",
            "session",
            "vhosts",
        ],
    ),
    ("server", &["commands::forms", "commands::protocol", "commands::sessions"]),
    ("server", &["presence", "router"]),
    ("storage", &["metrics", "queue"]),
    ("storage", &["postgres::keys", "postgres::steps"]),
    ("storage", &["sqlite::alarms", "sqlite::apply", "sqlite::keys", "sqlite::plugins"]),
    ("storage", &["tools::copy", "tools::restore"]),
    (
        "storage",
        &[
            "tools::draft",
            "tools::postgres_source",
            "tools::sink",
            "tools::source",
            "tools::sqlite_sink",
            "tools::sqlite_source",
        ],
    ),
    ("waxwing", &["admin", "command", "ctl", "moving", "plugin_admin", "wire"]),
    ("waxwing", &["plugin_text", "plugin_view"]),
    (
        "xmpp",
        &[
            "element",
            "framing",
            "framing::header",
            "framing::scan",
            "reader",
            "stanza",
            "stanza::lang",
            "stanza::parse",
            "stanza::rewrite",
        ],
    ),
    ("xmpp", &["jid", "prep"]),
];

#[test]
fn no_files_depend_on_each_other() {
    let mut found = BTreeSet::new();
    for name in CRATES {
        for ring in rings::rings(&arrows(&sources(name))) {
            let modules: Vec<String> = ring.iter().map(|module| module.join("::")).collect();
            found.insert(format!("{name}: {}", modules.join(" ")));
        }
    }
    let known = RINGS.iter().map(|(name, modules)| format!("{name}: {}", modules.join(" "))).collect();
    compare("rings", &found, &known);
}

#[test]
fn crates_depend_on_those_below_them() {
    let map = map("host/");
    // Beside the others.
    let beside = "config";
    let place = |name: &str| map.iter().position(|known| known == name);
    assert_eq!(CRATES.iter().filter(|name| place(name).is_none()).collect::<Vec<_>>(), [&beside]);
    for name in CRATES {
        let manifest = fs::read_to_string(root().join(format!("host/{name}/Cargo.toml"))).unwrap();
        let needs = manifest.split("[dependencies]").nth(1).unwrap_or("").split("\n[").next().unwrap_or("");
        for other in needs.lines().filter_map(|line| line.strip_prefix("waxwing-")) {
            let other = other.split(['.', ' ', '=']).next().unwrap_or("");
            let fine = match (place(name), place(other)) {
                (Some(own), Some(other)) => own < other,
                (None, _) => other == "xmpp",
                (Some(_), None) => name != "xmpp",
            };
            assert!(fine, "{name} depends on {other}, which ARCHITECTURE.md has above it");
        }
    }
}

#[test]
fn rooms_of_the_engine_depend_on_those_below_them() {
    let map = map("plugins/src/");
    // What is in no room is below them all.
    let place = |module: &sources::Module| {
        map.iter().position(|room| module.first() == Some(room)).unwrap_or(map.len())
    };
    let mut up = Vec::new();
    for (from, to) in arrows(&sources("plugins")) {
        // The root of the crate hands on what is public.
        let above = to.iter().filter(|to| !from.is_empty() && place(to) < place(&from));
        up.extend(above.map(|to| format!("{} -> {}", from.join("::"), to.join("::"))));
    }
    assert!(up.is_empty(), "against the map in ARCHITECTURE.md: {up:#?}");
    let folders = fs::read_dir(root().join("host/plugins/src")).unwrap().map(|entry| entry.unwrap());
    let folders =
        folders.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name().into_string().unwrap());
    assert_eq!(folders.collect::<BTreeSet<String>>(), map.into_iter().collect());
}

#[test]
fn no_file_is_too_long() {
    let all = CRATES.iter().flat_map(|name| sources(name));
    let found = all.filter(|file| file.lines > LINES).map(|file| file.path.display().to_string()).collect();
    compare("files too long", &found, &LONG.iter().map(|name| (*name).to_owned()).collect());
}

#[test]
fn nothing_is_left_for_later() {
    let words =
        ["TO", "FIX", "X"].into_iter().zip(["DO", "ME", "XX"]).map(|(start, end)| format!("{start}{end}"));
    let words: Vec<String> = words.collect();
    let mut found = Vec::new();
    for file in ["host", "plugins-src", "tests"].into_iter().flat_map(rust_files) {
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in (1..).zip(text.lines()) {
            let mut parts = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            if parts.any(|part| words.iter().any(|word| word == part)) {
                found.push(format!("{}:{number}", file.display()));
            }
        }
    }
    assert!(found.is_empty(), "left for later: {found:#?}");
}

/// The names that the first column of a table in ARCHITECTURE.md has, in order, of those with this beginning.
fn map(beginning: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let start = format!("| `{beginning}");
    let rows = text.lines().filter_map(|line| line.strip_prefix(&start)?.split('`').next());
    rows.map(|name| name.trim_end_matches('/').to_owned()).collect()
}

/// Fail with what is new, and with what is listed and no longer there.
fn compare(what: &str, found: &BTreeSet<String>, known: &BTreeSet<String>) {
    let new: Vec<&String> = found.difference(known).collect();
    assert!(new.is_empty(), "{what}: {new:#?}");
    let gone: Vec<&String> = known.difference(found).collect();
    assert!(
        gone.is_empty(),
        "{what} that are no more, to be struck off the list in tests/tests/tidy: {gone:#?}"
    );
}
