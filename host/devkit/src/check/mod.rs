//! `waxwing plugin check`: whether a component can be loaded, what it is, what it asks for and what it costs.

mod cost;
mod grants;
mod report;
mod samples;
pub(crate) mod words;

pub use cost::Cost;
pub use report::Report;

use crate::component::{Component, cached, settings};
use crate::world::{DOMAIN, World};
use anyhow::Context as _;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use waxwing_config::VhostSettings;
use waxwing_plugins::{EngineOptions, Grant, Scope};
use waxwing_xmpp::Jid;

/// What `waxwing plugin check` is told.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The component.
    #[arg(value_name = "FILE.wasm")]
    pub file: PathBuf,
    /// A setting of the plugin, if it does not start without. The same key again adds a value.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Check a component and print what is found. An error if it cannot be loaded.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(check(&args.file, &args.set, &cached()))?;
    match args.json {
        true => println!("{}", serde_json::to_string_pretty(&report)?),
        false => print!("{report}"),
    }
    Ok(())
}

/// Load a component in a server of its own with everything granted, and call its hooks on samples. Within a
/// tokio runtime.
///
/// # Errors
/// When it cannot be loaded; the sentence says why.
pub async fn check(file: &Path, set: &[String], options: &EngineOptions) -> anyhow::Result<Report> {
    let before = Instant::now();
    let component = Component::read(file, options).await?;
    let compile_time = (!component.known).then(|| before.elapsed());
    let world =
        World::new(vec![VhostSettings::new(DOMAIN)], Vec::new(), options.clone(), &component, settings(set)?)
            .await?;
    report(world, &component, compile_time).await
}

async fn report(
    mut world: World,
    component: &Component,
    compile_time: Option<Duration>,
) -> anyhow::Result<Report> {
    world.account(&Jid::parse(samples::ROMEO)?).await?;
    world.login(&Jid::parse(samples::JULIET)?, Some(0)).await?;
    let (engine, name) = (world.engine.clone(), component.name.clone());
    let gone = "the plugin is not loaded";
    let declared = engine.declared(&name, &Scope::Everywhere).context(gone)?;
    let hooks = engine.plugins().pop().context(gone)?.hooks;
    let (mut costs, mut stores) = (Vec::new(), BTreeSet::new());
    for sample in samples::samples(&declared, &hooks, world.now()) {
        costs.push(cost::measure(&engine, &name, sample, &mut stores).await?);
    }
    let info = engine.plugins().pop().context(gone)?;
    if stores.is_empty() && info.requested.interfaces.has(Grant::Storage) {
        stores.insert(grants::ANY.to_owned());
    }
    let report = Report::new(&info, &declared, &component.bytes, compile_time, costs, &stores);
    drop(engine);
    world.close().await;
    report
}
