//! `waxwing export` and `waxwing import`: accounts on their way between servers (XEP-0227).

use crate::admin;
use crate::command::Request;
use crate::plugin_values::domain;
use crate::wire::Answer;
use anyhow::Context as _;
use clap::Args;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use waxwing_config::Settings;
use waxwing_server::{Problems, Progress, Server};

/// Write accounts with all that they own into a file that other servers understand (XEP-0227). It has the keys of all
/// passwords: keep it as safe as the database.
#[derive(Args)]
pub struct Export {
    /// The file, which must not be there yet.
    file: PathBuf,
    /// Only the accounts of this virtual host. May be given more than once.
    #[arg(long = "vhost", value_name = "DOMAIN", value_parser = domain)]
    vhosts: Vec<String>,
}

/// Take accounts out of files that this or another server has written (XEP-0227). Accounts that are there are left as
/// they are.
#[derive(Args)]
pub struct Import {
    /// The files, with what they include.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Read the files and say what would be imported, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What is asked of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "as in `Export` and `Import`; files have absolute paths")]
pub enum MoveRequest {
    Export { file: PathBuf, vhosts: Vec<String> },
    Import { files: Vec<PathBuf>, dry_run: bool },
}

impl Export {
    /// Do it, and print what came of it.
    pub async fn run(self, settings: Settings) -> anyhow::Result<()> {
        run(settings, MoveRequest::Export { file: absolute(&self.file)?, vhosts: self.vhosts }).await
    }
}

impl Import {
    /// Do it, and print what came of it. Fails if something could not be imported.
    pub async fn run(self, settings: Settings) -> anyhow::Result<()> {
        let files = self.files.iter().map(|file| absolute(file)).collect::<anyhow::Result<_>>()?;
        run(settings, MoveRequest::Import { files, dry_run: self.dry_run }).await
    }
}

impl MoveRequest {
    /// What it does.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Export { .. } => "exporting",
            Self::Import { .. } => "importing",
        }
    }

    /// Do it.
    pub async fn run(self, server: &Arc<Server>, progress: &Progress) -> Answer {
        let done = match self {
            Self::Export { file, vhosts } => {
                server.export(&file, &vhosts, progress).await.map(Answer::Exported)
            }
            Self::Import { files, dry_run } => {
                server.import(files, dry_run, progress).await.map(Answer::Imported)
            }
        };
        done.unwrap_or_else(|why| Answer::Error(why.to_string()))
    }
}

async fn run(settings: Settings, request: MoveRequest) -> anyhow::Result<()> {
    let (summary, problems) = match admin::ask(&Arc::new(settings), &Request::Move(request), &[]).await? {
        Answer::Exported(report) => (report.to_string(), report.problems),
        Answer::Imported(report) => (report.to_string(), report.problems),
        Answer::Error(why) => anyhow::bail!(why),
        _ => anyhow::bail!("that is no answer to this command"),
    };
    println!("{summary}");
    complain(&problems)
}

/// What went wrong, and an error if anything did.
fn complain(problems: &Problems) -> anyhow::Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    problems.listed.iter().for_each(|problem| eprintln!("{problem}"));
    let count = problems.listed.len() as u64 + problems.more;
    anyhow::bail!("{count} problem{}", if count == 1 { "" } else { "s" })
}

/// The server may run in another folder.
fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("{} is no path", path.display()))
}
