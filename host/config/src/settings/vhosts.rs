//! Virtual hosts: the domains served here.

use super::block::block;
use super::kinds::{Block, Over, Setting, Shown, quote};
use super::vhost_text::VhostText;
use serde::Deserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::path::PathBuf;

block! {
    /// One domain and what is allowed on it.
    pub struct VhostSettings {
        /// Whether it is served: clients log in and others reach it.
        "enabled" => enabled: bool = true,
        /// Whether clients must use TLS before they log in (RFC 7590). PLAIN is never offered without TLS.
        "tls-required" => tls_required: bool = true,
        /// Whether anybody may make an account from a client (XEP-0077). It also takes the plugin
        /// `'jabber:iq:register'`.
        "register" => register: bool = false,
        /// Whether anybody may log in without an account (XEP-0175), under a name that lasts as long as the
        /// session does.
        "anonymous" => anonymous: bool = false,
        /// Accounts that the domain may have; 0 is no limit.
        "max-users" => max_users: u32 = 0,
        /// SASL mechanisms that clients may log in with, such as `[ 'SCRAM-SHA-256', 'PLAIN' ]`; none listed
        /// is all of them.
        "sasl-mechanisms" => sasl_mechanisms: Vec<String> = Vec::new(),
        /// Ports that clients may come in through; none listed is all of them.
        "c2s-ports" => c2s_ports: Vec<u16> = Vec::new(),
        /// Whether clients must show a certificate of their own in the TLS handshake: `'none'`, `'optional'`
        /// (one that is shown must be valid) or `'required'`.
        "client-certificate" => client_certificate: ClientCertificate = ClientCertificate::None,
        /// The certificates, in PEM, of those who may issue certificates of clients.
        "client-ca" => client_ca: String = String::new(),
        /// Whom its users may exchange stanzas with: `'all'`, `'local'` (domains of this server), `'own'` (the
        /// domain and names below it), `'list'` (what 'domain-filter-domains' lists), `'blacklist'` (all others)
        /// or `'block'` (nobody but themselves).
        "domain-filter" => domain_filter: DomainFilter = DomainFilter::All,
        /// The domains of 'domain-filter'.
        "domain-filter-domains" => domain_filter_domains: Vec<String> = Vec::new(),
        /// Where every change of its users' presence is told of, too: the full JID of a bot, or a component. It
        /// takes the plugin `'presence-forward'`.
        "presence-forward" => presence_forward: Option<String> = None,
        /// Where a copy of its users' messages goes. It takes the plugin `'message-forward'`.
        "message-forward" => message_forward: Option<String> = None,
        /// Who it belongs to, a bare JID: may change everything about it.
        "owner" => owner: Option<String> = None,
        /// Who may manage its users, as bare JIDs.
        "admins" => admins: Vec<String> = Vec::new(),
        /// Plugins that do not run on it.
        "without-plugins" => without_plugins: Vec<String> = Vec::new(),
        /// For the administrators to read.
        "comment" => comment: String = String::new(),
        /// For plugins to read, whatever they make of it.
        "other" => other: String = String::new(),
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
}

/// Whether clients show certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "as documented in the setting")]
pub enum ClientCertificate {
    None,
    Optional,
    Required,
}

/// Whom the users of a virtual host may exchange stanzas with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "as documented in the setting")]
pub enum DomainFilter {
    All,
    Local,
    Own,
    List,
    Blacklist,
    Block,
}

macro_rules! words {
    ($ty:ty, $kind:literal, $($word:literal => $variant:ident),*) => {
        impl VhostText for $ty {
            fn text(&self) -> String {
                match self { $( Self::$variant => $word, )* }.to_owned()
            }

            fn from_text(text: &str) -> Result<Self, String> {
                match text.to_ascii_lowercase().as_str() {
                    $( $word => Ok(Self::$variant), )*
                    _ => Err(concat!("must be ", $kind).to_owned()),
                }
            }
        }

        impl Setting for $ty {
            const KIND: &'static str = $kind;

            fn read<'de, D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                let text: String = serde::Deserialize::deserialize(input)?;
                Self::from_text(&text).map_err(serde::de::Error::custom)
            }

            fn show(&self) -> Shown {
                Shown::Value { kind: Self::KIND, text: quote(&self.text()) }
            }
        }
    };
}

words!(ClientCertificate, "'none', 'optional' or 'required'",
    "none" => None, "optional" => Optional, "required" => Required);
words!(DomainFilter, "'all', 'local', 'own', 'list', 'blacklist' or 'block'",
    "all" => All, "local" => Local, "own" => Own, "list" => List, "blacklist" => Blacklist, "block" => Block);

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
