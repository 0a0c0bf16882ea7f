//! `waxwing plugin build`: a component from a core module.

use anyhow::Context as _;
use std::path::Path;

/// Read a core module and write the component that it describes.
pub fn build(module: &Path, output: &Path) -> anyhow::Result<()> {
    let core = std::fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    let component = waxwing_plugins::componentize(&core)
        .with_context(|| format!("{} cannot be made a component", module.display()))?;
    if let Some(folder) = output.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    // A running server that watches the folder must never see half a file.
    let half = output.with_extension("wasm.new");
    std::fs::write(&half, &component)
        .and_then(|()| std::fs::rename(&half, output))
        .with_context(|| format!("cannot write {}", output.display()))?;
    println!("{} ({} KiB)", output.display(), component.len().div_ceil(1024));
    Ok(())
}
