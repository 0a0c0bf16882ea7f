//! Whether the DNS leads the clients of a domain to this server (RFC 6120, section 3.2).

use crate::VhostMan;
use std::net::IpAddr;
use waxwing_plugin::resolver::Service;
use waxwing_plugin::{SettingValue, resolver};

/// Where clients look: for a port that begins with STARTTLS, and for one with TLS from the start (XEP-0368).
const SERVICES: [&str; 2] = ["_xmpp-client._tcp", "_xmpps-client._tcp"];
const ASK_LATER: &str = "The DNS does not answer now: try again later";

const UNKNOWN: &str = "Where this server is has not been set, so only its administrators add domains: they can set \
    dns-def-ip or dns-srv-def-addr";

/// The setting `dns-def-ip`.
#[derive(Debug, Default, PartialEq)]
pub struct Addresses(Vec<IpAddr>);

impl SettingValue for Addresses {
    fn read(values: &[String]) -> Result<Self, &'static str> {
        let addresses: Result<_, _> = items(values).map(str::parse).collect();
        addresses.map(Self).map_err(|_| "IP addresses")
    }
}

/// The setting `dns-srv-def-addr`.
#[derive(Debug, Default, PartialEq)]
pub struct Names(Vec<String>);

impl SettingValue for Names {
    fn read(values: &[String]) -> Result<Self, &'static str> {
        Ok(Self(items(values).map(plain).collect()))
    }
}

fn items(values: &[String]) -> impl Iterator<Item = &str> {
    values.iter().flat_map(|value| value.split(',')).map(str::trim).filter(|item| !item.is_empty())
}

/// A name as it is compared: Tigase's may end with a dot.
fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_lowercase()
}

/// What the DNS has of a domain.
#[derive(Debug, Default)]
pub struct Found {
    /// The machines that SRV records name.
    pub machines: Vec<Machine>,
    /// The addresses of the domain itself, which count where there are no such records.
    pub addresses: Vec<IpAddr>,
}

/// A machine that an SRV record names.
#[derive(Debug)]
pub struct Machine {
    /// One of [`SERVICES`].
    pub service: &'static str,
    pub name: String,
    pub addresses: Vec<IpAddr>,
}

impl VhostMan {
    /// Check that the DNS leads here.
    ///
    /// # Errors
    /// What was found and what was expected.
    pub fn check_dns(&self, domain: &str) -> Result<(), String> {
        if self.vhost_disable_dns_check {
            return Ok(());
        }
        self.compare_dns(domain, &look_up(domain)?)
    }

    /// The same for those who are no administrators of the server. It takes something to compare with, or anybody
    /// could have any domain.
    ///
    /// # Errors
    /// What was found and what was expected, or that nothing was.
    pub fn check_leads_here(&self, domain: &str) -> Result<(), String> {
        match self.knows_itself() || self.vhost_disable_dns_check {
            true => self.check_dns(domain),
            false => Err(UNKNOWN.into()),
        }
    }

    /// Compare what was found with the settings.
    pub fn compare_dns(&self, domain: &str, found: &Found) -> Result<(), String> {
        let (names, given) = (&self.dns_srv_def_addr.0, &self.dns_def_ip.0);
        let expected: Vec<String> =
            names.iter().cloned().chain(given.iter().map(IpAddr::to_string)).collect();
        let of_names = names.iter().flat_map(|name| addresses(name).unwrap_or_default());
        let own: Vec<IpAddr> = given.iter().copied().chain(of_names).collect();
        compare(domain, found, &own, names, &expected)
    }

    /// Whether the settings say where this server is.
    pub fn knows_itself(&self) -> bool {
        !(self.dns_def_ip.0.is_empty() && self.dns_srv_def_addr.0.is_empty())
    }
}

/// Ask the DNS of a domain.
pub fn look_up(domain: &str) -> Result<Found, String> {
    let (mut found, mut has_records) = (Found::default(), false);
    for service in SERVICES {
        let records = resolver::services(&format!("{service}.{domain}")).map_err(|()| ASK_LATER)?;
        has_records |= !records.is_empty();
        // A lone dot is for what is not offered (RFC 2782).
        let names = records.iter().map(|Service { target, .. }| plain(target)).filter(|it| !it.is_empty());
        found.machines.extend(names.map(|name| {
            let addresses = addresses(&name).unwrap_or_default();
            Machine { service, name, addresses }
        }));
    }
    if !has_records {
        found.addresses = addresses(domain)?;
    }
    Ok(found)
}

fn addresses(name: &str) -> Result<Vec<IpAddr>, String> {
    let texts = resolver::addresses(name).map_err(|()| ASK_LATER)?;
    Ok(texts.iter().filter_map(|text| text.parse().ok()).collect())
}

/// `own` are the addresses of this server and `names` those of its machines; where there are neither, anything will
/// do. `expected` is both for a person.
fn compare(
    domain: &str,
    found: &Found,
    own: &[IpAddr],
    names: &[String],
    expected: &[String],
) -> Result<(), String> {
    let Found { machines, addresses } = found;
    let leads_here = |it: &[IpAddr]| it.iter().any(|address| own.contains(address));
    let any_will_do = expected.is_empty() && !(machines.is_empty() && addresses.is_empty());
    let is_ours = |machine: &Machine| names.contains(&machine.name) || leads_here(&machine.addresses);
    if any_will_do || machines.iter().any(is_ours) || leads_here(addresses) {
        return Ok(());
    }
    let wanted = match expected {
        [] => "this server".into(),
        expected => listed(expected),
    };
    Err(match (machines.as_slice(), addresses.as_slice()) {
        ([], []) => format!(
            "No DNS settings found for given host: {domain}. It takes an SRV record \
            _xmpp-client._tcp.{domain}, or an address, that leads to {wanted}"
        ),
        ([], addresses) => format!(
            "Incorrect IP address: '{}' found in DNS for the given host: {domain}. Expected: {wanted}",
            listed(addresses)
        ),
        (machines, _) => {
            let lines = machines.iter().map(|Machine { service, name, addresses }| {
                let addresses = match addresses.as_slice() {
                    [] => "which has no address".into(),
                    addresses => listed(addresses),
                };
                format!("{service}.{domain} leads to {name} ({addresses})")
            });
            let found = listed(&lines.collect::<Vec<_>>());
            format!("Incorrect DNS SRV settings: {found}. Expected: {wanted}")
        }
    })
}

fn listed<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
