//! Putting the parts together: settings, storage, plugins, server.

use crate::plugins;
use anyhow::Context as _;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use waxwing_config::Settings;
use waxwing_plugins::Engine;
use waxwing_server::Server;
use waxwing_storage::{Sqlite, SqliteOptions, Storage};

/// A server with its storage, whether or not it listens anywhere.
pub struct Running {
    pub core: Arc<Server>,
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

/// A server that does not listen yet, with or without its plugins.
pub async fn server(settings: Arc<Settings>, with_plugins: bool) -> anyhow::Result<Running> {
    let storage = storage(&settings)?;
    let core = Server::new(settings.clone(), storage.clone()).await?;
    if with_plugins {
        core.install_plugins(engine(&settings, &core).await?);
    }
    Ok(Running { core, storage })
}

async fn engine(settings: &Settings, server: &Arc<Server>) -> anyhow::Result<Arc<Engine>> {
    let host: Arc<dyn waxwing_plugins::Host> = server.clone();
    let (options, specs) = (plugins::options(settings), plugins::specs(&settings.plugins)?);
    Ok(Engine::load(options, specs, Arc::downgrade(&host)).await?)
}

impl Running {
    /// Write out what is queued and close the database.
    pub async fn close(self) {
        if let Err(why) = self.storage.close().await {
            tracing::error!("closing the database: {why}");
        }
    }
}
