//! Putting the parts together: settings, storage, plugins, server.

use crate::plugins;
use anyhow::Context as _;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use waxwing_config::Settings;
use waxwing_plugins::{Catalogue, CatalogueOptions, Engine, EngineOptions};
use waxwing_server::Server;
use waxwing_storage::{Sqlite, SqliteOptions, Storage};

/// A server with its storage, whether or not it listens anywhere.
pub struct Running {
    pub core: Arc<Server>,
    /// Its plugins, if it has been given any.
    pub catalogue: Option<Arc<Catalogue>>,
    pub settings: Arc<Settings>,
    storage: Arc<dyn Storage>,
}

/// Read the settings; `properties` are `NAME=VALUE`.
pub fn settings(path: &Path, properties: &[String]) -> anyhow::Result<Settings> {
    let mut props = BTreeMap::new();
    for property in properties {
        let (name, value) = property
            .split_once('=')
            .with_context(|| format!("-D {property}: a property is written NAME=VALUE"))?;
        props.insert(name.to_owned(), value.to_owned());
    }
    Ok(Settings::load(path, &props)?)
}

/// The database file that the settings name.
pub fn database_path(settings: &Settings) -> anyhow::Result<PathBuf> {
    let uri = &settings.data_source.uri;
    let path = uri.strip_prefix("sqlite:").with_context(|| {
        format!(
            "dataSource uri '{uri}': only 'sqlite:PATH' is supported, for example 'sqlite:data/waxwing.db'"
        )
    })?;
    Ok(path.into())
}

/// Open the database, making it and its folder if need be.
pub fn storage(settings: &Settings) -> anyhow::Result<Arc<dyn Storage>> {
    let path = database_path(settings)?;
    for folder in [path.parent(), Some(settings.data_folder.as_path())].into_iter().flatten() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let sqlite = Sqlite::open(&path, SqliteOptions::default())
        .with_context(|| format!("cannot open the database {}", path.display()))?;
    Ok(Arc::new(sqlite))
}

/// Which plugins a server is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// None: the command has no use for them.
    Nothing,
    /// All that the config file lists and all that are installed. One that does not load is an error.
    Everything,
    /// The same as far as they load, for commands that put right what does not.
    WhatLoads,
}

/// A server that does not listen yet. No alarm rings yet either.
pub async fn server(settings: Arc<Settings>, load: Load) -> anyhow::Result<Running> {
    let storage = storage(&settings)?;
    let core = Server::new(settings.clone(), storage.clone()).await?;
    let catalogue = match load {
        Load::Nothing => None,
        Load::Everything | Load::WhatLoads => Some(catalogue(&settings, &core, load).await?),
    };
    Ok(Running { core, catalogue, settings, storage })
}

async fn catalogue(settings: &Settings, server: &Arc<Server>, load: Load) -> anyhow::Result<Arc<Catalogue>> {
    let host: Arc<dyn waxwing_plugins::Host> = server.clone();
    let host = Arc::downgrade(&host);
    let options = EngineOptions { alarms: false, ..plugins::options(settings) };
    let engine = Engine::new(options, host)?;
    let listed = plugins::specs(&settings.plugins, &engine).await?;
    if matches!(load, Load::Everything) {
        engine.add(listed.clone()).await?;
    }
    let file_bytes = settings.plugins.file_bytes;
    let catalogue = Catalogue::new(engine.clone(), CatalogueOptions { listed, file_bytes });
    match load {
        Load::Everything => drop(catalogue.start().await?),
        _ => catalogue.start_what_loads().await?,
    }
    server.install_plugins(engine);
    Ok(catalogue)
}

impl Running {
    /// Write out what is queued and close the database.
    pub async fn close(&self) {
        if let Err(why) = self.storage.close().await {
            tracing::error!("closing the database: {why}");
        }
    }
}
