//! Writes `etc/config.tdsl` and `docs/configuration.md` from the settings' documentation:
//! `cargo run --package waxwing-config --example reference`.

use std::path::Path;
use waxwing_config::Settings;

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::write(root.join("etc/config.tdsl"), Settings::reference_tdsl())?;
    std::fs::write(root.join("docs/configuration.md"), Settings::reference_markdown())
}
