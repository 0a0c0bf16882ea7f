//! Finding where a top-level element ends, whatever the bytes are split into.

use super::Phase;
use crate::chars::ill_formed;
use crate::reader::too_much;
use crate::{StreamCondition, StreamError};
use memchr::{memchr, memchr2};
use smallvec::SmallVec;

/// What has been found whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// `<?xml … ?>`.
    Declaration,
    /// The start tag of the stream.
    Header,
    /// A top-level element.
    Element,
    /// The end tag of the stream.
    End,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing: before an element.
    #[default]
    Outside,
    /// Character data inside an element.
    Text,
    /// Markup of which only the `<` has been seen.
    Markup,
    /// The name in a start tag, with the hash of what has been seen of it.
    Name(u32),
    /// A start tag outside of attribute values; `true` right after a `/`.
    Tag(bool),
    /// An attribute value in these quotes.
    Value(u8),
    /// The name in an end tag, with the hash of what has been seen of it.
    EndName(u32),
    /// The rest of an end tag.
    EndTag,
    /// `<!` and so many bytes of `[CDATA[`.
    Bang(usize),
    /// A CDATA section, at whose end are so many bytes of `]]`.
    CData(usize),
    /// The XML declaration; `true` right after a `?`.
    Declaration(bool),
}

/// The hash of a name of which nothing has been seen, and of one with one more byte.
const NO_NAME: u32 = 0x811c_9dc5;
fn hash(name: u32, byte: u8) -> u32 {
    (name ^ u32::from(byte)).wrapping_mul(0x0100_0193)
}

/// The hash of a name after the bytes of it that come next, and how many they are.
fn read_name(name: u32, bytes: &[u8]) -> (u32, usize) {
    let ends = |b: &u8| matches!(b, b'>' | b'/' | b'<' | b'\'' | b'"' | b' ' | b'\t' | b'\r' | b'\n');
    let mut len = 0;
    let hashed =
        bytes.iter().take_while(|b| !ends(b)).inspect(|_| len += 1).fold(name, |name, b| hash(name, *b));
    (hashed, len)
}

/// The state of the search. What it finds is validated as a whole, so that it need not be strict; but what
/// never would end, such as an element whose child is not closed, it refuses at once.
#[derive(Debug, Default)]
pub struct Scanner {
    state: State,
    /// The hashes of the names of the open elements.
    open: SmallVec<[u32; 8]>,
}

impl Scanner {
    /// Whether something is incomplete.
    pub fn is_inside(&self) -> bool {
        self.state != State::Outside
    }

