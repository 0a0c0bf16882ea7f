//! The Rust library's manifest, without the workspace that it is a member of here.

use crate::embedded::WORKSPACE_MANIFEST;
use std::borrow::Cow;

/// `KEY.workspace = true` becomes what the workspace says; what has no meaning without one goes. Other files
/// are left as they are.
pub fn standalone(text: &'static str) -> Cow<'static, str> {
    if !text.contains(".workspace = true") {
        return text.into();
    }
    let mut lines = Vec::new();
    for line in text.lines() {
        match line.strip_suffix(".workspace = true") {
            Some(key) => lines.extend(inherited(key)),
            None => lines.push(line),
        }
    }
    (lines.join("\n").replace("[lints]\nworkspace = true\n\n", "") + "\n").into()
}

/// The line of this key in `[workspace.package]`.
fn inherited(key: &str) -> Option<&'static str> {
    let package = WORKSPACE_MANIFEST.split("[workspace.package]\n").nth(1)?;
    let package = package.split("\n[").next()?;
    package.lines().find(|line| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(" =")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::SDK_RUST;

    #[test]
    fn the_library_stands_alone() {
        let (_, manifest) = SDK_RUST.iter().find(|(path, _)| *path == "Cargo.toml").unwrap();
        let alone = standalone(manifest);
        assert!(!alone.contains("workspace"), "{alone}");
        for key in ["version = \"", "edition = \"", "license = \"", "[features]", "wit-bindgen = "] {
            assert!(alone.contains(key), "{key} is missing: {alone}");
        }
    }
}
