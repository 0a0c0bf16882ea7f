//! The settings. A field's path in the file is its path here, with the file's key in its declaration.

mod addresses;
mod block;
mod c2s;
mod grants;
pub(crate) mod kinds;
mod limits;
mod plugin_block;
mod plugins;
mod reference;
mod streams;
#[cfg(test)]
mod tests;
mod validate;
mod vhost_text;
mod vhosts;

pub use addresses::vhost_domain;
pub use c2s::{C2s, Port, Socket};
pub use grants::{OnFailure, PluginGrants};
pub use kinds::Secret;
pub use limits::Limits;
pub use plugins::{Plugin, PluginValues, PluginsSettings};
pub use streams::{ClientState, StreamManagement};
pub use validate::Invalid;
pub use vhosts::{ClientCertificate, DomainFilter, VhostSettings};

use crate::Error;
use crate::tdsl::Document;
use block::block;
use kinds::read_block;
use serde::de::{Error as _, MapAccess};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

block! {
    /// Everything that can be set in `etc/config.tdsl`.
    ///
    /// Relative paths start from the folder that the server is started in. In the lists of fields, `usize`
    /// is a size in bytes and `u32` a count.
    pub struct Settings {
        /// The domain served here, or a list of domains, by name: the first is the default one. Domains that need
        /// settings of their own go into `'virtual-hosts'`, listed here or not.
        "default-virtual-host" => default_virtual_host: Vec<String> = vec!["localhost".to_owned()],
        /// Addresses (bare JIDs) of those who administer the server; if none is listed, `admin` on the default
        /// virtual host.
        "admins" => admins: Vec<String> = vec!["admin@localhost".to_owned()],
        /// Domains with settings of their own, each a block named after the domain; a list of domains
        /// will do where the defaults are right.
        "virtual-hosts" => vhosts: Vec<VhostSettings> = vec![VhostSettings::new("localhost")],
        /// Accounts that any domain may have, whatever its own `max-users` says; 0 is no limit.
        "vhost-max-users" => vhost_max_users: u32 = 0,
        /// Whether clients must use TLS on every domain, whatever its own `tls-required` says.
        "vhost-tls-required" => vhost_tls_required: bool = false,
        /// Whether users may change their passwords without TLS from other machines, on domains that do not require it.
        "passwords-without-tls" => passwords_without_tls: bool = false,
        /// Settings of domains that only administrators of the server change by command, and not their owners.
        "vhost-reserved" => vhost_reserved: Vec<String> = vec!["max-users".to_owned(), "without-plugins".to_owned()],
        /// Client connections.
        "c2s" => c2s: C2s = C2s::default(),
        /// Where accounts, rosters and messages are kept.
        "dataSource" => data_source: DataSource = DataSource::default(),
        /// Folder with the certificates: for each domain `DOMAIN.pem` with the private key, the certificate and
        /// its chain, or, as ACME clients write them, `DOMAIN/fullchain.pem` and `DOMAIN/privkey.pem`. A domain
        /// without gets a self-signed certificate.
        "certificates" => certificates: PathBuf = "etc/certs".into(),
        /// Folder for what the server keeps beside the database.
        "data-folder" => data_folder: PathBuf = "data".into(),
        /// Rounds of hashing that protect a stored password (SCRAM, RFC 7677: at least 4096). It applies
        /// to passwords set from now on. Each login costs the client as many rounds.
        "scram-iterations" => scram_iterations: u32 = 10_000,
        /// What to log: `error`, `warn`, `info`, `debug` or `trace`, or by part of the server:
        /// `'info,waxwing_net=debug'`.
        "log" => log: String = "info".to_owned(),
        /// Limits that keep one client, or one address, from spoiling the server for the others.
        "limits" => limits: Limits = Limits::default(),
        /// Acknowledged and resumed streams (XEP-0198).
        "stream-management" => stream_management: StreamManagement = StreamManagement::default(),
        /// Clients that say when nobody looks at them (XEP-0352).
        "client-state" => client_state: ClientState = ClientState::default(),
        /// The session manager's plugins. A plugin runs because it is listed here; without its line the
        /// feature is gone.
        "sess-man" => plugins: PluginsSettings = PluginsSettings::default(),
    }
    beside {
        /// Settings of plugins that the file has beside `'sess-man'`, in a block named after each.
        beside: Vec<Plugin> = Vec::new(),
    }
    others read_beside;
}

/// Top-level keys of Tigase that have no meaning here: whoever pastes one should not take it for a typing error.
const TIGASE: [&str; 24] = [
    "authRepository",
    "bosh",
    "cl-comp",
    "cluster-mode",
    "cluster-nodes",
    "cm-ht-traffic-throttling",
    "cm-traffic-throttling",
    "config-type",
    "debug",
    "debug-packages",
    "ext",
    "http",
    "installation-id",
    "logging",
    "message-archive",
    "muc",
    "pubsub",
    "s2s",
    "trusted",
    "userRepository",
    "watchdog-delay",
    "watchdog-ping-type",
    "watchdog-timeout",
    "ws2s",
];

