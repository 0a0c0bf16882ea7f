//! The clock that plugins see.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// The system's clock, or one that is ahead of it.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    /// Milliseconds.
    ahead: AtomicU64,
}

impl Clock {
    /// Milliseconds since the Unix epoch.
    pub fn now(&self) -> u64 {
        let system = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let system = system.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
        system.saturating_add(self.ahead.load(Ordering::Relaxed))
    }

    /// Put it forward.
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        let add = |ahead: u64| Some(ahead.saturating_add(by));
        // It is never refused.
        let _ = self.ahead.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_only_goes_forward() {
        let clock = Clock::default();
        let before = clock.now();
        clock.advance(Duration::from_secs(3600));
        let after = clock.now();
        assert!(after >= before + 3_600_000 && after < before + 3_700_000);
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), u64::MAX);
    }
}
