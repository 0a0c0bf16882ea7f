//! Which domains there are: `comp-repo-items` and `comp-repo-reload`.

use crate::remove::accounts;
use waxwing_plugin::commands::Reply;
use waxwing_plugin::prelude::*;

const COLUMNS: [(&str, &str); 4] =
    [("domain", "Domain"), ("enabled", "Enabled"), ("owner", "Owner"), ("accounts", "Accounts")];

pub fn domains() -> Reply {
    let row = |domain: String| {
        let settings = vhosts::settings(&domain)?;
        let value = |key: &str| {
            let setting = settings.iter().find(|setting| setting.key == key);
            setting.map(|setting| setting.value.clone()).unwrap_or_default()
        };
        let accounts = accounts(&domain).to_string();
        Some(vec![domain, value("enabled"), value("owner"), accounts])
    };
    show(form("Domains").table(&COLUMNS, vhosts::names().into_iter().filter_map(row).collect()))
}

/// There is nothing to reload, for whatever is changed is in effect at once; tools that ask for it get their answer.
pub fn reloaded() -> Reply {
    let domains = vhosts::names();
    let lines = std::iter::once(format!("Reloaded items - {}:", domains.len())).chain(domains);
    show(
        form("Reload component repository")
            .field(lines_field("Script result", "Script result").values(lines)),
    )
}
