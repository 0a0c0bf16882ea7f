//! The tools with which somebody who has nothing but the `waxwing` binary makes a plugin.
//!
//! [`new_project`] writes a project that builds and works, with the contract (`wit/`) and the library of its
//! language inside. [`build`] makes a component of it and needs nothing but that language's own tools.

mod build;
pub mod check;
mod component;
mod embedded;
mod error;
mod language;
mod manifest;
mod name;
mod pretty;
mod project;
pub mod run;
pub mod script;
mod tools;
mod trace;
mod world;

pub use build::{Built, build};
pub use error::Error;
pub use language::Language;
pub use project::new_project;
