//! The source files of a crate, without their tests, and which of them speak of which.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A module by its path within the crate: `["stanza", "lang"]`.
pub type Module = Vec<String>;

/// One file.
pub struct Source {
    /// Where it is in the repository.
    pub path: PathBuf,
    pub module: Module,
    /// What is in it before its tests, without comments.
    pub code: String,
    /// Lines before its tests, comments included.
    pub lines: usize,
}

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All `.rs` files under a folder of the repository, in order.
pub fn rust_files(folder: &str) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![root().join(folder)], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                _ if path.is_dir() && !path.ends_with("target") => folders.push(path),
                Some(extension) if extension == "rs" => files.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    files
}

/// The files of a crate that are not only there for tests.
pub fn sources(name: &str) -> Vec<Source> {
    let folder = format!("host/{name}/src");
    let base = root().join(&folder);
    let mut sources = Vec::new();
    for file in rust_files(&folder) {
        let below = file.strip_prefix(&base).unwrap().with_extension("");
        let mut module: Module =
            below.iter().map(|part| part.to_str().unwrap().to_owned()).filter(|part| part != "mod").collect();
        if module == ["lib"] || module == ["main"] {
            module.clear();
        }
        if module.iter().any(|part| part == "tests" || part == "testing" || part.ends_with("_tests")) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let text = without_tests(&text);
        let lines = text.lines().count();
        let code: String =
            text.lines().map(|line| line.split("//").next().unwrap_or("").to_owned() + "\n").collect();
        let path = Path::new(&folder).join(file.strip_prefix(&base).unwrap());
        sources.push(Source { path, module, code, lines });
    }
    sources
}

/// A file up to its tests. `#[cfg(test)] mod tests;` above the code names another file and is all that goes.
fn without_tests(text: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines() {
        let is_module =
            line.starts_with("mod ") || line.starts_with("pub mod ") || line.starts_with("pub(crate) mod ");
        let mut attributes = lines.iter().rev().take_while(|before| before.starts_with("#["));
        if is_module && attributes.any(|attribute| *attribute == "#[cfg(test)]") {
            while lines.last().is_some_and(|before| before.starts_with("#[")) {
                lines.pop();
            }
            if line.ends_with('{') {
                break;
            }
            continue;
        }
        lines.push(line);
    }
    lines.join("\n")
}

/// Which modules each module speaks of. A name that a module hands on from another counts for that other.
pub fn arrows(sources: &[Source]) -> BTreeMap<Module, BTreeSet<Module>> {
    let modules: BTreeSet<&Module> = sources.iter().map(|source| &source.module).collect();
    let (mut named, mut handed_on) = (Vec::new(), BTreeMap::new());
    for source in sources {
        for Spoken { parts, shown_as } in paths(&source.code) {
            let Some(whole) = absolute(&source.module, &parts, &modules) else { continue };
            let known =
                (0..=whole.len()).rev().find(|end| modules.contains(&whole[..*end].to_vec())).unwrap();
            let (module, name) = (whole[..known].to_vec(), whole.get(known).cloned());
            if let (Some(shown_as), Some(name)) = (shown_as, &name) {
                handed_on.insert((source.module.clone(), shown_as), (module.clone(), name.clone()));
                continue;
            }
            named.push((source.module.clone(), module, name));
        }
    }
    let mut arrows: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
    for (from, mut to, mut name) in named {
        while let Some((module, original)) =
            name.as_ref().and_then(|name| handed_on.get(&(to.clone(), name.clone())))
        {
            (to, name) = (module.clone(), Some(original.clone()));
        }
        if from != to {
            arrows.entry(from).or_default().insert(to);
        }
    }
    arrows
}

/// A path as it stands in the code.
struct Spoken {
    parts: Vec<String>,
    /// The name by which it is handed on, if it is.
    shown_as: Option<String>,
}

/// The path from the root of the crate; `None` for what is of another crate.
fn absolute(own: &Module, parts: &[String], modules: &BTreeSet<&Module>) -> Option<Vec<String>> {
    let (first, rest) = parts.split_first()?;
    let join = |base: &[String], rest: &[String]| [base, rest].concat();
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "self" => Some(join(own, rest)),
        "super" => {
            let ups = parts.iter().take_while(|part| *part == "super").count();
            Some(join(&own[..own.len().checked_sub(ups)?], &parts[ups..]))
        }
        _ => modules.contains(&join(own, std::slice::from_ref(first))).then(|| join(own, parts)),
    }
}

/// All paths in `use` declarations, and those elsewhere that begin with `crate`, `self` or `super`.
fn paths(code: &str) -> Vec<Spoken> {
    let (mut found, mut rest) = (Vec::new(), String::new());
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let trimmed = line.trim_start();
        let public = trimmed.starts_with("pub ") || trimmed.starts_with("pub(");
        let words = if public { trimmed.split_once(' ').map_or("", |(_, rest)| rest) } else { trimmed };
        let Some(first) = words.strip_prefix("use ") else {
            rest += line;
            rest.push('\n');
            continue;
        };
        let mut tree = first.to_owned();
        while !tree.contains(';') {
            let Some(more) = lines.next() else { break };
            tree += more.trim();
        }
        expand(&[], tree.trim_end().trim_end_matches(';'), public, &mut found);
    }
    for start in ["crate::", "self::", "super::"] {
        for (at, _) in rest.match_indices(start) {
            let before = rest[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let path = rest[at..]
                .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
                .next()
                .unwrap_or("");
            let parts = path.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
            found.push(Spoken { parts, shown_as: None });
        }
    }
    found
}

/// The paths of one tree: `a::{b, c::{self, d as e}}`.
fn expand(before: &[String], tree: &str, public: bool, found: &mut Vec<Spoken>) {
    let (mut depth, mut start) = (0, 0);
    let mut branches = Vec::new();
    for (at, c) in tree.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                branches.push(&tree[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    branches.push(&tree[start..]);
    for branch in branches.into_iter().map(str::trim).filter(|branch| !branch.is_empty()) {
        let parts = |path: &str| {
            let own = path.split("::").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned);
            before.iter().cloned().chain(own).collect::<Vec<String>>()
        };
        if let Some((path, inner)) = branch.split_once('{') {
            expand(&parts(path), inner.strip_suffix('}').unwrap_or(inner), public, found);
            continue;
        }
        let (path, name) = branch.split_once(" as ").unwrap_or((branch, branch));
        let mut parts = parts(path);
        if parts.len() > 1 && parts.last().is_some_and(|last| last == "self") {
            parts.pop();
        }
        let name = name.rsplit("::").next().unwrap_or(name).trim().to_owned();
        found.push(Spoken { parts, shown_as: public.then_some(name) });
    }
}
