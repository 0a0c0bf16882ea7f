//! From the settings of plugins to what the engine is told of them.

use crate::{nested, plugin_compile};
use anyhow::Context as _;
use std::collections::BTreeSet;
use waxwing_config::{OnFailure, Plugin, PluginGrants, PluginValues, PluginsSettings, Settings};
use waxwing_plugins::{
    Engine, EngineOptions, Grants, Interfaces, Limits, PluginSpec, Policy, Scope, Source, user_cache,
};

/// Where compiled plugins are kept if nothing is said and the user has no place for such things.
const CACHE: &str = "data/plugins-cache";

/// What holds for all plugins.
pub fn options(settings: &Settings) -> EngineOptions {
    let bounds = &settings.plugins;
    let cache = bounds.cache_folder.clone().or_else(user_cache).unwrap_or_else(|| CACHE.into());
    EngineOptions {
        compiler: plugin_compile::command(&cache, bounds.memory, bounds.compile_memory, bounds.compile_cpu),
        cache_folder: Some(cache),
        limits: general_limits(bounds),
        trial_calls: bounds.trial_calls,
        ..EngineOptions::default()
    }
}

/// The limits of a plugin that has none of its own.
pub fn general_limits(bounds: &PluginsSettings) -> Limits {
    Limits {
        cpu: bounds.cpu,
        call_timeout: bounds.call_timeout,
        memory: bounds.memory,
        outbox_stanzas: bounds.outbox_stanzas as usize,
        outbox_bytes: bounds.outbox_bytes,
        account_data_bytes: bounds.account_data as u64,
        alarm_bytes: bounds.alarms as u64,
        instances: bounds.instances as usize,
        retire_after: u64::from(bounds.retire_after),
        ..Limits::default()
    }
}

/// The plugins of the config file that are to run, in its order. One whose settings differ on some
/// virtual hosts is there once more for each of those.
pub async fn specs(bounds: &PluginsSettings, engine: &Engine) -> anyhow::Result<Vec<PluginSpec>> {
    let mut specs = Vec::new();
    for plugin in nested::handed_down(bounds, engine).await?.iter().filter(|plugin| plugin.active) {
        specs.extend(specs_of(bounds, plugin).with_context(|| format!("plugin '{}'", plugin.name))?);
    }
    Ok(specs)
}

/// Plugins that run and share a store with none that does, though with one that could: they will find nothing there.
/// Each with its store and that other.
pub fn lonely(plugins: &[Plugin]) -> Vec<(&str, &str, &str)> {
    let mut lonely = Vec::new();
    for plugin in plugins.iter().filter(|plugin| plugin.active) {
        for (store, _) in plugin.grants.stores.iter().filter(|(store, _)| store.starts_with("shared/")) {
            let is_other = |other: &&Plugin| {
                other.name != plugin.name && other.grants.stores.iter().any(|(name, _)| name == store)
            };
            let mut others = plugins.iter().filter(is_other).peekable();
            if let Some(other) = others.peek().copied()
                && others.all(|other| !other.active)
            {
                lonely.push((plugin.name.as_str(), store.as_str(), other.name.as_str()));
            }
        }
    }
    lonely
}

fn specs_of(bounds: &PluginsSettings, plugin: &Plugin) -> anyhow::Result<Vec<PluginSpec>> {
    let given = &plugin.grants;
    let base = PluginSpec {
        scope: scope(&given.vhosts),
        settings: plugin.settings.clone(),
        grants: grants(given)?,
        limits: limits(general_limits(bounds), given),
        fresh: given.fresh,
        policy: policy(given.on_failure),
        commands: plugin.commands.clone(),
        ..PluginSpec::new(&plugin.name, Source::File(bounds.file_of(plugin)))
    };
    let special = plugin.on_vhost.iter().map(|(domain, settings)| PluginSpec {
        scope: Scope::Only(BTreeSet::from([domain.clone()])),
        settings: laid_over(&plugin.settings, settings),
        ..base.clone()
    });
    let special: Vec<PluginSpec> = special.collect();
    Ok([base].into_iter().chain(special).collect())
}

fn scope(vhosts: &[String]) -> Scope {
    if vhosts.iter().any(|vhost| vhost == "*") {
        Scope::Everywhere
    } else {
        Scope::Only(vhosts.iter().cloned().collect())
    }
}

fn grants(given: &PluginGrants) -> anyhow::Result<Grants> {
    Ok(Grants {
        allow: Interfaces::named(&given.allow).context("allow")?,
        stores: given.stores.iter().cloned().collect(),
        services: given.services.iter().cloned().collect(),
        http: given.http.iter().map(|host| host.parse()).collect::<Result<_, _>>().context("http")?,
    })
}

fn limits(general: Limits, given: &PluginGrants) -> Limits {
    Limits {
        cpu: given.cpu.unwrap_or(general.cpu),
        call_timeout: given.call_timeout.unwrap_or(general.call_timeout),
        memory: given.memory.unwrap_or(general.memory),
        outbox_stanzas: given.outbox_stanzas.map_or(general.outbox_stanzas, |most| most as usize),
        outbox_bytes: given.outbox_bytes.unwrap_or(general.outbox_bytes),
        account_data_bytes: given.account_data.map_or(general.account_data_bytes, |most| most as u64),
        alarm_bytes: given.alarms.map_or(general.alarm_bytes, |most| most as u64),
        instances: given.instances.map_or(general.instances, |most| most as usize),
        retire_after: given.retire_after.map_or(general.retire_after, u64::from),
        ..general
    }
}

fn policy(given: Option<OnFailure>) -> Policy {
    match given {
        None => Policy::ByStage,
        Some(OnFailure::Pass) => Policy::Pass,
        Some(OnFailure::Bounce) => Policy::Bounce,
        Some(OnFailure::Drop) => Policy::Drop,
    }
}

/// The settings of a virtual host: its own, and for the rest those of the plugin.
fn laid_over(general: &PluginValues, own: &PluginValues) -> PluginValues {
    let rest = general.iter().filter(|(key, _)| own.iter().all(|(other, _)| other != key));
    rest.chain(own).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_nobody_else_fills() {
        let plugin = |name: &str, active, store: &str| {
            let stores = [(store.to_owned(), 0)].into_iter().collect();
            let grants = PluginGrants { stores, ..PluginGrants::default() };
            Plugin { active, grants, ..Plugin::new(name) }
        };
        let teller = plugin("teller", true, "shared/last");
        let others = [plugin("marker", false, "shared/last"), plugin("alone", true, "shared/own")];
        let plugins = [std::slice::from_ref(&teller), &others[..]].concat();
        assert_eq!(lonely(&plugins), [("teller", "shared/last", "marker")]);
        assert_eq!(lonely(&[teller, plugin("marker", true, "shared/last")]), []);
    }
}
