//! A disk of a test's own, to be filled.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A small file system in memory. It is gone when dropped.
pub struct SmallDisk {
    dir: TempDir,
}

impl SmallDisk {
    /// One of so many bytes, such as `20m`; `None` for those who may not mount any.
    pub fn mount(size: &str) -> Option<SmallDisk> {
        let dir = tempfile::Builder::new().prefix("waxwing-disk-").tempdir().expect("a temporary folder");
        mount(dir.path(), size).then_some(SmallDisk { dir })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Leaves nothing free on it.
    pub fn fill(&self) {
        fill(&self.filler());
    }

    /// Frees what was filled.
    pub fn free(&self) {
        fs::remove_file(self.filler()).expect("the file that fills the disk goes");
    }

    fn filler(&self) -> PathBuf {
        self.dir.path().join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        unmount(self.dir.path());
    }
}

/// Whether this folder is a file system of its own now, of so many bytes.
pub(crate) fn mount(folder: &Path, size: &str) -> bool {
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "waxwing-test"]).arg(folder);
    mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Also while something of it is in use.
pub(crate) fn unmount(folder: &Path) {
    let _ = Command::new("umount").arg("--lazy").arg(folder).status();
}

/// Leave nothing free on the disk that this file is on, to the last byte.
pub(crate) fn fill(filler: &Path) {
    let mut filler =
        File::options().create(true).append(true).open(filler).expect("a file that fills the disk");
    for size in [1 << 20, 1 << 12, 1] {
        let zeros = vec![0; size];
        while filler.write(&zeros).is_ok_and(|written| written > 0) {}
    }
}
