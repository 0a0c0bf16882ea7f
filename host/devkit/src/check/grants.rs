//! What an operator pastes into the config file to allow a plugin what it asks for.

use std::collections::BTreeSet;
use waxwing_plugins::Requested;

/// Asks for a store by a name that nobody but its author knows.
pub(crate) const ANY: &str = "*";

/// The plugin's block in `'sess-man'`, in TDSL.
pub(crate) fn block(
    name: &str,
    requested: &Requested,
    stores: &BTreeSet<String>,
    services: &[&str],
) -> String {
    let allow: Vec<String> = requested.interfaces.iter().map(|grant| quoted(grant.name())).collect();
    let mut lines = vec![format!("allow = [ {} ]", allow.join(", "))];
    if !stores.is_empty() {
        let stores: Vec<String> = stores.iter().map(|store| format!("{} = 0", key(store))).collect();
        lines.push(format!("stores {{ {} }}", stores.join(", ")));
    }
    if !services.is_empty() {
        let services: Vec<String> = services.iter().map(|name| quoted(name)).collect();
        lines.push(format!("services = [ {} ]", services.join(", ")));
    }
    if requested.http {
        lines.push("http = [ 'host.example' ]".to_owned());
    }
    format!(
        "'sess-man' {{\n    {} () {{\n        grants {{\n            {}\n        }}\n    }}\n}}",
        key(name),
        lines.join("\n            ")
    )
}

/// A name as it stands before `=` or a block.
fn key(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain { name.to_owned() } else { quoted(name) }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use waxwing_config::Settings;
    use waxwing_plugins::{Grant, Interfaces};

    #[test]
    fn the_config_file_takes_it() {
        let interfaces = Interfaces::NONE.with(Grant::Storage).with(Grant::Process);
        let requested = Requested { interfaces, wasi: true, http: true };
        let stores = BTreeSet::from(["seen".to_owned(), "shared/by-all".to_owned(), ANY.to_owned()]);
        for name in ["greeter", "jabber:iq:last-marker"] {
            let text = block(name, &requested, &stores, &["bot"]);
            let settings = Settings::parse(&text, "pasted", &BTreeMap::new()).unwrap();
            let plugin = settings.plugins.list.iter().find(|plugin| plugin.name == name).unwrap();
            assert_eq!(plugin.grants.allow, ["process", "storage"], "{text}");
            assert_eq!(plugin.grants.stores.len(), 3);
            assert_eq!((plugin.grants.services.len(), plugin.grants.http.len()), (1, 1));
        }
        let text = block("ping", &Requested::default(), &BTreeSet::new(), &[]);
        assert!(!text.contains("stores") && !text.contains("http"), "{text}");
    }
}
