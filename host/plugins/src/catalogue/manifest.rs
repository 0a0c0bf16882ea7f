//! What is remembered of an installed plugin beside its component.

use crate::grants::Grants;
use crate::options::{Limits, PluginSpec, Policy, Scope, Source};
use crate::rolled_back::RolledBack;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use waxwing_storage::InstalledPlugin;

use super::error::CatalogueError;

/// The scope of what is installed everywhere, as it is stored and shown.
pub const EVERYWHERE: &str = "*";

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

/// Limits of one plugin; what is `None` is as usual. See [`Limits`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct OwnLimits {
    /// Milliseconds in wasm that one call may spend.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u64>,
    /// Milliseconds that one call may take in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
    /// Bytes of memory of one instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Stanzas that one call may send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outbox_stanzas: Option<u64>,
    /// Bytes that one call may send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outbox_bytes: Option<u64>,
    /// Bytes of account data in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_data: Option<u64>,
    /// Bytes of alarms in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarms: Option<u64>,
    /// Instances at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances: Option<u64>,
    /// Calls after which an instance is replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
}

impl OwnLimits {
    /// The names of the limits, as config files have them.
    pub const NAMES: [&'static str; 9] = [
        "cpu",
        "timeout",
        "memory",
        "outbox-stanzas",
        "outbox-bytes",
        "account-data",
        "alarms",
        "instances",
        "calls",
    ];

    /// Whether 0 is no limit, as it is for what is kept; of others it would leave nothing to work with.
    pub(crate) fn is_unlimited_at_zero(name: &str) -> bool {
        matches!(name, "account-data" | "alarms")
    }

    /// The limit of a name; `None` for a name that there is not.
    pub fn named(&mut self, name: &str) -> Option<&mut Option<u64>> {
        Some(match name {
            "cpu" => &mut self.cpu,
            "timeout" => &mut self.timeout,
            "memory" => &mut self.memory,
            "outbox-stanzas" => &mut self.outbox_stanzas,
            "outbox-bytes" => &mut self.outbox_bytes,
            "account-data" => &mut self.account_data,
            "alarms" => &mut self.alarms,
            "instances" => &mut self.instances,
            "calls" => &mut self.calls,
            _ => return None,
        })
    }

    /// The usual limits with these in their place.
    #[must_use]
    pub fn over(&self, usual: &Limits) -> Limits {
        let size =
            |own: Option<u64>, usual: usize| own.map_or(usual, |own| own.try_into().unwrap_or(usize::MAX));
        Limits {
            cpu: self.cpu.map_or(usual.cpu, Duration::from_millis),
            call_timeout: self.timeout.map_or(usual.call_timeout, Duration::from_millis),
            memory: size(self.memory, usual.memory),
            outbox_stanzas: size(self.outbox_stanzas, usual.outbox_stanzas),
            outbox_bytes: size(self.outbox_bytes, usual.outbox_bytes),
            account_data_bytes: self.account_data.unwrap_or(usual.account_data_bytes),
            alarm_bytes: self.alarms.unwrap_or(usual.alarm_bytes),
            instances: size(self.instances, usual.instances),
            retire_after: self.calls.unwrap_or(usual.retire_after),
            ..usual.clone()
        }
    }
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
            scope: scope(&self.scope),
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

/// The scope that is stored as this.
pub(crate) fn scope(stored: &str) -> Scope {
    match stored {
        EVERYWHERE => Scope::Everywhere,
        domain => Scope::Only(BTreeSet::from([domain.to_owned()])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_limits_lie_over_the_usual_ones() {
        let mut own = OwnLimits::default();
        assert_eq!(own.over(&Limits::default()), Limits::default());
        for (name, value) in OwnLimits::NAMES.into_iter().zip(1..) {
            *own.named(name).unwrap() = Some(value);
        }
        assert_eq!(own.named("memroy"), None);
        let limits = own.over(&Limits::default());
        assert_eq!(limits.cpu, Duration::from_millis(1));
        assert_eq!((limits.memory, limits.outbox_bytes, limits.retire_after), (3, 5, 9));
        assert_eq!((limits.account_data_bytes, limits.alarm_bytes), (6, 7));
        assert_eq!(limits.waiting, Limits::default().waiting);
        let json = serde_json::to_string(&own).unwrap();
        assert!(json.contains("\"outbox-stanzas\":4"), "{json}");
        assert_eq!(serde_json::from_str::<OwnLimits>(&json).unwrap(), own);
    }

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
