//! When to say in the log that the storage is in trouble, and that it is over.

use std::time::{Duration, Instant};

/// How long the same trouble is not mentioned again. On a full disk a small write may still succeed between two large
/// ones that fail, and each would be the end of the trouble and its beginning.
const QUIET: Duration = Duration::from_secs(60);

/// The trouble that there is, and the last that was mentioned.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    present: Option<String>,
    /// Whether the present one has been mentioned.
    mentioned: bool,
    last: Option<(String, Instant)>,
}

impl Trouble {
    /// There is trouble. Whether it is to be mentioned.
    pub(crate) fn is_news(&mut self, why: &str, now: Instant) -> bool {
        if self.present.as_deref() != Some(why) {
            self.present = Some(why.to_owned());
            self.mentioned = false;
        }
        let recent =
            self.last.as_ref().is_some_and(|(last, at)| last == why && now.duration_since(*at) < QUIET);
        if self.mentioned || recent {
            return false;
        }
        self.mentioned = true;
        self.last = Some((why.to_owned(), now));
        true
    }

    /// There is none. Whether the end of one is to be mentioned, as its beginning was.
    pub(crate) fn is_over(&mut self) -> bool {
        self.present.take().is_some() && std::mem::take(&mut self.mentioned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_mentioned_when_it_begins_and_when_it_ends() {
        let (mut trouble, now) = (Trouble::default(), Instant::now());
        assert!(!trouble.is_over());
        assert!(trouble.is_news("full", now) && !trouble.is_news("full", now));
        assert!(trouble.is_news("read-only", now));
        assert!(trouble.is_over() && !trouble.is_over());
    }

    #[test]
    fn what_comes_and_goes_is_mentioned_once_a_minute() {
        let (mut trouble, start) = (Trouble::default(), Instant::now());
        let mut mentioned = 0;
        for second in 0..120 {
            let now = start + Duration::from_secs(second);
            mentioned += usize::from(trouble.is_news("full", now)) + usize::from(trouble.is_over());
        }
        assert_eq!(mentioned, 4);
        // Also where it stays: it is not forgotten for having begun in between.
        assert!(!trouble.is_news("full", start + Duration::from_secs(119)));
        assert!(trouble.is_news("full", start + Duration::from_secs(125)));
    }
}
