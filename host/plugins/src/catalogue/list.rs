//! What there is: plugins of the config file and installed ones, whether they run or not.

use super::Catalogue;
use super::error::CatalogueError;
use super::manifest::{Manifest, Record};
use crate::common::usage::store_name;
use crate::declare::grants::{ANY_STORE, Grants};
use crate::declare::options::{Limits, Policy};
use crate::run::plugin::PluginInfo;
use crate::run::rolled_back::RolledBack;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Where a plugin comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// From the config file.
    Listed,
    /// It was installed.
    Installed {
        /// The SHA-256 of its component.
        sha256: [u8; 32],
        /// The component before it, if it is kept.
        previous: Option<[u8; 32]>,
        /// What is remembered of it; `None` if that cannot be read.
        manifest: Option<Box<Manifest>>,
    },
}

/// A plugin in one scope.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// [`EVERYWHERE`](super::EVERYWHERE), or domains with commas between them.
    pub scope: String,
    /// Where it comes from.
    pub kind: Kind,
    /// What it may do.
    pub grants: Grants,
    /// What it may use.
    pub limits: Limits,
    /// What happens to a stanza when it fails.
    pub policy: Policy,
    /// A new instance for each call.
    pub fresh: bool,
    /// Its own settings.
    pub settings: Vec<(String, Vec<String>)>,
    /// What is known of it while it runs.
    pub running: Option<PluginInfo>,
    /// The version that failed in its first calls, so that this one runs again.
    pub rolled_back: Option<RolledBack>,
    /// Why it does not run, if it should.
    pub trouble: Option<String>,
}

/// A store of a plugin, and how full it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreUse {
    /// Its name, as its grant has it.
    pub name: String,
    /// Bytes that are in it.
    pub bytes: u64,
    /// Bytes that it may hold; 0 is no limit.
    pub limit: u64,
}

impl Catalogue {
    /// All plugins: those of the config file in its order, then those that are installed, in order of name
    /// and scope.
    ///
    /// # Errors
    /// When the storage does not answer.
    pub async fn list(&self) -> Result<Vec<Entry>, CatalogueError> {
        let mut entries = Vec::new();
        for spec in &self.options.listed {
            entries.push(Entry {
                name: spec.name.clone(),
                scope: spec.scope.to_string(),
                kind: Kind::Listed,
                grants: spec.grants.clone(),
                limits: spec.limits.clone(),
                policy: spec.policy,
                fresh: spec.fresh,
                settings: spec.settings.clone(),
                running: None,
                rolled_back: None,
                trouble: None,
            });
        }
        for row in self.rows().await? {
            let read = Record::read(&row);
            let trouble = read.as_ref().err().map(CatalogueError::to_string);
            let manifest = read.ok().map(|record| record.manifest);
            let known = manifest.clone();
            let (grants, policy, fresh, settings, limits) = match known {
                Some(manifest) => {
                    let limits = manifest.limits.over(&self.engine.options.limits);
                    (manifest.grants, manifest.policy, manifest.fresh, manifest.settings, limits)
                }
                None => Default::default(),
            };
            let rolled_back = manifest.as_ref().and_then(|known| known.rolled_back.clone());
            let manifest = manifest.map(Box::new);
            let kind = Kind::Installed { sha256: row.sha256, previous: row.previous, manifest };
            let (name, scope) = (row.name, row.scope);
            entries.push(Entry {
                name,
                scope,
                kind,
                grants,
                limits,
                policy,
                fresh,
                settings,
                running: None,
                rolled_back,
                trouble,
            });
        }
        let running = self.engine.plugins();
        let troubles = self.troubles.lock();
        for entry in &mut entries {
            let Entry { name, scope, kind, .. } = &*entry;
            let enabled = match kind {
                Kind::Listed => true,
                Kind::Installed { manifest, .. } => manifest.as_ref().is_some_and(|known| known.enabled),
            };
            if enabled && *kind != Kind::Listed && self.lists_for(name, scope) {
                let both = CatalogueError::Both { name: name.clone(), scope: scope.clone() };
                entry.trouble = Some(both.to_string());
                continue;
            }
            let is_it = |info: &&PluginInfo| info.name == *name && info.scope.to_string() == *scope;
            let found = running.iter().find(is_it).filter(|_| enabled).cloned();
            let known = troubles.get(&(name.clone(), scope.clone())).filter(|_| enabled && found.is_none());
            let trouble = known.cloned();
            entry.rolled_back =
                found.as_ref().and_then(|info| info.rolled_back.clone()).or(entry.rolled_back.take());
            entry.running = found;
            entry.trouble = entry.trouble.take().or(trouble);
        }
        Ok(entries)
    }

    /// The stores of a plugin and how full they are. Of those that it may keep under any name, these are the ones that
    /// it has written to since the server started.
    ///
    /// # Errors
    /// When the storage does not answer.
    pub async fn stores(&self, entry: &Entry) -> Result<Vec<StoreUse>, CatalogueError> {
        let stores = &entry.grants.stores;
        let mut names: BTreeSet<String> = stores.keys().filter(|name| *name != ANY_STORE).cloned().collect();
        if stores.contains_key(ANY_STORE) {
            names.extend(self.engine.common.usages.names(&entry.name));
        }
        let host = self.host()?;
        let mut found = Vec::new();
        for name in names {
            let bytes = host.storage().store_bytes(&store_name(&entry.name, &name)).await?;
            let limit = entry.grants.store(&name).unwrap_or_default();
            found.push(StoreUse { name, bytes, limit });
        }
        Ok(found)
    }
}
