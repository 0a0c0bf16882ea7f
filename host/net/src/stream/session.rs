//! The stream of a bound session: stanzas in, stanzas out, in one task.
//!
//! Reading stops while a stanza is processed, so that a client is slowed down by what it asks for; writing never waits
//! for reading, so that two clients that send to each other cannot block each other.

use super::ahead::Ahead;
use super::close::{close, linger, say_goodbye};
use super::io::{Input, Scratch, Socket};
use super::{Ending, Link, Shared, absence};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::time::{Instant, Sleep, sleep};
use waxwing_server::{Parting, Server, Session, StreamEnd};
use waxwing_xmpp::{Condition, Frame, Kind, Stanza, StanzaError, StreamCondition, Type, ns};

/// Bytes gathered for one write; also how much may wait to be written before nothing more is read.
const BATCH: usize = 64 * 1024;

/// Reads in a row before other connections get their turn.
const READS_IN_A_ROW: usize = 4;

/// Serve a bound session until its stream ends; then the session is finished and the connection closed.
pub async fn run<T: Socket>(link: Link<T>, session: Arc<Session>, shared: Arc<Shared>) {
    let ahead = session.is_managed().then(Box::default);
    let session = Bound { server: shared.server.clone(), session, finished: false };
    let mut established =
        Established { link, session, processing: None, ahead, stalled: None, closing: None, shared };
    let ending = poll_fn(|cx| established.poll(cx)).await;
    // Boxed, so that sessions that go on need no memory for it.
    Box::pin(established.finish(ending)).await;
}

/// A session that is finished even if its task comes to a sudden end.
pub struct Bound {
    pub server: Arc<Server>,
    pub session: Arc<Session>,
    pub finished: bool,
}

/// A stanza that is being processed.
pub type Processing = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Drop for Bound {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (server, session) = (self.server.clone(), self.session.clone());
            runtime.spawn(async move { server.finish(&session).await });
        }
    }
}

pub struct Established<T> {
    pub link: Link<T>,
    pub session: Bound,
    processing: Option<Processing>,
    /// Of a client that acknowledges stanzas (XEP-0198): what it has sent meanwhile.
    pub ahead: Option<Box<Ahead>>,
    /// Runs out when the peer has read nothing for too long.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Runs out when the session is to end and the peer still has not read what came before.
    closing: Option<Pin<Box<Sleep>>>,
    pub shared: Arc<Shared>,
}

