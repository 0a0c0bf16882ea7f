//! New plugins, new versions, and back.

use super::consent::{Consent, NeedsConsent, settle};
use super::error::CatalogueError;
use super::manifest::{Manifest, Record};
use super::own_limits::OwnLimits;
use super::scope::EVERYWHERE;
use super::{Catalogue, Done, What, Which};
use crate::declare::declared::Declared;
use crate::declare::grants::Grants;
use crate::declare::options::{Policy, Source};
use crate::declare::reach::Reach;
use crate::engine::swap::Replaced;
use crate::host::admin::{AdminAnswer, AdminRequest};
use crate::load::component::Inspected;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use waxwing_storage::Write;
use waxwing_xmpp::Jid;

/// How a new plugin is to run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wish {
    /// The virtual hosts that it is for; none is all there are.
    pub vhosts: Vec<String>,
    /// What it may do.
    pub grants: Grants,
    /// How far it may reach with that.
    pub reach: Reach,
    /// Its limits where they are not the usual ones.
    pub limits: OwnLimits,
    /// What happens to a stanza when it fails.
    pub policy: Policy,
    /// A new instance for each call.
    pub fresh: bool,
    /// Its own settings.
    pub settings: Vec<(String, Vec<String>)>,
}

/// What comes of bringing a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It runs.
    Done(Done),
    /// It asks for more than it has been granted. Nothing has changed.
    NeedsConsent(NeedsConsent),
}

impl Catalogue {
    /// Install a plugin that is not there yet.
    ///
    /// # Errors
    /// When it cannot be loaded or kept, or is there already. Nothing has changed then.
    pub async fn install(&self, bytes: Arc<[u8]>, wish: Wish) -> Result<Answer, CatalogueError> {
        let _turn = self.turn().await?;
        let plugin = self.inspect(&bytes).await?;
        let scopes = self.scopes(&wish.vhosts)?;
        let rows = self.rows().await?;
        for scope in &scopes {
            if self.lists_for(&plugin.name, scope) {
                return Err(CatalogueError::Listed(plugin.name));
            }
            if rows.iter().any(|row| row.name == plugin.name && row.scope == *scope) {
                return Err(CatalogueError::Installed { name: plugin.name, scope: scope.clone() });
            }
        }
        check_limits(&wish.limits)?;
        self.check_components(&plugin, &scopes).await?;
        // The wish names all that is agreed to.
        let agreed = Consent { grants: Grants::default(), reach: wish.reach };
        let grants = match settle(&plugin, &wish.grants, &agreed, None)? {
            Ok(grants) => grants,
            Err(question) => return Ok(Answer::NeedsConsent(question)),
        };
        let manifest = Manifest {
            version: plugin.version.clone(),
            previous_version: None,
            enabled: true,
            grants,
            limits: wish.limits,
            policy: wish.policy,
            fresh: wish.fresh,
            settings: wish.settings,
            rolled_back: None,
            installed_at: self.host()?.now(),
        };
        let mut writes = vec![Write::PutComponent { sha256: plugin.sha256, bytes: bytes.to_vec() }];
        let mut running = Vec::new();
        for scope in &scopes {
            let (name, scope, manifest) = (plugin.name.clone(), scope.clone(), manifest.clone());
            let record = Record { name, scope, sha256: plugin.sha256, previous: None, manifest };
            writes.push(Write::PutPlugin(record.row()?));
            let undo = self.run(&record, bytes.clone(), Replaced::Gone).await?;
            running.push((record, undo));
        }
        self.commit(writes).await?;
        for (record, undo) in running {
            self.settled(&record, undo, Replaced::Gone, None);
        }
        let Inspected { name, version, .. } = plugin;
        Ok(Answer::Done(Done { what: What::Installed, name, version, scopes }))
    }

