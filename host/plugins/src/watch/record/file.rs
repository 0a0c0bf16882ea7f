//! How a recording is written: as JSON lines.

use super::exchange::Exchange;
use crate::declare::grants::Grants;
use crate::declare::options::{Limits, Scope};
use crate::run::input::Input;
use crate::run::watcher::RecordingFigures;
use crate::watch::trace::Trace;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Read};

/// What the first line says of the format. Another number means that this version cannot read it.
pub const FORMAT: &str = "waxwing-recording/1";

/// Bytes of a line: several times of what a call may have.
const LINE: u64 = 64 << 20;

/// The first line of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingHeader {
    /// [`FORMAT`]
    pub format: String,
    /// The name of the plugin.
    pub plugin: String,
    /// Its version, as it says itself.
    pub version: String,
    /// The SHA-256 of its component, in hex.
    pub sha256: String,
    /// The virtual hosts that it works for.
    pub scope: Scope,
    /// Its settings.
    #[serde(default)]
    pub settings: Vec<(String, Vec<String>)>,
    /// What it may do.
    pub grants: Grants,
    /// What it may use.
    #[serde(default)]
    pub limits: Limits,
    /// Whether text and values are replaced by `x`es.
    pub redacted: bool,
}

/// One call of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedCall {
    /// Which call it is, from 1. Where numbers are missing, calls were left out. Calls that ran at the same
    /// time are in the order in which they ended.
    pub number: u64,
    /// When it began, in milliseconds since the Unix epoch.
    pub at: u64,
    /// What it was told.
    pub input: Input,
    /// What it asked of the host and heard, in order.
    pub exchanges: Vec<Exchange>,
    /// What it did.
    pub trace: Trace,
}

/// The last line.
#[derive(Serialize, Deserialize)]
pub(super) struct End {
    pub end: RecordingFigures,
}

/// What the last line, and no other, begins with.
const END: &[u8] = b"{\"end\":";

impl RecordedCall {
    /// About how many bytes it keeps.
    pub(crate) fn weight(&self) -> usize {
        self.exchanges.iter().map(Exchange::weight).sum::<usize>() + self.input.weight() + self.trace.weight()
    }

    #[cfg(test)]
    pub(crate) fn example() -> RecordedCall {
        serde_json::from_value(serde_json::json!({
            "number": 1,
            "at": 0,
            "input": { "hook": "alarms", "owner": "a@example.org", "name": "n", "due": 0, "data": "" },
            "exchanges": [],
            "trace": { "answer": "nothing" },
        }))
        .unwrap()
    }
}

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file cannot be read.
    #[error("the recording cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// It is something else, or of another version.
    #[error(
        "this is no recording that can be read here: its first line does not begin with the format {expected:?}",
        expected = FORMAT
    )]
    Format,
    /// A line is not what it should be.
    #[error("line {line} of the recording cannot be read: {error}")]
    Line {
        /// From 1.
        line: u64,
        /// What is wrong with it.
        error: String,
    },
}

/// Reads a recording, call by call.
///
/// The first line is a [`RecordingHeader`], each line after it a [`RecordedCall`], and the last one
/// `{"end":...}` with the [`RecordingFigures`]; without that line, the recording was cut short.
#[derive(Debug)]
pub struct RecordingReader<R> {
    input: R,
    header: RecordingHeader,
    line: u64,
    end: Option<RecordingFigures>,
    failed: bool,
}

impl<R: BufRead> RecordingReader<R> {
    /// Read the first line.
    ///
    /// # Errors
    /// When it cannot be read, or is not that of a recording.
    pub fn new(mut input: R) -> Result<Self, RecordingError> {
        let text = next_line(&mut input, 1)?.unwrap_or_default();
        #[derive(Deserialize)]
        struct Format {
            format: String,
        }
        let format: Format = serde_json::from_slice(&text).map_err(|_| RecordingError::Format)?;
        if format.format != FORMAT {
            return Err(RecordingError::Format);
        }
        let header = serde_json::from_slice(&text);
        let header = header.map_err(|error| RecordingError::Line { line: 1, error: error.to_string() })?;
        Ok(RecordingReader { input, header, line: 1, end: None, failed: false })
    }

    /// The first line.
    pub fn header(&self) -> &RecordingHeader {
        &self.header
    }

    /// What the last line says, once that has been read.
    pub fn end(&self) -> Option<RecordingFigures> {
        self.end
    }

    fn read(&mut self) -> Result<Option<RecordedCall>, RecordingError> {
        loop {
            self.line += 1;
            let Some(text) = next_line(&mut self.input, self.line)? else { return Ok(None) };
            if text.trim_ascii().is_empty() {
                continue;
            }
            let wrong =
                |error: serde_json::Error| RecordingError::Line { line: self.line, error: error.to_string() };
            if text.starts_with(END) {
                let End { end } = serde_json::from_slice(&text).map_err(wrong)?;
                self.end = Some(end);
            } else {
                return serde_json::from_slice(&text).map(Some).map_err(wrong);
            }
        }
    }
}

impl<R: BufRead> Iterator for RecordingReader<R> {
    type Item = Result<RecordedCall, RecordingError>;

    /// The next call. After an error there is no more.
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.read().transpose();
        self.failed = matches!(next, Some(Err(_)));
        next
    }
}

fn next_line(input: &mut impl BufRead, line: u64) -> Result<Option<Vec<u8>>, RecordingError> {
    let mut text = Vec::new();
    input.by_ref().take(LINE).read_until(b'\n', &mut text)?;
    if text.len() as u64 == LINE {
        return Err(RecordingError::Line { line, error: format!("it is longer than {LINE} bytes") });
    }
    Ok((!text.is_empty()).then_some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> RecordingHeader {
        RecordingHeader {
            format: FORMAT.to_owned(),
            plugin: "p".to_owned(),
            version: "1.0.0".to_owned(),
            sha256: "00".repeat(32),
            scope: Scope::Everywhere,
            settings: vec![("key".to_owned(), vec!["value".to_owned()])],
            grants: Grants::everything(),
            limits: Limits::default(),
            redacted: false,
        }
    }

    fn text(lines: &[String]) -> Vec<u8> {
        lines.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect()
    }

    #[test]
    fn what_is_written_is_read() {
        let call = RecordedCall::example();
        let end = RecordingFigures { recorded: 1, too_large: 2, skipped: 3 };
        let lines = [
            serde_json::to_string(&header()).unwrap(),
            serde_json::to_string(&call).unwrap(),
            serde_json::to_string(&End { end }).unwrap(),
        ];
        let text = text(&lines);
        let mut reader = RecordingReader::new(&*text).unwrap();
        assert_eq!(*reader.header(), header());
        assert_eq!(reader.next().unwrap().unwrap(), call);
        assert!(reader.next().is_none());
        assert_eq!(reader.end(), Some(end));
    }

    #[test]
    fn what_is_no_recording_is_an_error_that_says_so() {
        for other in ["", "\n", "{}", "{\"format\":\"waxwing-recording/2\"}", "\u{0}asm"] {
            let read = RecordingReader::new(other.as_bytes());
            assert!(matches!(read, Err(RecordingError::Format)), "{other:?}");
        }
        let lines = text(&[serde_json::to_string(&header()).unwrap(), String::new(), "{".to_owned()]);
        let mut reader = RecordingReader::new(&*lines).unwrap();
        assert!(matches!(reader.next(), Some(Err(RecordingError::Line { line: 3, .. }))));
        assert!(reader.next().is_none());
    }
}
