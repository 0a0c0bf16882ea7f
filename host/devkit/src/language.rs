//! The languages that plugins are written in, and how a project shows which is its.

use crate::Error;
use std::path::Path;

/// A language that there is a kit for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// By `waxwing-plugin`: the smallest and fastest plugins.
    Rust,
    /// By componentize-js.
    JavaScript,
    /// By componentize-py.
    Python,
}

impl Language {
    /// The language of the project in this folder.
    ///
    /// # Errors
    /// [`Error::NoProject`] if there is none.
    pub fn of(folder: &Path) -> Result<Language, Error> {
        let has = |file: &str| folder.join(file).is_file();
        if has("Cargo.toml") {
            Ok(Language::Rust)
        } else if has("package.json") {
            Ok(Language::JavaScript)
        } else if has("pyproject.toml") || has("requirements.txt") && has("app.py") {
            Ok(Language::Python)
        } else {
            Err(Error::NoProject(folder.to_owned()))
        }
    }
}

impl std::str::FromStr for Language {
    type Err = Error;

    fn from_str(name: &str) -> Result<Language, Error> {
        match name {
            "rust" => Ok(Language::Rust),
            "javascript" | "js" => Ok(Language::JavaScript),
            "python" | "py" => Ok(Language::Python),
            _ => Err(Error::UnknownLanguage(name.to_owned())),
        }
    }
}
