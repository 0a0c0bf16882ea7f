//! What a component asks for beyond what it has been granted, for the operator to say yes or no to.

use super::error::CatalogueError;
use crate::component::Inspected;
use crate::grants::{ANY_STORE, Grant, Grants};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a consent without sizes lets each store of a plugin hold, in bytes.
pub const STORE: u64 = 64 << 20;

/// A question to the operator. To say yes, ask again with [`NeedsConsent::missing`] granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeedsConsent {
    /// The plugin's name.
    pub name: String,
    /// The version that asks.
    pub version: String,
    /// What it does, as it says itself.
    pub summary: String,
    /// The version that it is to replace.
    pub replaces: Option<String>,
    /// What it asks for and has been granted, each to follow "it may".
    pub granted: Vec<String>,
    /// What it asks for beyond that, in the same form.
    pub asks: Vec<String>,
    /// The same, to be granted.
    pub missing: Grants,
}

/// All that a component asks for.
pub(crate) fn asked(plugin: &Inspected) -> Grants {
    let has_stores = plugin.requested.interfaces.has(Grant::Storage);
    Grants {
        allow: plugin.requested.interfaces,
        stores: has_stores.then(|| (ANY_STORE.to_owned(), STORE)).into_iter().collect(),
        services: plugin.services.iter().cloned().collect(),
        http: BTreeSet::new(),
    }
}

/// What a component asks for and has not been granted. Which stores it wants cannot be read off it, so any
/// store that it has been granted is taken for what it wants.
pub(crate) fn missing(plugin: &Inspected, grants: &Grants) -> Grants {
    let asked = asked(plugin);
    Grants {
        allow: asked.allow.beyond(grants.allow),
        stores: if grants.stores.is_empty() { asked.stores } else { BTreeMap::new() },
        services: asked.services.into_iter().filter(|name| !grants.service(name)).collect(),
        http: asked.http,
    }
}

/// Add what is missing to the grants of a plugin, if the operator has agreed to all of it.
///
/// # Errors
/// When HTTP is asked for and no host is granted: there is nothing that could be agreed to.
pub(crate) fn settle(
    plugin: &Inspected,
    has: &Grants,
    agreed: &Grants,
    replaces: Option<&str>,
) -> Result<Result<Grants, NeedsConsent>, CatalogueError> {
    if plugin.requested.http && has.http.is_empty() {
        return Err(match replaces {
            Some(_) => CatalogueError::HttpHostsFirst(plugin.name.clone()),
            None => CatalogueError::HttpHosts,
        });
    }
    let missing = missing(plugin, has);
    if agreed.include(&missing) {
        return Ok(Ok(has.plus(&missing)));
    }
    let all = asked(plugin).allow;
    let granted = Grants { allow: all.beyond(missing.allow), ..Grants::default() };
    Ok(Err(NeedsConsent {
        name: plugin.name.clone(),
        version: plugin.version.clone(),
        summary: plugin.summary.clone(),
        replaces: replaces.map(str::to_owned),
        granted: granted.sentences(),
        asks: missing.sentences(),
        missing,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::Requested;
    use crate::grants::Interfaces;

    fn bot() -> Inspected {
        let interfaces = Interfaces::named(["service", "stanzas", "storage"]).unwrap();
        Inspected {
            name: "bot".into(),
            version: "2".into(),
            summary: String::new(),
            settings: Vec::new(),
            services: vec!["bot".into()],
            requested: Requested { interfaces, wasi: false, http: false },
            size: 1,
            sha256: [0; 32],
        }
    }

    #[test]
    fn what_is_missing_is_granted_and_nothing_else() {
        let allow = Interfaces::named(["service", "router"]).unwrap();
        let has = Grants { allow, ..Grants::default() };
        let question = settle(&bot(), &has, &Grants::default(), Some("1")).unwrap().unwrap_err();
        assert_eq!(question.missing.allow, Interfaces::named(["stanzas", "storage"]).unwrap());
        assert_eq!(question.missing.stores, BTreeMap::from([("*".into(), STORE)]));
        assert_eq!(question.missing.services, BTreeSet::from(["bot".into()]));
        assert_eq!(question.asks.len(), 4);
        assert_eq!(question.granted.len(), 1, "{:?}", question.granted);

        // A yes to less, or to something else, is none.
        let less = Grants { services: BTreeSet::new(), ..question.missing.clone() };
        assert!(settle(&bot(), &has, &less, None).unwrap().is_err());
        let grown = settle(&bot(), &has, &Grants::everything(), None).unwrap().unwrap();
        assert_eq!(grown.allow, Interfaces::named(["service", "router", "stanzas", "storage"]).unwrap());
        assert_eq!(settle(&bot(), &has, &question.missing, None).unwrap().unwrap(), grown);
        assert_eq!(settle(&bot(), &grown, &Grants::default(), None).unwrap().unwrap(), grown);
    }

    #[test]
    fn stores_with_sizes_are_enough() {
        let stores = BTreeMap::from([("names".to_owned(), 10)]);
        let has = Grants { stores: stores.clone(), ..Grants::default() };
        let grown = settle(&bot(), &has, &Grants::everything(), None).unwrap().unwrap();
        assert_eq!(grown.stores, stores);
    }

    #[test]
    fn hosts_cannot_be_guessed() {
        let mut bot = bot();
        bot.requested.http = true;
        let asked = settle(&bot, &Grants::everything(), &Grants::everything(), None);
        assert!(matches!(asked, Err(CatalogueError::HttpHosts)));
        let has = Grants { http: BTreeSet::from(["a.example".into()]), ..Grants::everything() };
        assert_eq!(settle(&bot, &has, &Grants::default(), None).unwrap().unwrap(), has);
    }
}
