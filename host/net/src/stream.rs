//! A client's connection, from its first byte to its last: negotiation, then the session, then the close.

mod absence;
mod ahead;
mod close;
mod features;
mod io;
mod login;
mod manage;
mod negotiate;
mod session;
#[cfg(test)]
mod tests;

pub use io::{Socket, Transport};

use crate::admission::Admission;
use crate::certificates::Certificates;
use crate::listener::Door;
use crate::stats::Stats;
use io::{Input, Output, Scratch};
use std::fmt::Write;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Poll, ready};
use tokio::sync::{Semaphore, watch};
use waxwing_config::Settings;
use waxwing_server::Server;
use waxwing_xmpp::{Frame, Framer, Jid, Limits, StreamCondition, StreamError, escape, ns};

/// Random bytes in the id of a stream (RFC 6120, section 4.7.3: unpredictable).
const STREAM_ID_BYTES: usize = 16;

/// Largest stanza of a client that has not logged in: nothing that it may say needs more.
const BEFORE_LOGIN_BYTES: usize = 16 * 1024;

/// What all streams share.
pub struct Shared {
    /// Where stanzas go.
    pub server: Arc<Server>,
    /// Limits, above all.
    pub settings: Arc<Settings>,
    /// For TLS.
    pub certificates: Arc<Certificates>,
    /// What one address may do.
    pub admission: Arc<Admission>,
    /// Counters.
    pub stats: Stats,
    /// For nonces and stream ids.
    pub random: ring::rand::SystemRandom,
    /// Passwords that are checked at the same time: the work is heavy.
    pub password_checks: Semaphore,
    /// Turns true when the server stops.
    pub stopping: watch::Receiver<bool>,
    /// How many connections are open.
    pub open: watch::Sender<usize>,
    /// How many sessions are without a stream and may be resumed.
    pub asleep: watch::Sender<usize>,
}

impl Shared {
    /// Random text of printable ASCII without commas.
    fn random_text(&self) -> Result<String, StreamError> {
        let mut bytes = [0; STREAM_ID_BYTES];
        ring::rand::SecureRandom::fill(&self.random, &mut bytes)
            .map_err(|_| StreamError::new(StreamCondition::InternalServerError))?;
        Ok(bytes.iter().fold(String::with_capacity(2 * STREAM_ID_BYTES), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        }))
    }

    /// The domain that speaks where none was asked for.
    fn default_domain(&self) -> &str {
        self.settings.default_virtual_host.first().map_or("localhost", String::as_str)
    }
}

/// Why a stream ends.
#[derive(Debug)]
enum Ending {
    /// With a stream error from this side.
    Error(StreamError),
    /// By `</stream:stream>` or a stream error of the peer, or after something that closes a stream without an error.
    Closed,
    /// The connection is lost: nothing can be sent.
    Lost,
    /// The session goes on with another stream.
    Moved,
}

impl Ending {
    /// The end that a frame brings which may not come at this point: its own, if it is an end, or else the error.
    fn unexpected(frame: &Frame, otherwise: StreamCondition) -> Self {
        match frame {
            Frame::Close => Self::Closed,
            Frame::Nonza(element) if element.is("error", ns::STREAMS) => Self::Closed,
            // A stanza by its name, but in another content namespace than the stream's (RFC 6120, section 4.8.3).
            Frame::Nonza(element) if matches!(element.name(), "message" | "presence" | "iq") => {
                StreamCondition::InvalidNamespace.into()
            }
            _ => otherwise.into(),
        }
    }
}

impl From<StreamError> for Ending {
    fn from(error: StreamError) -> Self {
        Self::Error(error)
    }
}

impl From<StreamCondition> for Ending {
    fn from(condition: StreamCondition) -> Self {
        Self::Error(StreamError::new(condition))
    }
}

impl From<std::io::Error> for Ending {
    fn from(error: std::io::Error) -> Self {
        tracing::debug!("connection lost: {error}");
        Self::Lost
    }
}

