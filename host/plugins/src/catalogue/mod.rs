//! The catalogue: plugins that operators install, change and remove while the server runs.
//!
//! What is installed is in storage and survives a restart. A change takes place in the engine first, where
//! everything that can be wrong with a plugin shows; then it is made durable; then it is answered. If it
//! cannot be made durable, the engine has it undone. So it has if the caller gives up, but then nobody knows
//! what is durable: callers let an operation finish.

mod change;
mod consent;
mod error;
mod install;
mod list;
mod manifest;
mod own_limits;
mod rollbacks;
mod scope;
mod start;

pub use change::{GrantChange, SettingChange};
pub use consent::{Consent, NeedsConsent, STORE};
pub use error::CatalogueError;
pub use install::{Answer, Wish};
pub use list::{Entry, Kind, StoreUse};
pub use manifest::Manifest;
pub use own_limits::OwnLimits;
pub use scope::EVERYWHERE;

use crate::declare::options::PluginSpec;
use crate::engine::Engine;
use crate::engine::swap::{Replaced, Undo};
use crate::host::Host;
use crate::run::plugin::Plugin;
use manifest::Record;
use parking_lot::Mutex;
use scope::shown;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Weak};
use waxwing_storage::{Batch, InstalledPlugin, Write};
use waxwing_xmpp::Jid;

/// How a catalogue is set up.
#[derive(Clone, Debug)]
pub struct CatalogueOptions {
    /// The plugins of the config file.
    pub listed: Vec<PluginSpec>,
    /// Bytes of the largest component that may be installed.
    pub file_bytes: usize,
}

/// The plugins that are installed in a server.
pub struct Catalogue {
    engine: Arc<Engine>,
    options: CatalogueOptions,
    /// Operations go one at a time, each from what the one before it has made durable. It is held across
    /// waits, for as long as a compilation or a commit takes: no stanza ever waits for it.
    turn: tokio::sync::Mutex<()>,
    /// What to go back to if a plugin is rolled back: what ran before it, and what was stored of that.
    before: Mutex<HashMap<Key, Before>>,
    /// Why plugins do not run that should.
    troubles: Mutex<HashMap<Key, String>>,
}

/// Name and scope of an installed plugin.
type Key = (String, String);

struct Before {
    ran: Weak<Plugin>,
    stored: InstalledPlugin,
}

/// An installed plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Which {
    /// Its name.
    pub name: String,
    /// [`EVERYWHERE`] or a domain; `None` for the only one there is, or else the one that is everywhere.
    pub scope: Option<String>,
}

/// What has been done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// What it is.
    pub what: What,
    /// The name of the plugin.
    pub name: String,
    /// Its version now.
    pub version: String,
    /// [`EVERYWHERE`] or domains.
    pub scopes: Vec<String>,
}

/// What has been done with a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are what the operations are called")]
pub enum What {
    Installed,
    Upgraded { from: String },
    AlreadyThere,
    RolledBack { from: String },
    Removed { data: bool },
    Erased,
    Enabled,
    Disabled,
    Reloaded { from: String },
    Changed,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Done { what, name, version, .. } = self;
        let scopes: Vec<&str> = self.scopes.iter().map(|scope| shown(scope)).collect();
        let scopes = scopes.join(", ");
        match what {
            What::Installed => write!(f, "{name} {version} is installed and runs for {scopes}"),
            What::Upgraded { from } => {
                let way = if is_older(version, from) { "downgraded" } else { "upgraded" };
                write!(f, "{name} is {way} from {from} to {version} for {scopes}")
            }
            What::AlreadyThere => write!(f, "{name} {version} for {scopes} is this very component already"),
            What::RolledBack { from } => write!(f, "{name} is back from {from} to {version} for {scopes}"),
            What::Removed { data: false } => write!(f, "{name} is removed for {scopes}; its data is kept"),
            What::Removed { data: true } => write!(f, "{name} is removed for {scopes}, with all its data"),
            What::Erased => write!(f, "{name} is not installed; what it had stored is erased"),
            What::Enabled => write!(f, "{name} {version} runs for {scopes}"),
            What::Disabled => write!(f, "{name} {version} no longer runs for {scopes}; it stays installed"),
            What::Reloaded { from } => write!(f, "{name} {version} runs for {scopes} in the place of {from}"),
            What::Changed => write!(f, "{name} {version} runs for {scopes} with the change"),
        }
    }
}

/// Whether a version comes before another. Of versions that are not numbered as usual nobody knows.
fn is_older(version: &str, than: &str) -> bool {
    let parse = |version| semver::Version::parse(version).ok();
    parse(version).zip(parse(than)).is_some_and(|(version, than)| version < than)
}

impl Catalogue {
    /// A catalogue of what is installed in the server of this engine. Nothing is started yet.
    pub fn new(engine: Arc<Engine>, options: CatalogueOptions) -> Arc<Catalogue> {
        Arc::new(Catalogue {
            engine,
            options,
            turn: tokio::sync::Mutex::default(),
            before: Mutex::default(),
            troubles: Mutex::default(),
        })
    }

    /// How it is set up.
    pub fn options(&self) -> &CatalogueOptions {
        &self.options
    }

    fn host(&self) -> Result<Arc<dyn Host>, CatalogueError> {
        self.engine.host.upgrade().ok_or(CatalogueError::Stopping)
    }

