//! Numbers for marks, so that the marks of a session are one 64-bit word.

use crate::error::Reason;

/// Hands out numbers while plugins are loaded.
#[derive(Debug, Default)]
pub(crate) struct Allocator {
    next: u8,
}

/// The marks of one plugin. A plugin never sees another's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    first: u8,
    names: Vec<Box<str>>,
}

impl Allocator {
    /// Numbers for the marks of one plugin.
    pub fn allocate(&mut self, names: &[String]) -> Result<Marks, Reason> {
        let mut marks = Marks { first: self.next, names: Vec::new() };
        for name in names {
            if marks.number(name).is_none() {
                marks.names.push(name.as_str().into());
            }
        }
        if marks.names.len() > usize::from(64 - self.next) {
            return Err(Reason::TooManyMarks);
        }
        self.next += marks.names.len() as u8;
        Ok(marks)
    }
}

impl Marks {
    /// Those of a plugin that has none.
    pub const NONE: Marks = Marks { first: 0, names: Vec::new() };

    /// The number of a mark.
    pub fn number(&self, name: &str) -> Option<u8> {
        self.numbered().find(|(_, known)| *known == name).map(|(number, _)| number)
    }

    /// The names of those set in a session's word.
    pub fn names(&self, word: u64) -> Vec<String> {
        self.numbered().filter(|(number, _)| word & 1 << number != 0).map(|(_, name)| name.into()).collect()
    }

    fn numbered(&self) -> impl Iterator<Item = (u8, &str)> {
        (self.first..).zip(self.names.iter().map(|name| &**name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names<const N: usize>(names: [&str; N]) -> Vec<String> {
        names.map(String::from).into()
    }

    #[test]
    fn two_plugins_share_the_word_but_no_bit() {
        let mut allocator = Allocator::default();
        let one = allocator.allocate(&names(["enabled", "enabled", "other"])).unwrap();
        let two = allocator.allocate(&names(["enabled"])).unwrap();
        assert_eq!((one.number("enabled"), one.number("other")), (Some(0), Some(1)));
        assert_eq!((two.number("enabled"), two.number("other")), (Some(2), None));
        assert_eq!(two.names(0b111), ["enabled"]);
        assert_eq!(one.names(0b110), ["other"]);
    }

    #[test]
    fn there_are_64() {
        let all: Vec<String> = (0..64).map(|n| n.to_string()).collect();
        let mut allocator = Allocator::default();
        let marks = allocator.allocate(&all).unwrap();
        assert_eq!(marks.names(u64::MAX).len(), 64);
        assert_eq!(marks.number("63"), Some(63));
        assert!(matches!(allocator.allocate(&names(["more"])), Err(Reason::TooManyMarks)));
        assert!(allocator.allocate(&[]).is_ok());
    }
}
