//! The tools with which somebody who has nothing but the `waxwing` binary makes a plugin.
//!
//! [`new_project`] writes a project that builds and works, with the contract (`wit/`) and the library of its
//! language inside. [`build`] makes a component of it and needs nothing but that language's own tools.

mod build;
mod embedded;
mod error;
mod language;
mod manifest;
mod name;
mod project;
mod tools;

pub use build::{Built, build};
pub use error::Error;
pub use language::Language;
pub use project::new_project;
