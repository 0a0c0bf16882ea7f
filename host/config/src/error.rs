//! Why a file could not be used.

use std::fmt;
use std::path::PathBuf;

/// Why settings could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be read at all.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Something in the file is wrong.
    #[error(transparent)]
    At(#[from] Box<Located>),
}

/// What is wrong at one place of a file. It is shown with the line and a caret under the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The file's name as it was given.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The character within the line, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// The text of the line.
    pub text: String,
    /// How many characters of the line are meant; at least 1.
    pub width: usize,
}

/// Longer lines are shown in part.
const SHOWN: usize = 100;

impl std::error::Error for Located {}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { file, line, column, message, text, width } = self;
        let skipped = if *column > SHOWN - 10 { column - SHOWN / 2 } else { 0 };
        let shown: String = text.chars().skip(skipped).take(SHOWN).map(printable).collect();
        let before = column.saturating_sub(skipped + 1);
        let blank: String = shown.chars().take(before).map(|c| if c == '\t' { c } else { ' ' }).collect();
        let carets = "^".repeat((*width).clamp(1, SHOWN.saturating_sub(before).max(1)));
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        writeln!(f, "{file}:{line}:{column}: {message}")?;
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {shown}")?;
        write!(f, "{margin} | {blank}{carets}")
    }
}

/// Keeps control characters of a damaged file away from the terminal.
fn printable(c: char) -> char {
    if c.is_control() && c != '\t' { char::REPLACEMENT_CHARACTER } else { c }
}
