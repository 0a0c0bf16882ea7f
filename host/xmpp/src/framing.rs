//! Cutting a stream into its header, top-level elements and end (RFC 6120 sections 4 and 11).

mod header;
mod scan;

pub use header::StreamHeader;

use crate::chars::{ill_formed, is_space};
use crate::reader::too_much;
use crate::stanza::{Top, read_top};
use crate::{Element, Stanza, StanzaError, StreamCondition, StreamError};
use header::{Context, check_declaration, read_header};
use scan::{Found, Scanner};

/// What a peer may make the server hold or work on. Past a limit the stream ends with `policy-violation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of one top-level element.
    pub stanza_bytes: usize,
    /// How deep elements may be nested, a top-level element being 1.
    pub depth: usize,
    /// The most attributes of one element, namespace declarations included.
    pub attributes: usize,
    /// The most namespace declarations in scope at one place.
    pub declarations: usize,
    /// The most bytes of a stream header, or of the XML declaration before it.
    pub header_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { stanza_bytes: 262_144, depth: 64, attributes: 64, declarations: 64, header_bytes: 4096 }
    }
}

impl Limits {
    /// For what is in the server already: it may have been wrapped, delayed and addressed since it came in, and is
    /// not refused for that.
    pub(crate) const INSIDE: Limits =
        Limits { stanza_bytes: 1 << 30, depth: 512, attributes: 1024, declarations: 250, header_bytes: 0 };

    /// At most so much that there is room to grow inside.
    fn clamped(self) -> Limits {
        Limits {
            stanza_bytes: self.stanza_bytes.min(1 << 28),
            depth: self.depth.min(384),
            attributes: self.attributes.min(768),
            declarations: self.declarations.min(192),
            header_bytes: self.header_bytes,
        }
    }
}

/// What a stream is made of.
#[derive(Clone, Debug)]
pub enum Frame {
    /// The stream header (RFC 6120 section 4.7).
    Open(StreamHeader),
    /// A stanza.
    Stanza(Stanza),
    /// A stanza that deserves an error and leaves the stream as it is: an address that is none, an IQ without
    /// an id, and so on. What could not be read is missing from it; [`Stanza::error_reply`] makes the answer,
    /// which is from the server where `to` is missing, and is none where an error or result is at fault.
    Bad {
        /// The stanza.
        stanza: Stanza,
        /// What is wrong with it.
        error: StanzaError,
    },
    /// A top-level element that is not a stanza: STARTTLS, SASL, stream management, a stream error.
    Nonza(Element),
    /// The end of the stream.
    Close,
}

/// Where in the stream the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Before anything but white space.
    Start,
    /// Before the stream header.
    Prolog,
    /// After the stream header.
    Open,
    /// After the end of the stream.
    Closed,
}

/// Cuts the bytes of a stream into frames. It looks at every byte once to find where an element ends, however
/// the bytes are split over reads, and then validates the element.
///
/// After an error the stream is over: [`Framer::reset`] is all that is left to call.
#[derive(Debug)]
pub struct Framer {
    limits: Limits,
    phase: Phase,
    scanner: Scanner,
    /// The beginning of something incomplete.
    kept: Vec<u8>,
    /// What the stream header declared.
    context: Option<Box<Context>>,
}

impl Framer {
    /// A framer before the first byte of a stream.
    pub fn new(limits: Limits) -> Framer {
        Framer {
            limits: limits.clamped(),
            phase: Phase::Start,
            scanner: Scanner::default(),
            kept: Vec::new(),
            context: None,
        }
    }

    /// Expects a new stream, as after STARTTLS and SASL. What was pending is forgotten: ask
    /// [`Framer::pending`] before.
    pub fn reset(&mut self) {
        *self = Framer::new(self.limits);
    }

    /// Changes the limits, as after authentication.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits.clamped();
    }

    /// How many bytes are kept of something incomplete.
    pub fn pending(&self) -> usize {
        self.kept.len()
    }

    /// The next frame, if `input` completes one. Takes from the front of `input` what it used, which is
    /// everything when it returns `None`. White space before and between elements is skipped (RFC 6120 section 11.7).
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Frame>, StreamError> {
        loop {
            if !self.scanner.is_inside() {
                self.skip_space(input)?;
            }
            if input.is_empty() {
                return Ok(None);
            }
            let limit =
                if self.phase == Phase::Open { self.limits.stanza_bytes } else { self.limits.header_bytes };
            let found = self.scanner.scan(input, self.phase, self.limits.depth)?;
            let used = found.as_ref().map_or(input.len(), |(_, used)| *used);
            if self.kept.len() + used > limit {
                return Err(too_much("element too large"));
            }
            let (now, rest) = input.split_at_checked(used).unwrap_or((input, &[]));
            *input = rest;
            let Some((found, _)) = found else {
                self.kept.extend_from_slice(now);
                return Ok(None);
            };
            // Freed whole: an idle stream holds nothing.
            let mut kept = std::mem::take(&mut self.kept);
            let bytes = if kept.is_empty() {
                now
            } else {
                kept.extend_from_slice(now);
                &kept
            };
            if let Some(frame) = self.read(found, bytes)? {
                return Ok(Some(frame));
            }
        }
    }

    fn skip_space(&mut self, input: &mut &[u8]) -> Result<(), StreamError> {
        // Even before an XML declaration, where XML has none: some clients end the line after an element that
        // makes the stream begin anew.
        let space = input.iter().take_while(|b| is_space(**b)).count();
        *input = input.get(space..).unwrap_or_default();
        match input.first() {
            None | Some(b'<') if self.phase != Phase::Closed => Ok(()),
            None => Ok(()),
            // The two byte order marks of UTF-16.
            Some(0xfe | 0xff) => Err(StreamCondition::UnsupportedEncoding.into()),
            Some(_) if self.phase == Phase::Open => {
                Err(StreamError::new(StreamCondition::BadFormat).with_text("text between stanzas"))
            }
            Some(_) => Err(ill_formed("something outside of the stream element")),
        }
    }

    /// Reads what the scanner has found. An XML declaration is no frame.
    fn read(&mut self, found: Found, bytes: &[u8]) -> Result<Option<Frame>, StreamError> {
        let text = std::str::from_utf8(bytes).map_err(|_| StreamCondition::UnsupportedEncoding)?;
        match found {
            Found::Declaration => {
                check_declaration(text)?;
                self.phase = Phase::Prolog;
                Ok(None)
            }
            Found::Header => {
                let (header, context) = read_header(text, self.limits)?;
                self.context = Some(Box::new(context));
                self.phase = Phase::Open;
                Ok(Some(Frame::Open(header)))
            }
            Found::Element => {
                let context = self.context.as_deref().ok_or(StreamCondition::InternalServerError)?;
                Ok(Some(
                    match context.with_namespaces(|outer| {
                        read_top(text, outer, context.content, context.lang.as_ref(), self.limits)
                    })? {
                        Top::Stanza(stanza) => Frame::Stanza(stanza),
                        Top::Bad(stanza, error) => Frame::Bad { stanza, error },
                        Top::Other(element) => Frame::Nonza(element),
                    },
                ))
            }
            Found::End => {
                let name =
                    text.strip_prefix("</").and_then(|text| text.strip_suffix('>')).unwrap_or_default();
                let opened = self.context.as_ref().map(|context| context.name.as_str());
                if opened != Some(name.trim_end_matches([' ', '\t', '\r', '\n'])) {
                    return Err(ill_formed("an end tag without a start tag"));
                }
                self.phase = Phase::Closed;
                Ok(Some(Frame::Close))
            }
        }
    }
}

#[cfg(test)]
mod tests;
