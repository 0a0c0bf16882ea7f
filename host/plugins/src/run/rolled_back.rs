//! What is remembered of a version that failed in its first calls and was taken back.

use crate::common::failure::Failure;
use serde::{Deserialize, Serialize};

/// Characters of the reason that are kept.
const REASON: usize = 300;

/// A version that failed in its first calls, so that the one before it has taken over again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolledBack {
    /// Its version, as it said itself.
    pub version: String,
    /// The SHA-256 of its component.
    pub sha256: [u8; 32],
    /// How its last call has failed, in a line.
    pub why: String,
    /// When that was, in milliseconds since the Unix epoch.
    pub at: u64,
}

impl RolledBack {
    pub(crate) fn new(version: &str, sha256: [u8; 32], failure: &Failure, at: u64) -> RolledBack {
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        RolledBack {
            version: version.to_owned(),
            sha256,
            why: failure.to_string().chars().take(REASON).map(plain).collect(),
            at,
        }
    }
}