    /// Looks on in `input`: what has been found and how many bytes up to its end, or nothing in all of it.
    pub fn scan(
        &mut self,
        input: &[u8],
        phase: Phase,
        max_depth: usize,
    ) -> Result<Option<(Found, usize)>, StreamError> {
        let mut at = 0;
        while let Some((&byte, rest)) = input.get(at..).and_then(<[u8]>::split_first) {
            at += 1;
            let skip = |end: Option<usize>| end.unwrap_or(rest.len());
            match (self.state, byte) {
                (State::Outside | State::Markup | State::Bang(_), _) => {
                    self.state = self.markup(byte, phase)?
                }
                (State::Text, b'<') => self.state = State::Markup,
                (State::Text, _) => at += skip(memchr(b'<', rest)),
                (State::Name(_) | State::Tag(_) | State::Value(_) | State::EndName(_), b'<')
                | (State::Name(_) | State::EndName(_), b'\'' | b'"') => return Err(ill_formed("not a tag")),
                (State::Name(name), b'>' | b'/' | b' ' | b'\t' | b'\r' | b'\n') => {
                    self.open.push(name);
                    self.state = State::Tag(byte == b'/');
                    if byte == b'>'
                        && let Some(found) = self.tag(false, phase, max_depth)?
                    {
                        return Ok(Some((found, at)));
                    }
                }
                (State::Name(name), _) => {
                    let (name, len) = read_name(hash(name, byte), rest);
                    self.state = State::Name(name);
                    at += len;
                }
                (State::Tag(slash), b'>') => {
                    if let Some(found) = self.tag(slash, phase, max_depth)? {
                        return Ok(Some((found, at)));
                    }
                }
                (State::Tag(_), b'\'' | b'"') => self.state = State::Value(byte),
                (State::Tag(_), _) => {
                    let len = skip(rest.iter().position(|b| matches!(b, b'>' | b'<' | b'\'' | b'"')));
                    at += len;
                    self.state = State::Tag(input.get(at - 1) == Some(&b'/'));
                }
                (State::Value(quote), _) if byte == quote => self.state = State::Tag(false),
                (State::Value(quote), _) => at += skip(memchr2(quote, b'<', rest)),
                (State::EndName(name), b'>' | b' ' | b'\t' | b'\r' | b'\n') => {
                    if self.open.last().is_some_and(|open| *open != name) {
                        return Err(ill_formed("an end tag that does not match the start tag"));
                    }
                    self.state = State::EndTag;
                    if byte == b'>'
                        && let Some(found) = self.end_tag()
                    {
                        return Ok(Some((found, at)));
                    }
                }
                (State::EndName(name), _) => {
                    let (name, len) = read_name(hash(name, byte), rest);
                    self.state = State::EndName(name);
                    at += len;
                }
                (State::EndTag, b'>') => {
                    if let Some(found) = self.end_tag() {
                        return Ok(Some((found, at)));
                    }
                }
                (State::EndTag, b' ' | b'\t' | b'\r' | b'\n') => {}
                (State::EndTag, _) => return Err(ill_formed("an end tag with more than a name")),
                (State::CData(2), b'>') => self.state = State::Text,
                (State::CData(seen), b']') => self.state = State::CData(2.min(seen + 1)),
                (State::CData(_), _) => {
                    self.state = State::CData(0);
                    at += skip(memchr(b']', rest));
                }
                (State::Declaration(true), b'>') => {
                    self.state = State::Outside;
                    return Ok(Some((Found::Declaration, at)));
                }
                (State::Declaration(_), _) => self.state = State::Declaration(byte == b'?'),
            }
        }
        Ok(None)
    }

    /// The state after one more byte of the beginning of markup.
    fn markup(&self, byte: u8, phase: Phase) -> Result<State, StreamError> {
        const CDATA: &[u8] = b"[CDATA[";
        match (self.state, byte) {
            (State::Outside, _) => Ok(State::Markup),
            (State::Markup, b'?') if phase == Phase::Start => Ok(State::Declaration(false)),
            (State::Markup, b'?') => Err(StreamCondition::RestrictedXml.into()),
            (State::Markup, b'!') => Ok(State::Bang(0)),
            (State::Markup, b'/') if phase == Phase::Open => Ok(State::EndName(NO_NAME)),
            (State::Markup, 0) => Err(StreamCondition::UnsupportedEncoding.into()),
            (State::Markup, b'/' | b'>' | b'<' | b'\'' | b'"' | b' ' | b'\t' | b'\r' | b'\n') => {
                Err(ill_formed("not a tag"))
            }
            (State::Markup, _) => Ok(State::Name(hash(NO_NAME, byte))),
            (State::Bang(0), b'-' | b'D') => Err(StreamCondition::RestrictedXml.into()),
            (State::Bang(seen), _) if CDATA.get(seen) == Some(&byte) && !self.open.is_empty() => {
                Ok(if seen + 1 == CDATA.len() { State::CData(0) } else { State::Bang(seen + 1) })
            }
            _ => Err(ill_formed("not a tag")),
        }
    }

    /// At the end of a start tag.
    fn tag(&mut self, slash: bool, phase: Phase, max_depth: usize) -> Result<Option<Found>, StreamError> {
        if self.open.len() > max_depth {
            return Err(too_much("elements nested too deeply"));
        }
        if phase != Phase::Open {
            *self = Scanner::default();
            return Ok(Some(Found::Header));
        }
        if slash {
            Ok(self.end_tag())
        } else {
            self.state = State::Text;
            Ok(None)
        }
    }

    /// At the end of an end tag, or of a tag that is both.
    fn end_tag(&mut self) -> Option<Found> {
        let found = if self.open.pop().is_none() { Found::End } else { Found::Element };
        if self.open.is_empty() {
            *self = Scanner::default();
            return Some(found);
        }
        self.state = State::Text;
        None
    }
}
