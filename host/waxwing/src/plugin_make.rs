//! `waxwing plugin new` and `build`: what they say. What they do is in `waxwing-devkit`.

use std::path::Path;
use waxwing_devkit::Language;

/// Make a project in the current folder.
pub fn new(name: &str, language: Language) -> anyhow::Result<()> {
    waxwing_devkit::new_project(Path::new(""), name, language)?;
    println!("{name}/ is a plugin that works. {name}/README.md says more. Next:");
    println!("    cd {name}");
    println!("    waxwing plugin build");
    Ok(())
}

/// Make a component, and say what an operator must allow it.
pub fn build(from: &Path, output: Option<&Path>) -> anyhow::Result<()> {
    let built = waxwing_devkit::build(from, output)?;
    println!("{} ({} KiB)", built.file.display(), built.size.div_ceil(1024));
    let allow: Vec<String> = built.permissions().iter().map(|name| format!("'{name}'")).collect();
    println!("    grants {{ allow = [ {} ] }}", allow.join(", "));
    Ok(())
}
