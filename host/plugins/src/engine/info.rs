//! What there is to know of the plugins, and what virtual hosts have of them.

use crate::declare::command::CommandInfo;
use crate::declare::declared::Declared;
use crate::declare::error::{LoadError, Reason};
use crate::declare::event::{ComponentInfo, Phase, ServiceInfo};
use crate::declare::grants::Grant;
use crate::declare::options::{PluginSpec, Scope, Source};
use crate::engine::Engine;
use crate::load::component::Inspected;
use crate::load::{self, load};
use crate::run::plugin::{Plugin, PluginInfo};
use crate::watch::dry::NoPlugin;
use std::sync::Arc;

impl Engine {
    /// Load a plugin and let it go again: whether [`Engine::put`] would succeed, and what it would bring.
    ///
    /// # Errors
    /// As for [`Engine::put`].
    pub async fn try_out(&self, spec: &PluginSpec) -> Result<PluginInfo, LoadError> {
        Ok(load(&self.runtime, &self.common, &self.marks, spec).await?.info())
    }

    /// Have a component say what it is and what it asks for, without any grants and without loading it.
    ///
    /// # Errors
    /// When it is not a plugin for this server.
    pub async fn inspect(&self, source: &Source) -> Result<Inspected, Reason> {
        load::inspect(&self.runtime, &self.common, &self.options.limits, source).await
    }

    /// What the loaded plugin of this name and scope says of itself.
    pub fn declared(&self, name: &str, scope: &Scope) -> Option<Declared> {
        let plan = self.plan();
        Some(plan.plugins.get(plan.position(name, scope)?)?.declared())
    }

    /// The loaded plugin of this name and scope.
    pub(crate) fn named(&self, name: &str, scope: &Scope) -> Result<Arc<Plugin>, NoPlugin> {
        let plan = self.plan();
        let found = plan.position(name, scope).and_then(|at| plan.plugins.get(at));
        found.cloned().ok_or_else(|| NoPlugin { name: name.to_owned(), scope: scope.clone() })
    }

    /// What a virtual host advertises in service discovery, in order, each once.
    pub fn features(&self, vhost: &str) -> Vec<String> {
        self.plan().roles(vhost).features.clone()
    }

    /// Whether a plugin on a virtual host announces this feature.
    pub fn has_feature(&self, vhost: &str, feature: &str) -> bool {
        self.plan().roles(vhost).features.iter().any(|announced| announced == feature)
    }

    /// What accounts of a virtual host advertise in service discovery, in order, each once.
    pub fn account_features(&self, vhost: &str) -> Vec<String> {
        self.plan().roles(vhost).account_features.clone()
    }

    /// What accounts of a virtual host are besides accounts, in service discovery: category and type, in order,
    /// each once.
    pub fn account_identities(&self, vhost: &str) -> Vec<(String, String)> {
        self.plan().roles(vhost).account_identities.clone()
    }

    /// The children of `<stream:features/>` of a virtual host in this phase. `setting` says whether a
    /// setting of the virtual host is true.
    pub fn stream_features(&self, vhost: &str, phase: Phase, setting: impl Fn(&str) -> bool) -> Vec<String> {
        let plan = self.plan();
        let offered = plan.roles(vhost).stream_features.iter().filter(|feature| feature.phase == phase);
        let allowed = offered.filter(|feature| feature.setting.as_deref().is_none_or(&setting));
        allowed.map(|feature| feature.xml.clone()).collect()
    }

    /// The names that plugins own under a virtual host.
    pub fn services(&self, vhost: &str) -> Vec<ServiceInfo> {
        self.plan().roles(vhost).services.iter().map(|(service, _)| service.clone()).collect()
    }

    /// The ad-hoc commands of a virtual host.
    pub fn commands(&self, vhost: &str) -> Vec<CommandInfo> {
        self.plan().roles(vhost).commands.iter().map(|(command, _)| command.clone()).collect()
    }

    /// The components of a virtual host, in order of their names.
    pub fn components(&self, vhost: &str) -> Vec<ComponentInfo> {
        self.plan().roles(vhost).components.clone()
    }

    /// The component of this name that a virtual host has.
    pub fn component(&self, vhost: &str, name: &str) -> Option<ComponentInfo> {
        let plan = self.plan();
        plan.roles(vhost).components.iter().find(|component| component.name == name).cloned()
    }

    /// Whether any plugin keeps data of accounts, so that it is worth loading.
    pub fn uses_account_data(&self) -> bool {
        let plan = self.plan();
        plan.plugins.iter().any(|plugin| plugin.requested.interfaces.has(Grant::AccountData))
    }

    /// All loaded plugins, in the order in which they are asked.
    pub fn plugins(&self) -> Vec<PluginInfo> {
        self.plan().plugins.iter().map(|plugin| plugin.info()).collect()
    }
}
