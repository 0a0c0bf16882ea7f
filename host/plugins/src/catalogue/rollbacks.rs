//! A version that fails in its first calls is rolled back by the engine. Here that is stored, so that it
//! still is after a restart.

use super::error::CatalogueError;
use super::manifest::Record;
use super::scope;
use super::{Catalogue, Key};
use crate::run::plugin::{Plugin, PluginInfo};
use crate::run::rolled_back::RolledBack;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::MutexGuard;
use waxwing_storage::{InstalledPlugin, Write};

/// How long after a commit that failed the next is tried.
const AGAIN: Duration = Duration::from_secs(5);

impl Catalogue {
    /// The turn of one operation. What was rolled back before it is stored first, so that it starts from
    /// what runs.
    pub(super) async fn turn(&self) -> Result<MutexGuard<'_, ()>, CatalogueError> {
        let turn = self.turn.lock().await;
        self.store_rollbacks().await?;
        Ok(turn)
    }

    /// Store which plugins have been rolled back, before the storage is closed.
    ///
    /// # Errors
    /// When the storage does not answer.
    pub async fn settle(&self) -> Result<(), CatalogueError> {
        self.turn().await.map(drop)
    }

    /// Store when plugins are rolled back. Runs until it is dropped.
    pub async fn watch(self: Arc<Self>) {
        loop {
            let failed = self.engine.next_rollbacks().await;
            while let Err(why) = self.settle().await {
                tracing::error!("that a plugin was rolled back could not be stored, trying again: {why}");
                tokio::time::sleep(AGAIN).await;
            }
            for plugin in failed.iter().filter(|plugin| self.lists_exactly(plugin)) {
                let plugin = plugin.name.as_str();
                tracing::warn!(
                    plugin,
                    "its file is still the version that failed: put the one before it back"
                );
            }
        }
    }

    fn lists_exactly(&self, plugin: &PluginInfo) -> bool {
        self.options.listed.iter().any(|spec| spec.name == plugin.name && spec.scope == plugin.scope)
    }

    async fn store_rollbacks(&self) -> Result<(), CatalogueError> {
        let rolled_back = self.rolled_back();
        if rolled_back.is_empty() {
            return Ok(());
        }
        let rows = self.rows().await?;
        for (key, stored, failure) in rolled_back {
            let mut record = Record::read(&stored)?;
            record.manifest.rolled_back = failure;
            let failed = rows.iter().find(|row| row.name == key.0 && row.scope == key.1);
            if failed.is_some_and(|failed| failed.sha256 != record.sha256) {
                // The version that failed is none to go back to, and the one before both went when it came.
                (record.previous, record.manifest.previous_version) = (None, None);
            }
            self.commit(vec![Write::PutPlugin(record.row()?)]).await?;
            self.before.lock().remove(&key);
        }
        Ok(())
    }

    /// What runs again after it had been replaced, what was stored of it then, and how the other failed.
    fn rolled_back(&self) -> Vec<(Key, InstalledPlugin, Option<RolledBack>)> {
        let plan = self.engine.plan();
        let running = |key: &Key, ran: &Weak<Plugin>| {
            let running = plan.position(&key.0, &scope::parse(&key.1)).and_then(|at| plan.plugins.get(at));
            running.filter(|running| Arc::as_ptr(running) == ran.as_ptr())
        };
        let before = self.before.lock();
        let again = before.iter().filter_map(|(key, before)| {
            let running = running(key, &before.ran)?;
            Some((key.clone(), before.stored.clone(), running.rolled_back.lock().clone()))
        });
        again.collect()
    }
}
