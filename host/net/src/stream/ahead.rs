//! What a client that acknowledges stanzas sends while one of its own is being processed.
//!
//! That one may wait until the client has acknowledged others: its queue is full, say. So its
//! acknowledgements are looked for in what follows. Everything else waits its turn, up to a limit.

use super::io::{Input, Scratch, Socket};
use super::session::Established;
use std::collections::VecDeque;
use std::task::{Context, Poll};
use waxwing_xmpp::{Frame, StreamError, ns};

/// Bytes that may wait their turn.
const MOST: usize = 256 * 1024;

/// What anything costs beside its text.
const OVERHEAD: usize = 256;

/// What waits its turn, in order.
#[derive(Default)]
pub struct Ahead {
    frames: VecDeque<Result<Frame, StreamError>>,
    bytes: usize,
    /// Nothing comes after it.
    pub ended: bool,
}

impl Ahead {
    fn push(&mut self, frame: Result<Frame, StreamError>) {
        self.bytes += cost(&frame);
        self.frames.push_back(frame);
    }

    pub fn pop(&mut self) -> Option<Result<Frame, StreamError>> {
        let frame = self.frames.pop_front()?;
        self.bytes -= cost(&frame);
        if self.frames.is_empty() {
            self.frames = VecDeque::new();
        }
        Some(frame)
    }
}

fn cost(frame: &Result<Frame, StreamError>) -> usize {
    match frame {
        Ok(Frame::Stanza(stanza) | Frame::Bad { stanza, .. }) => OVERHEAD + stanza.wire_len(),
        _ => OVERHEAD,
    }
}

impl<T: Socket> Established<T> {
    /// Read on, without processing anything but acknowledgements.
    pub fn read_ahead(&mut self, cx: &mut Context<'_>) {
        while self.ahead.as_ref().is_some_and(|ahead| !ahead.ended && ahead.bytes < MOST) {
            if !self.link.input.is_empty() {
                let mut input = std::mem::take(&mut self.link.input);
                let mut rest = input.rest();
                self.set_aside(&mut rest);
                let left = rest.len();
                input.keep(left);
                self.link.input = input;
                continue;
            }
            let mut scratch = Scratch::take();
            match scratch.poll_read(&mut self.link.transport, cx) {
                Poll::Pending => return,
                Poll::Ready(Ok(mut bytes)) if !bytes.is_empty() => {
                    self.set_aside(&mut bytes);
                    if !bytes.is_empty() {
                        self.link.input = Input::from(bytes);
                    }
                }
                // What it sent before is processed before it counts as gone.
                Poll::Ready(_) => self.end_ahead(),
            }
        }
    }

    /// Take what is complete from the front of `input`, until there is no room.
    fn set_aside(&mut self, input: &mut &[u8]) {
        while self.ahead.as_ref().is_some_and(|ahead| !ahead.ended && ahead.bytes < MOST) {
            let frame = match self.link.framer.next(input) {
                Ok(None) => return,
                Ok(Some(Frame::Nonza(element))) if element.is("a", ns::SM) => {
                    match self.acknowledge(&element) {
                        Ok(()) => continue,
                        Err(error) => Err(error),
                    }
                }
                Ok(Some(frame)) => Ok(frame),
                Err(error) => Err(error),
            };
            if frame.is_err() {
                // After an error the stream is over.
                *input = &[];
                self.end_ahead();
            }
            if let Some(ahead) = &mut self.ahead {
                ahead.push(frame);
            }
        }
    }

    fn end_ahead(&mut self) {
        if let Some(ahead) = &mut self.ahead {
            ahead.ended = true;
        }
    }
}
