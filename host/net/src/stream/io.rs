//! The transport under a stream, and the buffers around it.
//!
//! An idle connection owns no buffers: bytes are read into memory of the thread that happens to poll the connection, and
//! only what cannot be dealt with at once is kept with it.

use crate::tls::{self, Secured, TlsStart};
use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;

/// Bytes asked for in one read.
const READ: usize = 64 * 1024;

/// A write buffer that has grown beyond this is given back to the system rather than to the thread.
const KEPT_BUFFER: usize = 256 * 1024;

thread_local! {
    /// Taken while it is in use, so that no two connections can meet in it.
    static SCRATCH: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
    static WRITE_BUFFER: Cell<Option<Vec<u8>>> = const { Cell::new(None) };
}

/// What carries a stream: a TCP connection, or something like it in tests.
pub trait Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Socket for T {}

/// A socket, with TLS or without.
pub enum Transport<T> {
    /// Without TLS.
    Plain(T),
    /// With TLS.
    Tls(Box<TlsStream<T>>),
    /// Lost in a failed TLS handshake.
    Lost,
}

impl<T: Socket> Transport<T> {
    /// Whether TLS protects it.
    pub fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// Answer the client's TLS handshake (see [`tls::accept`]). If it fails the connection is lost.
    pub async fn start_tls(
        &mut self,
        start: TlsStart,
        certificates: &crate::Certificates,
        domains: [&str; 2],
    ) -> io::Result<Secured> {
        let Self::Plain(socket) = std::mem::replace(self, Self::Lost) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let (stream, secured) = tls::accept(socket, start, certificates, domains).await?;
        *self = Self::Tls(stream);
        Ok(secured)
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(socket) => Pin::new(socket).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Lost => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(socket) => Pin::new(socket).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Lost => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(_) => Poll::Ready(Ok(())),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Self::Lost => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    /// Send nothing more: TLS says so first, then the socket.
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Lost => Poll::Ready(Ok(())),
        }
    }
}

/// Memory of this thread to read into, back in its place when dropped.
pub struct Scratch(Box<[u8]>);

impl Scratch {
    /// The thread's, or new memory if that is in use.
    pub fn take() -> Self {
        Self(SCRATCH.take().unwrap_or_else(|| vec![0; READ].into_boxed_slice()))
    }

    /// Read what has come in; nothing at the end of the stream.
    pub fn poll_read<T: Socket>(
        &mut self,
        transport: &mut Transport<T>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<&[u8]>> {
        let mut buffer = ReadBuf::new(&mut self.0);
        ready!(transport.poll_read(cx, &mut buffer))?;
        let length = buffer.filled().len();
        Poll::Ready(Ok(self.0.get(..length).unwrap_or_default()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        SCRATCH.set(Some(std::mem::take(&mut self.0)));
    }
}

/// Bytes that have been read and not yet understood.
#[derive(Default)]
pub struct Input {
    bytes: Vec<u8>,
    at: usize,
}

impl Input {
    /// What is left.
    pub fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest().is_empty()
    }

    /// Keep only the last `left` bytes. Memory goes with the last byte.
    pub fn keep(&mut self, left: usize) {
        if left == 0 {
            *self = Self::default();
        } else {
            self.at = self.bytes.len().saturating_sub(left);
        }
    }
}

impl From<&[u8]> for Input {
    fn from(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), at: 0 }
    }
}

/// Bytes on their way out.
#[derive(Default)]
pub struct Output {
    bytes: Vec<u8>,
    sent: usize,
}

impl Output {
    /// The buffer to append to.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            self.bytes = WRITE_BUFFER.take().unwrap_or_default();
        }
        &mut self.bytes
    }

    /// Write it all, through TLS too. Progress is kept if this is not polled to its end; `progress` is set when
    /// there was some.
    pub fn poll_write<T: Socket>(
        &mut self,
        transport: &mut Transport<T>,
        cx: &mut Context<'_>,
        progress: &mut bool,
    ) -> Poll<io::Result<()>> {
        while let Some(bytes) = self.bytes.get(self.sent..).filter(|bytes| !bytes.is_empty()) {
            match ready!(transport.poll_write(cx, bytes))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.sent += count,
            }
            *progress = true;
        }
        ready!(transport.poll_flush(cx))?;
        self.release();
        Poll::Ready(Ok(()))
    }

    /// Bytes that are still to be written.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.sent
    }

    /// Whether nothing is to be written, nor may have stayed in TLS's own buffers.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Give the empty buffer back to the thread.
    pub fn release(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        self.sent = 0;
        if bytes.capacity() > 0 && bytes.capacity() <= KEPT_BUFFER {
            bytes.clear();
            WRITE_BUFFER.set(Some(bytes));
        }
    }
}
