//! Deleting log values that have expired, a few at a time, so that nobody waits for long behind it.

use std::time::Duration;

/// Values deleted in one go, at most.
pub(crate) const MOST: u32 = 500;
/// After a start.
pub(crate) const FIRST: Duration = AGAIN;
/// Between looks.
pub(crate) const EVERY: Duration = Duration::from_secs(10);
/// The same while there is more to delete.
const AGAIN: Duration = Duration::from_millis(100);

/// When to look next, after so many were deleted.
pub(crate) fn pause(deleted: u64) -> Duration {
    if deleted >= u64::from(MOST) { AGAIN } else { EVERY }
}
