//! What the plugins of a server under test may do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use waxwing_config::{Plugin, Settings};

/// Every interface of `wit/` that takes a grant.
const INTERFACES: [&str; 25] = [
    "pre",
    "incoming",
    "process",
    "post",
    "filter",
    "sessions",
    "commands",
    "service",
    "alarms",
    "replies",
    "portable",
    "stanzas",
    "router",
    "marks",
    "storage",
    "account-data",
    "accounts",
    "account-admin",
    "vhosts",
    "connections",
    "certificates",
    "server-control",
    "resolver",
    "runtime",
    "scheduler",
];

/// The config file that comes with the server.
pub fn shipped_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../etc/config.tdsl")
}

/// The plugins as `etc/config.tdsl` lists them.
pub fn shipped() -> &'static [Plugin] {
    static SHIPPED: OnceLock<Vec<Plugin>> = OnceLock::new();
    SHIPPED.get_or_init(|| {
        Settings::load(&shipped_path(), &BTreeMap::new()).expect("the shipped config").plugins.list
    })
}

/// A plugin's block for the config: a bundled one with the grants that it is shipped with, a guest of
/// `host/plugins/tests/guests` with all that there are.
pub fn plugin_block(name: &str, guest: bool) -> String {
    if guest {
        return block(name, &INTERFACES, &[("*".into(), 0)], &["*"]);
    }
    match shipped().iter().find(|plugin| plugin.name == name) {
        Some(plugin) => {
            let grants = &plugin.grants;
            block(name, &grants.allow, &grants.stores, &grants.services)
        }
        None => block(name, &[""; 0], &[], &[""; 0]),
    }
}

fn block(
    name: &str,
    allow: &[impl AsRef<str>],
    stores: &[(String, u64)],
    services: &[impl AsRef<str>],
) -> String {
    let allow: String = allow.iter().map(|interface| format!("'{}', ", interface.as_ref())).collect();
    let stores: String = stores.iter().map(|(store, bytes)| format!("'{store}' = {bytes}, ")).collect();
    let services: String = services.iter().map(|service| format!("'{}', ", service.as_ref())).collect();
    format!(
        "    '{name}' () {{ grants {{ allow = [ {allow}], stores {{ {stores}}}, services = [ {services}] }} }}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_blocks_can_be_read() {
        let blocks: String = [("private", false), ("hostile", true), ("no-such-plugin", false)]
            .map(|(name, guest)| plugin_block(name, guest))
            .concat();
        let text = format!("'sess-man' {{\n{blocks}}}\n");
        let list = Settings::parse(&text, "config.tdsl", &BTreeMap::new()).unwrap().plugins.list;
        let [private, hostile, none] = list.try_into().unwrap();
        assert_eq!(Some(&private), shipped().iter().find(|plugin| plugin.name == "private"));
        assert_eq!(
            (hostile.grants.allow.len(), hostile.grants.store_limit("any")),
            (INTERFACES.len(), Some(0))
        );
        assert_eq!(hostile.grants.services, ["*"]);
        assert_eq!(none, Plugin::new("no-such-plugin"));
    }
}
