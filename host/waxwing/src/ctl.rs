//! `waxwing ctl`: the ad-hoc commands of a server, run on its own machine.

use crate::command::Request;
use crate::ctl_json;
use crate::wire::Answer;
use crate::{admin, wiring::Running};
use anyhow::Context as _;
use clap::Args;
use serde::{Deserialize, Serialize};
use std::io::{Read as _, Write as _};
use std::sync::Arc;
use waxwing_config::Settings;
use waxwing_plugins::{Form, Severity};
use waxwing_server::{CommandListing, OperatorReply};

/// Run an ad-hoc command: `waxwing ctl sess-man add-user accountjid=juliet@example.org password=@-`.
#[derive(Args)]
pub struct Ctl {
    /// List all commands.
    #[arg(long, conflicts_with_all = ["component", "command", "fields"])]
    list: bool,
    /// Print JSON, as docs/users.md describes it.
    #[arg(long)]
    json: bool,
    /// The component, such as sess-man.
    #[arg(required_unless_present = "list")]
    component: Option<String>,
    /// The command: its node, or what follows the # in that. Without one, those of the component are listed.
    command: Option<String>,
    /// What to fill in, as FIELD=VALUE; a field that is there more than once has several values. A value of
    /// @FILE is what is in the file, and @- what comes on standard input. Without any, the form is shown.
    #[arg(value_name = "FIELD=VALUE")]
    fields: Vec<String>,
}

/// What is asked of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CtlRequest {
    /// The commands.
    List,
    /// Run one.
    #[allow(missing_docs, reason = "as in `Ctl`")]
    Run { component: String, command: String, fields: Vec<(String, Vec<String>)> },
}

/// What it answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CtlAnswer {
    /// The commands.
    List(Vec<CommandListing>),
    /// What came of one.
    Ran(OperatorReply),
}

impl CtlRequest {
    /// Do it. An error is a sentence for a person.
    pub async fn run(self, running: &Running) -> Answer {
        match self {
            CtlRequest::List => Answer::Ctl(CtlAnswer::List(running.core.operator_commands())),
            CtlRequest::Run { component, command, fields } => {
                match running.core.operate(&component, &command, &fields).await {
                    Ok(reply) => Answer::Ctl(CtlAnswer::Ran(reply)),
                    Err(why) => Answer::Error(why),
                }
            }
        }
    }
}

impl Ctl {
    /// Ask the server and print what it answers. Fails if the command has failed.
    pub async fn run(self, settings: Settings) -> anyhow::Result<()> {
        let request = match (&self.component, &self.command) {
            (Some(component), Some(command)) => CtlRequest::Run {
                component: component.clone(),
                command: command.clone(),
                fields: fields(&self.fields)?,
            },
            _ => CtlRequest::List,
        };
        match admin::ask(&Arc::new(settings), &Request::Ctl(request), &[]).await? {
            Answer::Ctl(CtlAnswer::List(mut list)) => {
                if let Some(component) = &self.component {
                    list.retain(|command| command.component == *component);
                    anyhow::ensure!(
                        !list.is_empty(),
                        "there is no component '{component}'; see `waxwing ctl --list`"
                    );
                }
                print(&if self.json { ctl_json::listing(&list)? } else { listed(&list) })
            }
            Answer::Ctl(CtlAnswer::Ran(reply)) => self.show(&reply),
            Answer::Error(why) => Err(anyhow::anyhow!(why)),
            _ => anyhow::bail!("that is no answer to this command"),
        }
    }

    fn show(&self, reply: &OperatorReply) -> anyhow::Result<()> {
        if self.json {
            print(&ctl_json::outcome(reply)?)?;
        }
        match reply {
            OperatorReply::Done { note, severity, form } => {
                let failed = *severity == Severity::Error;
                if !self.json {
                    let note = note.as_deref().filter(|_| !failed).map(str::to_owned);
                    let parts: Vec<String> = note.into_iter().chain(form.as_ref().map(result)).collect();
                    print(&parts.join("\n"))?;
                }
                anyhow::ensure!(!failed, "{}", note.as_deref().unwrap_or("the command has failed"));
                Ok(())
            }
            OperatorReply::Wants { form, wrong } => {
                if !self.json {
                    print(&to_fill_in(form))?;
                }
                match wrong {
                    Some(wrong) => anyhow::bail!("nothing was done: {wrong}"),
                    // To look at a form is no failure, to leave one unfinished is.
                    None => {
                        anyhow::ensure!(self.fields.is_empty(), "nothing was done: there is more to fill in")
                    }
                }
                Ok(())
            }
        }
    }
}

