//! Counters of the network side, since the start.

use std::sync::atomic::AtomicU64;

/// What has happened at the listeners and on the streams.
#[derive(Debug, Default)]
pub struct Stats {
    /// Connections accepted.
    pub accepted: AtomicU64,
    /// Connections refused because there are as many as the settings, and the limit of
    /// open files, allow.
    pub refused_total: AtomicU64,
    /// Connections refused because their address has too many.
    pub refused_address: AtomicU64,
    /// Connections that could not be accepted: the system gave no more file descriptors, say.
    pub refused_system: AtomicU64,
    /// TLS handshakes that failed.
    pub failed_handshakes: AtomicU64,
    /// Failed logins, for any reason.
    pub failed_logins: AtomicU64,
    /// Logins not even tried, because their address has failed too often.
    pub blocked_logins: AtomicU64,
    /// Requests before login that were one too many for their stream or their address.
    pub refused_requests: AtomicU64,
    /// Successful logins.
    pub logins: AtomicU64,
    /// Streams closed with a stream error by this side.
    pub stream_errors: AtomicU64,
}
