//! What may be changed of a plugin that is there: whether it runs, what it may do, its settings.

use super::error::CatalogueError;
use super::install::check_limits;
use super::manifest::Record;
use super::scope::{self, EVERYWHERE, shown};
use super::{Catalogue, Done, What, Which};
use crate::declare::error::Reason;
use crate::declare::grants::{Grants, Interfaces};
use crate::declare::options::{PluginSpec, Policy, Source};
use crate::engine::swap::Replaced;
use crate::load::check_name;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use waxwing_storage::Write;

/// A change of what a plugin may do and use. What is not named stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GrantChange {
    /// What it may do from now on. A size of a store replaces that which it had.
    pub give: Grants,
    /// What it may not do any more; the sizes of stores say nothing here.
    pub take: Grants,
    /// Limits of its own, or `None` for the usual one, by their names in [`OwnLimits::NAMES`](super::OwnLimits::NAMES).
    pub limits: BTreeMap<String, Option<u64>>,
    /// What happens to a stanza when it fails.
    pub policy: Option<Policy>,
    /// A new instance for each call.
    pub fresh: Option<bool>,
}

/// A change of a plugin's own settings. What is not named stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SettingChange {
    /// Settings with their values.
    pub set: Vec<(String, Vec<String>)>,
    /// Settings that are to have their default.
    pub unset: BTreeSet<String>,
}

impl GrantChange {
    fn apply(&self, record: &mut Record) -> Result<(), CatalogueError> {
        let manifest = &mut record.manifest;
        let mut grants = manifest.grants.plus(&self.give);
        grants.allow = grants.allow.beyond(self.take.allow);
        grants.stores.retain(|name, _| !self.take.stores.contains_key(name));
        grants.services.retain(|name| !self.take.services.contains(name));
        grants.http.retain(|host| !self.take.http.contains(host));
        manifest.grants = grants;
        for (name, value) in &self.limits {
            let limit = manifest.limits.named(name);
            *limit.ok_or_else(|| CatalogueError::UnknownLimit(name.clone()))? = *value;
        }
        manifest.policy = self.policy.unwrap_or(manifest.policy);
        manifest.fresh = self.fresh.unwrap_or(manifest.fresh);
        check_limits(&manifest.limits)
    }
}

impl SettingChange {
    fn apply(&self, settings: &mut Vec<(String, Vec<String>)>) {
        settings.retain(|(key, _)| !self.unset.contains(key));
        for (key, value) in &self.set {
            match settings.iter_mut().find(|(known, _)| known == key) {
                Some((_, old)) => old.clone_from(value),
                None => settings.push((key.clone(), value.clone())),
            }
        }
    }
}

impl Catalogue {
    /// Change what a plugin may do and use. It starts anew with that; its instances before are asked
    /// nothing more, so that what has been taken away is gone.
    ///
    /// # Errors
    /// When it does not load so, as when it needs what is taken away. Nothing has changed then.
    pub async fn grant(&self, which: &Which, change: &GrantChange) -> Result<Done, CatalogueError> {
        self.change(which, What::Changed, Replaced::Gone, |record| change.apply(record)).await
    }

    /// Change a plugin's own settings. It starts anew with them.
    ///
    /// # Errors
    /// When it refuses them. Nothing has changed then.
    pub async fn set(&self, which: &Which, change: &SettingChange) -> Result<Done, CatalogueError> {
        let apply = |record: &mut Record| {
            change.apply(&mut record.manifest.settings);
            Ok(())
        };
        self.change(which, What::Changed, Replaced::StandsBy, apply).await
    }

    /// Let a plugin run again.
    ///
    /// # Errors
    /// When it does not load. Nothing has changed then.
    pub async fn enable(&self, which: &Which) -> Result<Done, CatalogueError> {
        let apply = |record: &mut Record| {
            if self.lists_for(&record.name, &record.scope) {
                return Err(CatalogueError::Listed(record.name.clone()));
            }
            record.manifest.enabled = true;
            Ok(())
        };
        self.change(which, What::Enabled, Replaced::Gone, apply).await
    }

