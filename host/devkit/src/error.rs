//! What goes wrong when a plugin is made, in sentences that say what to do.

use std::io;
use std::path::PathBuf;

/// Why there is no project or no component.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A name that cannot be a file, a crate and a key of the config.
    #[error("'{0}' cannot be the name of a plugin: {1}")]
    BadName(String, &'static str),
    /// A language that there is no kit for.
    #[error("there is no kit for '{0}'; there is rust, javascript and python")]
    UnknownLanguage(String),
    /// Something is where the project should go.
    #[error("{} exists already; choose another name, or remove it", .0.display())]
    Exists(PathBuf),
    /// A folder without a project.
    #[error(
        "{} has no plugin in it: there is neither Cargo.toml (Rust) nor package.json (JavaScript) \
         nor pyproject.toml, or requirements.txt and app.py (Python)", .0.display()
    )]
    NoProject(PathBuf),
    /// A core module says nothing about where its component goes.
    #[error("say where the component of {} goes: --output FILE", .0.display())]
    NoOutput(PathBuf),
    /// A file cannot be read or written.
    #[error("cannot {action} {}: {error}", file.display())]
    File {
        /// `read`, `write`, `make`.
        action: &'static str,
        /// Which file or folder.
        file: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A file of the project that does not say what it must.
    #[error("{}: {problem}", file.display())]
    Manifest {
        /// Which file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A program is not installed.
    #[error("{tool} is not installed. {install}")]
    MissingTool {
        /// The program that was looked for.
        tool: &'static str,
        /// How to get it.
        install: &'static str,
    },
    /// A program did not do what it was asked; it has said why itself.
    #[error("{step} failed, see above{}", hint.as_ref().map(|hint| format!(". {hint}")).unwrap_or_default())]
    Failed {
        /// What was being done.
        step: &'static str,
        /// What to try, where there is something.
        hint: Option<&'static str>,
    },
    /// The compiler's output does not follow the contract.
    #[error("{}: {error}", file.display())]
    Component {
        /// The file that the language's compiler wrote.
        file: PathBuf,
        /// What is wrong with it.
        error: String,
    },
}

/// Names the file that an operation failed on.
pub(crate) trait On<T> {
    fn on(self, action: &'static str, file: impl Into<PathBuf>) -> Result<T, Error>;
}

impl<T> On<T> for io::Result<T> {
    fn on(self, action: &'static str, file: impl Into<PathBuf>) -> Result<T, Error> {
        self.map_err(|error| Error::File { action, file: file.into(), error })
    }
}
