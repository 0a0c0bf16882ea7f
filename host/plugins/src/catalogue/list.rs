//! What there is: plugins of the config file and installed ones, whether they run or not.

use super::Catalogue;
use super::error::CatalogueError;
use super::manifest::{Manifest, Record};
use crate::grants::Grants;
use crate::options::{Limits, Policy};
use crate::plugin::PluginInfo;

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
    /// Why it does not run, if it should.
    pub trouble: Option<String>,
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
            entry.running = found;
            entry.trouble = entry.trouble.take().or(trouble);
        }
        Ok(entries)
    }
}
