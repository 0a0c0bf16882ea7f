//! The running part of a recording: it hands calls to whoever writes them.

use super::file::{End, RecordedCall, RecordingHeader};
use super::redact::{redact_call, redact_header};
use super::tape;
use crate::run::watcher::RecordingFigures;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Calls that may wait to be written, and about how many KiB of them.
const QUEUE: usize = 1024;
const QUEUE_KIB: usize = 4 * (tape::MOST >> 10);

/// What is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordOptions {
    /// The next so many calls.
    pub calls: u32,
    /// Replace by `x`es what people have written, what stores hold and what settings say: whatever is not
    /// needed to see what kind of stanza went from where to where. Replayed, calls that look into what was
    /// replaced may do something else.
    pub redact: bool,
}

/// The running part of a recording, as calls see it.
pub(crate) struct Reel {
    calls: u64,
    /// Calls that have a place in it, whatever becomes of them.
    claimed: AtomicU64,
    queue: mpsc::Sender<Queued>,
    room: Arc<Semaphore>,
    pub(super) count: Arc<Count>,
}

/// What has become of calls.
#[derive(Debug, Default)]
pub(super) struct Count {
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
    pub(super) fn figures(&self) -> RecordingFigures {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        RecordingFigures {
            recorded: read(&self.recorded),
            too_large: read(&self.too_large),
            skipped: read(&self.skipped),
        }
    }
}

impl Reel {
    /// One for these calls, and the work of writing them.
    pub fn new(
        header: RecordingHeader,
        options: RecordOptions,
        sink: impl AsyncWrite + Send + Unpin + 'static,
    ) -> (Arc<Reel>, impl Future<Output = std::io::Result<()>> + Send + 'static) {
        let (queue, calls) = mpsc::channel(QUEUE);
        let count = Arc::<Count>::default();
        let reel = Arc::new(Reel {
            calls: u64::from(options.calls),
            claimed: AtomicU64::new(0),
            queue,
            room: Arc::new(Semaphore::new(QUEUE_KIB)),
            count: count.clone(),
        });
        let writer = Writer { sink, redact: options.redact, count };
        (reel, writer.write(header, calls))
    }

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
