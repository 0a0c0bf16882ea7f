//! The plugins of `plugins-src/examples`, built by `make examples`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::server::{Server, ServerBuilder, target_dir};

/// One of them, as an operator meets it.
pub struct Example {
    name: String,
    file: PathBuf,
    block: String,
}

impl Example {
    /// The component and the block for the config file that its README shows.
    pub fn new(name: &str) -> Example {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins-src/examples").join(name);
        let file = target_dir().join("../examples").join(name).with_extension("wasm");
        assert!(file.is_file(), "there is no {}: run `make examples`", file.display());
        let readme = fs::read_to_string(folder.join("README.md")).expect("a README");
        let block =
            readme.split_once("```text\n'sess-man' {\n").and_then(|(_, rest)| rest.split_once("\n}\n```"));
        let (block, _) = block.expect("a block for the config in the README");
        Example { name: name.into(), file: file.canonicalize().expect("its path"), block: block.into() }
    }

    /// The same with something else in its block.
    pub fn with(mut self, text: &str, other: &str) -> Example {
        assert!(self.block.contains(text), "{text} is not in\n{}", self.block);
        self.block = self.block.replace(text, other);
        self
    }

    /// A server with this plugin beside the bundled ones.
    pub fn server(&self) -> ServerBuilder {
        Server::builder().component(&self.name, &self.file, &self.block)
    }
}
