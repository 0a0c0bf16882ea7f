//! What a component asks for beyond what it has been granted, and how much further it reaches, for the operator to say
//! yes or no to.

use super::error::CatalogueError;
use crate::declare::declared::Declared;
use crate::declare::grants::{ANY_STORE, Grant, Grants};
use crate::declare::reach::{ANYTHING, Reach};
use crate::load::component::Inspected;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a consent without sizes lets each store of a plugin hold, in bytes.
pub const STORE: u64 = 64 << 20;

/// What an operator agrees to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Consent {
    /// What the plugin may do beyond what it has been granted.
    pub grants: Grants,
    /// How far it may reach with that.
    pub reach: Reach,
}

impl Consent {
    /// To everything but HTTP.
    pub fn to_everything() -> Consent {
        Consent { grants: Grants::everything(), reach: Reach::from([ANYTHING.to_owned()]) }
    }

    fn includes(&self, missing: &Grants, reach: &Reach) -> bool {
        self.grants.include(missing) && (self.reach.contains(ANYTHING) || reach.is_subset(&self.reach))
    }
}

/// A question to the operator. To say yes, ask again with [`NeedsConsent::missing`] granted and
/// [`NeedsConsent::reach`] agreed to.
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
    /// How far it reaches with all of that: which stanzas it is shown, who may run its commands, what clients are
    /// offered, in whose name it speaks. Of one that replaces another, how much further. In the same form.
    pub reach: Reach,
}

/// All that a component asks for.
pub(crate) fn asked(plugin: &Inspected) -> Grants {
    let has_stores = plugin.requested.interfaces.has(Grant::Storage);
    Grants {
        allow: plugin.requested.interfaces,
        stores: has_stores.then(|| (ANY_STORE.to_owned(), STORE)).into_iter().collect(),
        services: plugin.names().cloned().collect(),
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
    agreed: &Consent,
    replaces: Option<(&str, &Declared)>,
) -> Result<Result<Grants, NeedsConsent>, CatalogueError> {
    if plugin.requested.http && has.http.is_empty() {
        return Err(match replaces {
            Some(_) => CatalogueError::HttpHostsFirst(plugin.name.clone()),
            None => CatalogueError::HttpHosts,
        });
    }
    let missing = missing(plugin, has);
    let nothing = Declared::default();
    let reach = plugin.declared.reach_beyond(replaces.map_or(&nothing, |(_, old)| old));
    if agreed.includes(&missing, &reach) {
        return Ok(Ok(has.plus(&missing)));
    }
    let all = asked(plugin).allow;
    let granted = Grants { allow: all.beyond(missing.allow), ..Grants::default() };
    Ok(Err(NeedsConsent {
        name: plugin.name.clone(),
        version: plugin.version.clone(),
        summary: plugin.summary.clone(),
        replaces: replaces.map(|(version, _)| version.to_owned()),
        granted: granted.sentences(),
        asks: missing.sentences(),
        missing,
        reach,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declare::event::{Phase, ServiceInfo};
    use crate::declare::grants::Interfaces;
    use crate::declare::requested::Requested;

    fn bot() -> Inspected {
        let interfaces = Interfaces::named(["service", "stanzas", "storage"]).unwrap();
        let text = String::new;
        let service = ServiceInfo {
            name: "bot".into(),
            category: text(),
            ty: text(),
            label: text(),
            features: Vec::new(),
        };
        Inspected {
            name: "bot".into(),
            version: "2".into(),
            summary: String::new(),
            settings: Vec::new(),
            declared: Declared { services: vec![service], ..Declared::default() },
            requested: Requested { interfaces, wasi: false, http: false },
            size: 1,
            sha256: [0; 32],
        }
    }

    #[test]
    fn what_is_missing_is_granted_and_nothing_else() {
        let allow = Interfaces::named(["service", "router"]).unwrap();
        let has = Grants { allow, ..Grants::default() };
        let question = settle(&bot(), &has, &Consent::default(), Some(("1", &Declared::default())))
            .unwrap()
            .unwrap_err();
        assert_eq!(question.missing.allow, Interfaces::named(["stanzas", "storage"]).unwrap());
        assert_eq!(question.missing.stores, BTreeMap::from([("*".into(), STORE)]));
        assert_eq!(question.missing.services, BTreeSet::from(["bot".into()]));
        assert_eq!(question.asks.len(), 4);
        assert_eq!(question.granted.len(), 1, "{:?}", question.granted);

        let to = |grants| Consent { grants, ..Consent::default() };
        // A yes to less, or to something else, is none.
        let less = Grants { services: BTreeSet::new(), ..question.missing.clone() };
        assert!(settle(&bot(), &has, &to(less), None).unwrap().is_err());
        let grown = settle(&bot(), &has, &Consent::to_everything(), None).unwrap().unwrap();
        assert_eq!(grown.allow, Interfaces::named(["service", "router", "stanzas", "storage"]).unwrap());
        assert_eq!(settle(&bot(), &has, &to(question.missing.clone()), None).unwrap().unwrap(), grown);
        assert_eq!(settle(&bot(), &grown, &Consent::default(), None).unwrap().unwrap(), grown);
    }

    #[test]
    fn stores_with_sizes_are_enough() {
        let stores = BTreeMap::from([("names".to_owned(), 10)]);
        let has = Grants { stores: stores.clone(), ..Grants::default() };
        let grown = settle(&bot(), &has, &Consent::to_everything(), None).unwrap().unwrap();
        assert_eq!(grown.stores, stores);
    }

    #[test]
    fn hosts_cannot_be_guessed() {
        let mut bot = bot();
        bot.requested.http = true;
        let asked = settle(&bot, &Grants::everything(), &Consent::to_everything(), None);
        assert!(matches!(asked, Err(CatalogueError::HttpHosts)));
        let has = Grants { http: BTreeSet::from(["a.example".parse().unwrap()]), ..Grants::everything() };
        assert_eq!(settle(&bot, &has, &Consent::default(), None).unwrap().unwrap(), has);
    }

    #[test]
    fn reaching_further_takes_a_yes_of_its_own() {
        let mut bot = bot();
        let has = Grants::everything();
        let old = bot.declared.clone();
        bot.declared.stream_features.push((Phase::AfterLogin, "<x xmlns='urn:x'/>".into()));
        bot.declared.any_sender = true;
        let ask = |agreed: &Consent, replaces: Option<(&str, &Declared)>| {
            settle(&bot, &has, agreed, replaces).unwrap().map_err(Box::new)
        };
        for replaces in [None, Some(("1", &old))] {
            let question = ask(&Consent::default(), replaces).unwrap_err();
            assert_eq!((question.reach.len(), question.asks.len()), (2, 0));
            let mut agreed = Consent { reach: question.reach, ..Consent::default() };
            assert!(ask(&agreed, replaces).is_ok());
            agreed.reach.pop_last();
            assert!(ask(&agreed, replaces).is_err());
        }
        assert!(ask(&Consent::default(), Some(("1", &bot.declared))).is_ok(), "nothing has grown");
    }
}
