//! Numbers for marks, so that the marks of a session are one 64-bit word.

use crate::declare::error::Reason;

/// Hands out numbers. A mark of a plugin keeps its number for as long as the server runs, so that what
/// sessions carry still means the same to the next version.
#[derive(Debug, Default)]
pub(crate) struct Allocator {
    given: Vec<(Box<str>, Box<str>)>,
}

/// The marks of one plugin, each with its number. A plugin never sees another's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks(Vec<(Box<str>, u8)>);

impl Allocator {
    /// Numbers for the marks of one plugin.
    pub fn allocate(&mut self, plugin: &str, names: &[String]) -> Result<Marks, Reason> {
        let mut given = self.given.clone();
        let mut marks = Marks::NONE;
        for name in names {
            let known = given.iter().position(|(of, mark)| **of == *plugin && **mark == **name);
            let number = known.unwrap_or_else(|| {
                given.push((plugin.into(), name.as_str().into()));
                given.len() - 1
            });
            if number >= 64 {
                return Err(Reason::TooManyMarks);
            }
            if marks.number(name).is_none() {
                marks.0.push((name.as_str().into(), number as u8));
            }
        }
        self.given = given;
        Ok(marks)
    }
}

impl Marks {
    /// Those of a plugin that has none.
    pub const NONE: Marks = Marks(Vec::new());

    /// The number of a mark.
    pub fn number(&self, name: &str) -> Option<u8> {
        self.0.iter().find(|(known, _)| **known == *name).map(|(_, number)| *number)
    }

    /// The names of those set in a session's word.
    pub fn names(&self, word: u64) -> Vec<String> {
        self.0.iter().filter(|(_, number)| word & 1 << number != 0).map(|(name, _)| (**name).into()).collect()
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
        let one = allocator.allocate("one", &names(["enabled", "enabled", "other"])).unwrap();
        let two = allocator.allocate("two", &names(["enabled"])).unwrap();
        assert_eq!((one.number("enabled"), one.number("other")), (Some(0), Some(1)));
        assert_eq!((two.number("enabled"), two.number("other")), (Some(2), None));
        let next_version = allocator.allocate("one", &names(["other"])).unwrap();
        assert_eq!(next_version.number("other"), Some(1));
        assert_eq!(two.names(0b111), ["enabled"]);
        assert_eq!(one.names(0b110), ["other"]);
    }

    #[test]
    fn there_are_64() {
        let all: Vec<String> = (0..64).map(|n| n.to_string()).collect();
        let mut allocator = Allocator::default();
        let marks = allocator.allocate("one", &all).unwrap();
        assert_eq!(marks.names(u64::MAX).len(), 64);
        assert_eq!(marks.number("63"), Some(63));
        assert!(matches!(allocator.allocate("two", &names(["more"])), Err(Reason::TooManyMarks)));
        assert!(allocator.allocate("two", &[]).is_ok());
    }
}