/// A reader that has seen enough closes the pipe, and that is no failure.
fn print(text: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(why) if why.kind() != std::io::ErrorKind::BrokenPipe => Err(why.into()),
        _ => Ok(()),
    }
}

fn fields(given: &[String]) -> anyhow::Result<Vec<(String, Vec<String>)>> {
    let mut fields: Vec<(String, Vec<String>)> = Vec::new();
    for text in given {
        let (name, value) =
            text.split_once('=').with_context(|| format!("'{text}' is not of the form FIELD=VALUE"))?;
        let values: Vec<String> = match value.strip_prefix('@') {
            None => vec![value.to_owned()],
            Some("-") => {
                let mut text = String::new();
                std::io::stdin().lock().read_to_string(&mut text)?;
                text.lines().map(str::to_owned).collect()
            }
            Some(file) => {
                let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
                text.lines().map(str::to_owned).collect()
            }
        };
        match fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, all)) => all.extend(values),
            None => fields.push((name.to_owned(), values)),
        }
    }
    Ok(fields)
}

fn listed(list: &[CommandListing]) -> String {
    let width = list.iter().map(|it| it.component.len() + it.name.len()).max().unwrap_or_default() + 1;
    let line = |it: &CommandListing| {
        let name = format!("{} {}", it.component, it.name);
        format!("{:width$}  {}", name.trim(), it.label)
    };
    list.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn result(form: &Form) -> String {
    let mut lines = Vec::new();
    lines.extend(Some(form.title.clone()).filter(|title| !title.is_empty()));
    for field in form.fields.iter().filter(|field| field.ty != "hidden") {
        let name = if field.label.is_empty() { field.short_name() } else { &field.label };
        match field.values.as_slice() {
            [one] if !one.contains('\n') => lines.push(format!("{name}: {one}")),
            many => {
                lines.push(format!("{name}:"));
                lines.extend(many.iter().flat_map(|value| value.lines()).map(|line| format!("  {line}")));
            }
        }
    }
    if let Some(table) = &form.table {
        let heads: Vec<&String> = table.columns.iter().map(|(_, label)| label).collect();
        let width = |at: usize| {
            let cells = table.rows.iter().filter_map(|row| row.get(at)).chain(heads.get(at).copied());
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..heads.len()).map(width).collect();
        let line = |cells: Vec<&String>| {
            let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        lines.push(line(heads.clone()));
        lines.extend(table.rows.iter().map(|row| line(row.iter().collect())));
    }
    lines.join("\n")
}

fn to_fill_in(form: &Form) -> String {
    let mut lines = vec![form.title.clone()];
    lines.extend(Some(form.instructions.clone()).filter(|text| !text.is_empty()));
    for field in form.fields.iter().filter(|field| field.ty != "hidden") {
        if field.ty == "fixed" {
            lines.extend(field.values.iter().cloned());
            continue;
        }
        let name = field.short_name();
        let required = if field.required { " (required)" } else { "" };
        let label = match field.label.as_str() {
            label if label.is_empty() || label == name => String::new(),
            label => format!(": {label}"),
        };
        lines.push(format!("  {name}={}{required}{label}", field.values.join(", ")));
        if !field.choices.is_empty() {
            let choices: Vec<&str> = field.choices.iter().map(|(_, value)| value.as_str()).collect();
            lines.push(format!("      one of: {}", choices.join(", ")));
        }
        lines.extend(field.hint.iter().map(|hint| format!("      {hint}")));
    }
    lines.join("\n")
}
