//! `waxwing plugin run`: one call of one hook, of which nothing comes to be.

mod input;

use crate::component::{Component, cached, settings};
use crate::trace;
use crate::world::{DOMAIN, World};
use anyhow::Context as _;
use std::path::PathBuf;
use waxwing_config::VhostSettings;
use waxwing_plugins::{EngineOptions, Grant, Input, Scope, Trace, TraceAnswer};
use waxwing_xmpp::{Jid, Stanza};

/// Who sends a stanza that does not say so.
const SENDER: &str = "juliet@example.org/balcony";

/// What `waxwing plugin run` is told.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The component.
    #[arg(value_name = "FILE.wasm")]
    pub file: PathBuf,
    /// A file with the stanza that the hook is shown, with `from` and `to`. For `sessions` it is the presence of
    /// the session, for `commands` the IQ of the command, for `replies` the IQ that replies.
    #[arg(long, value_name = "FILE.xml")]
    pub stanza: PathBuf,
    /// The hook: pre, process, post, filter, service, sessions, commands or replies. Without it, the first that
    /// the plugin's interests lead to.
    #[arg(long, value_parser = hook)]
    pub hook: Option<Grant>,
    /// A setting of the plugin. The same key again adds a value.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// A session that is there and available, user@domain/resource.
    #[arg(long, value_name = "JID")]
    pub session: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

fn hook(name: &str) -> Result<Grant, String> {
    Grant::named(name).ok_or_else(|| format!("there is no hook '{name}'"))
}

/// A call that was made, and what it wanted.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Ran {
    /// The plugin's name.
    pub plugin: String,
    /// What the hook was told.
    pub input: Input,
    /// What it answered and wanted done.
    pub trace: Trace,
    /// The hooks that the plugin's interests lead the stanza to besides, unless one was named.
    pub others: Vec<&'static str>,
}

/// Call a hook and print what it answers and wants done.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ran = runtime.block_on(call(args, &cached()))?;
    match args.json {
        true => println!("{}", serde_json::to_string_pretty(&ran)?),
        false => print!("{} {}\n{}", ran.plugin, ran.input.hook(), trace::shown(&ran.trace)),
    }
    if !args.json && !ran.others.is_empty() {
        println!("Other hooks that it would reach, to be named with --hook: {}", ran.others.join(", "));
    }
    anyhow::ensure!(!matches!(ran.trace.answer, TraceAnswer::Failed(_)), "the call has failed");
    Ok(())
}

/// Call a hook in a server of its own: accounts are there for the stanza's addresses, sessions as told. Within
/// a tokio runtime.
///
/// # Errors
/// What is not as it must be, in sentences.
pub async fn call(args: &Args, options: &EngineOptions) -> anyhow::Result<Ran> {
    let file = args.stanza.display();
    let text = std::fs::read_to_string(&args.stanza).with_context(|| format!("cannot read {file}"))?;
    let (text, _) = crate::script::lines::prepare(&text);
    let mut stanza = Stanza::parse(&text).with_context(|| format!("{file} is not one stanza"))?;
    if stanza.from.is_none() {
        stanza.from = Some(Jid::parse(args.session.first().map_or(SENDER, String::as_str))?);
    }
    let sessions = args.session.iter().map(|text| session(text)).collect::<anyhow::Result<Vec<Jid>>>()?;

    let component = Component::read(&args.file, options).await?;
    let first = stanza.from.as_ref().map_or(DOMAIN, Jid::domain).to_owned();
    let vhosts = vec![VhostSettings::new(first)];
    let mut world = World::new(vhosts, Vec::new(), options.clone(), &component, settings(&args.set)?).await?;
    let ran = within(&mut world, &component, stanza, sessions, args.hook).await;
    world.close().await;
    ran
}

async fn within(
    world: &mut World,
    component: &Component,
    stanza: Stanza,
    sessions: Vec<Jid>,
    hook: Option<Grant>,
) -> anyhow::Result<Ran> {
    let (engine, name) = (world.engine.clone(), component.name.clone());
    let declared = engine.declared(&name, &Scope::Everywhere).context("the plugin is not loaded")?;
    for jid in sessions.iter().chain(&stanza.from).chain(&stanza.to) {
        let (domain, is_service) = input::vhost_of(jid, &declared);
        if world.server.vhost(domain).is_none() {
            world.server.add_vhost(domain, &[]).await?;
        }
        if jid.local().is_some() && !is_service {
            world.account(&jid.bare()).await?;
        }
    }
    for jid in &sessions {
        world.login(jid, Some(0)).await?;
    }
    let (hook, others) = match hook {
        Some(hook) => (hook, Vec::new()),
        None => input::hooks_for(&engine, &declared, &stanza)?,
    };
    let input = input::input(hook, &stanza, sessions.first(), &declared, world.now())?;
    let trace = engine.dry_call(&name, &Scope::Everywhere, &input).await?;
    Ok(Ran { plugin: name, input, trace, others })
}

fn session(text: &str) -> anyhow::Result<Jid> {
    let jid = Jid::parse(text).with_context(|| format!("--session {text}"))?;
    anyhow::ensure!(
        jid.local().is_some() && jid.resource().is_some(),
        "--session {text}: a session is user@domain/resource"
    );
    Ok(jid)
}
