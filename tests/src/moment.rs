//! Times as stanzas write them, and what happens at one.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long something may take that must come to be: far more than it does on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// So many seconds from now in UTC, as XEP-0082 writes it.
pub fn in_seconds(seconds: u64) -> String {
    let then = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock that is right")
        + Duration::from_secs(seconds);
    utc(then.as_secs())
}

/// Asks again and again until something is so that nobody is told of. Each time should take a question to the
/// server.
#[track_caller]
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it has not come to be that {what}");
    }
}

/// Seconds since the Unix epoch.
fn utc(seconds: u64) -> String {
    let (mut days, clock) = (seconds / 86_400, seconds % 86_400);
    let leap = |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (day, hour, minute, second) = (days + 1, clock / 3600, clock / 60 % 60, clock % 60);
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::utc;

    #[test]
    fn dates() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(seconds), text);
        }
    }
}
