//! Problems that take more than one setting, or more than its type, to see.

use super::{Plugin, Settings, VhostSettings};
use std::collections::HashSet;
use std::net::{IpAddr, Ipv6Addr};

/// A setting that has the right type and is still wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", path.join(" / "))]
pub struct Invalid {
    /// The keys that lead to the setting in the file.
    pub path: Vec<String>,
    /// What is wrong and what would be right.
    pub message: String,
}

/// RFC 7677, section 4.
const LEAST_SCRAM_ITERATIONS: u32 = 4096;
/// RFC 6120, section 13.12.
const LEAST_STANZA_BYTES: usize = 10_000;

impl Settings {
    /// Checks what the types cannot; the first problem is returned.
    pub fn validate(&self) -> Result<(), Invalid> {
        self.validate_domains()?;
        self.validate_ports()?;
        self.validate_data_source()?;
        check(self.scram_iterations >= LEAST_SCRAM_ITERATIONS, &["scram-iterations"], || {
            format!("must be at least {LEAST_SCRAM_ITERATIONS}")
        })?;
        self.validate_limits()?;
        self.validate_streams()?;
        self.validate_plugins()
    }

    /// What is behind the scheme only the engine knows.
    fn validate_data_source(&self) -> Result<(), Invalid> {
        let source = &self.data_source;
        let (scheme, rest) = source.uri.split_once(':').unwrap_or_default();
        let known = match scheme {
            "sqlite" => !rest.is_empty(),
            "jdbc" => rest.starts_with("postgresql:"),
            _ => ["postgresql", "postgres"].contains(&scheme),
        };
        let at = |key| ["dataSource", "default", key];
        check(known, &at("uri"), || {
            "expected 'sqlite:' and the path of a file, or 'postgresql://USER:PASSWORD@HOST/DATABASE'".into()
        })?;
        check(source.pool_size > 0, &at("pool-size"), || "must be at least 1".into())?;
        for (key, time) in
            [("statement-timeout", source.statement_timeout), ("connect-timeout", source.connect_timeout)]
        {
            check(!time.is_zero(), &at(key), || "must be longer than nothing".into())?;
        }
        Ok(())
    }

    fn validate_domains(&self) -> Result<(), Invalid> {
        check(!self.vhosts.is_empty(), &["default-virtual-host"], || {
            "there must be a domain to serve".into()
        })?;
        let mut seen = HashSet::new();
        for vhost in &self.vhosts {
            let domain = vhost.domain.as_str();
            let path: &[&str] = match self.default_virtual_host.iter().any(|name| name == domain) {
                true => &["default-virtual-host"],
                false => &["virtual-hosts", domain],
            };
            check(seen.insert(domain), path, || format!("'{domain}' is given twice"))?;
            check(
                vhost.certificate.is_some() || vhost.private_key.is_none(),
                &["virtual-hosts", domain, "private-key"],
                || "a 'private-key' needs its 'certificate'".into(),
            )?;
            if let Err(why) = self.c2s.check_ports(&vhost.c2s_ports) {
                check(false, &["virtual-hosts", domain, "c2s-ports"], || why)?;
            }
            let most = self.vhost_max_users;
            check(most == 0 || vhost.max_users <= most, &["virtual-hosts", domain, "max-users"], || {
                format!("'vhost-max-users' lets a domain have {most}")
            })?;
        }
        for key in &self.vhost_reserved {
            check(VhostSettings::KEYS.contains(&key.as_str()), &["vhost-reserved"], || {
                format!("'{key}' is no setting of a domain that changes by command")
            })?;
        }
        Ok(())
    }

    fn validate_ports(&self) -> Result<(), Invalid> {
        check(!self.c2s.ports.is_empty(), &["c2s", "connections", "ports"], || "no port for clients".into())?;
        let mut seen = HashSet::new();
        for port in &self.c2s.ports {
            let number = port.number.to_string();
            let path = ["c2s", "connections", &number];
            check(port.number != 0, &path, || "0 is not a port".into())?;
            check(seen.insert(port.number), &path, || format!("port {number} is given twice"))?;
            let path = ["c2s", "connections", &number, "ifc"];
            check(!port.interfaces.is_empty(), &path, || {
                "no address to listen on; '*' is all of them".into()
            })?;
            for address in &port.interfaces {
                check(address == "*" || address.parse::<IpAddr>().is_ok(), &path, || {
                    format!("'{address}' is not an IP address; '*' is all of them")
                })?;
            }
        }
        Ok(())
    }

