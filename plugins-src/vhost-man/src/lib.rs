//! Commands for virtual hosts and their certificates: the component `vhost-man`, as Tigase has it.
//!
//! `docs/vhosts.md` has the commands, the fields of their forms and what was decided. Who runs a command sees and
//! changes what the host lets that user: this plugin checks what a virtual host means to others, not who may have it.
//!
//! Settings: `domains-per-user-limit` (default 25); `vhost-disable-dns-check` (default false), `dns-def-ip` and
//! `dns-srv-def-addr`, where the DNS must lead before a domain is added.

mod add;
mod certificates;
mod complaint;
mod dns;
mod fields;
mod list;
mod pick;
mod query;
mod remove;
mod rules;
mod update;

use dns::{Addresses, Names};
use waxwing_plugin::Command;
use waxwing_plugin::prelude::*;

plugin! {
    /// Adds, changes and removes virtual hosts, and shows and loads their certificates.
    pub struct VhostMan {
        /// How many domains one account may own; 0 is no limit. Not for administrators of the server.
        domains_per_user_limit: u64 = 25,
        /// Whether domains are added wherever the DNS leads.
        vhost_disable_dns_check: bool = false,
        /// The IP addresses of this server.
        dns_def_ip: Addresses = Addresses::default(),
        /// The names of this server's machines, to which SRV records may point.
        dns_srv_def_addr: Names = Names::default(),
    }
    hooks: [Commands],
    // Or somebody could add many domains at once, each as the last that he may have.
    serial: Serial::BySender,
    components: [component("vhost-man", "VHost Manager")],
    commands: [
        entry("comp-repo-item-add", "Add new item"),
        entry("comp-repo-item-update", "Update item configuration").for_vhost_admins(),
        entry("comp-repo-item-remove", "Remove an item").for_owners(),
        entry("comp-repo-items", "List domains").for_vhost_admins(),
        entry("comp-repo-reload", "Reload component repository"),
        entry("ssl-certificate-add", "Add SSL Certificate").for_vhost_admins(),
        entry("certificates", "Certificates").for_vhost_admins(),
        entry("query-dns", "DNS Query"),
    ],
}

fn entry(node: &str, label: &str) -> Command {
    command(node, label).on("vhost-man").group("Configuration")
}

impl Commands for VhostMan {
    fn on_command(&self, request: &commands::Request) -> Result<commands::Reply> {
        match request.node.as_str() {
            "comp-repo-item-add" => Ok(self.add(request)),
            "comp-repo-item-update" => Ok(self.update(request)),
            "comp-repo-item-remove" => Ok(remove::remove(request)),
            "comp-repo-items" => Ok(list::domains()),
            "comp-repo-reload" => Ok(list::reloaded()),
            "ssl-certificate-add" => Ok(certificates::load(request)),
            "certificates" => Ok(certificates::list()),
            "query-dns" => Ok(self.query_dns(request)),
            _ => Err(Condition::ItemNotFound.into()),
        }
    }
}
