//! The session manager: which plugins run, with which settings and within which bounds.

use super::block::block;
use super::grants::{PluginGrants, example};
use super::plugin_block::read_plugin;
use std::path::PathBuf;
use std::time::Duration;

/// What the block is called in the file.
const BLOCK: &str = "sess-man";

block! {
    /// The plugins and what each may use: in the file `'sess-man' { ... }`, where every block within
    /// names a plugin. The order of the file is the order of the plugins.
    pub struct PluginsSettings {
        /// Folder with the plugins: `ping` is the file `ping.wasm` in it, `'jabber:iq:register'` the
        /// file `jabber-iq-register.wasm`.
        "plugins-folder" => folder: PathBuf = "plugins".into(),
        /// Folder for compiled plugins, which makes later starts quick. Nobody else may write there: what is in it is
        /// run as it is. May be emptied at any time. The default is where the tools for authors of plugins keep theirs,
        /// so that what they have checked is installed at once: `waxwing/plugins` in the user's cache folder
        /// (`$XDG_CACHE_HOME`, or `.cache` in the home folder), or `data/plugins-cache` where no such folder can be made.
        "plugins-cache-folder" => cache_folder: Option<PathBuf> = None,
        /// Memory that compiling a plugin may take, in bytes. One in JavaScript or Python takes some 500 MiB.
        "plugin-compile-memory" => compile_memory: usize = 2 * 1024 * 1024 * 1024,
        /// Processor time that compiling a plugin may take.
        "plugin-compile-cpu" => compile_cpu: Duration = Duration::from_mins(5),
        /// Processor time that one call of a plugin may take.
        "plugin-cpu" => cpu: Duration = Duration::from_millis(50),
        /// Time that one call may take in all, waiting for storage included.
        "plugin-timeout" => call_timeout: Duration = Duration::from_secs(5),
        /// Memory that one instance of a plugin may use, in bytes.
        "plugin-memory" => memory: usize = 64 * 1024 * 1024,
        /// Stanzas that one call may send.
        "plugin-outbox-stanzas" => outbox_stanzas: u32 = 1000,
        /// Bytes that one call may send.
        "plugin-outbox-bytes" => outbox_bytes: usize = 4 * 1024 * 1024,
        /// Bytes that one plugin may keep as data of accounts, of all accounts together; 0 is no limit.
        "plugin-account-data" => account_data: usize = 256 * 1024 * 1024,
        /// Bytes of all alarms that one plugin may have set; 0 is no limit.
        "plugin-alarms" => alarms: usize = 64 * 1024 * 1024,
        /// Instances of one plugin that may work at the same time; further calls wait for one.
        "plugin-instances" => instances: u32 = 16,
        /// Calls after which an instance is replaced by a fresh one.
        "plugin-calls" => retire_after: u32 = 100_000,
        /// Calls that a new version of a plugin must serve before the old one is let go. If it fails
        /// meanwhile, the old one takes over again.
        "plugin-trial-calls" => trial_calls: u32 = 20,
        /// The largest component that may be installed, in bytes.
        "plugin-file-bytes" => file_bytes: usize = 64 * 1024 * 1024,
    }
    beside {
        /// The plugins, in the order of the file.
        list: Vec<Plugin> = Vec::new(),
        /// Who may run commands of the component that is called as the block is.
        commands: PluginValues = Vec::new(),
    }
    others read_plugin;
    also example;
}

impl PluginsSettings {
    /// Switches off plugins within those that are switched off, and gives plugins the settings that stand beside
    /// `'sess-man'`, where their blocks have none.
    pub(super) fn complete(&mut self, beside: &[Plugin]) {
        for at in 0..self.list.len() {
            let within = self.list.get(at).and_then(|plugin| plugin.within.as_ref());
            let outer = self.list.iter().find(|outer| Some(&outer.name) == within);
            let runs = outer.is_none_or(|outer| outer.active);
            if let Some(plugin) = self.list.get_mut(at) {
                plugin.active &= runs;
            }
        }
        for plugin in &mut self.list {
            for beside in beside.iter().filter(|beside| beside.name == plugin.name) {
                lay_under(&mut plugin.settings, &beside.settings);
                lay_under(&mut plugin.commands, &beside.commands);
            }
        }
    }

    /// What the file says of who may run the commands of a component, whichever plugins have them. In Tigase the
    /// session manager is a component of the name that its block has.
    pub fn component_commands(&self, component: &str) -> &[(String, Vec<String>)] {
        if component == BLOCK { &self.commands } else { &[] }
    }

    /// The plugin's component: its name in the plugins folder, with a dash for what does not belong
    /// into the name of a file.
    pub fn file_of(&self, plugin: &Plugin) -> PathBuf {
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        let stem: String = plugin.name.chars().map(|c| if fits(c) { c } else { '-' }).collect();
        self.folder.join(format!("{stem}.wasm"))
    }
}

/// Add what is not there yet.
fn lay_under(settings: &mut PluginValues, others: &PluginValues) {
    for (key, values) in others {
        if settings.iter().all(|(known, _)| known != key) {
            settings.push((key.clone(), values.clone()));
        }
    }
}

/// Settings of a plugin as text, in the order of the file; a value that is not a list has one element.
pub type PluginValues = Vec<(String, Vec<String>)>;

/// One plugin of the file: `name (active: true) { grants { ... }, key = value }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Plugin {
    /// Its name in the file; see [`PluginsSettings::file_of`].
    pub name: String,
    /// Whether it is to run. A plugin that is listed is active unless the file says otherwise.
    pub active: bool,
    /// The settings of its block: its own, and those of the plugins within.
    pub settings: PluginValues,
    /// The plugin whose block it is in.
    pub within: Option<String>,
    /// What it may do; by default nothing.
    pub grants: PluginGrants,
    /// Settings that differ on a virtual host, by its domain.
    pub on_vhost: Vec<(String, PluginValues)>,
    /// Who may run its commands, by their nodes, as `commands { 'comp-repo-item-add' = 'LOCAL' }` says.
    pub commands: PluginValues,
}

impl Plugin {
    /// An active plugin without settings and without grants.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            active: true,
            settings: Vec::new(),
            within: None,
            grants: PluginGrants::default(),
            on_vhost: Vec::new(),
            commands: Vec::new(),
        }
    }
}