    fn validate_limits(&self) -> Result<(), Invalid> {
        let limits = &self.limits;
        check(limits.stanza_bytes >= LEAST_STANZA_BYTES, &["limits", "stanza-bytes"], || {
            format!("must be at least {LEAST_STANZA_BYTES} (RFC 6120, section 13.12)")
        })?;
        check(limits.outgoing_bytes >= limits.stanza_bytes, &["limits", "outgoing-bytes"], || {
            format!("must hold at least one stanza of {} bytes ('stanza-bytes')", limits.stanza_bytes)
        })?;
        check(
            limits.outgoing_bytes_limit > limits.outgoing_bytes,
            &["limits", "outgoing-bytes-limit"],
            || format!("must be more than {} bytes ('outgoing-bytes')", limits.outgoing_bytes),
        )?;
        for (key, value) in [
            ("depth", limits.depth),
            ("attributes", limits.attributes),
            ("login-attempts", limits.login_attempts),
            ("requests-before-login", limits.requests_before_login),
            ("sessions-per-account", limits.sessions_per_account),
            ("form-field-bytes", u32::try_from(limits.form_field_bytes).unwrap_or(u32::MAX)),
        ] {
            check(value > 0, &["limits", key], || "must be at least 1".into())?;
        }
        for (key, value) in [
            ("login-timeout", limits.login_timeout),
            ("slow-reader-timeout", limits.slow_reader_timeout),
            ("command-timeout", limits.command_timeout),
        ] {
            check(!value.is_zero(), &["limits", key], || "must be longer than nothing".into())?;
        }
        Ok(())
    }

    fn validate_streams(&self) -> Result<(), Invalid> {
        let managed = &self.stream_management;
        for (key, given) in [
            ("unacknowledged-stanzas", managed.unacknowledged_stanzas > 0),
            ("unacknowledged-bytes", managed.unacknowledged_bytes > 0),
            ("request-after", managed.request_after > 0),
        ] {
            check(given, &["stream-management", key], || "must be more than nothing".into())?;
        }
        if let Some(location) = &managed.location {
            check(is_http_host(location), &["stream-management", "location"], || {
                format!("'{location}' is not 'host:port'")
            })?;
        }
        Ok(())
    }

    fn validate_plugins(&self) -> Result<(), Invalid> {
        let plugins = &self.plugins;
        for (key, given) in [
            ("plugin-cpu", !plugins.cpu.is_zero()),
            ("plugin-timeout", !plugins.call_timeout.is_zero()),
            ("plugin-memory", plugins.memory > 0),
            ("plugin-instances", plugins.instances > 0),
            ("plugin-calls", plugins.retire_after > 0),
        ] {
            check(given, &["sess-man", key], || "must be more than nothing".into())?;
        }
        for Plugin { name, .. } in &self.beside {
            check(plugins.list.iter().any(|plugin| plugin.name == *name), &[name], || {
                format!("'{name}' is neither a setting nor a plugin in 'sess-man'")
            })?;
        }
        for plugin in &plugins.list {
            let name = plugin.name.as_str();
            let sound = !name.is_empty() && !name.starts_with('.');
            check(sound, &["sess-man", name], || format!("'{name}' cannot be the name of a plugin's file"))?;
            plugin.validate()?;
        }
        Ok(())
    }
}

impl Plugin {
    fn validate(&self) -> Result<(), Invalid> {
        let grants = &self.grants;
        let path = |key| ["sess-man", &self.name, "grants", key];
        for (key, given) in [
            ("cpu", grants.cpu.is_none_or(|cpu| !cpu.is_zero())),
            ("timeout", grants.call_timeout.is_none_or(|timeout| !timeout.is_zero())),
            ("memory", grants.memory != Some(0)),
            ("instances", grants.instances != Some(0)),
            ("calls", grants.retire_after != Some(0)),
        ] {
            check(given, &path(key), || "must be more than nothing; null is the general setting".into())?;
        }
        for name in &grants.services {
            check(is_domain(name), &path("services"), || {
                format!("'{name}' cannot be a name under a domain, as 'bot' is")
            })?;
        }
        for host in &grants.http {
            check(is_http_host(host), &path("http"), || {
                format!("'{host}' is not a host, or host:port, as 'hooks.example.org' is")
            })?;
        }
        Ok(())
    }
}

pub(super) fn check(sound: bool, path: &[&str], message: impl FnOnce() -> String) -> Result<(), Invalid> {
    if sound {
        return Ok(());
    }
    Err(Invalid { path: path.iter().map(|key| key.to_string()).collect(), message: message() })
}

/// `name`, `name:port` or an address in its place, as a URL has them.
fn is_http_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !host.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let named = match address {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => is_domain(name) && !name.contains([':', '[', ']', '*', '?', '#']),
    };
    named && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn is_domain(domain: &str) -> bool {
    let unfit = |c: char| c.is_whitespace() || c.is_control() || "\"&'/\\<>@".contains(c);
    !domain.is_empty() && domain.len() <= 1023 && !domain.contains(unfit)
}