    /// The rows of all installed plugins, in order of name and scope.
    async fn rows(&self) -> Result<Vec<InstalledPlugin>, CatalogueError> {
        Ok(self.host()?.storage().plugins().await?)
    }

    /// The row that is meant.
    async fn find(&self, which: &Which) -> Result<InstalledPlugin, CatalogueError> {
        let Which { name, scope } = which;
        let mut rows = self.rows().await?;
        rows.retain(|row| row.name == *name);
        let wanted = match scope {
            Some(scope) => Some(self.normal(scope)?),
            None if rows.len() == 1 => rows.first().map(|row| row.scope.clone()),
            None => Some(EVERYWHERE.to_owned()),
        };
        let scopes: Vec<String> = rows.iter().map(|row| shown(&row.scope).to_owned()).collect();
        match rows.into_iter().find(|row| Some(&row.scope) == wanted.as_ref()) {
            Some(row) => Ok(row),
            None if scopes.iter().any(|scope| *scope == shown(EVERYWHERE)) => {
                let domain = wanted.unwrap_or_default();
                Err(CatalogueError::ForAll { name: name.clone(), domain })
            }
            None if !scopes.is_empty() => Err(CatalogueError::WhichScope { name: name.clone(), scopes }),
            None if self.lists(name) => Err(CatalogueError::Listed(name.clone())),
            None => Err(CatalogueError::NotInstalled(name.clone())),
        }
    }

    /// A scope as it is stored. One that is no virtual host any more can still be meant.
    fn normal(&self, scope: &str) -> Result<String, CatalogueError> {
        if scope == EVERYWHERE {
            return Ok(EVERYWHERE.to_owned());
        }
        let domain = Jid::parse(scope).ok().filter(Jid::is_domain);
        let domain = domain.ok_or_else(|| CatalogueError::NoVhost(scope.to_owned()))?;
        Ok(domain.domain().to_owned())
    }

    /// Whether the config file lists a plugin of this name.
    fn lists(&self, name: &str) -> bool {
        self.options.listed.iter().any(|spec| spec.name == name)
    }

    /// Whether the config file lists it for virtual hosts of this scope.
    fn lists_for(&self, name: &str, scope: &str) -> bool {
        let scope = scope::parse(scope);
        self.options.listed.iter().any(|spec| spec.name == name && spec.scope.clashes(&scope))
    }

    /// The component with this digest.
    async fn component(&self, record: &Record) -> Result<Arc<[u8]>, CatalogueError> {
        let found = self.host()?.storage().component(&record.sha256).await?;
        found.map(Into::into).ok_or_else(|| CatalogueError::Damaged {
            name: record.name.clone(),
            scope: record.scope.clone(),
            why: "its component is gone".into(),
        })
    }

    /// Have the engine run what a record says, if it is to run, then store the record. `old` is the row
    /// that it takes the place of, `component` what has to be stored with it.
    async fn put(
        &self,
        record: &Record,
        bytes: Arc<[u8]>,
        replaced: Replaced,
        old: Option<InstalledPlugin>,
        component: bool,
    ) -> Result<(), CatalogueError> {
        let mut writes = Vec::new();
        if component {
            writes.push(Write::PutComponent { sha256: record.sha256, bytes: bytes.to_vec() });
        }
        writes.push(Write::PutPlugin(record.row()?));
        let undo = self.run(record, bytes, replaced).await?;
        self.commit(writes).await?;
        self.settled(record, undo, replaced, old);
        Ok(())
    }

    /// Have the engine run what a record says. What is disabled is only tried out.
    async fn run(
        &self,
        record: &Record,
        bytes: Arc<[u8]>,
        replaced: Replaced,
    ) -> Result<Option<Undo<'_>>, CatalogueError> {
        let spec = record.spec(bytes, &self.engine.options.limits);
        if record.manifest.enabled {
            Ok(Some(self.engine.swap(spec, replaced).await?.1))
        } else {
            self.engine.try_out(&spec).await?;
            Ok(None)
        }
    }

    /// A change is durable: keep it, and what to go back to.
    fn settled(
        &self,
        record: &Record,
        undo: Option<Undo<'_>>,
        replaced: Replaced,
        old: Option<InstalledPlugin>,
    ) {
        let key = (record.name.clone(), record.scope.clone());
        self.troubles.lock().remove(&key);
        let ran = undo.map(Undo::keep);
        match (ran, old) {
            (Some(ran), Some(stored)) if replaced == Replaced::StandsBy => {
                self.before.lock().insert(key, Before { ran, stored });
            }
            _ => drop(self.before.lock().remove(&key)),
        }
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<(), CatalogueError> {
        self.host()?.storage().commit(Batch { writes }).await?;
        Ok(())
    }
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalogue").field("options", &self.options).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_version_is_a_downgrade() {
        let said = |from: &str, version: &str| {
            let (what, name) = (What::Upgraded { from: from.into() }, "bot".to_owned());
            Done { what, name, version: version.into(), scopes: vec!["a.example".into()] }.to_string()
        };
        assert_eq!(said("0.2.0", "0.10.0"), "bot is upgraded from 0.2.0 to 0.10.0 for a.example");
        assert_eq!(said("0.2.0", "0.1.0"), "bot is downgraded from 0.2.0 to 0.1.0 for a.example");
        assert_eq!(said("spring", "autumn"), "bot is upgraded from spring to autumn for a.example");
    }
}
