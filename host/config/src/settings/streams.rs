//! What clients may ask of their stream once they have logged in.

use super::block::block;
use std::time::Duration;

block! {
    /// Acknowledged and resumed streams (XEP-0198). A client that asks for it loses nothing when its
    /// connection breaks.
    pub struct StreamManagement {
        /// Whether it is offered.
        "enabled" => enabled: bool = true,
        /// How long a session outlives a broken connection, available to others as before. A client may
        /// ask for less. Zero: sessions are acknowledged but never resumed.
        "resume-timeout" => resume_timeout: Duration = Duration::from_secs(5 * 60),
        /// Stanzas that one session may have been sent without having acknowledged them. Beyond it the
        /// rest waits in the queue that `'outgoing-bytes'` limits.
        "unacknowledged-stanzas" => unacknowledged_stanzas: u32 = 1000,
        /// The same in bytes.
        "unacknowledged-bytes" => unacknowledged_bytes: usize = 1024 * 1024,
        /// Stanzas after which the client is asked to acknowledge while more are being written. When
        /// nothing more is to be written it is asked in any case.
        "request-after" => request_after: u32 = 20,
        /// Where clients should connect to resume, as `'host:port'`; null is where they connect anyway.
        "location" => location: Option<String> = None,
    }
}

block! {
    /// Clients that say when nobody looks at them (XEP-0352). Until somebody does, they get the latest
    /// presence of each contact only once something else comes, and no chat states without a message.
    pub struct ClientState {
        /// Whether it is offered.
        "enabled" => enabled: bool = true,
        /// Presences that are held back for one client; one more has all of them sent.
        "presences" => presences: u32 = 500,
        /// The same in bytes.
        "presence-bytes" => presence_bytes: usize = 128 * 1024,
    }
}
