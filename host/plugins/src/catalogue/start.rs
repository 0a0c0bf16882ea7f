//! What is installed starts with the server.

use super::error::CatalogueError;
use super::manifest::Record;
use super::{Catalogue, Key};
use crate::options::PluginSpec;
use crate::swap::{Replaced, Undo};
use waxwing_storage::InstalledPlugin;

impl Catalogue {
    /// Start all that is installed and enabled, after what the config file lists. Answers how many
    /// that are. One that does not start is an error, as for those of the config file: a server that lacks
    /// a feature it was told to have might lose what that feature keeps.
    ///
    /// # Errors
    /// When one does not start; the sentence says how to start without it.
    pub async fn start(&self) -> Result<usize, CatalogueError> {
        let _turn = self.turn().await?;
        let rows = self.in_order().await?;
        let mut started = 0;
        for row in rows {
            let (name, scope) = (row.name.clone(), row.scope.clone());
            match self.start_one(&row).await {
                Ok(runs) => started += usize::from(runs),
                Err(error @ CatalogueError::Both { .. }) => return Err(error),
                Err(error) => return Err(CatalogueError::Start { name, scope, why: error.to_string() }),
            }
        }
        Ok(started)
    }

    /// For tools beside a stopped server: load what the config file lists and what is installed, as far as
    /// it loads. Why the rest does not is in [`Catalogue::list`].
    ///
    /// # Errors
    /// When the storage does not answer.
    pub async fn start_what_loads(&self) -> Result<(), CatalogueError> {
        let _turn = self.turn().await?;
        for spec in self.options.listed.clone() {
            let key = (spec.name.clone(), spec.scope.to_string());
            let loaded = self.load_listed(spec).await;
            self.note_trouble(key, loaded.map_err(|error| error.to_string()));
        }
        for row in self.in_order().await? {
            let key = (row.name.clone(), row.scope.clone());
            let loaded = match self.start_one(&row).await {
                // What the config file lists goes first, and a list says so of the other.
                Ok(_) | Err(CatalogueError::Both { .. }) => Ok(()),
                Err(error) => Err(error),
            };
            self.note_trouble(key, loaded.map_err(|error| error.to_string()));
        }
        Ok(())
    }

    async fn load_listed(&self, spec: PluginSpec) -> Result<(), CatalogueError> {
        let (_, undo) = self.engine.swap(spec, Replaced::Gone).await?;
        undo.keep();
        Ok(())
    }

    fn note_trouble(&self, key: Key, loaded: Result<(), String>) {
        if let Err(why) = loaded {
            self.troubles.lock().insert(key, why);
        }
    }

    /// The rows in the order in which they came, so that plugins are asked in the same order as before.
    async fn in_order(&self) -> Result<Vec<InstalledPlugin>, CatalogueError> {
        let mut rows = self.rows().await?;
        // What cannot be read comes last, where it is reported.
        rows.sort_by_key(|row| Record::read(row).map_or(u64::MAX, |record| record.manifest.installed_at));
        Ok(rows)
    }

    /// `false` if it is not to run.
    async fn start_one(&self, row: &InstalledPlugin) -> Result<bool, CatalogueError> {
        let record = Record::read(row)?;
        if !record.manifest.enabled {
            self.rest(&record.name, &record.scope, true);
            return Ok(false);
        }
        if self.lists_for(&record.name, &record.scope) {
            return Err(CatalogueError::Both { name: record.name, scope: record.scope });
        }
        let bytes = self.component(&record).await?;
        self.run(&record, bytes, Replaced::Gone).await?.map(Undo::keep);
        Ok(true)
    }
}
