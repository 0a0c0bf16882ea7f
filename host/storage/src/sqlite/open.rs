//! Opening the database file: whose it is, who else has it, and how its connections are set.

use super::SqliteOptions;
use crate::Undecided;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file or its folder is missing, or may not be read and written.
    #[error("{path} cannot be opened for reading and writing: {source}")]
    File {
        /// The database or its lock file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process, or this one, has it open.
    #[error(
        "{path} is in use by another server (process {process}); one database serves one server at a time"
    )]
    InUse {
        /// The database.
        path: PathBuf,
        /// As the other wrote it into the lock file, or `unknown`.
        process: String,
    },
    /// The file is something else.
    #[error("the file is not an SQLite database")]
    NotADatabase,
    /// An SQLite database, but not one of ours.
    #[error("the file is a database of another program")]
    Foreign,
    /// Written by a later release.
    #[error(
        "the database has schema version {found}, but this release knows only up to {known}: upgrade the server"
    )]
    Newer {
        /// The version of the file.
        found: i64,
        /// The latest version that this release knows.
        known: i64,
    },
    /// Written by an earlier release, with addresses that cannot stay as they are.
    #[error("{0}")]
    Addresses(Undecided),
    /// No room for what SQLite makes beside the database, or for bringing that up to date.
    #[error(
        "the disk is full: make room and start again; it takes 64 KiB, and with a new release as much as the database has"
    )]
    Full,
    /// What SQLite said.
    #[error("the database cannot be opened: {0}")]
    Sqlite(rusqlite::Error),
    /// The system gives no more threads.
    #[error("the thread that writes cannot be started: {0}")]
    Thread(io::Error),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::SystemIoFailure) if is_about_room(&error) => Self::Full,
            _ => Self::Sqlite(error),
        }
    }
}

/// The file that connections share cannot get its size, which SQLite does not call a full disk.
fn is_about_room(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}

/// Keeps other servers out for as long as it lives. SQLite's own locks would keep out the operator's `sqlite3` too.
#[derive(Debug)]
pub(crate) struct Lock {
    _beside: File,
    /// The database itself, which may have other names. To be closed after SQLite's connections: that gives up SQLite's
    /// own locks.
    itself: Option<File>,
}

impl Lock {
    /// Lock `PATH.lock`, and the database itself if it is there. The file beside stays behind: to delete it would let
    /// two servers lock two files of that name.
    pub(crate) fn take(database: &Path) -> Result<Self, OpenError> {
        let mut lock = Self { _beside: Self::take_beside(database)?, itself: None };
        lock.cover(database)?;
        Ok(lock)
    }

    /// Lock the database itself, which may have been made since.
    pub(crate) fn cover(&mut self, database: &Path) -> Result<(), OpenError> {
        let failed = |source| OpenError::File { path: database.to_owned(), source };
        if self.itself.is_some() {
            return Ok(());
        }
        let file = match private().open(database) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        match file.try_lock() {
            Ok(()) => self.itself = Some(file),
            Err(TryLockError::WouldBlock) => {
                let process = inode(database).and_then(|inode| holder_of(&[inode]));
                let process = process.map_or("unknown".to_owned(), |process| process.to_string());
                return Err(OpenError::InUse { path: database.to_owned(), process });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        Ok(())
    }

    fn take_beside(database: &Path) -> Result<File, OpenError> {
        let path = lock_path(database);
        let failed = |source| OpenError::File { path: path.clone(), source };
        let mut file = private().create(true).truncate(false).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut process = String::new();
                let read = (&file).take(20).read_to_string(&mut process);
                let known = read.is_ok() && process.trim().parse::<u32>().is_ok();
                let process = if known { process.trim().to_owned() } else { "unknown".to_owned() };
                return Err(OpenError::InUse { path: database.to_owned(), process });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let mut name_holder = || {
            let line = format!("{}\n", std::process::id());
            file.rewind()?;
            file.write_all(line.as_bytes())?;
            file.set_len(line.len() as u64)
        };
        // The lock holds without a name in it.
        if let Err(error) = name_holder()
            && error.kind() != io::ErrorKind::StorageFull
        {
            return Err(failed(error));
        }
        Ok(file)
    }
}

/// Beside the file that symbolic links lead to.
fn lock_path(database: &Path) -> PathBuf {
    let mut path = database.canonicalize().unwrap_or_else(|_| database.to_owned()).into_os_string();
    path.push(".lock");
    path.into()
}

/// The process that has the lock of a database, as Linux tells it. To try the lock would keep out a server that starts
/// at that moment.
pub(crate) fn holder(database: &Path) -> Option<u32> {
    let inodes: Vec<u64> = [inode(&lock_path(database)), inode(database)].into_iter().flatten().collect();
    holder_of(&inodes)
}

fn inode(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    Some(std::fs::metadata(path).ok()?.ino())
}

/// The process that has locked one of these files.
fn holder_of(inodes: &[u64]) -> Option<u32> {
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    // `1: FLOCK  ADVISORY  WRITE 4711 08:01:131074 0 EOF`; a waiting one has an arrow.
    locks.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [_, "FLOCK", _, _, process, file, ..] => {
                let inode = file.rsplit(':').next()?.parse().ok()?;
                inodes.contains(&inode).then(|| process.parse().ok())?
            }
            _ => None,
        }
    })
}

