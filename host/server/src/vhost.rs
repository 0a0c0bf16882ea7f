//! A virtual host and what is set for it.

use std::fmt;
use waxwing_config::VhostSettings;
use waxwing_storage::Vhost as Stored;
use waxwing_xmpp::Jid;

/// A domain that this server serves.
#[derive(Clone, Debug, PartialEq)]
pub struct Vhost {
    /// The domain as an address.
    pub jid: Jid,
    /// Whether clients may log in.
    pub enabled: bool,
    settings: VhostSettings,
}

impl Vhost {
    /// A virtual host of the config file. Fails with what is wrong with its name.
    pub(crate) fn from_settings(settings: &VhostSettings) -> Result<Self, String> {
        Ok(Self { jid: domain_jid(&settings.domain)?, enabled: true, settings: settings.clone() })
    }

    /// A virtual host that was added at run time.
    pub(crate) fn from_stored(stored: &Stored) -> Result<Self, String> {
        let settings = VhostSettings::new(stored.domain.as_str());
        Ok(Self { jid: domain_jid(&stored.domain)?, enabled: stored.enabled, settings })
    }

    /// The domain.
    pub fn domain(&self) -> &str {
        self.jid.domain()
    }

    /// Whether a client must use TLS before it logs in (RFC 7590).
    pub fn tls_required(&self) -> bool {
        self.settings.tls_required
    }

    /// Whether strangers may make themselves an account (XEP-0077).
    pub fn register(&self) -> bool {
        self.settings.register
    }

    /// How many accounts there may be; 0 for no limit.
    pub fn max_users(&self) -> u64 {
        u64::from(self.settings.max_users)
    }

    /// A setting that plugins may ask for by its key in the config file, as text.
    pub(crate) fn setting(&self, key: &str) -> Option<String> {
        match key {
            "tls-required" | "register" => Some(self.settings.flag(key).to_string()),
            "max-users" => Some(self.settings.max_users.to_string()),
            _ => None,
        }
    }
}

impl fmt::Display for Vhost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.jid)?;
        if !self.enabled {
            f.write_str(" (disabled)")?;
        }
        Ok(())
    }
}

/// The address of a domain.
pub(crate) fn domain_jid(domain: &str) -> Result<Jid, String> {
    match Jid::parse(domain) {
        Ok(jid) if jid.is_domain() => Ok(jid),
        Ok(_) => Err(format!("'{domain}' is an address, not a domain")),
        Err(why) => Err(format!("'{domain}' is no domain: {why}")),
    }
}