    /// Bring a new version of an installed plugin. `name` is what the component must call itself, if that
    /// is to be made sure; `agreed` is what it may be granted beyond what it has, of which it gets what it
    /// asks for.
    ///
    /// # Errors
    /// When it cannot be loaded or kept, or is not there yet. Nothing has changed then.
    pub async fn upgrade(
        &self,
        bytes: Arc<[u8]>,
        name: Option<&str>,
        scope: Option<String>,
        agreed: &Consent,
    ) -> Result<Answer, CatalogueError> {
        let _turn = self.turn().await?;
        let plugin = self.inspect(&bytes).await?;
        if let Some(name) = name.filter(|name| *name != plugin.name) {
            return Err(CatalogueError::Other { wanted: name.to_owned(), found: plugin.name });
        }
        let found = self.find(&Which { name: plugin.name.clone(), scope }).await;
        let row = found.map_err(|error| match error {
            CatalogueError::Listed(name) => CatalogueError::ListedFile(name),
            error => error,
        })?;
        let mut record = Record::read(&row)?;
        let from = record.manifest.version.clone();
        let done = |what| Done {
            what,
            name: plugin.name.clone(),
            version: plugin.version.clone(),
            scopes: vec![row.scope.clone()],
        };
        if plugin.sha256 == row.sha256 {
            return Ok(Answer::Done(done(What::AlreadyThere)));
        }
        self.check_components(&plugin, std::slice::from_ref(&row.scope)).await?;
        let old = self.declared(&record).await;
        match settle(&plugin, &record.manifest.grants, agreed, Some((&from, &old)))? {
            Ok(grants) => record.manifest.grants = grants,
            Err(question) => return Ok(Answer::NeedsConsent(question)),
        }
        record.previous = Some(std::mem::replace(&mut record.sha256, plugin.sha256));
        record.manifest.version = plugin.version.clone();
        record.manifest.previous_version = Some(from.clone());
        record.manifest.rolled_back = None;
        self.put(&record, bytes, Replaced::StandsBy, Some(row.clone()), true).await?;
        Ok(Answer::Done(done(What::Upgraded { from })))
    }

    /// Go back to the component that the last upgrade has replaced, for good: the one that runs now is not kept.
    /// Grants and settings stay as they are.
    ///
    /// # Errors
    /// When there is none, or it does not load any more. Nothing has changed then.
    pub async fn rollback(&self, which: &Which) -> Result<Done, CatalogueError> {
        let _turn = self.turn().await?;
        let row = self.find(which).await?;
        let mut record = Record::read(&row)?;
        let from = record.manifest.version.clone();
        if !record.go_back() {
            return Err(CatalogueError::NoPrevious(row.name));
        }
        let bytes = self.component(&record).await?;
        self.put(&record, bytes, Replaced::Gone, None, false).await?;
        let Record { name, scope, manifest, .. } = record;
        Ok(Done { what: What::RolledBack { from }, name, version: manifest.version, scopes: vec![scope] })
    }

    /// What the installed version says of itself; nothing if it cannot be had to say.
    async fn declared(&self, record: &Record) -> Declared {
        let Ok(bytes) = self.component(record).await else { return Declared::default() };
        let inspected = self.engine.inspect(&Source::Bytes(bytes)).await;
        inspected.map(|plugin| plugin.declared).unwrap_or_default()
    }

    /// That no component has the address of an account.
    async fn check_components(&self, plugin: &Inspected, scopes: &[String]) -> Result<(), CatalogueError> {
        let host = self.host()?;
        for component in &plugin.declared.components {
            for domain in self.domains(scopes).await? {
                let address = format!("{}@{domain}", component.name);
                let Ok(address) = Jid::parse(&address) else { continue };
                if host.account_exists(&address).await? {
                    let (name, account) = (component.name.clone(), address.to_string());
                    return Err(CatalogueError::ComponentTaken { name, account });
                }
            }
        }
        Ok(())
    }

    /// The domains of the virtual hosts in these scopes.
    async fn domains(&self, scopes: &[String]) -> Result<Vec<String>, CatalogueError> {
        if !scopes.iter().any(|scope| scope == EVERYWHERE) {
            return Ok(scopes.to_vec());
        }
        match self.host()?.admin(AdminRequest::Vhosts).await {
            AdminAnswer::Names(names) => Ok(names),
            _ => Ok(Vec::new()),
        }
    }

    async fn inspect(&self, bytes: &Arc<[u8]>) -> Result<Inspected, CatalogueError> {
        let (size, most) = (bytes.len(), self.options.file_bytes);
        if size > most {
            return Err(CatalogueError::TooLarge { size, most });
        }
        self.engine.inspect(&Source::Bytes(bytes.clone())).await.map_err(CatalogueError::NoPlugin)
    }

    /// The scopes of a new plugin, each once.
    fn scopes(&self, vhosts: &[String]) -> Result<Vec<String>, CatalogueError> {
        let host = self.host()?;
        let mut scopes = Vec::new();
        for vhost in vhosts {
            let scope = self.normal(vhost)?;
            if scope != EVERYWHERE && !host.is_local(&scope) {
                return Err(CatalogueError::NoVhost(vhost.clone()));
            }
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        if scopes.is_empty() {
            scopes.push(EVERYWHERE.to_owned());
        }
        Ok(scopes)
    }
}

pub(super) fn check_limits(limits: &OwnLimits) -> Result<(), CatalogueError> {
    let mut limits = limits.clone();
    let mut is_zero = |name: &str| limits.named(name).is_some_and(|limit| *limit == Some(0));
    let zero =
        OwnLimits::NAMES.into_iter().find(|name| !OwnLimits::is_unlimited_at_zero(name) && is_zero(name));
    zero.map_or(Ok(()), |name| Err(CatalogueError::ZeroLimit(name)))
}
