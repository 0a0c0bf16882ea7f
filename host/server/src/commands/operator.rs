//! Commands that are run on the server's own machine, through the admin socket: the same ones, with the same checks.

use super::Venue;
use super::check::{Answers, complaints, is_called};
use super::sessions::Run;
use crate::server::Server;
use serde::{Deserialize, Serialize};
use waxwing_plugins::{CommandInfo, CommandReply, Field, Form, Severity};
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
            name: command.name().to_owned(),
            component: command.component.unwrap_or_else(|| SERVER.to_owned()),
            node: command.node,
            label: command.label,
        };
        let mut all: Vec<_> =
            self.commands(Venue::vhost(self.settings.domain())).into_iter().map(listing).collect();
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
        let mut own = self.commands(Venue::vhost(&domain));
        own.retain(|it| it.component.as_deref().unwrap_or(SERVER) == component);
        if own.is_empty() {
            return Err(format!("there is no component '{component}'; see `waxwing ctl --list`"));
        }
        let Some(found) = own.into_iter().find(|it| it.node == command || it.name() == command) else {
            return Err(format!("'{component}' has no command '{command}'; see `waxwing ctl --list`"));
        };
        let user = Jid::parse(&domain).map_err(|why| why.to_string())?;
        let run = Run { user, vhost: domain, plugin: found.plugin, node: found.node };
        Ok(match self.go_through_strictly(&run, given).await? {
            CommandReply::Done { note, severity, form } => OperatorReply::Done { note, severity, form },
            CommandReply::Step { form, .. } => {
                let wrong = complaints(&form);
                OperatorReply::Wants { form, wrong }
            }
        })
    }

    /// Fill in a command to its end. A name that is mistyped stops it before anything is done.
    async fn go_through_strictly(&self, run: &Run, given: &Answers) -> Result<CommandReply, String> {
        let mut names = Names { unknown: given.clone(), known: Vec::new() };
        let reply = self
            .go_through(run, given, true, |form, is_last| {
                names.see(form);
                !is_last || names.unknown.is_empty()
            })
            .await
            .map_err(|error| error.text.unwrap_or_else(|| error.condition.as_str().to_owned()))?;
        if let CommandReply::Step { form, .. } = &reply {
            names.see(form);
        }
        match names.unknown.first() {
            // A command without a form has no place for anything.
            Some((name, _)) if !names.known.is_empty() => {
                Err(format!("there is no field '{name}'; there are: {}", names.known.join(", ")))
            }
            _ => Ok(reply),
        }
    }
}

/// Which of the names that were given no form has had yet, and those that forms have had.
struct Names {
    unknown: Answers,
    known: Vec<String>,
}

impl Names {
    fn see(&mut self, form: &Form) {
        let to_fill_in = |field: &&Field| !["hidden", "fixed"].contains(&field.ty);
        self.unknown.retain(|(name, _)| !form.fields.iter().any(|field| is_called(field, name)));
        for field in form.fields.iter().filter(to_fill_in) {
            if !self.known.iter().any(|known| known == field.short_name()) {
                self.known.push(field.short_name().to_owned());
            }
        }
    }
}
