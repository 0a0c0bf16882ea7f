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

/// Where commands are listed and run: a virtual host, which has all of them, or one of its components.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Venue<'a> {
    vhost: &'a str,
    component: Option<&'a str>,
}

impl<'a> Venue<'a> {
    /// A virtual host.
    pub fn vhost(vhost: &'a str) -> Self {
        Self { vhost, component: None }
    }

    /// Its address.
    fn jid(self) -> String {
        self.component.map_or_else(|| self.vhost.to_owned(), |name| format!("{name}@{}", self.vhost))
    }

    /// Whether it has a command of its virtual host.
    fn has(self, command: &CommandInfo) -> bool {
        self.component.is_none() || command.component.as_deref() == self.component
    }
}

/// The registry: whoever makes commands is asked here, and only here.
impl Server {
    /// All commands of a venue, with what the operator says of each.
    fn commands(&self, venue: Venue<'_>) -> Vec<CommandInfo> {
        self.about(venue.vhost).commands.iter().filter(|command| venue.has(command)).cloned().collect()
    }

    /// Those that a user may run.
    fn commands_for(&self, venue: Venue<'_>, user: &Jid) -> Vec<CommandInfo> {
        let about = self.about(venue.vhost);
        if about.commands.is_empty() {
            return Vec::new();
        }
        let rights = self.rights(user);
        let may_run = |command: &&CommandInfo| venue.has(command) && rights.allow(command, venue.vhost);
        about.commands.iter().filter(may_run).cloned().collect()
    }

    /// The command of this node, for somebody who may run it.
    ///
    /// # Errors
    /// `item-not-found` or `forbidden`.
    fn command(&self, venue: Venue<'_>, user: &Jid, node: &str) -> Result<CommandInfo, StanzaError> {
        let about = self.about(venue.vhost);
        let mut all = about.commands.iter().filter(|command| venue.has(command));
        let command = all.find(|command| command.node == node).ok_or(Condition::ItemNotFound)?;
        let allowed = self.rights(user).allow(command, venue.vhost);
        if allowed { Ok(command.clone()) } else { Err(Condition::Forbidden.into()) }
    }
}

impl Server {
    /// What a node of a venue is: the list of commands, or one that the asker may run.
    pub(crate) fn command_info(
        &self,
        venue: Venue<'_>,
        asker: &Jid,
        node: &str,
    ) -> Result<String, StanzaError> {
        if node == ns::COMMANDS {
            let features = named(&[ns::COMMANDS, ns::DISCO_INFO, ns::DISCO_ITEMS]);
            let info = Info { category: "automation", ty: "command-list", name: "Commands", features };
            return Ok(info.to_xml(Some(node)));
        }
        let command = self.command(venue, asker, node)?;
        let features = named(&[ns::COMMANDS, ns::DATA_FORMS, ns::DISCO_INFO]);
        let info = Info { category: "automation", ty: "command-node", name: &command.label, features };
        Ok(info.to_xml(Some(node)))
    }

    /// What is below a node of a venue: the commands that the asker may run, below one of them nothing.
    pub(crate) fn command_items(
        &self,
        venue: Venue<'_>,
        asker: &Jid,
        node: &str,
    ) -> Result<String, StanzaError> {
        let mut xml = open(ns::DISCO_ITEMS, Some(node));
        if node == ns::COMMANDS {
            let jid = venue.jid();
            for command in self.commands_for(venue, asker) {
                let (node, label) = (escape(&command.node), escape(&command.label));
                // Writing to a string cannot fail.
                let _ = write!(xml, "<item jid='{}' node='{node}' name='{label}'/>", escape(&jid));
            }
        } else {
            self.command(venue, asker, node)?;
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
        venue: Venue<'_>,
    ) -> Result<String, StanzaError> {
        let Some(session) = session else { return Err(Condition::Forbidden.into()) };
        let wish = Wish::of(iq)?;
        let command = self.command(venue, &session.jid, &wish.node)?;
        let (user, vhost) = (session.jid.clone(), venue.vhost.to_owned());
        let run = Run { user, vhost, plugin: command.plugin, node: command.node };
        let taken = self.take_step(run, wish).await;
        if session.is_finishing() {
            // It may have ended before the command was remembered.
            self.command_sessions.forget(&session.jid);
        }
        taken
    }
}

#[cfg(test)]
mod tests;
