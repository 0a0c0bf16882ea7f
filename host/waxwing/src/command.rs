//! Administrative commands: what they are, how they travel to a running server, what they do.

use clap::Subcommand;
use std::io::{BufRead, Read};
use std::path::PathBuf;
use std::sync::Arc;
use waxwing_plugins::PluginInfo;
use waxwing_server::Server;
use waxwing_xmpp::Jid;

/// Accounts.
#[derive(Subcommand)]
pub enum User {
    /// Make an account. Without a password or a file, the password is read from standard input.
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
    /// Change a password. Without `--password` it is read from standard input.
    Passwd {
        jid: String,
        #[arg(long)]
        password: Option<String>,
    },
    /// The accounts of a virtual host, or of all.
    List { domain: Option<String> },
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
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    UserAdd(Vec<(String, String)>),
    UserRemove(String),
    UserPasswd(String, String),
    UserList(Option<String>),
    VhostAdd(String),
    VhostList,
    PluginList,
}

impl TryFrom<User> for Request {
    type Error = anyhow::Error;

    fn try_from(user: User) -> anyhow::Result<Self> {
        Ok(match user {
            User::Add { from: Some(file), .. } => Self::UserAdd(read_users(&file)?),
            User::Add { jid, password, .. } => {
                Self::UserAdd(vec![(jid.unwrap_or_default(), password_or_stdin(password)?)])
            }
            User::Remove { jid } => Self::UserRemove(jid),
            User::Passwd { jid, password } => Self::UserPasswd(jid, password_or_stdin(password)?),
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

fn password_or_stdin(given: Option<String>) -> anyhow::Result<String> {
    if let Some(password) = given {
        return Ok(password);
    }
    let mut line = String::new();
    std::io::stdin().lock().take(4096).read_line(&mut line)?;
    let password = line.trim_end_matches(['\r', '\n']);
    anyhow::ensure!(!password.is_empty(), "no password: give --password, or one line on standard input");
    Ok(password.to_owned())
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
    /// As the words that go over the admin socket.
    pub fn to_words(&self) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        match self {
            Self::UserAdd(users) => {
                let mut all: Vec<String> = words(&["user-add"]);
                all.extend(users.iter().flat_map(|(jid, password)| [jid.clone(), password.clone()]));
                all
            }
            Self::UserRemove(jid) => words(&["user-remove", jid]),
            Self::UserPasswd(jid, password) => words(&["user-passwd", jid, password]),
            Self::UserList(domain) => words(&["user-list", domain.as_deref().unwrap_or("")]),
            Self::VhostAdd(domain) => words(&["vhost-add", domain]),
            Self::VhostList => words(&["vhost-list"]),
            Self::PluginList => words(&["plugin-list"]),
        }
    }

    /// From those words.
    pub fn from_words(words: &[String]) -> Option<Self> {
        let (name, rest) = words.split_first()?;
        Some(match (name.as_str(), rest) {
            ("user-add", pairs) if pairs.len() % 2 == 0 => Self::UserAdd(
                pairs
                    .chunks_exact(2)
                    .filter_map(|pair| Some((pair.first()?.clone(), pair.last()?.clone())))
                    .collect(),
            ),
            ("user-remove", [jid]) => Self::UserRemove(jid.clone()),
            ("user-passwd", [jid, password]) => Self::UserPasswd(jid.clone(), password.clone()),
            ("user-list", [domain]) => {
                Self::UserList(Some(domain.clone()).filter(|domain| !domain.is_empty()))
            }
            ("vhost-add", [domain]) => Self::VhostAdd(domain.clone()),
            ("vhost-list", []) => Self::VhostList,
            ("plugin-list", []) => Self::PluginList,
            _ => return None,
        })
    }

    /// Do it; the answer is for a person to read.
    pub async fn run(self, server: &Arc<Server>) -> Result<String, String> {
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
                server.add_vhost(&domain).await.map_err(|why| format!("{domain}: {why}"))?;
                Ok(format!("{domain} added"))
            }
            Self::VhostList => {
                let lines: Vec<_> = server.vhosts().iter().map(|vhost| vhost.to_string()).collect();
                Ok(lines.join("\n"))
            }
            Self::PluginList => Ok(list_plugins(server)),
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
            let Some(last) = page.last().cloned() else { break };
            lines.extend(page.iter().map(Jid::to_string));
            after = Some(last);
        }
    }
    Ok(lines.join("\n"))
}

fn list_plugins(server: &Server) -> String {
    let line = |plugin: &PluginInfo| {
        let suspended = if plugin.suspended.0 { ", suspended after failures" } else { "" };
        let (calls, failures) = (plugin.counters.calls, plugin.counters.failures);
        let hooks = plugin.hooks.join(", ");
        format!("{} {} ({hooks}): {calls} calls, {failures} failed{suspended}", plugin.name, plugin.version)
    };
    server.plugins().iter().map(line).collect::<Vec<_>>().join("\n")
}
