//! Writing the file: a piece at a time, and under its name only when it is whole.

use super::PortableError;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Pieces that may wait for the disk, and about how large each is.
const WAITING: usize = 4;
const PIECE: usize = 64 << 10;

/// A file that is being written by a thread of its own. Dropped before it is finished, nothing is left of it.
pub(super) struct Output {
    text: String,
    pieces: mpsc::Sender<String>,
    task: JoinHandle<Result<(), PortableError>>,
}

impl Output {
    /// Begin a file that only its owner may read: keys are as good as passwords to some.
    pub async fn create(path: &Path) -> Result<Self, PortableError> {
        let (pieces, arriving) = mpsc::channel(WAITING);
        let path = path.to_owned();
        let (opened, answer) = tokio::sync::oneshot::channel();
        let task = tokio::task::spawn_blocking(move || {
            let part = match open(&path) {
                Ok(part) => part,
                Err(error) => {
                    let _ = opened.send(Err(error));
                    return Ok(());
                }
            };
            let _ = opened.send(Ok(()));
            let written = write(part.1, &part.0, &path, arriving);
            if written.is_err() {
                let _ = std::fs::remove_file(&part.0);
            }
            written.map(drop)
        });
        answer.await.map_err(|_| PortableError::Stopping)??;
        Ok(Self { text: String::with_capacity(PIECE), pieces, task })
    }

    /// Where the next piece of text goes. Call [`Output::flush`] now and then.
    pub fn text(&mut self) -> &mut String {
        &mut self.text
    }

    /// Wait for the disk if much is to be written.
    pub async fn flush(&mut self) -> Result<(), PortableError> {
        if self.text.len() >= PIECE {
            self.send().await?;
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<(), PortableError> {
        let piece = std::mem::replace(&mut self.text, String::with_capacity(PIECE));
        if self.pieces.send(piece).await.is_ok() {
            return Ok(());
        }
        // Why it has stopped is what it answers.
        match (&mut self.task).await {
            Ok(Err(error)) => Err(error),
            _ => Err(PortableError::Stopping),
        }
    }

    /// Have all of it on the disk, under its name.
    pub async fn finish(mut self) -> Result<(), PortableError> {
        self.send().await?;
        // An empty piece says that nothing is missing.
        let Self { pieces, task, .. } = self;
        let _ = pieces.send(String::new()).await;
        drop(pieces);
        task.await.map_err(|_| PortableError::Stopping)?
    }
}

/// The file while it is not whole.
fn open(path: &Path) -> Result<(PathBuf, File), PortableError> {
    if path.symlink_metadata().is_ok() {
        return Err(PortableError::Exists(path.display().to_string()));
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let failed = |why| PortableError::File { file: part.display().to_string(), why };
    // What was left by one that was interrupted, whoever may read that.
    match std::fs::remove_file(&part) {
        Err(why) if why.kind() != std::io::ErrorKind::NotFound => return Err(failed(why)),
        _ => {}
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part).map_err(failed)?;
    Ok((part, file))
}

fn write(
    file: File,
    part: &Path,
    path: &Path,
    mut pieces: mpsc::Receiver<String>,
) -> Result<(), PortableError> {
    let failed = |why| PortableError::File { file: path.display().to_string(), why };
    let mut out = BufWriter::new(file);
    let mut whole = false;
    while let Some(piece) = pieces.blocking_recv() {
        whole = piece.is_empty();
        out.write_all(piece.as_bytes()).map_err(failed)?;
    }
    if !whole {
        return Err(PortableError::Stopping);
    }
    let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    std::fs::rename(part, path).map_err(failed)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}
