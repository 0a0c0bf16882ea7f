//! The mechanisms by name, and the channel bindings that some of them use.

use ring::{digest, hmac, pbkdf2};

/// The hash functions that SCRAM is used with here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hash {
    /// SHA-1 (RFC 5802).
    Sha1,
    /// SHA-256 (RFC 7677).
    Sha256,
}

impl Hash {
    pub(super) fn digest(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
        }
    }

    pub(super) fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
        }
    }

    pub(super) fn pbkdf2(self) -> pbkdf2::Algorithm {
        match self {
            Self::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
        }
    }
}

/// What a client can log in with, strongest first: RFC 7677, RFC 5802, RFC 4616, RFC 4505.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// SCRAM with SHA-256, bound to the TLS channel.
    ScramSha256Plus,
    /// SCRAM with SHA-1, bound to the TLS channel.
    ScramSha1Plus,
    /// SCRAM with SHA-256.
    ScramSha256,
    /// SCRAM with SHA-1.
    ScramSha1,
    /// The password itself.
    Plain,
    /// Nothing: whoever uses it has no account.
    Anonymous,
}

impl Mechanism {
    /// All of them, in the order of preference in which they are offered.
    pub const ALL: [Self; 6] = [
        Self::ScramSha256Plus,
        Self::ScramSha1Plus,
        Self::ScramSha256,
        Self::ScramSha1,
        Self::Plain,
        Self::Anonymous,
    ];

    /// The registered name.
    pub fn name(self) -> &'static str {
        match self {
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Self::ScramSha1Plus => "SCRAM-SHA-1-PLUS",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha1 => "SCRAM-SHA-1",
            Self::Plain => "PLAIN",
            Self::Anonymous => "ANONYMOUS",
        }
    }

    /// The mechanism of that registered name, if it is one of these.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name() == name)
    }

    /// Whether it is bound to the TLS channel that carries it.
    pub fn is_plus(self) -> bool {
        matches!(self, Self::ScramSha256Plus | Self::ScramSha1Plus)
    }

    /// The hash of a SCRAM mechanism; others have none.
    pub fn hash(self) -> Option<Hash> {
        match self {
            Self::ScramSha256Plus | Self::ScramSha256 => Some(Hash::Sha256),
            Self::ScramSha1Plus | Self::ScramSha1 => Some(Hash::Sha1),
            Self::Plain | Self::Anonymous => None,
        }
    }
}

/// What identifies the TLS channel of a stream, by binding type; empty where there is no TLS.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ChannelBinding {
    /// `tls-exporter` (RFC 9266).
    pub exporter: Option<Vec<u8>>,
    /// `tls-server-end-point` (RFC 5929, section 4).
    pub end_point: Option<Vec<u8>>,
}

impl ChannelBinding {
    const EXPORTER: &str = "tls-exporter";
    const END_POINT: &str = "tls-server-end-point";

    /// The names of the binding types that can be used, to be advertised (XEP-0440).
    pub fn types(&self) -> impl Iterator<Item = &'static str> {
        [(Self::EXPORTER, &self.exporter), (Self::END_POINT, &self.end_point)]
            .into_iter()
            .filter_map(|(name, data)| data.as_ref().map(|_| name))
    }

    /// Whether there is any, so that PLUS mechanisms can be offered.
    pub fn is_available(&self) -> bool {
        self.exporter.is_some() || self.end_point.is_some()
    }

    /// The data of the binding type of that name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        match name {
            Self::EXPORTER => self.exporter.as_deref(),
            Self::END_POINT => self.end_point.as_deref(),
            _ => None,
        }
    }
}

impl std::fmt::Debug for ChannelBinding {
    /// The types alone: the exporter's value is a secret of the connection.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.types()).finish()
    }
}