/// The transport with its buffers and what is known of the stream's syntax.
struct Link<T> {
    transport: Transport<T>,
    framer: Framer,
    input: Input,
    output: Output,
    /// Whether this side's stream header has been written, which comes before all else.
    header_sent: bool,
}

impl<T: Socket> Link<T> {
    fn new(socket: T, limits: Limits) -> Self {
        let stanza_bytes = limits.stanza_bytes.min(BEFORE_LOGIN_BYTES);
        Self {
            transport: Transport::Plain(socket),
            framer: Framer::new(Limits { stanza_bytes, ..limits }),
            input: Input::default(),
            output: Output::default(),
            header_sent: false,
        }
    }

    /// The next thing that the peer says. Can be cancelled without loss.
    async fn next_frame(&mut self) -> Result<Frame, Ending> {
        loop {
            let mut rest = self.input.rest();
            let frame = self.framer.next(&mut rest)?;
            let left = rest.len();
            self.input.keep(left);
            if let Some(frame) = frame {
                return Ok(frame);
            }
            let transport = &mut self.transport;
            self.input = poll_fn(|cx| {
                let mut scratch = Scratch::take();
                let bytes = ready!(scratch.poll_read(transport, cx))?;
                Poll::Ready(Ok::<_, std::io::Error>(Input::from(bytes)))
            })
            .await?;
            if self.input.is_empty() {
                return Err(Ending::Lost);
            }
        }
    }

    /// Queue text to be written.
    fn push(&mut self, xml: &str) {
        self.output.buffer().extend_from_slice(xml.as_bytes());
    }

    /// Write what is queued. Can be cancelled without loss.
    async fn flush(&mut self) -> Result<(), Ending> {
        if !self.output.is_empty() {
            poll_fn(|cx| self.output.poll_write(&mut self.transport, cx, &mut false)).await?;
        }
        Ok(())
    }

    /// Queue this side's stream header (RFC 6120, section 4.7).
    fn push_header(&mut self, id: &str, from: &str, to: Option<&Jid>) {
        self.push(&header(id, from, to));
        self.header_sent = true;
    }
}

fn header(id: &str, from: &str, to: Option<&Jid>) -> String {
    let to = to.map(|jid| format!(" to='{}'", escape(jid.as_str()))).unwrap_or_default();
    format!(
        "<?xml version='1.0'?><stream:stream xmlns='{}' xmlns:stream='{}' id='{id}' from='{}'{to} version='1.0' \
         xml:lang='en'>",
        ns::CLIENT,
        ns::STREAMS,
        escape(from),
    )
}

/// All of a stream that ends before it begins.
pub fn refusal(shared: &Shared, error: &StreamError) -> String {
    let id = shared.random_text().unwrap_or_default();
    format!("{}{}</stream:stream>", header(&id, shared.default_domain(), None), error.to_xml())
}

/// Serve a connection until it is closed.
pub async fn serve<T: Socket>(socket: T, peer: SocketAddr, door: Door, shared: Arc<Shared>) {
    // Boxed, so that its memory is given back once the session is established.
    let established = Box::pin(establish(socket, peer, door, &shared)).await;
    if let Some((link, session)) = established {
        session::run(link, session, shared).await;
    }
}

/// Bring a connection to the point where stanzas flow. `None` if it did not get there; then it is closed.
async fn establish<T: Socket>(
    socket: T,
    peer: SocketAddr,
    door: Door,
    shared: &Arc<Shared>,
) -> Option<(Link<T>, Arc<waxwing_server::Session>)> {
    let limits = &shared.settings.limits;
    let limits = Limits {
        stanza_bytes: limits.stanza_bytes,
        depth: limits.depth as usize,
        attributes: limits.attributes as usize,
        ..Limits::default()
    };
    let mut link = Link::new(socket, limits);
    match negotiate::negotiate(&mut link, peer, door, shared).await {
        Ok(session) => {
            link.framer.set_limits(limits);
            tracing::Span::current().record("jid", session.jid.as_str());
            shared.stats.logins.fetch_add(1, Ordering::Relaxed);
            Some((link, session))
        }
        Err(ending) => {
            close::close(link, ending, shared).await;
            None
        }
    }
}
