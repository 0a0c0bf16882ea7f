//! The process that the server runs in, which administrators may stop (XEP-0133, sections 4.30 and 4.31).

use std::time::Duration;
pub use waxwing_plugins::AfterStop;

/// Stops the server, and starts it again if that is wanted.
pub trait ProcessControl: Send + Sync + 'static {
    /// Stop the server in good order after a delay. A later call takes the place of an earlier one.
    ///
    /// # Errors
    /// A sentence for a person: why the server would not start again.
    fn stop(&self, then: AfterStop, delay: Duration) -> Result<(), String>;
}
