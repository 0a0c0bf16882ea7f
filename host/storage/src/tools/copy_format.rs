//! The binary format of PostgreSQL's COPY: a row is the number of its values, then each with its length before it.

use super::Result;
use super::cell::{Cell, NOT_ENCODED, NOT_UTF8, WRONG_TYPE};
use super::error::of_stream;
use super::tables::{Column, Kind};
use crate::Error;
use crate::postgres::text::{decode, encode};
use std::io::Read;

const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";
/// What stands for a value that is not there, and for the end.
const NONE: i32 = -1;

/// What comes before the first row.
pub(super) fn begin(out: &mut Vec<u8>) {
    out.extend_from_slice(SIGNATURE);
    // No flags, and no more header.
    out.extend_from_slice(&[0; 8]);
}

/// One row. A value that is damaged is not there.
pub(super) fn row(out: &mut Vec<u8>, cells: &[Cell<'_>]) {
    out.extend_from_slice(&(cells.len() as i16).to_be_bytes());
    for cell in cells {
        match cell {
            Cell::Null | Cell::Damaged(_) => out.extend_from_slice(&NONE.to_be_bytes()),
            Cell::Text(text) => value(out, encode(text).as_bytes()),
            Cell::Int(int) => value(out, &int.to_be_bytes()),
            Cell::Bool(bool) => value(out, &[u8::from(*bool)]),
            Cell::Bytes(bytes) => value(out, bytes),
        }
    }
}

fn value(out: &mut Vec<u8>, bytes: &[u8]) {
    // What is longer does not fit into the database either, which says so.
    out.extend_from_slice(&i32::try_from(bytes.len()).unwrap_or(i32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

/// What comes after the last row.
pub(super) fn end(out: &mut Vec<u8>) {
    out.extend_from_slice(&(NONE as i16).to_be_bytes());
}

/// Reads rows from a stream.
pub(super) struct Reader<R> {
    from: R,
    /// The values of one row, one after the other.
    row: Vec<u8>,
    /// Where each of them is.
    places: Vec<Option<(usize, usize)>>,
}

impl<R: Read> Reader<R> {
    pub(super) fn new(mut from: R) -> Result<Self> {
        let mut header = [0; 19];
        from.read_exact(&mut header).map_err(of_stream)?;
        if !header.starts_with(SIGNATURE) {
            return Err(unexpected());
        }
        Ok(Self { from, row: Vec::new(), places: Vec::new() })
    }

    /// What comes after the last row: nothing, and the database has nothing to add.
    pub(super) fn finish(mut self) -> Result<()> {
        match self.from.read(&mut [0]).map_err(of_stream)? {
            0 => Ok(()),
            _ => Err(unexpected()),
        }
    }

    fn int<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes).map_err(of_stream)?;
        Ok(bytes)
    }

    /// The next row, which has these columns, or none.
    pub(super) fn next<'a>(&'a mut self, columns: &[Column]) -> Result<Option<Vec<Cell<'a>>>> {
        let count = i16::from_be_bytes(self.int()?);
        if i32::from(count) == NONE {
            return Ok(None);
        }
        if usize::try_from(count) != Ok(columns.len()) {
            return Err(unexpected());
        }
        self.row.clear();
        self.places.clear();
        for _ in columns {
            let length = i32::from_be_bytes(self.int()?);
            let Ok(length) = usize::try_from(length) else {
                self.places.push(None);
                continue;
            };
            let start = self.row.len();
            self.row.resize(start + length, 0);
            self.from.read_exact(self.row.get_mut(start..).unwrap_or_default()).map_err(of_stream)?;
            self.places.push(Some((start, start + length)));
        }
        let row = &self.row;
        let bytes = |place: &Option<(usize, usize)>| place.and_then(|(start, end)| row.get(start..end));
        let cells = columns.iter().zip(&self.places);
        Ok(Some(cells.map(|(column, place)| cell(column.kind, bytes(place))).collect()))
    }
}

fn cell(kind: Kind, bytes: Option<&[u8]>) -> Cell<'_> {
    let Some(bytes) = bytes else { return Cell::Null };
    match kind {
        Kind::Bytes => Cell::Bytes(bytes),
        Kind::Text => match std::str::from_utf8(bytes).map(decode) {
            Ok(Ok(text)) => Cell::Text(text),
            Ok(Err(_)) => Cell::Damaged(NOT_ENCODED),
            Err(_) => Cell::Damaged(NOT_UTF8),
        },
        Kind::Int => {
            bytes.try_into().map_or(Cell::Damaged(WRONG_TYPE), |int| Cell::Int(i64::from_be_bytes(int)))
        }
        Kind::Bool => match bytes {
            [byte] => Cell::Bool(*byte != 0),
            _ => Cell::Damaged(WRONG_TYPE),
        },
    }
}

fn unexpected() -> super::ToolError {
    Error::Corrupt("the database sent rows of another form than was asked for".into()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::tables::TABLES;

    #[test]
    fn rows_come_back_as_written() {
        let log = TABLES.iter().find(|table| table.name == "log_entry").unwrap();
        let rows = [
            vec![
                Cell::Int(i64::MAX),
                Cell::Text("a\0b\u{1}".into()),
                Cell::Text("".into()),
                Cell::Int(-1),
                Cell::Null,
                Cell::Null,
                Cell::Bytes(&[0, 255]),
            ],
            vec![
                Cell::Int(0),
                Cell::Text("\u{10ffff}".into()),
                Cell::Text("s".into()),
                Cell::Int(5),
                Cell::Int(6),
                Cell::Text("t".into()),
                Cell::Bytes(b""),
            ],
        ];
        let mut bytes = Vec::new();
        begin(&mut bytes);
        rows.iter().for_each(|cells| row(&mut bytes, cells));
        end(&mut bytes);
        let mut reader = Reader::new(&bytes[..]).unwrap();
        for row in &rows {
            assert_eq!(reader.next(log.columns).unwrap().as_ref(), Some(row));
        }
        assert_eq!(reader.next(log.columns).unwrap(), None);
        for cut in 0..bytes.len() {
            let short = Reader::new(&bytes[..cut]).and_then(|mut reader| {
                while reader.next(log.columns)?.is_some() {}
                Ok(())
            });
            assert!(short.is_err(), "{cut}");
        }
    }
}
