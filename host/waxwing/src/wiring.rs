//! Putting the parts together: settings, storage, plugins, server.

use crate::plugins;
use anyhow::Context as _;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use waxwing_config::Settings;
use waxwing_config::tdsl::Document;
use waxwing_plugins::{Catalogue, CatalogueOptions, Engine, EngineOptions};
use waxwing_server::Server;
use waxwing_storage::{Location, PostgresOptions, Storage};

/// A server with its storage, whether or not it listens anywhere.
pub struct Running {
    pub core: Arc<Server>,
    /// Its plugins, if it has been given any.
    pub catalogue: Option<Arc<Catalogue>>,
    pub settings: Arc<Settings>,
    storage: Arc<dyn Storage>,
}

/// Where the settings are from.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    pub path: PathBuf,
    /// Those of the command line, as `NAME=VALUE`.
    pub properties: Vec<String>,
}

impl ConfigFile {
    /// Read the settings, as they are now.
    pub fn read(&self) -> anyhow::Result<Settings> {
        settings(&self.path, &self.properties)
    }
}

/// Read the settings; `properties` are `NAME=VALUE`.
pub fn settings(path: &Path, properties: &[String]) -> anyhow::Result<Settings> {
    Ok(Settings::load(path, &named(properties)?)?)
}

fn named(properties: &[String]) -> anyhow::Result<BTreeMap<String, String>> {
    let pair = |property: &String| {
        let pair = property.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        pair.with_context(|| format!("-D {property}: a property is written NAME=VALUE"))
    };
    properties.iter().map(pair).collect()
}

/// Where the data is, of a file that may have mistakes anywhere else; the default if it does not say.
pub fn data_folder(path: &Path, properties: &[String]) -> PathBuf {
    let read = || {
        let text = std::fs::read_to_string(path).ok()?;
        let document = Document::parse(&text, "", &named(properties).ok()?).ok()?;
        document.deserialize::<DataFolder>().ok()?.data_folder
    };
    read().unwrap_or_else(|| Settings::default().data_folder)
}

/// The one setting of which a mistake elsewhere does not matter.
#[derive(Deserialize)]
struct DataFolder {
    #[serde(rename = "data-folder")]
    data_folder: Option<PathBuf>,
}

/// The database that the settings name.
pub fn location(settings: &Settings) -> anyhow::Result<Location> {
    let source = &settings.data_source;
    let mut location = Location::parse(&source.uri).context("dataSource uri")?;
    let port = source.port.map(|port| port.to_string());
    let parts = [
        ("host", source.host.as_ref()),
        ("port", port.as_ref()),
        ("dbname", source.database.as_ref()),
        ("user", source.user.as_ref()),
        ("password", source.password.as_ref().map(|password| &password.0)),
        ("sslmode", source.sslmode.as_ref()),
        ("sslrootcert", source.sslrootcert.as_ref()),
    ];
    for (name, value) in parts {
        match (value, &mut location) {
            (Some(value), Location::Postgres(address)) => address.set(name, value).context("dataSource")?,
            (Some(_), Location::Sqlite(_)) => {
                anyhow::bail!("dataSource: a PostgreSQL setting goes with uri = 'postgresql:'")
            }
            (None, _) => {}
        }
    }
    Ok(location)
}

/// How a PostgreSQL database is used.
pub fn postgres_options(settings: &Settings) -> PostgresOptions {
    let source = &settings.data_source;
    PostgresOptions {
        pool_size: source.pool_size as usize,
        statement_timeout: source.statement_timeout,
        connect_timeout: source.connect_timeout,
        ..PostgresOptions::default()
    }
}

/// Open the database, making an SQLite file and its folder if need be.
pub async fn storage(settings: &Settings) -> anyhow::Result<Arc<dyn Storage>> {
    let location = prepared_location(settings)?;
    let open = location.open(postgres_options(settings)).await;
    open.with_context(|| format!("cannot open the database {location}"))
}

/// Between attempts to open a database that is not there yet.
const AGAIN: Duration = Duration::from_secs(1);

/// The same for a server, which may be started before its database: it waits for that.
pub async fn storage_when_there(settings: &Settings) -> anyhow::Result<Arc<dyn Storage>> {
    let location = prepared_location(settings)?;
    let mut said = String::new();
    loop {
        match location.open(postgres_options(settings)).await {
            Err(why) if why.may_pass() => {
                let why = why.to_string();
                if why != said {
                    tracing::error!("cannot open {location} yet: {why}; trying again until it is there");
                }
                said = why;
                tokio::time::sleep(AGAIN).await;
            }
            done => return done.with_context(|| format!("cannot open the database {location}")),
        }
    }
}

/// Where the database is, and the folders that a server needs are there.
pub fn prepared_location(settings: &Settings) -> anyhow::Result<Location> {
    let location = location(settings)?;
    let beside = match &location {
        Location::Sqlite(path) => path.parent(),
        Location::Postgres(_) => None,
    };
    for folder in [beside, Some(settings.data_folder.as_path())].into_iter().flatten() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    Ok(location)
}

/// Which plugins a server is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// None: the command has no use for them.
    Nothing,
    /// All that the config file lists and all that are installed. One that does not load is an error.
    Everything,
    /// Those that the config file lists, and of those that are installed the ones that load: a server is not held up
    /// by what was brought to it while it ran.
    ToServe,
    /// The same as far as they load, for commands that put right what does not.
    WhatLoads,
}

/// A server that does not listen yet. No alarm rings yet either.
pub async fn server(
    settings: Arc<Settings>,
    storage: Arc<dyn Storage>,
    load: Load,
) -> anyhow::Result<Running> {
    let core = Server::new(settings.clone(), storage.clone()).await?;
    let catalogue = match load {
        Load::Nothing => None,
        Load::Everything | Load::ToServe | Load::WhatLoads => Some(catalogue(&settings, &core, load).await?),
    };
    Ok(Running { core, catalogue, settings, storage })
}

async fn catalogue(settings: &Settings, server: &Arc<Server>, load: Load) -> anyhow::Result<Arc<Catalogue>> {
    let host: Arc<dyn waxwing_plugins::Host> = server.clone();
    let host = Arc::downgrade(&host);
    let options = EngineOptions { alarms: false, ..plugins::options(settings) };
    let engine = Engine::new(options, host)?;
    let listed = plugins::specs(&settings.plugins, &engine).await?;
    if matches!(load, Load::Everything | Load::ToServe) {
        for (plugin, store, other) in plugins::lonely(&settings.plugins.list) {
            tracing::warn!(
                "the plugin '{plugin}' shares {store} with '{other}', which is not active: it finds nothing there"
            );
        }
        engine.add(listed.clone()).await?;
    }
    let file_bytes = settings.plugins.file_bytes;
    let catalogue = Catalogue::new(engine.clone(), CatalogueOptions { listed, file_bytes });
    match load {
        Load::Everything => {
            if let Some(trouble) = catalogue.start().await?.into_iter().next() {
                return Err(trouble.into());
            }
        }
        Load::ToServe => catalogue.start().await?.iter().for_each(|trouble| tracing::error!("{trouble}")),
        _ => catalogue.start_what_loads().await?,
    }
    server.install_plugins(engine);
    Ok(catalogue)
}

impl Running {
    /// How it fares with its database.
    pub fn storage_metrics(&self) -> waxwing_storage::Metrics {
        self.storage.metrics()
    }

    /// Write out what is queued and close the database.
    pub async fn close(&self) {
        if let Err(why) = self.storage.close().await {
            tracing::error!("closing the database: {why}");
        }
    }
}