    async fn change(
        &self,
        which: &Which,
        what: What,
        replaced: Replaced,
        apply: impl FnOnce(&mut Record) -> Result<(), CatalogueError>,
    ) -> Result<Done, CatalogueError> {
        let _turn = self.turn().await?;
        let row = self.find(which).await?;
        let mut record = Record::read(&row)?;
        apply(&mut record)?;
        let bytes = self.component(&record).await?;
        self.put(&record, bytes, replaced, Some(row), false).await?;
        self.rest(&record.name, &record.scope, !record.manifest.enabled);
        let Record { name, scope, manifest, .. } = record;
        Ok(Done { what, name, version: manifest.version, scopes: vec![scope] })
    }

    /// Let a plugin rest: it stays installed, with its grants, settings and data.
    ///
    /// # Errors
    /// When it is not there, or this cannot be kept. Nothing has changed then.
    pub async fn disable(&self, which: &Which) -> Result<Done, CatalogueError> {
        let _turn = self.turn().await?;
        let mut record = Record::read(&self.find(which).await?)?;
        record.manifest.enabled = false;
        self.stop(&record.name, &record.scope, vec![Write::PutPlugin(record.row()?)]).await?;
        self.rest(&record.name, &record.scope, true);
        let Record { name, scope, manifest, .. } = record;
        Ok(Done { what: What::Disabled, name, version: manifest.version, scopes: vec![scope] })
    }

    /// Forget a plugin, and its data too if that is asked for. That of one that has been removed before is erased then.
    ///
    /// # Errors
    /// When it is not there, when its data is to go and is used by the same plugin in another scope, or
    /// when this cannot be kept. Nothing has changed then.
    pub async fn remove(&self, which: &Which, erase_data: bool) -> Result<Done, CatalogueError> {
        let _turn = self.turn().await?;
        // What cannot be read can be removed.
        let row = match self.find(which).await {
            Err(CatalogueError::NotInstalled(name)) if erase_data => return self.erase(name).await,
            row => row?,
        };
        let (name, scope) = (row.name, row.scope);
        let mut writes = vec![Write::RemovePlugin { name: name.clone(), scope: scope.clone() }];
        if erase_data {
            let scopes = self.other_scopes(&name, &scope).await?;
            if !scopes.is_empty() {
                return Err(CatalogueError::DataInUse { name, scopes });
            }
            writes.push(Write::ErasePlugin { plugin: name.clone() });
        }
        self.stop(&name, &scope, writes).await?;
        self.rest(&name, &scope, false);
        if erase_data {
            self.engine.common.usages.forget(&name);
        }
        let what = What::Removed { data: erase_data };
        Ok(Done { what, name, version: String::new(), scopes: vec![scope] })
    }

    /// Erase what a plugin has left that is not there any more.
    async fn erase(&self, name: String) -> Result<Done, CatalogueError> {
        if check_name(&name).is_err() {
            return Err(CatalogueError::NotInstalled(name));
        }
        self.commit(vec![Write::ErasePlugin { plugin: name.clone() }]).await?;
        self.engine.common.usages.forget(&name);
        Ok(Done { what: What::Erased, name, version: String::new(), scopes: Vec::new() })
    }

    /// Have a virtual host do without a plugin that rests there, whatever there is for all of them.
    pub(super) fn rest(&self, name: &str, scope: &str, rests: bool) {
        if scope != EVERYWHERE {
            self.engine.rest(name, scope, rests);
        }
    }

    /// Where a plugin is besides.
    async fn other_scopes(&self, name: &str, scope: &str) -> Result<Vec<String>, CatalogueError> {
        let rows = self.rows().await?;
        let others = rows.iter().filter(|row| row.name == name && row.scope != scope);
        let mut scopes: Vec<String> = others.map(|row| shown(&row.scope).to_owned()).collect();
        let listed = self.options.listed.iter().filter(|spec| spec.name == name);
        scopes.extend(listed.map(|spec| format!("{} in the config file", shown(&spec.scope.to_string()))));
        Ok(scopes)
    }

