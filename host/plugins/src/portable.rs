//! What plugins keep of accounts, on its way from one server to another (XEP-0227).

use crate::bindings::exports::xmpp::plugin::portable as wit;
use crate::engine::Engine;
use crate::failure::Failure;
use crate::instance::Hook;
use crate::plugin::{Plugin, Question};
use crate::verdict::Decision;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use waxwing_xmpp::{Element, Jid, Stanza, Type, ns};

/// An element of an account that a plugin keeps. Displayed, it is as descriptions name it: `{vcard-temp}vCard`,
/// `{jabber:iq:private}query/*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortableKind {
    /// Its namespace.
    pub ns: String,
    /// Its name.
    pub name: String,
    /// Its children are what is given out and taken, page by page.
    pub children: bool,
}

/// Some of what a plugin gives out of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortablePage {
    /// The element, or some of its children: each one well-formed element, written in the same way whatever the
    /// plugin wrote.
    pub elements: Vec<String>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// Why something was not given out or taken.
#[derive(Debug, thiserror::Error)]
pub enum PortableError {
    /// The plugin says so, in a sentence.
    #[error("the plugin {plugin} says: {why}")]
    Refused {
        /// Its name.
        plugin: String,
        /// The sentence.
        why: String,
    },
    /// The call has failed.
    #[error("the plugin {plugin} has failed: {why}")]
    Failed {
        /// Its name.
        plugin: String,
        /// What has happened.
        why: String,
    },
    /// No plugin of the virtual host keeps such an element, or there are none at all now.
    #[error("no plugin keeps {0}")]
    Nobody(PortableKind),
}

impl PortableKind {
    /// Whether it is about elements of the same name.
    pub fn is_same(&self, other: &PortableKind) -> bool {
        self.name == other.name && self.ns == other.ns
    }
}

impl fmt::Display for PortableKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}{}{}", self.ns, self.name, if self.children { "/*" } else { "" })
    }
}

impl PortablePage {
    /// A page whose elements can stand in a file.
    pub(crate) fn of(page: wit::Page) -> Result<PortablePage, Failure> {
        let elements = page.elements.iter().map(|xml| {
            let element = Element::parse_in(xml, ns::CLIENT).map_err(|_| Failure::BadXml("page"))?;
            Ok(element.to_string())
        });
        Ok(PortablePage { elements: elements.collect::<Result<_, Failure>>()?, next: page.next })
    }
}

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
