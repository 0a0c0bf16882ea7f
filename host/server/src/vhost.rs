//! A virtual host and what is set for it.

mod prepare;

pub(crate) use prepare::prepare;

use arc_swap::ArcSwap;
use std::fmt;
use std::sync::Arc;
use waxwing_config::{Settings, VhostSettings, vhost_domain};
use waxwing_storage::Vhost as Stored;
use waxwing_xmpp::Jid;

/// A domain that this server serves. Its settings may change while sessions hold it.
#[derive(Debug)]
pub struct Vhost {
    /// The domain as an address.
    pub jid: Jid,
    /// What the config file says, or the defaults where it is not in the file.
    pub(crate) file: VhostSettings,
    /// Whether the config file has it.
    pub(crate) in_file: bool,
    settings: ArcSwap<VhostSettings>,
    ceilings: Ceilings,
}

/// What the config file says of all domains, and no domain's own settings go beyond.
#[derive(Clone, Copy, Debug)]
struct Ceilings {
    max_users: u32,
    tls_required: bool,
}

impl Vhost {
    /// A virtual host with the settings of the config file, or the default ones. Fails with what is wrong with them.
    pub(crate) fn new(file: &VhostSettings, in_file: bool, all: &Settings) -> Result<Self, String> {
        let jid = vhost_domain(&file.domain)?;
        let mut file = VhostSettings { domain: jid.to_string(), ..file.clone() };
        prepare(&mut file).map_err(|why| format!("{jid}: {why}"))?;
        let ceilings = Ceilings { max_users: all.vhost_max_users, tls_required: all.vhost_tls_required };
        Ok(Self { jid, in_file, settings: ArcSwap::from_pointee(file.clone()), file, ceilings })
    }

    /// The domain.
    pub fn domain(&self) -> &str {
        self.jid.domain()
    }

    /// The settings at this moment.
    pub fn settings(&self) -> Arc<VhostSettings> {
        self.settings.load_full()
    }

    /// One of them.
    pub fn get<T>(&self, pick: impl FnOnce(&VhostSettings) -> T) -> T {
        pick(&self.settings.load())
    }

    /// What the storage keeps of it with these settings: those that differ from what the config file says.
    pub(crate) fn stored(&self, settings: &VhostSettings) -> Stored {
        let differing = VhostSettings::KEYS.iter().filter_map(|key| {
            let text = settings.text(key)?;
            (Some(&text) != self.file.text(key).as_ref()).then(|| (key.to_string(), text))
        });
        Stored { domain: self.domain().to_owned(), enabled: settings.enabled, settings: differing.collect() }
    }

    /// Have these settings from now on.
    pub(crate) fn change(&self, settings: VhostSettings) {
        self.settings.store(Arc::new(settings));
    }

    /// Whether it is served.
    pub fn enabled(&self) -> bool {
        self.get(|settings| settings.enabled)
    }

    /// Whether a client must use TLS before it logs in (RFC 7590).
    pub fn tls_required(&self) -> bool {
        self.ceilings.tls_required || self.get(|settings| settings.tls_required)
    }

    /// Whether strangers may make themselves an account (XEP-0077).
    pub fn register(&self) -> bool {
        self.get(|settings| settings.register)
    }

    /// Whether anybody may log in without an account (XEP-0175).
    pub fn anonymous(&self) -> bool {
        self.get(|settings| settings.anonymous)
    }

    /// How many accounts there may be; 0 for no limit.
    pub fn max_users(&self) -> u64 {
        let limits = [self.ceilings.max_users, self.get(|settings| settings.max_users)];
        limits.into_iter().filter(|limit| *limit > 0).min().unwrap_or(0).into()
    }
}

impl fmt::Display for Vhost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.jid)?;
        if !self.enabled() {
            f.write_str(" (disabled)")?;
        }
        Ok(())
    }
}
