//! Asking plugins for what they keep of an account that moves, and giving it to them.

use crate::declare::portable::{PortableError, PortableKind, PortablePage};
use crate::engine::Engine;
use crate::run::instance::Hook;
use crate::run::plugin::Plugin;
use crate::run::question::Question;
use crate::run::verdict::Decision;
use std::sync::Arc;
use waxwing_xmpp::{Jid, Stanza, Type};

impl Engine {
    /// What plugins of a virtual host keep of accounts, each with the plugin that is asked for it, in order.
    pub fn portable(&self, vhost: &str) -> Vec<(PortableKind, String)> {
        let plan = self.plan();
        let kinds = plan.roles(vhost).portable.iter();
        let named = kinds.filter_map(|(kind, number)| {
            let plugin = plan.plugins.get(usize::from(*number))?;
            Some((kind.clone(), plugin.name().to_owned()))
        });
        named.collect()
    }

    /// What any plugin of any virtual host keeps of accounts.
    pub fn plugins_portable(&self) -> Vec<PortableKind> {
        self.plan().plugins.iter().flat_map(|plugin| plugin.description.portable.clone()).collect()
    }

    /// Have a plugin give out what it keeps of an account, from where the page before has ended.
    ///
    /// # Errors
    /// See [`PortableError`].
    pub async fn export(
        &self,
        account: &Jid,
        kind: &PortableKind,
        after: Option<&str>,
    ) -> Result<PortablePage, PortableError> {
        let (address, name) = (account.to_string(), kind.to_string());
        let hook = Hook::Export { account: &address, kind: &name, after };
        match self.carry(account, kind, hook, None).await? {
            (plugin, Decision::Page(page)) => page.map_err(|why| refused(&plugin, why)),
            (plugin, _) => Err(failed(&plugin, "it answers something else")),
        }
    }

    /// Have a plugin take what another server had of an account: elements as XML that stands by itself.
    ///
    /// # Errors
    /// See [`PortableError`].
    pub async fn import(
        &self,
        account: &Jid,
        kind: &PortableKind,
        elements: &str,
    ) -> Result<(), PortableError> {
        let (address, name) = (account.to_string(), kind.to_string());
        let message = Stanza::message(Type::Normal, elements)
            .with_addresses(Some(account.clone()), Some(account.clone()));
        let hook = Hook::Import { account: &address, kind: &name };
        match self.carry(account, kind, hook, Some(&message)).await? {
            (plugin, Decision::Taken(taken)) => taken.map_err(|why| refused(&plugin, why)),
            (plugin, _) => Err(failed(&plugin, "it answers something else")),
        }
    }

    async fn carry(
        &self,
        account: &Jid,
        kind: &PortableKind,
        hook: Hook<'_>,
        stanza: Option<&Stanza>,
    ) -> Result<(Arc<Plugin>, Decision), PortableError> {
        let nobody = || PortableError::Nobody(kind.clone());
        let plan = self.plan();
        let kinds = &plan.roles(account.domain()).portable;
        let number = kinds.iter().find(|(known, _)| known == kind).map(|(_, number)| *number);
        let plugin = number.and_then(|number| plan.plugins.get(usize::from(number))).ok_or_else(nobody)?;
        let host = self.host.upgrade().ok_or_else(nobody)?;
        let question = Question {
            host: &host,
            hook,
            stanza,
            // Failures are not the account's fault.
            sender: "",
            recipient: account.bare_str(),
            ahead: None,
            client: None,
            accepted: false,
        };
        match self.consult(plugin, &question).await {
            Ok(decision) => Ok((plugin.clone(), decision)),
            Err(why) => Err(failed(plugin, &why.to_string())),
        }
    }
}

fn refused(plugin: &Plugin, why: String) -> PortableError {
    PortableError::Refused { plugin: plugin.name().to_owned(), why }
}

fn failed(plugin: &Plugin, why: &str) -> PortableError {
    PortableError::Failed { plugin: plugin.name().to_owned(), why: why.to_owned() }
}
