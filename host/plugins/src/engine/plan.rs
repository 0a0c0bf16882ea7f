//! The plugins at one moment, and what each virtual host has of them. Never changed: a new plan takes the
//! place of the old one, and calls that are under way finish on the old.

use crate::declare::command::CommandInfo;
use crate::declare::description::StreamFeature;
use crate::declare::event::{ComponentInfo, ServiceInfo, SessionEvents, Stage};
use crate::declare::index::Index;
use crate::declare::options::Scope;
use crate::declare::portable::PortableKind;
use crate::run::plugin::Plugin;
use smallvec::SmallVec;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// All plugins, in the order in which they are asked, and what each virtual host has of them.
#[derive(Default)]
pub(crate) struct Plan {
    pub plugins: Vec<Arc<Plugin>>,
    /// Rises with every plan.
    pub generation: u64,
    /// The plugins that a virtual host does without, by their names.
    pub left_out: Arc<LeftOut>,
    everywhere: Roles,
    special: HashMap<Box<str>, Roles>,
}

/// By virtual host: the names of plugins that do not run on it.
pub type LeftOut = HashMap<Box<str>, BTreeSet<String>>;

/// The plugins of one virtual host, by what they are there for.
#[derive(Default)]
pub(crate) struct Roles {
    pub index: Index,
    /// Numbers of those that hear of sessions.
    pub sessions: Vec<u16>,
    /// What those hear that always have something to do.
    pub events: SessionEvents,
    /// Those that have nothing to do unless the virtual host has one of some settings.
    pub conditional: Vec<Conditional>,
    /// In order, each once.
    pub features: Vec<String>,
    pub account_features: Vec<String>,
    pub account_identities: Vec<(String, String)>,
    pub stream_features: Vec<StreamFeature>,
    pub services: Vec<(ServiceInfo, u16)>,
    pub components: Vec<ComponentInfo>,
    pub commands: Vec<(CommandInfo, u16)>,
    /// Elements of accounts that plugins keep, each once, in the order of the plugins.
    pub portable: Vec<(PortableKind, u16)>,
    /// The number of each plugin that works for this virtual host.
    pub members: Vec<u16>,
}

/// A plugin that has nothing to do unless the virtual host has one of its settings.
pub(crate) struct Conditional {
    pub number: u16,
    pub events: SessionEvents,
    pub settings: Vec<String>,
}

/// The plugins to ask about one stanza, in order: the answer of [`crate::Engine::matching`].
#[derive(Clone, Default)]
pub struct Calls {
    pub(crate) stage: Stage,
    /// The plugins as they were when the stanza was matched, and their places there.
    pub(crate) plan: Option<Arc<Plan>>,
    pub(crate) plugins: SmallVec<[u16; 12]>,
}

impl Calls {
    /// Whether there is nobody to ask.
    pub fn is_empty(&self) -> bool {
        self.plugins.is_empty()
    }

    /// How many plugins are to be asked.
    pub fn len(&self) -> usize {
        self.plugins.len()
    }
}

impl std::fmt::Debug for Calls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}: {} plugins", self.stage, self.len())
    }
}

impl Plan {
    pub fn new(plugins: Vec<Arc<Plugin>>, generation: u64, left_out: Arc<LeftOut>) -> Plan {
        let named = plugins.iter().filter_map(|plugin| match &plugin.spec.scope {
            Scope::Only(domains) => Some(domains),
            Scope::Everywhere => None,
        });
        let lacking = left_out.keys().map(|domain| &**domain);
        let named: BTreeSet<&str> = named.flatten().map(String::as_str).chain(lacking).collect();
        let special = named.into_iter().map(|domain| {
            let without = left_out.get(domain);
            let runs = |plugin: &Plugin| {
                plugin.spec.scope.covers(domain) && without.is_none_or(|names| !names.contains(plugin.name()))
            };
            (domain.into(), Roles::new(&plugins, runs))
        });
        let special = special.collect();
        let everywhere = Roles::new(&plugins, |plugin| plugin.spec.scope == Scope::Everywhere);
        Plan { plugins, generation, left_out, everywhere, special }
    }

    /// What a virtual host has.
    pub fn roles(&self, vhost: &str) -> &Roles {
        if self.special.is_empty() {
            return &self.everywhere;
        }
        self.special.get(vhost).unwrap_or(&self.everywhere)
    }

    /// The plugin of this name that works for a virtual host.
    pub fn plugin(&self, name: &str, vhost: &str) -> Option<&Arc<Plugin>> {
        let members = self.roles(vhost).members.iter();
        members.filter_map(|number| self.plugins.get(usize::from(*number))).find(|p| p.name() == name)
    }

    /// Where the plugin of exactly this name and scope is.
    pub fn position(&self, name: &str, scope: &Scope) -> Option<usize> {
        self.plugins.iter().position(|plugin| plugin.name() == name && plugin.spec.scope == *scope)
    }
}

impl Roles {
    fn new(plugins: &[Arc<Plugin>], runs: impl Fn(&Plugin) -> bool) -> Roles {
        let numbered = (0u16..).zip(plugins).filter(|(_, plugin)| runs(plugin));
        let candidates: Vec<(u16, &Arc<Plugin>)> = numbered.collect();
        let mut roles = Roles::default();
        let mut interests = Vec::new();
        for (number, plugin) in &candidates {
            // One that is there for just this virtual host goes before one that is there for all.
            let namesakes = candidates.iter().filter(|(_, other)| other.name() == plugin.name());
            let special = |plugin: &Plugin| plugin.spec.scope != Scope::Everywhere;
            if !special(plugin) && namesakes.clone().any(|(_, other)| special(other)) {
                continue;
            }
            let description = &plugin.description;
            interests.extend(description.interests.iter().map(|interest| (interest.clone(), *number)));
            if !description.events.is_empty() {
                roles.sessions.push(*number);
            }
            if description.only_where.is_empty() {
                roles.events |= description.events;
            } else {
                let (events, settings) = (description.events, description.only_where.clone());
                roles.conditional.push(Conditional { number: *number, events, settings });
            }
            roles.features.extend_from_slice(&description.features);
            roles.account_features.extend_from_slice(&description.account_features);
            roles.account_identities.extend_from_slice(&description.account_identities);
            roles.stream_features.extend_from_slice(&description.stream_features);
            roles.services.extend(description.services.iter().map(|service| (service.clone(), *number)));
            roles.components.extend_from_slice(&description.components);
            roles.commands.extend(description.commands.iter().map(|command| (command.clone(), *number)));
            let known: Vec<PortableKind> = roles.portable.iter().map(|(kind, _)| kind.clone()).collect();
            let new =
                description.portable.iter().filter(|kind| known.iter().all(|other| !other.is_same(kind)));
            roles.portable.extend(new.map(|kind| (kind.clone(), *number)));
            roles.members.push(*number);
        }
        roles.index = Index::new(interests);
        roles.features = merged(&roles.features);
        roles.account_features = merged(&roles.account_features);
        roles.account_identities = merged(&roles.account_identities);
        roles.components = merged(&roles.components);
        roles
    }

    /// The service of this name.
    pub fn service(&self, name: &str) -> Option<&(ServiceInfo, u16)> {
        self.services.iter().find(|(service, _)| service.name == name)
    }
}

fn merged<T: Clone + Ord>(features: &[T]) -> Vec<T> {
    features.iter().collect::<BTreeSet<_>>().into_iter().cloned().collect()
}
