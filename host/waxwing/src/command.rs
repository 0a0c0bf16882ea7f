//! Administrative commands: what they are and what they do. Those about plugins are in `plugin_command` and
//! `plugin_admin`.

use crate::ctl::CtlRequest;
use crate::moving::MoveRequest;
use crate::password::given_or_asked_for;
use crate::plugin_admin::PluginRequest;
use crate::plugin_values::domain;
use crate::wire::Answer;
use crate::wiring::{Load, Running};
use clap::Subcommand;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;
use waxwing_server::{Progress, Server};
use waxwing_xmpp::Jid;

/// Accounts.
#[derive(Subcommand)]
pub enum User {
    /// Make an account. Without `--password` or a file the password is asked for, or read from standard input if that
    /// is no terminal.
    Add {
        /// The bare JID.
        #[arg(required_unless_present = "from")]
        jid: Option<String>,
        #[arg(long)]
        password: Option<String>,
        /// A file of lines `JID PASSWORD`.
        #[arg(long, conflicts_with_all = ["jid", "password"])]
        from: Option<PathBuf>,
    },
    /// Remove an account with all that it owns.
    Remove { jid: String },
    /// Change a password. Without `--password` it is asked for, or read from standard input if that is no terminal.
    Passwd {
        jid: String,
        #[arg(long)]
        password: Option<String>,
    },
    /// The accounts of a virtual host, or of all.
    List {
        #[arg(value_parser = domain)]
        domain: Option<String>,
    },
}

/// Virtual hosts.
#[derive(Subcommand)]
pub enum Vhost {
    /// Serve one more domain.
    Add { domain: String },
    /// The domains that are served.
    List,
}

/// One command with all that it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    UserAdd(Vec<(String, String)>),
    UserRemove(String),
    UserPasswd(String, String),
    UserList(Option<String>),
    VhostAdd(String),
    VhostList,
    Plugin(PluginRequest),
    Ctl(CtlRequest),
    Move(MoveRequest),
    /// How the server fares with its database.
    StorageMetrics,
}

impl TryFrom<User> for Request {
    type Error = anyhow::Error;

    fn try_from(user: User) -> anyhow::Result<Self> {
        Ok(match user {
            User::Add { from: Some(file), .. } => Self::UserAdd(read_users(&file)?),
            User::Add { jid, password, .. } => {
                let jid = jid.unwrap_or_default();
                let password = given_or_asked_for(password, &jid)?;
                Self::UserAdd(vec![(jid, password)])
            }
            User::Remove { jid } => Self::UserRemove(jid),
            User::Passwd { jid, password } => {
                let password = given_or_asked_for(password, &jid)?;
                Self::UserPasswd(jid, password)
            }
            User::List { domain } => Self::UserList(domain),
        })
    }
}

impl From<Vhost> for Request {
    fn from(vhost: Vhost) -> Self {
        match vhost {
            Vhost::Add { domain } => Self::VhostAdd(domain),
            Vhost::List => Self::VhostList,
        }
    }
}

fn read_users(file: &std::path::Path) -> anyhow::Result<Vec<(String, String)>> {
    use anyhow::Context as _;
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            let (jid, password) = line.trim().split_once(char::is_whitespace).with_context(|| {
                format!("{}, line {}: not of the form JID PASSWORD", file.display(), number + 1)
            })?;
            Ok((jid.to_owned(), password.trim_start().to_owned()))
        })
        .collect()
}

impl Request {
    /// Whether it goes on only as long as somebody waits for its answer. Others are finished in any case.
    pub fn needs_listener(&self) -> bool {
        matches!(self, Request::Plugin(PluginRequest::Record { .. }))
    }

    /// Which plugins it takes where no server runs.
    pub fn load(&self) -> Load {
        match self {
            Self::Plugin(_) | Self::Ctl(_) => Load::WhatLoads,
            // What a plugin keeps that does not load would be lost on the way.
            Self::Move(_) => Load::Everything,
            _ => Load::Nothing,
        }
    }

    /// What it does, for somebody who waits.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Move(request) => request.verb(),
            _ => "working",
        }
    }

    /// Do it. `body` is what has come with the request, `progress` is told how far it is.
    pub async fn run(self, running: &Running, body: Vec<u8>, progress: &Progress) -> Answer {
        match self {
            Self::Move(request) => request.run(&running.core, progress).await,
            Self::Plugin(request) => request.run(running, body.into()).await,
            Self::Ctl(request) => request.run(running).await,
            Self::StorageMetrics => Answer::Storage(running.storage_metrics()),
            other => other.run_on(&running.core).await.into(),
        }
    }

    /// The answer is for a person to read.
    async fn run_on(self, server: &Arc<Server>) -> Result<String, String> {
        match self {
            Self::UserAdd(users) => {
                let count = users.len();
                for (jid, password) in users {
                    let account = bare(&jid)?;
                    server
                        .create_account(&account, &password)
                        .await
                        .map_err(|why| format!("{jid}: {why}"))?;
                }
                Ok(format!("{count} added"))
            }
            Self::UserRemove(jid) => {
                server.remove_account(&bare(&jid)?).await.map_err(|why| format!("{jid}: {why}"))?;
                Ok(format!("{jid} removed"))
            }
            Self::UserPasswd(jid, password) => {
                let account = bare(&jid)?;
                server.set_password(&account, &password).await.map_err(|why| format!("{jid}: {why}"))?;
                Ok(format!("the password of {jid} is changed"))
            }
            Self::UserList(domain) => list_users(server, domain).await,
            Self::VhostAdd(domain) => {
                server.add_vhost(&domain, &[]).await.map_err(|why| format!("{domain}: {why}"))?;
                Ok(format!("{domain} added"))
            }
            Self::VhostList => {
                let lines: Vec<_> = server.vhosts().iter().map(|vhost| vhost.to_string()).collect();
                Ok(lines.join("\n"))
            }
            Self::Plugin(_) | Self::Ctl(_) | Self::Move(_) | Self::StorageMetrics => {
                Err("this takes more than the server".to_owned())
            }
        }
    }
}

fn bare(jid: &str) -> Result<Jid, String> {
    let parsed = Jid::parse(jid).map_err(|why| format!("'{jid}' is no address: {why}"))?;
    if parsed.local().is_none() || parsed.resource().is_some() {
        return Err(format!("'{jid}' is not of the form user@domain"));
    }
    Ok(parsed)
}

/// Accounts read at a time.
const PAGE: u32 = 1000;

async fn list_users(server: &Arc<Server>, domain: Option<String>) -> Result<String, String> {
    let domains = match domain {
        Some(domain) if server.vhost(&domain).is_none() => {
            return Err(format!("'{domain}' is no virtual host here"));
        }
        Some(domain) => vec![domain],
        None => server.vhosts().iter().map(|vhost| vhost.domain().to_owned()).collect(),
    };
    let mut lines = Vec::new();
    for domain in domains {
        let mut after: Option<Jid> = None;
        loop {
            let page = server.accounts(&domain, after.as_ref(), PAGE).await.map_err(|why| why.to_string())?;
            let Some(last) = page.last().map(|last| last.jid.clone()) else { break };
            lines.extend(page.iter().map(|account| account.jid.to_string()));
            after = Some(last);
        }
    }
    Ok(lines.join("\n"))
}