impl<T: Socket> Established<T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        for _ in 0..READS_IN_A_ROW {
            let full = self.link.output.len() > BATCH;
            let read = self.poll_reader(cx);
            let write = self.poll_writer(cx);
            match (read, write) {
                // What was queued before the end has gone out as far as the peer reads.
                (Poll::Ready(Err(ending)), _) | (_, Poll::Ready(ending)) => return Poll::Ready(ending),
                // The reader waited for room, which writing has made: nobody else would wake it.
                (Poll::Pending, Poll::Pending) if full && self.link.output.len() <= BATCH => {}
                (Poll::Pending, Poll::Pending) => return Poll::Pending,
                (Poll::Ready(Ok(())), Poll::Pending) => {}
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Process what has been read, or read once and process that.
    fn poll_reader(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ending>> {
        if let Some(processing) = &mut self.processing {
            if processing.as_mut().poll(cx).is_pending() {
                self.read_ahead(cx);
                return Poll::Pending;
            }
            self.processing = None;
            self.count_handled();
        }
        if self.link.output.len() > BATCH {
            return Poll::Pending;
        }
        if self.ahead.is_some() {
            ready!(self.catch_up(cx))?;
        }
        if !self.link.input.is_empty() {
            let mut input = std::mem::take(&mut self.link.input);
            let mut rest = input.rest();
            let done = self.consume(cx, &mut rest);
            let left = rest.len();
            input.keep(left);
            self.link.input = input;
            return done;
        }
        let mut scratch = Scratch::take();
        let mut bytes = ready!(scratch.poll_read(&mut self.link.transport, cx))?;
        if bytes.is_empty() {
            return Poll::Ready(Err(Ending::Lost));
        }
        let done = self.consume(cx, &mut bytes);
        if !bytes.is_empty() {
            self.link.input = Input::from(bytes);
        }
        done
    }

    /// Process the stanzas in `input`, up to one that takes time.
    fn consume(&mut self, cx: &mut Context<'_>, input: &mut &[u8]) -> Poll<Result<(), Ending>> {
        while let Some(frame) = self.link.framer.next(input)? {
            ready!(self.take(cx, frame))?;
        }
        Poll::Ready(Ok(()))
    }

    /// The same with what was read ahead.
    fn catch_up(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ending>> {
        while let Some(frame) = self.ahead.as_mut().and_then(|ahead| ahead.pop()) {
            ready!(self.take(cx, frame?))?;
        }
        match &self.ahead {
            Some(ahead) if ahead.ended => Poll::Ready(Err(Ending::Lost)),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Process one thing that the client says. Pending, it goes on as `processing`.
    fn take(&mut self, cx: &mut Context<'_>, frame: Frame) -> Poll<Result<(), Ending>> {
        let (stanza, error) = match frame {
            Frame::Stanza(stanza) => (stanza, None),
            Frame::Bad { stanza, error } => (stanza, Some(error)),
            Frame::Nonza(element) => return Poll::Ready(self.take_nonza(element)),
            other => {
                let ending = Ending::unexpected(&other, StreamCondition::UnsupportedStanzaType);
                return Poll::Ready(Err(ending));
            }
        };
        let session = &self.session.session;
        // RFC 6120, section 8.1.2.1.
        let own = |from: &str| from == session.jid.as_str() || from == session.jid.bare_str();
        if stanza.from.as_ref().is_some_and(|from| !own(from.as_str())) {
            return Poll::Ready(Err(StreamCondition::InvalidFrom.into()));
        }
        let reply = match error {
            Some(error) => Some(stanza.error_reply(&error)),
            None => self.answer(&stanza).map(Some),
        };
        let (server, session) = (self.session.server.clone(), session.clone());
        match reply {
            Some(None) => {
                self.count_handled();
                Poll::Ready(Ok(()))
            }
            // Whoever counts stanzas gets all of them from the session's queue.
            Some(Some(reply)) if self.ahead.is_some() => {
                self.process(cx, Box::pin(async move { session.answer(reply).await }))
            }
            Some(Some(reply)) => {
                reply.write_to(self.link.output.buffer());
                Poll::Ready(Ok(()))
            }
            None => self.process(cx, Box::pin(async move { server.receive(&session, stanza).await })),
        }
    }

    fn process(&mut self, cx: &mut Context<'_>, mut processing: Processing) -> Poll<Result<(), Ending>> {
        if processing.as_mut().poll(cx).is_pending() {
            self.processing = Some(processing);
            return Poll::Pending;
        }
        self.count_handled();
        Poll::Ready(Ok(()))
    }

    /// A stanza has been processed to its end.
    fn count_handled(&self) {
        if self.ahead.is_some() {
            self.session.session.count_handled();
        }
    }

    /// The answer to what is a matter of the stream: the session request of old clients, which does nothing, and the
    /// wish for a second resource, which is refused.
    fn answer(&self, stanza: &Stanza) -> Option<Stanza> {
        if stanza.kind() != Kind::Iq || stanza.ty() != Type::Set {
            return None;
        }
        let own = &self.session.session.jid;
        let here = |to: &str| to == own.domain() || to == own.bare_str();
        let payload = stanza.payload().filter(|_| stanza.to.as_ref().is_none_or(|to| here(to.as_str())))?;
        match (payload.ns(), payload.name()) {
            (ns::SESSION, "session") => Some(stanza.iq_result("")),
            (ns::BIND, "bind") => stanza.error_reply(&StanzaError::from(Condition::NotAllowed)),
            _ => None,
        }
    }

    /// Write what the session has for the client. Ready only when the stream ends.
    fn poll_writer(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        let Self { link, session: Bound { session, .. }, .. } = self;
        loop {
            if !link.output.is_empty() {
                let mut progress = false;
                match link.output.poll_write(&mut link.transport, cx, &mut progress) {
                    Poll::Ready(Ok(())) => {
                        self.stalled = None;
                        session.written();
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(error.into()),
                    Poll::Pending => {
                        let patience = self.shared.settings.limits.slow_reader_timeout;
                        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
                        if progress {
                            stalled.as_mut().reset(Instant::now() + patience);
                            session.some_read();
                        }
                        match session.poll_parting(cx) {
                            None => {}
                            Some(Parting::Moving) => return Poll::Ready(Ending::Moved),
                            Some(Parting::Overflowing) => return Poll::Ready(Ending::Lost),
                            Some(Parting::Ending) => {
                                let patience = self.shared.settings.limits.close_timeout;
                                self.closing.get_or_insert_with(|| Box::pin(sleep(patience)));
                            }
                        }
                        let closed = self.closing.as_mut().is_some_and(|it| it.as_mut().poll(cx).is_ready());
                        if closed || stalled.as_mut().poll(cx).is_ready() {
                            tracing::debug!("the peer does not read");
                            return Poll::Ready(Ending::Lost);
                        }
                        return Poll::Pending;
                    }
                }
            }
            match session.poll_outgoing(cx, link.output.buffer(), BATCH) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(StreamEnd::Session(end))) => {
                    return Poll::Ready(end.error.map_or(Ending::Closed, Ending::Error));
                }
                Poll::Ready(Err(StreamEnd::Moved)) => return Poll::Ready(Ending::Moved),
                Poll::Pending => {
                    link.output.release();
                    return Poll::Pending;
                }
            }
        }
    }

    /// The stream has ended: say so, finish the session, close the connection.
    async fn finish(mut self, ending: Ending) {
        if matches!(ending, Ending::Lost | Ending::Moved) && self.session.session.may_sleep() {
            let moved = matches!(ending, Ending::Moved);
            absence::begin(self.session, self.processing.take(), &self.shared);
            if moved {
                close(self.link, ending, &self.shared).await;
            }
            return;
        }
        let said = say_goodbye(&mut self.link, ending, &self.shared).await;
        if said {
            self.session.session.written();
        }
        // A stanza that was accepted is processed to its end. It may wait for room in this very session's queue, of
        // which only finishing frees it.
        let processing = async {
            if let Some(processing) = self.processing.take() {
                processing.await;
                self.session.session.count_handled();
            }
        };
        let finishing = self.session.server.finish(&self.session.session);
        tokio::join!(processing, finishing);
        self.session.finished = true;
        tracing::debug!("session finished");
        if said {
            linger(self.link.transport, &self.shared).await;
        }
    }
}
