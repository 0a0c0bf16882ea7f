//! Plugins within the block of another: `amp () { 'store-limit' = 200, msgoffline () {} }`.
//!
//! A setting of the outer block is meant for whichever of them knows it. What none knows is left to the outer one,
//! which refuses it.

use std::collections::HashSet;
use waxwing_config::{Plugin, PluginsSettings};
use waxwing_plugins::{Engine, LoadError, Source};

/// The plugins of the config file, each with the settings that are meant for it. A value of its own block comes before
/// one of the block around it.
///
/// # Errors
/// When a plugin with others in its block, or one of those, is no plugin.
pub async fn handed_down(bounds: &PluginsSettings, engine: &Engine) -> Result<Vec<Plugin>, LoadError> {
    let mut plugins: Vec<Plugin> = Vec::new();
    let mut not_its_own: HashSet<(String, String)> = HashSet::new();
    // Outer blocks come before what is in them, so what is meant for the innermost passes from one to the next.
    for plugin in &bounds.list {
        let mut plugin = plugin.clone();
        let outer = plugins.iter().find(|outer| Some(&outer.name) == plugin.within.as_ref());
        if let Some(outer) = outer.filter(|outer| !outer.settings.is_empty()) {
            let (own, known) = (known(bounds, outer, engine).await?, known(bounds, &plugin, engine).await?);
            for (key, values) in outer.settings.iter().filter(|(key, _)| known.contains(key)) {
                if !own.contains(key) {
                    not_its_own.insert((outer.name.clone(), key.clone()));
                }
                if plugin.settings.iter().all(|(given, _)| given != key) {
                    plugin.settings.push((key.clone(), values.clone()));
                }
            }
        }
        plugins.push(plugin);
    }
    for Plugin { name, settings, .. } in &mut plugins {
        settings.retain(|(key, _)| !not_its_own.contains(&(name.clone(), key.clone())));
    }
    Ok(plugins)
}

/// The keys that a plugin knows.
async fn known(bounds: &PluginsSettings, plugin: &Plugin, engine: &Engine) -> Result<Vec<String>, LoadError> {
    let inspected = engine.inspect(&Source::File(bounds.file_of(plugin))).await;
    let refused = |reason| LoadError { plugin: plugin.name.clone(), reason };
    inspected.map(|plugin| plugin.settings).map_err(refused)
}