fn read_beside<'de, A: MapAccess<'de>>(
    settings: &mut Settings,
    key: &str,
    map: &mut A,
) -> Result<bool, A::Error> {
    match TIGASE.contains(&key) {
        true => Err(A::Error::custom(format_args!(
            "'{key}' is a setting of Tigase that this version of Waxwing does not have"
        ))),
        false => plugin_block::read_beside(&mut settings.beside, key, map),
    }
}

block! {
    /// Where data is kept.
    pub struct DataSource in "default" {
        /// `sqlite:` and the path of the database file, which is made if it is not there; or
        /// `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`, whose parts may be missing, also as
        /// `jdbc:postgresql://HOST/DATABASE?user=USER&password=PASSWORD`.
        "uri" => uri: String = "sqlite:data/waxwing.db".to_owned(),
        /// PostgreSQL: the host, or the folder of its Unix socket. This and the next six come before what `uri` says.
        "host" => host: Option<String> = None,
        /// PostgreSQL: the port.
        "port" => port: Option<u16> = None,
        /// PostgreSQL: the name of the database.
        "database" => database: Option<String> = None,
        /// PostgreSQL: the role that owns the tables.
        "user" => user: Option<String> = None,
        /// PostgreSQL: its password, such as `env('DB_PASSWORD')`.
        "password" => password: Option<Secret> = None,
        /// PostgreSQL: TLS, by the names of libpq: `disable`, `prefer`, `require`, `verify-ca`, `verify-full`.
        "sslmode" => sslmode: Option<String> = None,
        /// PostgreSQL: a PEM file of the certificate authorities to trust.
        "sslrootcert" => sslrootcert: Option<String> = None,
        /// PostgreSQL: connections that read. One more writes.
        "pool-size" => pool_size: u32 = 8,
        /// PostgreSQL: how long it may take over one statement, and how long reads and writes wait for their turn.
        "statement-timeout" => statement_timeout: Duration = Duration::from_secs(10),
        /// PostgreSQL: how long it may take until a connection is open.
        "connect-timeout" => connect_timeout: Duration = Duration::from_secs(5),
    }
}

impl Settings {
    /// Reads the settings from a file and checks them.
    ///
    /// `props` holds what `prop('name')` in the file stands for.
    pub fn load(path: &Path, props: &BTreeMap<String, String>) -> Result<Self, Error> {
        let text =
            std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        Self::parse(&text, &path.to_string_lossy(), props)
    }

    /// Reads the settings from text; `file_name` is what errors call it.
    pub fn parse(text: &str, file_name: &str, props: &BTreeMap<String, String>) -> Result<Self, Error> {
        let document = Document::parse(text, file_name, props)?;
        let none = Vec::new;
        let start =
            Self { default_virtual_host: none(), admins: none(), vhosts: Vec::new(), ..Self::default() };
        let mut settings = document.read(|input| read_block(input, start))?;
        let default_given = !settings.default_virtual_host.is_empty();
        settings
            .prepare_addresses()
            .map_err(|Invalid { path, message }| document.error_at(&path, message))?;
        settings.complete();
        settings.validate().map_err(|Invalid { mut path, message }| {
            if !default_given && path == ["default-virtual-host"] {
                path = vec!["virtual-hosts".to_owned(), settings.domain().to_owned()];
            }
            document.error_at(&path, message)
        })?;
        Ok(settings)
    }

    /// The default virtual host's domain.
    pub fn domain(&self) -> &str {
        self.vhosts.first().map_or("localhost", |vhost| &vhost.domain)
    }

    /// The virtual host of this domain, which is prepared.
    pub fn vhost(&self, domain: &str) -> Option<&VhostSettings> {
        self.vhosts.iter().find(|vhost| vhost.domain == domain)
    }

    /// Makes what may stand in two places say the same in both: `default_virtual_host` and `vhosts`, the default
    /// one first, and the settings of plugins.
    fn complete(&mut self) {
        self.plugins.complete(&self.beside);
        if self.default_virtual_host.is_empty() {
            self.default_virtual_host = match self.vhosts.first() {
                Some(first) => vec![first.domain.clone()],
                None => Self::default().default_virtual_host,
            };
        }
        for domain in self.default_virtual_host.iter().rev() {
            let vhost = match self.vhosts.iter().position(|vhost| vhost.domain == *domain) {
                Some(at) => self.vhosts.remove(at),
                None => VhostSettings::new(domain),
            };
            self.vhosts.insert(0, vhost);
        }
        if self.admins.is_empty() {
            self.admins.push(format!("admin@{}", self.domain()));
        }
    }
}
