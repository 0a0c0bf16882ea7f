//! Virtual hosts: the domains served here.

use super::block::block;
use super::kinds::{Block, Over, Setting, Shown};
use serde::Deserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::path::PathBuf;

block! {
    /// One domain and what is allowed on it.
    pub struct VhostSettings {
        /// Whether clients must use TLS before they log in (RFC 7590). PLAIN is never offered without TLS.
        "tls-required" => tls_required: bool = true,
        /// Whether anybody may make an account from a client (XEP-0077). It also takes the plugin
        /// `'jabber:iq:register'`.
        "register" => register: bool = false,
        /// Accounts that the domain may have; 0 is no limit.
        "max-users" => max_users: u32 = 0,
        /// PEM file with the certificate and its chain; null is the one in the certificates folder.
        "certificate" => certificate: Option<PathBuf> = None,
        /// PEM file with the private key; null is the file with the certificate.
        "private-key" => private_key: Option<PathBuf> = None,
    }
    beside {
        /// The domain itself: the name of the block in the file.
        domain: String = String::new(),
    }
}

impl VhostSettings {
    /// A virtual host with default settings.
    pub fn new(domain: impl Into<String>) -> Self {
        Self { domain: domain.into(), ..Self::default() }
    }

    /// Whether the yes-or-no setting with this key in the file is on; `false` for any other key.
    pub fn flag(&self, key: &str) -> bool {
        match key {
            "tls-required" => self.tls_required,
            "register" => self.register,
            _ => false,
        }
    }
}

impl Setting for Vec<VhostSettings> {
    const KIND: &'static str = "block of domains";

    fn read<'de, D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(Vhosts)
    }

    fn show(&self) -> Shown {
        Shown::Named("domain", self.iter().map(|v| (v.domain.clone(), v.describe())).collect())
    }
}

struct Vhosts;

impl<'de> Visitor<'de> for Vhosts {
    type Value = Vec<VhostSettings>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a block with one block for each domain, or a list of domains")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut vhosts = Vec::new();
        while let Some(domain) = map.next_key::<String>()? {
            vhosts.push(map.next_value_seed(Over(VhostSettings::new(domain)))?);
        }
        Ok(vhosts)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut vhosts = Vec::new();
        while let Some(domain) = seq.next_element::<String>()? {
            vhosts.push(VhostSettings::new(domain));
        }
        Ok(vhosts)
    }

    fn visit_str<E: serde::de::Error>(self, domains: &str) -> Result<Self::Value, E> {
        let domains = domains.split(',').map(str::trim).filter(|domain| !domain.is_empty());
        Ok(domains.map(VhostSettings::new).collect())
    }
}
