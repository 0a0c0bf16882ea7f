//! What a plugin may be called: its name is a folder, a package, a file and a key of the config file.

use crate::{Error, Language};

/// What a crate cannot be called.
const RESERVED: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "waxwing-plugin",
    "where",
    "while",
    "yield",
];

/// Refuse what would not work everywhere.
pub fn check(name: &str, language: Language) -> Result<(), Error> {
    let bad = |why| Err(Error::BadName(name.to_owned(), why));
    if name.is_empty() || name.len() > 64 {
        return bad("it has 1 to 64 characters");
    }
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return bad("it starts with a small letter from a to z");
    }
    if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        return bad("it has only small letters from a to z, digits and dashes");
    }
    if name.ends_with('-') || name.contains("--") {
        return bad("a dash stands between letters or digits");
    }
    if language == Language::Rust && RESERVED.contains(&name) {
        return bad("Rust has another use for it");
    }
    Ok(())
}
