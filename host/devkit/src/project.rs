//! `waxwing plugin new`: a project that builds and works.

use crate::embedded::{self, Files};
use crate::error::On;
use crate::{Error, Language, manifest, name};
use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the contract lies in projects that have a world of their own.
const DEPENDENCY: &str = "wit/deps/xmpp-plugin";

/// Make the folder `name` in `parent` with a plugin that works, and say where it is.
///
/// # Errors
/// A name that cannot be used, a folder that exists, or files that cannot be written.
pub fn new_project(parent: &Path, name: &str, language: Language) -> Result<PathBuf, Error> {
    name::check(name, language)?;
    let folder = parent.join(name);
    fs::create_dir(&folder).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Error::Exists(folder.clone()),
        _ => Error::File { action: "make", file: folder.clone(), error },
    })?;
    let named = |text: &'static str| text.replace("{{name}}", name).into();
    match language {
        Language::Rust => {
            write(&folder, embedded::TEMPLATE_RUST, named)?;
            // The library finds the contract at this place beside itself.
            write(&folder.join("wit"), embedded::WIT, Cow::from)?;
            write(&folder.join("vendor/waxwing-plugin"), embedded::SDK_RUST, manifest::standalone)?;
        }
        Language::JavaScript => {
            write(&folder, embedded::TEMPLATE_JAVASCRIPT, named)?;
            write(&folder.join(DEPENDENCY), embedded::WIT, Cow::from)?;
            write(&folder.join("vendor"), embedded::SDK_JAVASCRIPT, Cow::from)?;
        }
        Language::Python => {
            write(&folder, embedded::TEMPLATE_PYTHON, named)?;
            write(&folder.join(DEPENDENCY), embedded::WIT, Cow::from)?;
            write(&folder.join("vendor"), embedded::SDK_PYTHON, Cow::from)?;
        }
    }
    write(&folder.join("docs"), embedded::PAGES, Cow::from)?;
    Ok(folder)
}

fn write(
    folder: &Path,
    files: Files,
    change: impl Fn(&'static str) -> Cow<'static, str>,
) -> Result<(), Error> {
    for (path, text) in files {
        // A file that git or cargo would take for their own has another name here.
        let path = match *path {
            "gitignore" => ".gitignore",
            "Cargo.toml.in" => "Cargo.toml",
            path => path,
        };
        let file = folder.join(path);
        let parent = file.parent().unwrap_or(folder);
        fs::create_dir_all(parent).on("make", parent)?;
        fs::write(&file, change(text).as_ref()).on("write", file)?;
    }
    Ok(())
}
