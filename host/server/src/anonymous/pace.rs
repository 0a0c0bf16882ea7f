//! How fast somebody may send stanzas.

use std::time::Duration;
use tokio::time::Instant;

/// The time whose stanzas may come at once.
const AHEAD: Duration = Duration::from_secs(10);

/// When stanzas may come, on average.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When the next one would be due, had all come evenly.
    due: Option<Instant>,
}

impl Pace {
    /// Count one more stanza, of so many a second; 0 is no limit. Until when it has to wait, if it has.
    pub fn next(&mut self, rate: u32, now: Instant) -> Option<Instant> {
        let each = Duration::from_secs(1).checked_div(rate)?;
        let due = self.due.map_or(now, |due| due.max(now)) + each;
        self.due = Some(due);
        let until = due.checked_sub(AHEAD).unwrap_or(now);
        (until > now).then_some(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_at_once_and_then_evenly() {
        let (mut pace, now) = (Pace::default(), Instant::now() + Duration::from_secs(1000));
        let after = |ms| now + Duration::from_millis(ms);
        assert!((0..20).all(|_| pace.next(2, now).is_none()));
        assert_eq!(pace.next(2, now), Some(after(500)));
        assert_eq!(pace.next(2, after(500)), Some(after(1000)));
        // Whoever is quiet for a while may hurry again.
        assert!((0..20).all(|_| pace.next(2, after(60_000)).is_none()));
        assert!(pace.next(2, after(60_000)).is_some());
        assert!((0..1000).all(|_| Pace::default().next(0, now).is_none()));
    }
}
