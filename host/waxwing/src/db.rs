//! `waxwing db`: what operators do with the database as a whole.

use crate::db_view::{self, Report};
use crate::progress::Progress;
use crate::{admin, command::Request, wire::Answer, wiring};
use anyhow::Context as _;
use clap::Subcommand;
use std::path::PathBuf;
use waxwing_config::Settings;
use waxwing_storage::tools::{self, ToolError};
use waxwing_storage::{Decision, Location, LocationError, Metrics, OpenError, PostgresError};
use waxwing_xmpp::Jid;

/// The database.
#[derive(Subcommand)]
pub enum Db {
    /// What is in the database, who has it open, and how a running server fares with it. Fails if the database does
    /// not answer.
    Status {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Bring the schema to the version of this program, with the server stopped. A server does so at its start, too.
    Migrate {
        /// Give an account or a domain that an earlier release has stored another name, where it cannot keep its own.
        #[arg(long, value_name = "STORED=OTHER")]
        rename: Vec<String>,
        /// Erase such an account, or all that is on such a domain, with all that it owns.
        #[arg(long, value_name = "STORED")]
        erase: Vec<String>,
    },
    /// Write all that is in the database into a new file, while the server goes on. The file is an SQLite database,
    /// whichever engine it is of, that only its owner may read.
    Backup {
        /// The file.
        file: PathBuf,
        /// Replace the file if it is there.
        #[arg(long)]
        force: bool,
    },
    /// Put what is in a backup into the database, with the server stopped.
    Restore {
        /// The backup.
        file: PathBuf,
        /// Replace all that is in the database.
        #[arg(long)]
        force: bool,
    },
    /// Copy all that is in one database into another, of the same engine or the other one. Without --from or --to it is
    /// the database of the configuration file that is copied or filled.
    Copy {
        /// The database to copy, which a server may have open: 'sqlite:PATH' or 'postgresql://USER@HOST/DATABASE'.
        #[arg(long, value_name = "URL", required_unless_present = "to")]
        from: Option<String>,
        /// The database to fill, which no server may have open.
        #[arg(long, value_name = "URL")]
        to: Option<String>,
        /// Replace all that is in the one to fill.
        #[arg(long)]
        force: bool,
    },
    /// Read all of the database, beside a running server or without one, and tell what is damaged or does not go
    /// together. Fails if anything is found.
    Check {
        /// As JSON, a line for each finding.
        #[arg(long)]
        json: bool,
    },
    /// Delete log values that have expired, and give back the room of what was deleted. Of SQLite the server must be
    /// stopped, and as much again must be free on the disk; PostgreSQL may be in use.
    Vacuum,
}

impl Db {
    /// Do it. Not to be called within a runtime: everything here waits.
    pub fn run(self, settings: impl FnOnce() -> anyhow::Result<Settings>) -> anyhow::Result<()> {
        if let Self::Copy { from: Some(from), to: Some(to), force } = &self {
            return copy(&given(from, "--from")?, &given(to, "--to")?, *force);
        }
        let settings = settings()?;
        let location = match &self {
            // What is made may be the first that is there.
            Self::Migrate { .. } | Self::Restore { .. } | Self::Copy { to: None, .. } => {
                wiring::prepared_location(&settings)?
            }
            _ => wiring::location(&settings)?,
        };
        let at = || format!("the database {location}");
        match self {
            Self::Status { json } => status(&settings, &location, json),
            Self::Migrate { rename, erase } => {
                let decisions = decisions(&rename, erase)?;
                let migrated = tools::migrate(&location, &decisions).map_err(in_use).with_context(at)?;
                println!("{}", db_view::migrated(&location, migrated));
                Ok(())
            }
            Self::Backup { file, force } => {
                let rows = with_progress(|progress| tools::backup(&location, &file, force, progress));
                let rows = rows.with_context(|| format!("no backup of {location} was made"))?;
                println!(
                    "{}: {rows} rows of {location}. What comes after the beginning is not in it.",
                    file.display()
                );
                Ok(())
            }
            Self::Restore { file, force } => {
                let rows = with_progress(|progress| tools::restore(&file, &location, force, progress));
                let rows =
                    rows.map_err(in_use).with_context(|| format!("nothing was restored to {location}"))?;
                println!("{location} has what is in {} now: {rows} rows", file.display());
                Ok(())
            }
            Self::Copy { from, to, force } => {
                let or_own = |url: &Option<String>, name| {
                    url.as_deref().map_or_else(|| Ok(location.clone()), |url| given(url, name))
                };
                copy(&or_own(&from, "--from")?, &or_own(&to, "--to")?, force)
            }
            Self::Check { json } => check(&location, json),
            Self::Vacuum => {
                let vacuumed = tools::vacuum(&location).map_err(in_use).with_context(at)?;
                println!("{}", db_view::vacuumed(&vacuumed));
                Ok(())
            }
        }
    }
}

/// What is to become of addresses that cannot stay as they are stored.
fn decisions(rename: &[String], erase: Vec<String>) -> anyhow::Result<Vec<Decision>> {
    let renamed = rename.iter().map(|text| {
        let (stored, other) = text.split_once('=').context("--rename takes STORED=OTHER")?;
        let becomes = Jid::parse(other).with_context(|| format!("--rename: '{other}'"))?;
        let fits = becomes.is_bare() && becomes.local().is_some() == stored.contains('@');
        anyhow::ensure!(fits, "--rename: an account becomes an account, and a domain a domain");
        Ok(Decision { stored: stored.to_owned(), becomes: Some(becomes) })
    });
    let erased = erase.into_iter().map(|stored| Ok(Decision { stored, becomes: None }));
    renamed.chain(erased).collect()
}

fn given(url: &str, name: &'static str) -> anyhow::Result<Location> {
    Location::parse(url).context(name)
}

fn copy(from: &Location, to: &Location, force: bool) -> anyhow::Result<()> {
    let rows = with_progress(|progress| tools::copy(from, to, force, progress));
    let rows = rows.map_err(in_use).with_context(|| format!("{from} was not copied to {to}"))?;
    println!(
        "{rows} rows of {from} are in {to} now. What comes to {from} after the beginning is not copied."
    );
    Ok(())
}

/// How to go on when a server has the database.
fn in_use(error: ToolError) -> anyhow::Error {
    let in_use = matches!(
        &error,
        ToolError::Open(
            LocationError::Sqlite(OpenError::InUse { .. })
                | LocationError::Postgres(PostgresError::InUse { .. })
        )
    );
    let error = anyhow::Error::from(error);
    if in_use { anyhow::anyhow!("{error}. Stop the server first") } else { error }
}

/// Do something that tells how far it is, a table at a time.
fn with_progress<T, E>(work: impl FnOnce(&mut tools::OnProgress<'_>) -> Result<T, E>) -> Result<T, E> {
    let mut shown: Option<(&str, Progress)> = None;
    let mut finished = "";
    let done = work(&mut |progress| {
        if progress.table == finished {
            return;
        }
        if let Some((_, old)) = shown.take_if(|(table, _)| *table != progress.table) {
            old.finish();
        }
        let new = || (progress.table, Progress::new(progress.table, Some(progress.total)));
        shown.get_or_insert_with(new).1.set(progress.done);
        if let Some((table, all)) = shown.take_if(|_| progress.done >= progress.total) {
            all.finish();
            finished = table;
        }
    });
    if let Some((_, last)) = shown.filter(|_| done.is_ok()) {
        last.finish();
    }
    done
}

fn check(location: &Location, json: bool) -> anyhow::Result<()> {
    let mut found = 0_u64;
    let mut broken_pipe = false;
    let checked = with_progress(|progress| {
        tools::check(location, progress, &mut |finding| {
            found += 1;
            let line = match json {
                true => serde_json::to_string(&finding).unwrap_or_else(|_| finding.to_string()),
                false => finding.to_string(),
            };
            broken_pipe = broken_pipe || db_view::print(&line).is_err();
        })
    });
    checked.with_context(|| format!("the database {location}"))?;
    anyhow::ensure!(found == 0, "{found} found that should not be so in {location}");
    if !json {
        println!("{location} is in order");
    }
    Ok(())
}

fn status(settings: &Settings, location: &Location, json: bool) -> anyhow::Result<()> {
    let database = tools::status(location);
    let report = Report {
        location: location.to_string(),
        error: database.as_ref().err().map(ToString::to_string),
        database: database.ok(),
        server: metrics(settings)?,
    };
    db_view::print(&if json { serde_json::to_string_pretty(&report)? } else { report.to_string() })?;
    match report.error {
        Some(why) => Err(anyhow::anyhow!(why).context(format!("the database {location}"))),
        None => Ok(()),
    }
}

/// What a running server counts, if one runs.
fn metrics(settings: &Settings) -> anyhow::Result<Option<Metrics>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(admin::ask_running(settings, &Request::StorageMetrics, &[], |_, _| ()))? {
        None => Ok(None),
        Some(Answer::Storage(metrics)) => Ok(Some(metrics)),
        Some(Answer::Error(why)) => Err(anyhow::anyhow!(why)),
        Some(_) => anyhow::bail!("that is no answer to this command"),
    }
}
