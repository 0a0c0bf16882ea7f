//! Where a PostgreSQL database is and how to connect to it: the URIs of libpq and of JDBC.

use super::PostgresError;
use super::tls::{Connector, Trust, connector};
use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

/// Where Debian's PostgreSQL has its socket, for an address that names no host.
const SOCKET_FOLDER: &str = "/var/run/postgresql";
/// Parameters of JDBC URIs that mean nothing here, and are found in many.
const MEANINGLESS: [&str; 4] = ["useUnicode", "characterEncoding", "autoReconnect", "autoCreateUser"];

/// The address of a database, and of the role that uses it with its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// By the names of libpq.
    parts: BTreeMap<String, String>,
    encryption: SslMode,
    trust: Trust,
    ca: Option<PathBuf>,
}

impl Address {
    /// From `postgresql://USER:PASSWORD@HOST:PORT/DATABASE?NAME=VALUE`, or the same after `jdbc:`. All parts may be
    /// missing. A host that begins with a slash is the folder of a Unix socket: `?host=/run/postgresql`.
    ///
    /// # Errors
    /// A sentence about what is wrong with it, without the password.
    pub fn parse(uri: &str) -> Result<Self, PostgresError> {
        let plain = uri.strip_prefix("jdbc:").unwrap_or(uri);
        let rest = plain.strip_prefix("postgresql:").or_else(|| plain.strip_prefix("postgres:"));
        let rest = rest.ok_or_else(|| {
            PostgresError::Address("it begins with neither 'postgresql:' nor 'jdbc:postgresql:'".into())
        })?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        // JDBC has `jdbc:postgresql:DATABASE`, too.
        let (authority, database) = match place.strip_prefix("//") {
            Some(place) => place.split_once('/').unwrap_or((place, "")),
            None => ("", place),
        };
        let (who, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = who.split_once(':').unwrap_or((who, ""));
        let (host, port) = match host.rsplit_once(':') {
            // The colons of an IPv6 address are inside brackets.
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (host, ""),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let mut address =
            Self { parts: BTreeMap::new(), encryption: SslMode::Prefer, trust: Trust::default(), ca: None };
        let parts =
            [("host", host), ("port", port), ("dbname", database), ("user", user), ("password", password)];
        let given = query.split('&').map(|given| given.split_once('=').unwrap_or((given, "")));
        for (name, value) in parts.into_iter().filter(|(_, value)| !value.is_empty()).chain(given) {
            let decoded = percent_decode_str(value).decode_utf8();
            let value = decoded.map_err(|_| PostgresError::Address(format!("'{name}' is not UTF-8")))?;
            if !name.is_empty() {
                address.set(name, &value)?;
            }
        }
        Ok(address)
    }

    /// Change one part: `host`, `port`, `dbname`, `user`, `password`, `sslmode`, `sslrootcert`, or another parameter
    /// of libpq that the client knows.
    ///
    /// # Errors
    /// A sentence about what is wrong with the name or the value, without the password.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), PostgresError> {
        match name {
            "sslmode" => {
                let mode = Trust::parse(value).ok_or_else(|| {
                    let modes = "disable, prefer, require, verify-ca, verify-full";
                    PostgresError::Address(format!("sslmode '{value}': it is one of {modes}"))
                })?;
                (self.trust, self.encryption) = mode;
            }
            "ssl" | "useSSL" => {
                self.set("sslmode", if value == "true" { "verify-full" } else { "prefer" })?
            }
            "sslrootcert" => self.ca = Some(value.into()),
            name if MEANINGLESS.contains(&name) => {}
            name => {
                let old = self.parts.insert(name.to_owned(), value.to_owned());
                if let Err(why) = self.config() {
                    match old {
                        Some(old) => self.parts.insert(name.to_owned(), old),
                        None => self.parts.remove(name),
                    };
                    // The client repeats no values.
                    let why =
                        std::error::Error::source(&why).map_or_else(|| why.to_string(), ToString::to_string);
                    return Err(PostgresError::Address(format!("'{name}': {why}")));
                }
            }
        }
        Ok(())
    }

    fn config(&self) -> Result<Config, tokio_postgres::Error> {
        let quoted = |value: &str| value.replace('\\', "\\\\").replace('\'', "\\'");
        let parts = self.parts.iter().map(|(name, value)| format!("{name}='{}' ", quoted(value)));
        parts.collect::<String>().parse()
    }

    /// What to connect with: everything filled in.
    ///
    /// # Errors
    /// When the file of certificate authorities cannot be used.
    pub(super) fn connecting(&self, patience: Duration) -> Result<(Config, Connector), PostgresError> {
        let mut config = self.config().map_err(|why| PostgresError::Address(why.to_string()))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host(SOCKET_FOLDER);
        }
        config.connect_timeout(patience).ssl_mode(self.encryption);
        Ok((config, connector(self.trust, self.ca.as_deref())?))
    }
}

