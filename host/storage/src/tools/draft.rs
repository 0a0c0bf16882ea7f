//! A new SQLite file that has another name until it is complete, so that nobody takes half of it for the whole.

use super::sqlite_sink::{SqliteSink, continue_after};
use super::sqlite_source::SqliteSource;
use super::{OnProgress, Progress, Result, ToolError};
use crate::Error;
use crate::convert::unsigned;
use crate::sqlite::{migrations, open};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Pages that are copied between two reports of progress.
const PAGES: std::ffi::c_int = 2048;

/// `PATH.part` until it is published as `PATH`. Gone when dropped before that.
pub(super) struct Draft {
    target: PathBuf,
    part: PathBuf,
    /// Open and locked until the end, so that nobody else writes the same file.
    file: File,
    db: Option<Connection>,
}

impl Draft {
    /// An empty file that only its owner may read.
    pub(super) fn create(target: &Path) -> Result<Self> {
        let part = beside(target, ".part");
        // Also when its folder is not there.
        let failed = |source| ToolError::File { path: part.clone(), source };
        let create = || open::private().create_new(true).open(&part);
        let file = match create() {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // What an interrupted attempt has left goes; in one that somebody has made for us, he could read.
                let old = File::open(&part).map_err(failed)?;
                if old.try_lock().is_err() {
                    return Err(ToolError::UnderWay(part));
                }
                fs::remove_file(&part).map_err(failed)?;
                create()
            }
            created => created,
        };
        let file = file.map_err(failed)?;
        if file.try_lock().is_err() {
            return Err(ToolError::UnderWay(part));
        }
        let mut draft = Self { target: target.to_owned(), part, file, db: None };
        draft.remove_side_files();
        let db = open::unsafe_writer(&draft.part)?;
        draft.db = Some(db);
        Ok(draft)
    }

    /// Where it is until it is published.
    pub(super) fn path(&self) -> &Path {
        &self.part
    }

    fn db(&mut self) -> Result<&mut Connection> {
        let closed = || Error::Unavailable("the file is closed".into()).into();
        self.db.as_mut().ok_or_else(closed)
    }

    /// Give it the schema of this program.
    pub(super) fn migrate(&mut self) -> Result<()> {
        migrations::migrate(self.db()?, &[])?;
        Ok(())
    }

    /// To be filled with rows.
    pub(super) fn sink(&mut self) -> Result<SqliteSink<'_>> {
        Ok(SqliteSink { db: self.db()? })
    }

    /// Make it a copy of a file, page by page.
    pub(super) fn copy_pages(&mut self, source: &SqliteSource, progress: &mut OnProgress<'_>) -> Result<()> {
        let db = self.db()?;
        {
            // The source is read in the transaction that it has begun, so nothing that is written meanwhile matters.
            let backup = Backup::new(&source.db, db)?;
            loop {
                let step = backup.step(PAGES)?;
                let pages = backup.progress();
                let (total, left) = (pages.pagecount.max(0) as u64, pages.remaining.max(0) as u64);
                progress(Progress { table: "pages", done: total - left.min(total), total });
                match step {
                    StepResult::Done => break,
                    StepResult::More => {}
                    _ => {
                        return Err(Error::Unavailable("another program keeps the file locked".into()).into());
                    }
                }
            }
        }
        // The mode is copied, too: one file without others beside it is what is wanted.
        db.pragma_update(None, "journal_mode", "DELETE")?;
        Ok(())
    }

    /// Never give an id again up to this one.
    pub(super) fn continue_after(&mut self, id: i64) -> Result<()> {
        Ok(continue_after(self.db()?, id)?)
    }

    /// How many rows a table has.
    pub(super) fn count(&mut self, table: &str) -> Result<u64> {
        let count = format!("SELECT count(*) FROM {table}");
        Ok(unsigned(self.db()?.query_row(&count, [], |row| row.get(0))?))
    }

    /// See whether SQLite finds it in order.
    pub(super) fn verify(&mut self) -> Result<()> {
        let said: String = self.db()?.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        match said.as_str() {
            "ok" => Ok(()),
            _ => Err(ToolError::Broken { path: self.part.clone(), why: said }),
        }
    }

    /// Write it to the disk and close it.
    pub(super) fn close(&mut self) -> Result<()> {
        if let Some(db) = self.db.take() {
            db.close().map_err(|(_, error)| error)?;
        }
        self.file.sync_all().map_err(ToolError::file(&self.part))
    }

    /// Give it its name, replacing what has that now.
    pub(super) fn publish(mut self) -> Result<()> {
        self.close()?;
        fs::rename(&self.part, &self.target).map_err(ToolError::file(&self.target))?;
        open::sync_folder(&self.target).map_err(ToolError::file(&self.target))
    }

    fn remove_side_files(&self) {
        for side in ["-journal", "-wal", "-shm"] {
            let _ = fs::remove_file(beside(&self.part, side));
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        drop(self.db.take());
        // Published, it has another name, and what has this one is somebody else's.
        let own = self.file.metadata().ok().map(|metadata| identity(&metadata));
        if own.is_some() && own == fs::metadata(&self.part).ok().map(|metadata| identity(&metadata)) {
            let _ = fs::remove_file(&self.part);
            self.remove_side_files();
        }
    }
}

/// The path with something after it.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Tells a file from others that have had its name.
fn identity(metadata: &fs::Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}
