//! The files that go into a new project, embedded so that the binary needs no source tree beside it.

/// Paths with `/` and contents.
pub type Files = &'static [(&'static str, &'static str)];

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// How plugins work.
pub const PAGES: Files = &[
    ("plugins.md", include_str!("../../../docs/plugins.md")),
    ("plugins/testing.md", include_str!("../../../docs/plugins/testing.md")),
    ("plugins/debugging.md", include_str!("../../../docs/plugins/debugging.md")),
    ("plugins/rust.md", include_str!("../../../docs/plugins/rust.md")),
    ("plugins/rust-host.md", include_str!("../../../docs/plugins/rust-host.md")),
    ("plugins/javascript.md", include_str!("../../../docs/plugins/javascript.md")),
    ("plugins/javascript-host.md", include_str!("../../../docs/plugins/javascript-host.md")),
    ("plugins/python.md", include_str!("../../../docs/plugins/python.md")),
    ("plugins/python-host.md", include_str!("../../../docs/plugins/python-host.md")),
];

/// What the Rust SDK's manifest inherits from.
pub const WORKSPACE_MANIFEST: &str = include_str!("../../../plugins-src/Cargo.toml");

/// Runs cargo for a WebAssembly target with whatever Rust there is.
pub const WASM_CARGO: &str = include_str!("../../../scripts/wasm-cargo.sh");

/// Makes a component of JavaScript.
pub const BUILD_JAVASCRIPT: &str = include_str!("build/javascript.mjs");

/// Makes a component of Python.
pub const BUILD_PYTHON: &str = include_str!("build/python.py");

/// Reads what a Python project says of itself.
pub const READ_PYPROJECT: &str = include_str!("build/pyproject.py");
