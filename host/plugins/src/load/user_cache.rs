//! Where a user's programs keep what they can make again.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

/// The folder of a user's compiled plugins, made if it is not there; `None` where the user has no place for it.
pub fn user_cache() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    let folder = cache.join("waxwing/plugins");
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).is_ok().then_some(folder)
}
