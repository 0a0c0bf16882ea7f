//! Commands about plugins, where they are carried out: in the server, or beside a stopped one.

use crate::plugin_view::{Details, Line, Views};
use crate::plugin_watch;
use crate::wire::Answer;
use crate::wiring::Running;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use waxwing_config::PluginsSettings;
use waxwing_plugins::{
    Answer as Brought, Catalogue, CatalogueError, Consent, Done, Entry, GrantChange, SettingChange, Which,
    Wish,
};

/// One command about plugins with all that it needs but the component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginRequest {
    List,
    Info(Which),
    Install(Box<Wish>),
    Upgrade {
        name: Option<String>,
        scope: Option<String>,
        agreed: Consent,
    },
    Rollback(Which),
    Remove {
        which: Which,
        erase_data: bool,
    },
    Enable(Which),
    Disable(Which),
    Reload(String),
    Grant {
        which: Which,
        change: GrantChange,
    },
    Set {
        which: Which,
        change: SettingChange,
    },
    /// The next calls go into a file, which the server writes.
    Record {
        which: Which,
        calls: u32,
        redact: bool,
        output: PathBuf,
    },
    /// A recording that goes on ends.
    RecordOff(Which),
    /// The component runs beside the live one.
    Shadow(Which),
    ShadowOff(Which),
}

impl PluginRequest {
    /// Do it, with the component that has come with it.
    pub async fn run(self, running: &Running, component: Arc<[u8]>) -> Answer {
        let Some(catalogue) = &running.catalogue else {
            return Answer::Error("the plugins are not loaded".to_owned());
        };
        let result = match self {
            Self::List => return views(lines(catalogue, &running.settings.plugins).await),
            Self::Info(which) => return views(details(catalogue, &which).await),
            Self::Install(wish) => brought(catalogue.install(component, *wish).await),
            Self::Upgrade { name, scope, agreed } => {
                brought(catalogue.upgrade(component, name.as_deref(), scope, &agreed).await)
            }
            Self::Rollback(which) => done(catalogue.rollback(&which).await),
            Self::Remove { which, erase_data } => done(catalogue.remove(&which, erase_data).await),
            Self::Enable(which) => done(catalogue.enable(&which).await),
            Self::Disable(which) => done(catalogue.disable(&which).await),
            Self::Reload(name) => done(catalogue.reload(&name).await),
            Self::Grant { which, change } => granted(catalogue, &which, &change).await,
            Self::Set { which, change } => done(catalogue.set(&which, &change).await),
            Self::Record { which, calls, redact, output } => {
                return plugin_watch::record(running, &which, calls, redact, &output).await.into();
            }
            Self::RecordOff(which) => return plugin_watch::record_off(running, &which).into(),
            Self::Shadow(which) => {
                return plugin_watch::shadow(running, &which, Some(component)).await.into();
            }
            Self::ShadowOff(which) => return plugin_watch::shadow(running, &which, None).await.into(),
        };
        result.unwrap_or_else(|why| Answer::Error(why.to_string()))
    }
}

fn done(result: Result<Done, CatalogueError>) -> Result<Answer, CatalogueError> {
    let done = result?;
    tracing::info!("admin: {done}");
    Ok(Answer::Ok(done.to_string()))
}

/// What has changed, and all that the plugin may do with that.
async fn granted(
    catalogue: &Catalogue,
    which: &Which,
    change: &GrantChange,
) -> Result<Answer, CatalogueError> {
    let done = catalogue.grant(which, change).await?;
    tracing::info!("admin: {done}");
    let entries = catalogue.list().await?;
    let changed = entries.iter().find(|entry| entry.name == done.name && done.scopes.contains(&entry.scope));
    let mut text = done.to_string();
    if let Some(entry) = changed {
        text += "\nIt may now:";
        let reach = entry.running.iter().flat_map(|info| info.reach.iter().cloned());
        for sentence in entry.grants.sentences().into_iter().chain(reach) {
            text += &format!("\n  - {sentence}");
        }
    }
    Ok(Answer::Ok(text))
}

fn brought(result: Result<Brought, CatalogueError>) -> Result<Answer, CatalogueError> {
    match result? {
        Brought::Done(what) => done(Ok(what)),
        Brought::NeedsConsent(question) => Ok(Answer::NeedsConsent(question)),
    }
}

fn views(result: Result<Views, CatalogueError>) -> Answer {
    result.map_or_else(|why| Answer::Error(why.to_string()), Answer::Plugins)
}

/// All plugins, and what lies in the plugins folder besides.
async fn lines(catalogue: &Catalogue, settings: &PluginsSettings) -> Result<Views, CatalogueError> {
    let plugins = catalogue.list().await?.iter().map(Line::of).collect();
    let off = settings.list.iter().filter(|plugin| !plugin.active).map(|plugin| plugin.name.clone());
    Ok(Views::List { plugins, switched_off: off.collect(), not_listed: not_listed(settings) })
}

/// Components in the plugins folder that no line of the config file names.
fn not_listed(settings: &PluginsSettings) -> Vec<PathBuf> {
    let known: BTreeSet<PathBuf> = settings.list.iter().map(|plugin| settings.file_of(plugin)).collect();
    // A folder that is not there has nothing in it.
    let files = std::fs::read_dir(&settings.folder).into_iter().flatten().flatten().map(|file| file.path());
    let unknown =
        files.filter(|file| file.extension().is_some_and(|kind| kind == "wasm") && !known.contains(file));
    let mut unknown: Vec<PathBuf> = unknown.collect();
    unknown.sort();
    unknown
}

/// All that is known of one plugin, in each scope that is meant.
async fn details(catalogue: &Catalogue, which: &Which) -> Result<Views, CatalogueError> {
    let entries = catalogue.list().await?;
    let meant = |entry: &&Entry| {
        let here = which.scope.as_ref().is_none_or(|scope| entry.scope.split(", ").any(|part| part == scope));
        entry.name == which.name && here
    };
    let mut details = Vec::new();
    for entry in entries.iter().filter(meant) {
        details.push(Details::of(entry, catalogue.stores(entry).await?));
    }
    match details.is_empty() {
        true => Err(CatalogueError::NotInstalled(which.name.clone())),
        false => Ok(Views::Info(details)),
    }
}