    /// Have the engine let a plugin go, then store what is to be stored of that.
    async fn stop(&self, name: &str, scope: &str, writes: Vec<Write>) -> Result<(), CatalogueError> {
        let undo = self.engine.take(name, &scope::parse(scope));
        self.commit(writes).await?;
        undo.map(crate::engine::swap::Undo::keep);
        let key = (name.to_owned(), scope.to_owned());
        self.before.lock().remove(&key);
        self.troubles.lock().remove(&key);
        Ok(())
    }

    /// Read the file of a plugin of the config file again.
    ///
    /// # Errors
    /// When it is not listed there, or the file does not load with the grants that it has there. Nothing
    /// has changed then.
    pub async fn reload(&self, name: &str) -> Result<Done, CatalogueError> {
        let _turn = self.turn().await?;
        let specs: Vec<&PluginSpec> = self.options.listed.iter().filter(|spec| spec.name == name).collect();
        let Some(source) = specs.first().map(|spec| spec.source.clone()) else {
            return Err(match self.rows().await?.iter().any(|row| row.name == name) {
                true => CatalogueError::NotListed(name.to_owned()),
                false => CatalogueError::NotInstalled(name.to_owned()),
            });
        };
        // Read once, so that all virtual hosts get the same.
        let source = Source::Bytes(self.read(source).await?);
        let from = self.engine.plugins().into_iter().find(|plugin| plugin.name == name);
        let from = from.map_or_else(|| "nothing".to_owned(), |plugin| plugin.version);
        let (mut version, mut undos) = (String::new(), Vec::new());
        for spec in &specs {
            let spec = PluginSpec { source: source.clone(), ..(*spec).clone() };
            let (info, undo) = self.engine.swap(spec, Replaced::StandsBy).await?;
            version = info.version;
            undos.push(undo);
        }
        for undo in undos {
            undo.keep();
        }
        let scopes: Vec<String> = specs.iter().map(|spec| spec.scope.to_string()).collect();
        for scope in &scopes {
            self.troubles.lock().remove(&(name.to_owned(), scope.clone()));
        }
        Ok(Done { what: What::Reloaded { from }, name: name.to_owned(), version, scopes })
    }

    async fn read(&self, source: Source) -> Result<Arc<[u8]>, CatalogueError> {
        let file = match source {
            Source::Bytes(bytes) => return Ok(bytes),
            Source::File(file) => file,
        };
        let reading = file.clone();
        let read = tokio::task::spawn_blocking(move || std::fs::read(reading)).await;
        match read.unwrap_or_else(|why| Err(std::io::Error::other(why))) {
            Ok(bytes) => Ok(bytes.into()),
            Err(error) => Err(CatalogueError::NoPlugin(Reason::Unreadable { file, error })),
        }
    }
}

impl GrantChange {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        *self == GrantChange::default()
    }

    /// Give or take interfaces.
    #[must_use]
    pub fn interfaces(give: Interfaces, take: Interfaces) -> GrantChange {
        let grants = |allow| Grants { allow, ..Grants::default() };
        GrantChange { give: grants(give), take: grants(take), ..GrantChange::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_replaced_added_and_dropped() {
        let setting = |key: &str, value: &str| (key.to_owned(), vec![value.to_owned()]);
        let mut settings = vec![setting("a", "1"), setting("b", "2"), setting("c", "3")];
        let change = SettingChange {
            set: vec![setting("d", "4"), setting("b", "5")],
            unset: BTreeSet::from(["a".into(), "x".into()]),
        };
        change.apply(&mut settings);
        assert_eq!(settings, [setting("b", "5"), setting("c", "3"), setting("d", "4")]);
    }
}
