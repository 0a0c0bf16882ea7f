//! A recording that is being made: it hands calls to a task that writes them.

use super::file::{End, RecordedCall, RecordingHeader};
use super::redact::{redact_call, redact_header};
use super::{RecordOptions, tape};
use crate::plugin::Plugin;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;

/// Calls that may wait to be written, and about how many KiB of them.
const QUEUE: usize = 1024;
const QUEUE_KIB: usize = 4 * (tape::MOST >> 10);

/// How a recording goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingFigures {
    /// Calls that are in it.
    pub recorded: u64,
    /// Calls that are not, because of more than 4 MiB with all that they heard.
    pub too_large: u64,
    /// Calls that are not, because they could not be written fast enough, or were never made: the plugin was
    /// busy, or left alone after failures.
    pub skipped: u64,
}

/// The running part of a recording, as calls see it.
pub(crate) struct Reel {
    calls: u64,
    /// Calls that have a place in it, whatever becomes of them.
    claimed: AtomicU64,
    queue: mpsc::Sender<Queued>,
    room: Arc<Semaphore>,
    count: Arc<Count>,
}

#[derive(Debug, Default)]
struct Count {
    recorded: AtomicU64,
    too_large: AtomicU64,
    skipped: AtomicU64,
}

/// A call that waits to be written, and the room that it takes.
struct Queued {
    call: Arc<RecordedCall>,
    _room: OwnedSemaphorePermit,
}

impl Count {
    fn figures(&self) -> RecordingFigures {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        RecordingFigures {
            recorded: read(&self.recorded),
            too_large: read(&self.too_large),
            skipped: read(&self.skipped),
        }
    }
}

impl Reel {
    /// The number of the call that is about to be made; `None` if it has no place here.
    pub fn claim(&self) -> Option<u64> {
        let number = self.claimed.fetch_add(1, Ordering::Relaxed) + 1;
        (number <= self.calls).then_some(number)
    }

    /// Whether all places are taken.
    pub fn is_over(&self) -> bool {
        self.claimed.load(Ordering::Relaxed) >= self.calls
    }

    /// A call that had a place was not made, or could not be kept.
    pub fn skipped(&self) {
        self.count.skipped.fetch_add(1, Ordering::Relaxed);
    }

    /// A call was too large to be kept.
    pub fn too_large(&self) {
        self.count.too_large.fetch_add(1, Ordering::Relaxed);
    }

    /// Have a call written, if there is room for it.
    pub fn keep(&self, call: Arc<RecordedCall>) {
        let kib = u32::try_from(call.weight() >> 10).unwrap_or(u32::MAX).saturating_add(1);
        let queued = match self.room.clone().try_acquire_many_owned(kib) {
            Ok(room) => self.queue.try_send(Queued { call, _room: room }).is_ok(),
            Err(_) => false,
        };
        if !queued {
            self.skipped();
        }
    }

    pub fn figures(&self) -> RecordingFigures {
        self.count.figures()
    }
}

/// A recording that is being made. Dropping it ends it; what was recorded until then is written.
pub struct Recording {
    plugin: Weak<Plugin>,
    reel: Weak<Reel>,
    count: Arc<Count>,
    writer: JoinHandle<std::io::Result<()>>,
}

impl Recording {
    /// Begin; `None` if one is being made already.
    pub(super) fn start(
        plugin: &Arc<Plugin>,
        header: RecordingHeader,
        options: RecordOptions,
        sink: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Option<Recording> {
        let (queue, calls) = mpsc::channel(QUEUE);
        let count = Arc::<Count>::default();
        let reel = Arc::new(Reel {
            calls: u64::from(options.calls),
            claimed: AtomicU64::new(0),
            queue,
            room: Arc::new(Semaphore::new(QUEUE_KIB)),
            count: count.clone(),
        });
        if !plugin.watch.record(reel.clone()) {
            return None;
        }
        let writer = Writer { sink, redact: options.redact, count: count.clone() };
        let writer = tokio::spawn(writer.write(header, calls));
        if reel.is_over() {
            plugin.watch.end(&reel);
        }
        Some(Recording { plugin: Arc::downgrade(plugin), reel: Arc::downgrade(&reel), count, writer })
    }

    /// How it goes.
    pub fn figures(&self) -> RecordingFigures {
        self.count.figures()
    }

    /// Record no more. What was recorded is still being written; see [`Recording::finished`].
    pub fn stop(&self) {
        if let Some((plugin, reel)) = self.plugin.upgrade().zip(self.reel.upgrade()) {
            plugin.watch.end(&reel);
        }
    }

    /// Wait until it has ended and is written.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn finished(mut self) -> std::io::Result<RecordingFigures> {
        let written = (&mut self.writer).await;
        written.map_err(std::io::Error::other)??;
        Ok(self.figures())
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.stop();
    }
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Recording").field(&self.figures()).finish()
    }
}

struct Writer<W> {
    sink: W,
    redact: bool,
    count: Arc<Count>,
}

impl<W: AsyncWrite + Send + Unpin> Writer<W> {
    async fn write(
        mut self,
        header: RecordingHeader,
        mut calls: mpsc::Receiver<Queued>,
    ) -> std::io::Result<()> {
        let header = if self.redact { redact_header(header) } else { header };
        self.line(&header).await?;
        while let Some(Queued { call, _room }) = calls.recv().await {
            let call = Arc::unwrap_or_clone(call);
            let call = if self.redact { redact_call(call) } else { call };
            self.line(&call).await?;
            self.count.recorded.fetch_add(1, Ordering::Relaxed);
        }
        let end = self.count.figures();
        self.line(&End { end }).await?;
        self.sink.flush().await?;
        self.sink.shutdown().await
    }

    async fn line(&mut self, line: &impl Serialize) -> std::io::Result<()> {
        let mut json = serde_json::to_vec(line)?;
        json.push(b'\n');
        self.sink.write_all(&json).await
    }
}