impl fmt::Display for Address {
    /// For people and logs: without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |name| self.parts.get(name).map_or("", String::as_str);
        let after =
            |mark: &str, part: &str| if part.is_empty() { String::new() } else { format!("{mark}{part}") };
        let user = after("", part("user"));
        let at = if user.is_empty() { "" } else { "@" };
        write!(f, "postgresql://{user}{at}{}{}/{}", part("host"), after(":", part("port")), part("dbname"))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Trust {
    /// By the names of libpq, and whether there must be TLS at all.
    fn parse(mode: &str) -> Option<(Self, SslMode)> {
        Some(match mode {
            "disable" => (Self::Anybody, SslMode::Disable),
            "prefer" | "allow" => (Self::Anybody, SslMode::Prefer),
            "require" => (Self::Anybody, SslMode::Require),
            "verify-ca" => (Self::Authority, SslMode::Require),
            "verify-full" => (Self::AuthorityAndName, SslMode::Require),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(uri: &str) -> String {
        Address::parse(uri).unwrap().to_string()
    }

    #[test]
    fn addresses_as_operators_write_them() {
        assert_eq!(
            shown("postgresql://u:secret@db.example:5433/chat"),
            "postgresql://u@db.example:5433/chat"
        );
        assert_eq!(shown("postgres://db.example/chat?sslmode=verify-full"), "postgresql://db.example/chat");
        assert_eq!(shown("postgresql://u@[::1]:5433/chat"), "postgresql://u@::1:5433/chat");
        assert_eq!(shown("postgresql://[::1]/chat"), "postgresql://::1/chat");
        let jdbc =
            "jdbc:postgresql://127.0.0.1/tigasedb?user=tigase&password=pa%20ss&useSSL=false&useUnicode=true";
        assert_eq!(shown(jdbc), "postgresql://tigase@127.0.0.1/tigasedb");
        assert_eq!(Address::parse(jdbc).unwrap().config().unwrap().get_password(), Some(&b"pa ss"[..]));
        assert_eq!(shown("jdbc:postgresql:chat"), "postgresql:///chat");
        assert_eq!(shown("postgresql:"), "postgresql:///");
        assert_eq!(
            shown("postgresql:///chat?port=5433&host=/run/pg&user=u"),
            "postgresql://u@/run/pg:5433/chat"
        );
    }

    #[test]
    fn parts_override_the_uri() {
        let mut address = Address::parse("postgresql://u:old@db.example/chat?options=-c%20x%3D1").unwrap();
        for (name, value) in
            [("host", "other"), ("port", "5433"), ("dbname", "d"), ("user", "v"), ("password", "it's \\ new")]
        {
            address.set(name, value).unwrap();
        }
        assert_eq!(address.to_string(), "postgresql://v@other:5433/d");
        let config = address.config().unwrap();
        assert_eq!(config.get_password(), Some(&b"it's \\ new"[..]));
        assert_eq!(config.get_options(), Some("-c x=1"));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for (uri, said) in [
            ("mysql://x", "neither 'postgresql:'"),
            ("postgresql://u:secret@h:port/x", "'port'"),
            ("postgresql://h/x?sslmode=on", "sslmode 'on': it is one of disable"),
            ("postgresql://h/x?password=secret&shoe=7", "'shoe'"),
            ("postgresql://h/x?password=%ff", "'password' is not UTF-8"),
        ] {
            let why = Address::parse(uri).unwrap_err().to_string();
            assert!(why.contains(said) && !why.contains("secret"), "{uri}: {why}");
        }
        let address = Address::parse("postgresql://u:secret@h/x?sslmode=require").unwrap();
        assert!(!format!("{address:?} {address}").contains("secret"));
    }
}
