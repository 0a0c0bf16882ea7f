//! What is remembered of an installed plugin beside its component.

use super::error::CatalogueError;
use super::own_limits::OwnLimits;
use super::scope;
use crate::declare::grants::Grants;
use crate::declare::options::{Limits, PluginSpec, Policy, Source};
use crate::run::rolled_back::RolledBack;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use waxwing_storage::InstalledPlugin;

/// What is remembered of an installed plugin beside its component, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the component, as it says itself.
    pub version: String,
    /// That of the component before it, if it is kept.
    #[serde(default)]
    pub previous_version: Option<String>,
    /// Whether it is to run.
    pub enabled: bool,
    /// What it may do.
    #[serde(default)]
    pub grants: Grants,
    /// Its limits where they are not the usual ones.
    #[serde(default)]
    pub limits: OwnLimits,
    /// What happens to a stanza when it fails.
    #[serde(default)]
    pub policy: Policy,
    /// A new instance for each call.
    #[serde(default)]
    pub fresh: bool,
    /// Its own settings.
    #[serde(default)]
    pub settings: Vec<(String, Vec<String>)>,
    /// The version that failed in its first calls, so that this one runs again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_back: Option<RolledBack>,
    /// When it was first installed, in milliseconds since the Unix epoch.
    pub installed_at: u64,
}

/// An installed plugin with its manifest read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub name: String,
    /// [`EVERYWHERE`] or a domain.
    pub scope: String,
    pub sha256: [u8; 32],
    pub previous: Option<[u8; 32]>,
    pub manifest: Manifest,
}

impl Record {
    pub fn read(row: &InstalledPlugin) -> Result<Record, CatalogueError> {
        let manifest = serde_json::from_str(&row.manifest).map_err(|why| CatalogueError::Damaged {
            name: row.name.clone(),
            scope: row.scope.clone(),
            why: why.to_string(),
        })?;
        let InstalledPlugin { name, scope, sha256, previous, .. } = row.clone();
        Ok(Record { name, scope, sha256, previous, manifest })
    }

    pub fn row(&self) -> Result<InstalledPlugin, CatalogueError> {
        let Record { name, scope, sha256, previous, manifest } = self.clone();
        match serde_json::to_string(&manifest) {
            Ok(manifest) => Ok(InstalledPlugin { name, scope, sha256, previous, manifest }),
            Err(why) => Err(CatalogueError::Damaged { name, scope, why: why.to_string() }),
        }
    }

    /// What the engine is to run.
    pub fn spec(&self, bytes: Arc<[u8]>, usual: &Limits) -> PluginSpec {
        let Manifest { grants, limits, policy, fresh, settings, .. } = self.manifest.clone();
        PluginSpec {
            scope: scope::parse(&self.scope),
            settings,
            grants,
            limits: limits.over(usual),
            fresh,
            policy,
            ..PluginSpec::new(&self.name, Source::Bytes(bytes))
        }
    }

    /// Let the component before this one take its place. This one is not kept: nobody goes back to what was given up.
    pub fn go_back(&mut self) -> bool {
        let Some(previous) = self.previous.take() else { return false };
        self.sha256 = previous;
        self.manifest.version = self.manifest.previous_version.take().unwrap_or_default();
        self.manifest.rolled_back = None;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_was_given_up_is_not_gone_back_to() {
        let manifest = r#"{"version": "2", "previous_version": "1", "enabled": true, "installed_at": 5}"#;
        let row = InstalledPlugin {
            name: "p".into(),
            scope: "*".into(),
            sha256: [2; 32],
            previous: Some([1; 32]),
            manifest: manifest.into(),
        };
        let mut record = Record::read(&row).unwrap();
        assert!(record.go_back());
        assert_eq!((record.sha256, record.previous), ([1; 32], None));
        assert_eq!((&*record.manifest.version, &record.manifest.previous_version), ("1", &None));
        assert_eq!(Record::read(&record.row().unwrap()).unwrap(), record);
        assert!(!record.go_back());
    }

    #[test]
    fn a_manifest_that_cannot_be_read_is_named() {
        let row = InstalledPlugin {
            name: "p".into(),
            scope: "a.example".into(),
            sha256: [0; 32],
            previous: None,
            manifest: "{".into(),
        };
        let said = Record::read(&row).unwrap_err().to_string();
        assert!(said.contains("waxwing plugin remove p --vhost a.example"), "{said}");
    }
}
