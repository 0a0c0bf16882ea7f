//! What is installed starts with the server.

use super::Catalogue;
use super::error::CatalogueError;
use super::manifest::Record;
use crate::declare::options::PluginSpec;
use crate::engine::swap::{Replaced, Undo};
use waxwing_storage::InstalledPlugin;

impl Catalogue {
    /// Start all that is installed and enabled, after what the config file lists. Answers which of them do not
    /// start, with sentences that say what helps; [`Catalogue::list`] shows them too. They hold up nobody else: what
    /// one plugin does at its start is not to decide whether there is a server.
    ///
    /// # Errors
    /// When the storage does not answer.
    pub async fn start(&self) -> Result<Vec<CatalogueError>, CatalogueError> {
        let _turn = self.turn().await?;
        let mut troubles = Vec::new();
        for row in self.in_order().await? {
            let (name, scope) = (row.name.clone(), row.scope.clone());
            match self.start_one(&row).await {
                Ok(()) => {}
                // What the config file lists goes first, and a list says so of the other.
                Err(both @ CatalogueError::Both { .. }) => troubles.push(both),
                Err(why) => {
                    let why = why.to_string();
                    self.troubles.lock().insert((name.clone(), scope.clone()), why.clone());
                    troubles.push(CatalogueError::Start { name, scope, why });
                }
            }
        }
        Ok(troubles)
    }

    /// For tools beside a stopped server: load what the config file lists and what is installed, as far as
    /// it loads. Why the rest does not is in [`Catalogue::list`].
    ///
    /// # Errors
    /// When the storage does not answer.
    pub async fn start_what_loads(&self) -> Result<(), CatalogueError> {
        for spec in self.options.listed.clone() {
            let key = (spec.name.clone(), spec.scope.to_string());
            if let Err(why) = self.load_listed(spec).await {
                self.troubles.lock().insert(key, why.to_string());
            }
        }
        self.start().await.map(drop)
    }

    async fn load_listed(&self, spec: PluginSpec) -> Result<(), CatalogueError> {
        let (_, undo) = self.engine.swap(spec, Replaced::Gone).await?;
        undo.keep();
        Ok(())
    }

    /// The rows in the order in which they came, so that plugins are asked in the same order as before.
    async fn in_order(&self) -> Result<Vec<InstalledPlugin>, CatalogueError> {
        let mut rows = self.rows().await?;
        // What cannot be read comes last, where it is reported.
        rows.sort_by_key(|row| Record::read(row).map_or(u64::MAX, |record| record.manifest.installed_at));
        Ok(rows)
    }

    /// Start a plugin, if it is to run.
    async fn start_one(&self, row: &InstalledPlugin) -> Result<(), CatalogueError> {
        let record = Record::read(row)?;
        if !record.manifest.enabled {
            self.rest(&record.name, &record.scope, true);
            return Ok(());
        }
        if self.lists_for(&record.name, &record.scope) {
            return Err(CatalogueError::Both { name: record.name, scope: record.scope });
        }
        let bytes = self.component(&record).await?;
        self.run(&record, bytes, Replaced::Gone).await?.map(Undo::keep);
        Ok(())
    }
}
