//! How an engine begins.

use crate::declare::error::{LoadError, Reason};
use crate::declare::options::{EngineOptions, PluginSpec};
use crate::engine::Engine;
use crate::engine::housekeeping;
use crate::host::Host;
use std::sync::{Arc, Weak};

impl Engine {
    /// An engine without plugins. Within a tokio runtime.
    ///
    /// # Errors
    /// When the WebAssembly runtime does not start.
    pub fn new(options: EngineOptions, host: Weak<dyn Host>) -> Result<Arc<Engine>, LoadError> {
        let engine = Engine::still(options, host)?;
        housekeeping::start(&engine);
        Ok(engine)
    }

    /// An engine with plugins, in this order. The first that cannot be loaded is an error: a
    /// server that lacks a feature it was told to have might lose what that feature keeps.
    ///
    /// # Errors
    /// When one cannot be loaded, or is there twice.
    pub async fn load(
        options: EngineOptions,
        plugins: Vec<PluginSpec>,
        host: Weak<dyn Host>,
    ) -> Result<Arc<Engine>, LoadError> {
        let engine = Engine::new(options, host)?;
        engine.add(plugins).await?;
        Ok(engine)
    }

    /// Load plugins that are not there yet, in this order.
    ///
    /// # Errors
    /// As for [`Engine::load`]; those before it are there.
    pub async fn add(&self, plugins: Vec<PluginSpec>) -> Result<(), LoadError> {
        for spec in plugins {
            if self.plan().position(&spec.name, &spec.scope).is_some() {
                return Err(LoadError { plugin: spec.name, reason: Reason::Twice });
            }
            self.put(spec).await?;
        }
        Ok(())
    }
}
