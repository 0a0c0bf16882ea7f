//! Commands that are run on the server's own machine, through the admin socket: the same ones, with the same checks.

use super::check::{Answers, complaints, is_called};
use super::sessions::Run;
use crate::server::Server;
use serde::{Deserialize, Serialize};
use waxwing_plugins::{CommandInfo, CommandReply, Form, Severity};
use waxwing_xmpp::Jid;

/// What the commands of no component are listed under.
const SERVER: &str = "server";

/// A command as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandListing {
    /// Its component; `server` if it has none.
    pub component: String,
    /// How it may be called: what follows the `#` in its node.
    pub name: String,
    /// Its node.
    pub node: String,
    /// What a person reads.
    pub label: String,
}

/// What comes of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OperatorReply {
    /// It has ended.
    Done {
        /// What a person reads.
        note: Option<String>,
        /// How it went.
        severity: Severity,
        /// A result to show.
        form: Option<Form>,
    },
    /// It wants this to be filled in, or filled in otherwise.
    Wants {
        /// What.
        form: Form,
        /// What was wrong.
        wrong: Option<String>,
    },
}

impl Server {
    /// All commands of the default virtual host, by component.
    pub fn operator_commands(&self) -> Vec<CommandListing> {
        let listing = |command: CommandInfo| CommandListing {
            component: command.component.unwrap_or_else(|| SERVER.to_owned()),
            name: short(&command.node).to_owned(),
            node: command.node,
            label: command.label,
        };
        let mut all: Vec<_> = self.commands(self.settings.domain()).into_iter().map(listing).collect();
        all.sort_by(|a, b| (&a.component, &a.name).cmp(&(&b.component, &b.name)));
        all
    }

    /// Run a command as somebody with all rights. It is named by its node, or by what follows the `#` in that;
    /// a field goes by its name or label.
    ///
    /// # Errors
    /// A sentence: there is no such command or no such field, or the command itself fails.
    pub async fn operate(
        &self,
        component: &str,
        command: &str,
        given: &Answers,
    ) -> Result<OperatorReply, String> {
        let domain = self.settings.domain().to_owned();
        let own = self.commands(&domain).into_iter();
        let own = own.filter(|it| it.component.as_deref().unwrap_or(SERVER) == component);
        let mut own: Vec<CommandInfo> = own.collect();
        if own.is_empty() {
            return Err(format!("there is no component '{component}'; see `waxwing ctl --list`"));
        }
        let at = own.iter().position(|it| it.node == command || short(&it.node) == command);
        let Some(found) = at.map(|at| own.swap_remove(at)) else {
            return Err(format!("'{component}' has no command '{command}'; see `waxwing ctl --list`"));
        };
        let user = Jid::parse(&domain).map_err(|why| why.to_string())?;
        let run = Run { user, vhost: domain, plugin: found.plugin, node: found.node };
        // First as far as it goes without anything that lasts: a word that is mistyped must not be passed over.
        let reply = self.go_through_with(&run, given).await?;
        Ok(match reply {
            CommandReply::Done { note, severity, form } => OperatorReply::Done { note, severity, form },
            CommandReply::Step { form, .. } => {
                let wrong = complaints(&form);
                OperatorReply::Wants { form, wrong }
            }
        })
    }

    async fn go_through_with(&self, run: &Run, given: &Answers) -> Result<CommandReply, String> {
        let told = |error: waxwing_xmpp::StanzaError| match &error.text {
            Some(text) => text.clone(),
            None => error.condition.as_str().to_owned(),
        };
        let mut known: Vec<String> = Vec::new();
        let mut strange: Answers = given.clone();
        let reply = self
            .go_through(run, given, true, |form, is_last| {
                strange.retain(|(name, _)| !form.fields.iter().any(|field| is_called(field, name)));
                known.extend(
                    form.fields
                        .iter()
                        .filter(|f| !["hidden", "fixed"].contains(&f.ty))
                        .map(|f| f.var.clone()),
                );
                !is_last || strange.is_empty()
            })
            .await
            .map_err(told)?;
        if let CommandReply::Step { form, .. } = &reply {
            strange.retain(|(name, _)| !form.fields.iter().any(|field| is_called(field, name)));
            known.extend(
                form.fields.iter().filter(|f| !["hidden", "fixed"].contains(&f.ty)).map(|f| f.var.clone()),
            );
        }
        match strange.first() {
            // It has no form, and what was to be filled in has no place.
            _ if known.is_empty() => Ok(reply),
            Some((name, _)) => Err(format!("there is no field '{name}'; there are: {}", known.join(", "))),
            None => Ok(reply),
        }
    }
}

/// What follows the `#` in a node of XEP-0133.
fn short(node: &str) -> &str {
    node.rsplit_once('#').map_or(node, |(_, short)| short)
}
