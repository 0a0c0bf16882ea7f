//! Ad-hoc commands (XEP-0050) of virtual hosts and their components: which there are, who may run them, and one
//! step after another of those that somebody runs.

mod access;
mod check;
mod components;
mod forms;
mod operator;
mod protocol;
mod sessions;
mod steps;

pub use operator::{CommandListing, OperatorReply};
pub(crate) use sessions::Sessions;

use crate::disco::{Info, named, open};
use crate::server::Server;
use crate::session::Session;
use protocol::Wish;
use sessions::Run;
use std::fmt::Write;
use std::sync::Arc;
use waxwing_plugins::CommandInfo;
use waxwing_xmpp::{Condition, Jid, Stanza, StanzaError, escape, ns};

/// The registry: whoever makes commands is asked here, and only here.
impl Server {
    /// All commands of a virtual host.
    pub(crate) fn commands(&self, vhost: &str) -> Vec<CommandInfo> {
        self.engine.get().map(|engine| engine.commands(vhost)).unwrap_or_default()
    }

    /// Those that a user may run: of a component, or all of the virtual host.
    fn commands_for(&self, vhost: &str, component: Option<&str>, user: &Jid) -> Vec<CommandInfo> {
        let mut commands = self.commands(vhost);
        commands.retain(|command| component.is_none() || command.component.as_deref() == component);
        if !commands.is_empty() {
            let rights = self.rights(user);
            commands.retain(|command| rights.allow(command, vhost));
        }
        commands
    }

    /// The command of this node, for somebody who may run it.
    ///
    /// # Errors
    /// `item-not-found` or `forbidden`.
    fn command(
        &self,
        vhost: &str,
        component: Option<&str>,
        user: &Jid,
        node: &str,
    ) -> Result<CommandInfo, StanzaError> {
        let mut all = self.commands(vhost).into_iter();
        let is_it = |command: &CommandInfo| {
            command.node == node && (component.is_none() || command.component.as_deref() == component)
        };
        let command = all.find(is_it).ok_or(Condition::ItemNotFound)?;
        if self.rights(user).allow(&command, vhost) { Ok(command) } else { Err(Condition::Forbidden.into()) }
    }
}

impl Server {
    /// What a node of a virtual host or component is: the list of commands, or one that the asker may run.
    pub(crate) fn command_info(
        &self,
        vhost: &str,
        component: Option<&str>,
        asker: &Jid,
        node: &str,
    ) -> Result<String, StanzaError> {
        if node == ns::COMMANDS {
            let features = named(&[ns::COMMANDS, ns::DISCO_INFO, ns::DISCO_ITEMS]);
            let info = Info { category: "automation", ty: "command-list", name: "Commands", features };
            return Ok(info.to_xml(Some(node)));
        }
        let command = self.command(vhost, component, asker, node)?;
        let features = named(&[ns::COMMANDS, ns::DATA_FORMS, ns::DISCO_INFO]);
        let info = Info { category: "automation", ty: "command-node", name: &command.label, features };
        Ok(info.to_xml(Some(node)))
    }

    /// What is below a node of a virtual host or component: the commands that the asker may run, below one of
    /// them nothing.
    pub(crate) fn command_items(
        &self,
        vhost: &str,
        component: Option<&str>,
        asker: &Jid,
        node: &str,
    ) -> Result<String, StanzaError> {
        let mut xml = open(ns::DISCO_ITEMS, Some(node));
        if node == ns::COMMANDS {
            let jid = component.map_or_else(|| vhost.to_owned(), |name| format!("{name}@{vhost}"));
            for command in self.commands_for(vhost, component, asker) {
                let (node, label) = (escape(&command.node), escape(&command.label));
                // Writing to a string cannot fail.
                let _ = write!(xml, "<item jid='{}' node='{node}' name='{label}'/>", escape(&jid));
            }
        } else {
            self.command(vhost, component, asker, node)?;
        }
        Ok(xml + "</query>")
    }

    /// Take a step of a command (section 2.4) and answer with what goes into the result.
    ///
    /// Only what a client sends itself is a command: plugins send stanzas in the name of others.
    pub(crate) async fn command_iq(
        &self,
        session: Option<&Arc<Session>>,
        iq: &Stanza,
        component: Option<&str>,
    ) -> Result<String, StanzaError> {
        let (Some(session), Some(to)) = (session, &iq.to) else { return Err(Condition::Forbidden.into()) };
        let wish = Wish::of(iq)?;
        let command = self.command(to.domain(), component, &session.jid, &wish.node)?;
        let (user, vhost) = (session.jid.clone(), to.domain().to_owned());
        let run = Run { user, vhost, plugin: command.plugin, node: command.node };
        self.take_step(run, wish).await
    }
}

#[cfg(test)]
mod tests;
