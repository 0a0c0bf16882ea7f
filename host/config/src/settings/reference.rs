//! What is generated from the settings: the commented `etc/config.tdsl` and `docs/configuration.md`.

use super::Settings;
use super::kinds::{Block, Entry, Shown, quote};

/// The plugins that the file lists. The server knows them only by it.
const PLUGINS: &str = include_str!("reference/sess-man.tdsl");

/// What the page says before the tables.
const PAGE: &str = include_str!("reference/configuration.md");

const FILE: &str = "\
# Waxwing's configuration. docs/configuration.md explains the format and repeats every setting.
# A line such as #key = value shows a default: remove the # to change it.
";

/// Settings that everybody changes, and that are therefore not commented out.
const LIVE: [&str; 2] = ["default-virtual-host", "admins"];

/// Where comments are wrapped.
const WIDTH: usize = 100;

impl Settings {
    /// The text of `etc/config.tdsl`: every setting with its explanation and its default.
    pub fn reference_tdsl() -> String {
        let mut out = FILE.to_owned();
        write_entries(&mut out, &out_of_the_box().describe(), "", false);
        out
    }

    /// The text of `docs/configuration.md`.
    pub fn reference_markdown() -> String {
        let mut out = PAGE.to_owned();
        write_tables(&mut out, &Settings::default().describe(), &[]);
        out
    }
}

fn out_of_the_box() -> Settings {
    Settings { admins: vec!["admin@localhost".to_owned()], ..Settings::default() }
}

/// Entries with their comments. What is `live` is not commented out, at its default or not.
fn write_entries(out: &mut String, entries: &[Entry], indent: &str, live: bool) {
    let deeper = format!("{indent}    ");
    for entry in entries {
        // The first entry of a block needs no blank line above it.
        if !out.is_empty() && !out.ends_with("{\n") {
            out.push('\n');
        }
        write_comment(out, &prose(&entry.doc), indent);
        let key = quote_key(entry.key);
        match &entry.shown {
            Shown::Value { text, .. } => {
                let comment = if live || LIVE.contains(&entry.key) { "" } else { "#" };
                *out += &format!("{indent}{comment}{key} = {text}\n");
            }
            Shown::Block(inner) => {
                *out += &format!("{indent}{key} {{\n");
                if entry.key == "sess-man" {
                    for line in PLUGINS.lines() {
                        *out += format!("{deeper}{line}").trim_end();
                        out.push('\n');
                    }
                }
                write_entries(out, inner, &deeper, live);
                *out += &format!("{indent}}}\n");
            }
            Shown::Named(_, blocks) if entry.key.is_empty() => write_named(out, blocks, indent),
            Shown::Named(_, blocks) => {
                *out += &format!("{indent}{key} {{\n");
                write_named(out, blocks, &deeper);
                *out += &format!("{indent}}}\n");
            }
            Shown::Example { name, block, .. } => write_example(out, name, block, indent),
        }
    }
}

/// A block that is commented out as a whole, with its own comments.
fn write_example(out: &mut String, name: &str, block: &[Entry], indent: &str) {
    let mut text = String::new();
    write_entries(&mut text, block, "    ", true);
    *out += &format!("{indent}#{name} {{\n");
    for line in text.lines() {
        *out += &format!("{indent}#{line}\n");
    }
    *out += &format!("{indent}#}}\n");
}

/// Blocks that the operator names: what is in them, then those there are by default, commented out.
fn write_named(out: &mut String, blocks: &[(String, Vec<Entry>)], indent: &str) {
    for entry in blocks.first().map(|(_, entries)| entries.as_slice()).unwrap_or_default() {
        write_comment(out, &format!("{}: {}", entry.key, prose(&entry.doc)), indent);
    }
    for (name, entries) in blocks {
        *out += &format!("{indent}#{} {{\n", quote_key(name));
        for entry in entries {
            if let Shown::Value { text, .. } = &entry.shown {
                *out += &format!("{indent}#    {} = {text}\n", quote_key(entry.key));
            }
        }
        *out += &format!("{indent}#}}\n");
    }
}

fn write_comment(out: &mut String, text: &str, indent: &str) {
    let mut line = format!("{indent}#");
    for word in text.split([' ', '\n']).filter(|word| !word.is_empty()) {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            *out += &line;
            out.push('\n');
            line = format!("{indent}#");
        }
        line.push(' ');
        line += &word.replace(UNBROKEN, " ");
    }
    if line.len() > indent.len() + 1 {
        *out += &line;
        out.push('\n');
    }
}

/// Stands for a blank at which no line may end.
const UNBROKEN: char = '\u{a0}';

/// Documentation without its markup. What was code stays in one line.
fn prose(doc: &[&str]) -> String {
    let text = doc.join("");
    let parts = text.trim().split('`').enumerate();
    parts
        .map(|(n, part)| if n % 2 == 1 { part.replace(' ', &UNBROKEN.to_string()) } else { part.to_owned() })
        .collect()
}

/// Quotes a key where Tigase's own writer does.
fn quote_key(key: &str) -> String {
    match key.is_empty() || key.contains(|c: char| !c.is_alphanumeric()) {
        true => quote(key),
        false => key.to_owned(),
    }
}

/// A table for this block and one for each block within.
fn write_tables(out: &mut String, entries: &[Entry], path: &[String]) {
    let mut inner = Vec::new();
    let mut rows = String::new();
    for entry in entries {
        let key = quote_key(entry.key);
        let row =
            |kind: &str, default: &str| format!("| `{key}` | {kind} | {default} | {} |\n", cell(&entry.doc));
        let within = |name: String| [path, &[name]].concat();
        match &entry.shown {
            Shown::Value { kind, text } => rows += &row(kind, &format!("`{text}`")),
            Shown::Block(block) => inner.push((within(key), entry.doc.clone(), block.as_slice())),
            Shown::Named(what, blocks) => {
                let block = blocks.first().map(|(_, entries)| entries.as_slice()).unwrap_or_default();
                let name = what.to_uppercase();
                let names = if entry.key.is_empty() { within(name) } else { [path, &[key, name]].concat() };
                inner.push((names, entry.doc.clone(), block));
            }
            Shown::Example { what, block, .. } => {
                inner.push((within(what.to_uppercase()), entry.doc.clone(), block.as_slice()));
            }
        }
    }
    if !rows.is_empty() {
        *out += "\n| key | value | default | meaning |\n|---|---|---|---|\n";
        *out += &rows;
    }
    for (path, doc, block) in inner {
        *out += &format!("\n### `{}`\n", path.join(" / "));
        let about = doc.join("");
        if !about.trim().is_empty() {
            *out += &format!("\n{}\n", about.trim());
        }
        write_tables(out, block, &path);
    }
}

fn cell(doc: &[&str]) -> String {
    doc.join("").trim().replace('|', "\\|")
}
