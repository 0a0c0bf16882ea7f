//! Addresses in the file, written as addresses are compared (RFC 7622): whatever spelling the file has, the server
//! meets one only.

use super::validate::check;
use super::{Invalid, Plugin, PluginValues, Settings, VhostSettings};
use waxwing_xmpp::Jid;

/// What may run a command beside domains and accounts, as Tigase writes it.
const MODIFIERS: [&str; 6] = ["ALL", "ADMIN", "LOCAL", "DOMAIN_OWNER", "DOMAIN_ADMIN", "NONE"];

/// All virtual hosts, where settings name them.
const EVERYWHERE: &str = "*";

/// A domain that can be served here, as domains are compared: a name, not an IP address, which clients could not
/// check the certificate of and no other server looks up.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn vhost_domain(domain: &str) -> Result<Jid, String> {
    let jid = Jid::parse(domain).ok().filter(Jid::is_domain);
    let jid = jid.ok_or_else(|| format!("'{domain}' is not a domain"))?;
    let last = jid.domain().rsplit('.').next().unwrap_or_default();
    if jid.is_ip_address() || last.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!("'{domain}' is a number or an IP address: a virtual host has a name"));
    }
    Ok(jid)
}

impl Settings {
    /// Writes every address as it is compared. The first that is none is returned.
    pub(super) fn prepare_addresses(&mut self) -> Result<(), Invalid> {
        for domain in &mut self.default_virtual_host {
            prepare(domain, &["default-virtual-host"], vhost_domain)?;
        }
        for vhost in &mut self.vhosts {
            vhost.prepare_domain()?;
        }
        let example = self.default_virtual_host.first().or(self.vhosts.first().map(|vhost| &vhost.domain));
        let example = example.map_or("localhost", String::as_str);
        for admin in &mut self.admins {
            prepare(admin, &["admins"], |text| {
                account(text).ok_or_else(|| format!("'{text}' is not an address like 'name@{example}'"))
            })?;
        }
        prepare_commands(&mut self.plugins.commands, &["sess-man", "commands"])?;
        for plugin in &mut self.beside {
            let name = plugin.name.clone();
            prepare_commands(&mut plugin.commands, &[&name, "commands"])?;
        }
        self.plugins.list.iter_mut().try_for_each(Plugin::prepare_addresses)
    }
}

impl VhostSettings {
    fn prepare_domain(&mut self) -> Result<(), Invalid> {
        let written = self.domain.clone();
        prepare(&mut self.domain, &["virtual-hosts", &written], vhost_domain)
    }
}

impl Plugin {
    fn prepare_addresses(&mut self) -> Result<(), Invalid> {
        let name = self.name.as_str();
        for domain in self.grants.vhosts.iter_mut().filter(|domain| *domain != EVERYWHERE) {
            prepare(domain, &["sess-man", name, "grants", "vhosts"], |text| {
                vhost_domain(text).map_err(|why| format!("{why}; '*' is all of them"))
            })?;
        }
        prepare_commands(&mut self.commands, &["sess-man", name, "commands"])?;
        for (domain, _) in &mut self.on_vhost {
            let written = domain.clone();
            prepare(domain, &["sess-man", name, "on-vhost", &written], vhost_domain)?;
        }
        Ok(())
    }
}

/// Who may run a command: words of Tigase, domains and accounts.
fn prepare_commands(commands: &mut PluginValues, path: &[&str]) -> Result<(), Invalid> {
    for (node, list) in commands {
        let path: Vec<&str> = path.iter().copied().chain([node.as_str()]).collect();
        for modifier in list.iter_mut().filter(|text| !MODIFIERS.contains(&text.as_str())) {
            prepare(modifier, &path, |text| {
                account(text).or_else(|| vhost_domain(text).ok()).ok_or_else(|| {
                    format!("'{text}' is none of {}, a domain or a bare JID", MODIFIERS.join(", "))
                })
            })?;
        }
    }
    Ok(())
}

/// The bare address of an account.
fn account(text: &str) -> Option<Jid> {
    Jid::parse(text).ok().filter(|jid| jid.is_bare() && !jid.is_domain())
}

fn prepare(
    text: &mut String,
    path: &[&str],
    read: impl FnOnce(&str) -> Result<Jid, String>,
) -> Result<(), Invalid> {
    match read(text) {
        Ok(jid) if jid.as_str() == text => Ok(()),
        Ok(jid) => {
            *text = jid.to_string();
            Ok(())
        }
        Err(message) => check(false, path, || message),
    }
}