/// Give a file the owner and the mode of another.
pub(crate) fn same_access(of: &Path, to: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, chown};
    let (of, is) = (std::fs::metadata(of)?, std::fs::metadata(to)?);
    if (of.uid(), of.gid()) != (is.uid(), is.gid()) {
        chown(to, Some(of.uid()), Some(of.gid()))?;
    }
    std::fs::set_permissions(to, of.permissions())
}

/// Make the file if it is not there, for nobody else to read: it holds what is as good as passwords.
/// SQLite gives its side files the same mode. SQLite would also open a file that it may only read, hence the check.
pub(crate) fn prepare(path: &Path) -> Result<(), OpenError> {
    let failed = |source| OpenError::File { path: path.to_owned(), source };
    match private().create_new(true).open(path) {
        Ok(_) => sync_folder(path).map_err(failed),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let file = private().open(path).map_err(failed)?;
            warn_if_shared(path, &file);
            Ok(())
        }
        Err(error) => Err(failed(error)),
    }
}

/// Have the name of a file on the disk. Else a power cut could lose that of one whose content is safe.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// For a file that nobody else may read.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn warn_if_shared(path: &Path, file: &File) {
    #[cfg(unix)]
    if let Ok(metadata) = file.metadata()
        && std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0
    {
        tracing::warn!(path = %path.display(), "other users may read the database: chmod 600 is advised");
    }
}

/// The one connection that writes.
pub(crate) fn writer(path: &Path, options: &SqliteOptions) -> Result<Connection, OpenError> {
    let db = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    // An operator who changes something by hand holds the lock for a moment.
    db.busy_timeout(Duration::from_secs(5))?;
    // Read first: WAL would otherwise be written into a file that turns out to be somebody else's.
    db.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))?;
    db.pragma_update(None, "synchronous", "FULL")?;
    // On macOS only this reaches the disk; elsewhere it changes nothing.
    db.pragma_update(None, "fullfsync", true)?;
    db.pragma_update(None, "cache_size", -kib(options.cache_bytes))?;
    // What a savepoint keeps for rolling back stays in memory.
    db.pragma_update(None, "temp_store", "MEMORY")?;
    // In pages. The more a checkpoint covers, the more changes of one page it writes as one.
    db.pragma_update(None, "wal_autocheckpoint", 4000)?;
    db.pragma_update(None, "journal_size_limit", 64 << 20)?;
    keep_plans(&db, 64)?;
    Ok(db)
}

/// For a file that is thrown away unless it becomes complete: nothing of it is safe before the end.
pub(crate) fn unsafe_writer(path: &Path) -> Result<Connection, OpenError> {
    let db = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    db.pragma_update(None, "synchronous", "OFF")?;
    db.pragma_update(None, "cache_size", -kib(64 << 20))?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(db)
}

/// Once the file is known to be ours. The mode is recorded in the file.
pub(super) fn enter_wal(db: &Connection, options: &SqliteOptions) -> Result<(), OpenError> {
    db.pragma_update(None, "journal_mode", "WAL")?;
    if let Some(bytes) = options.max_bytes {
        let page: i64 = db.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = i64::try_from(bytes).unwrap_or(i64::MAX) / page.max(1);
        db.pragma_update(None, "max_page_count", pages.max(1))?;
    }
    Ok(())
}

/// One of the connections that only read.
pub(crate) fn reader(path: &Path) -> Result<Connection, OpenError> {
    let db = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    // Nothing of ours ever makes a reader wait; of others, a checkpoint by hand may, for a moment.
    db.busy_timeout(Duration::from_millis(100))?;
    keep_plans(&db, 32)?;
    Ok(db)
}

/// Plan so many statements once, for whatever values: planning takes longer than reading a few rows.
fn keep_plans(db: &Connection, statements: usize) -> Result<(), OpenError> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.set_prepared_statement_cache_capacity(statements);
    Ok(())
}

fn kib(bytes: usize) -> i64 {
    i64::try_from(bytes / 1024).unwrap_or(i64::MAX)
}
