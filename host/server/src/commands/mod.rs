//! Ad-hoc commands (XEP-0050) of virtual hosts: which there are, who may run them, and one step after
//! another of those that somebody runs.

mod forms;
mod protocol;
mod sessions;

pub(crate) use sessions::Sessions;

use crate::disco::{Info, named, open};
use crate::server::Server;
use protocol::{Action, Wish};
use sessions::{Page, Run};
use std::fmt::Write;
use tokio::time::Instant;
use waxwing_plugins::{Access, CommandAction, CommandInfo, CommandReply, CommandRequest};
use waxwing_xmpp::{Condition, Jid, Stanza, StanzaError, escape, ns};

/// Random bytes in the `sessionid` of a command under way: nobody can guess one.
const SESSION_BYTES: usize = 16;

/// The registry: whoever makes commands is asked here, and only here.
impl Server {
    /// All commands of a virtual host.
    pub(crate) fn commands(&self, vhost: &str) -> Vec<CommandInfo> {
        self.engine.get().map(|engine| engine.commands(vhost)).unwrap_or_default()
    }

    /// Run one step of a command, for somebody who may run it.
    async fn run_command(&self, request: &CommandRequest) -> Result<CommandReply, StanzaError> {
        let engine = self.engine.get().ok_or(Condition::ItemNotFound)?;
        engine.run_command(request).await
    }
}

impl Server {
    /// What a node of a virtual host is: the list of commands, or one that the asker may run.
    pub(crate) fn command_info(&self, vhost: &str, asker: &Jid, node: &str) -> Result<String, StanzaError> {
        if node == ns::COMMANDS {
            let features = named(&[ns::COMMANDS, ns::DISCO_INFO, ns::DISCO_ITEMS]);
            let info = Info { category: "automation", ty: "command-list", name: "Commands", features };
            return Ok(info.to_xml(Some(node)));
        }
        let command = self.command(vhost, asker, node)?;
        let features = named(&[ns::COMMANDS, ns::DATA_FORMS, ns::DISCO_INFO]);
        let info = Info { category: "automation", ty: "command-node", name: &command.label, features };
        Ok(info.to_xml(Some(node)))
    }

    /// What is below a node of a virtual host: the commands that the asker may run, below one of them
    /// nothing.
    pub(crate) fn command_items(&self, vhost: &str, asker: &Jid, node: &str) -> Result<String, StanzaError> {
        let mut xml = open(ns::DISCO_ITEMS, Some(node));
        if node == ns::COMMANDS {
            let all = self.commands(vhost);
            for command in all.iter().filter(|command| self.may_run(command.access, vhost, asker)) {
                let (node, label) = (escape(&command.node), escape(&command.label));
                // Writing to a string cannot fail.
                let _ = write!(xml, "<item jid='{}' node='{node}' name='{label}'/>", escape(vhost));
            }
        } else {
            self.command(vhost, asker, node)?;
        }
        Ok(xml + "</query>")
    }

    /// Take a step of a command (section 2.4) and answer with what goes into the result.
    pub(crate) async fn command_iq(&self, iq: &Stanza) -> Result<String, StanzaError> {
        let (Some(user), Some(to)) = (&iq.from, &iq.to) else { return Err(Condition::BadRequest.into()) };
        let Wish { node, session, action, answers } = Wish::of(iq)?;
        let command = self.command(to.domain(), user, &node)?;
        let run = Run { user: user.clone(), vhost: to.domain().into(), plugin: command.plugin, node };
        let (id, state, action, answers) = match session {
            Some(id) => {
                let page = self.command_sessions.resume(&id, &run, Instant::now())?;
                if action == Action::Cancel {
                    self.command_sessions.close(&id);
                    return Ok(protocol::canceled(&run.node, &id));
                }
                let action = action.at(&page)?;
                (id, page.state, action, answers)
            }
            None if action == Action::Execute => {
                let id = self.random_text(SESSION_BYTES).ok_or(Condition::InternalServerError)?;
                self.command_sessions.open(&id, &run, Instant::now())?;
                // Nothing has been asked yet that there could be answers to.
                (id, Vec::new(), CommandAction::Execute, Vec::new())
            }
            None => return Err(protocol::bad_action()),
        };
        let Run { user, vhost, node, .. } = run;
        let request = CommandRequest { node, user: user.to_string(), vhost, action, answers, state };
        let reply = self.run_command(&request).await;
        self.turn_page(&id, &request.node, reply)
    }

    /// Remember what a step leaves for the next, or that there is none.
    fn turn_page(
        &self,
        id: &str,
        node: &str,
        reply: Result<CommandReply, StanzaError>,
    ) -> Result<String, StanzaError> {
        match reply {
            Ok(CommandReply::Step { form, state, has_prev, has_next }) => {
                let page = Page { state, has_prev, has_next };
                let xml = protocol::executing(node, id, &page, &form);
                self.command_sessions.keep(id, page, Instant::now());
                Ok(xml)
            }
            Ok(CommandReply::Done { note, form }) => {
                self.command_sessions.close(id);
                Ok(protocol::completed(node, id, note.as_deref(), form.as_ref()))
            }
            Err(error) => {
                self.command_sessions.close(id);
                Err(error)
            }
        }
    }

    /// The command of this node, for somebody who may run it.
    ///
    /// # Errors
    /// `item-not-found` or `forbidden`.
    fn command(&self, vhost: &str, user: &Jid, node: &str) -> Result<CommandInfo, StanzaError> {
        let mut all = self.commands(vhost).into_iter();
        let command = all.find(|command| command.node == node).ok_or(Condition::ItemNotFound)?;
        if self.may_run(command.access, vhost, user) { Ok(command) } else { Err(Condition::Forbidden.into()) }
    }

    fn may_run(&self, access: Access, vhost: &str, user: &Jid) -> bool {
        match access {
            Access::Admin => self.is_admin(user),
            Access::LocalUser => user.local().is_some() && user.domain() == vhost,
        }
    }

    /// Whether the operator has named this account an administrator of the server.
    pub(crate) fn is_admin(&self, user: &Jid) -> bool {
        let named = |admin: &String| Jid::parse(admin).is_ok_and(|admin| admin.as_str() == user.bare_str());
        self.settings.admins.iter().any(named)
    }
}

#[cfg(test)]
mod tests;
