//! The `waxwing` command.

mod admin;
mod check;
mod closed_pipe;
mod command;
mod ctl;
mod ctl_json;
mod db;
mod db_view;
mod first_start;
mod moving;
mod nested;
mod password;
mod plugin_admin;
mod plugin_command;
mod plugin_compile;
mod plugin_make;
mod plugin_text;
mod plugin_values;
mod plugin_view;
mod plugin_watch;
mod plugins;
mod progress;
mod serve;
mod stop_orders;
mod wire;
mod wiring;

use clap::{Parser, Subcommand};
use plugin_command::Plugin;
use std::path::PathBuf;
use std::process::ExitCode;
use waxwing_server::AfterStop;
use wiring::ConfigFile;

/// An XMPP server whose features are sandboxed WebAssembly components.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    /// The configuration file.
    #[arg(long, global = true, default_value = "etc/config.tdsl")]
    config: PathBuf,
    /// A property for `prop('NAME')` in the configuration file.
    #[arg(short = 'D', global = true, value_name = "NAME=VALUE")]
    property: Vec<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server (the default).
    Serve,
    /// Validate the configuration and what it needs, without starting.
    Check,
    /// Accounts, in a running server or a stopped one.
    #[command(subcommand)]
    User(command::User),
    /// Virtual hosts, in a running server or a stopped one.
    #[command(subcommand)]
    Vhost(command::Vhost),
    /// The administrative commands that clients have as ad-hoc commands, in a running server or a stopped one.
    Ctl(ctl::Ctl),
    Export(moving::Export),
    Import(moving::Import),
    /// Plugins, in a running server or a stopped one.
    #[command(subcommand)]
    Plugin(Plugin),
    /// The database: look, keep and bring back, move to another engine, check, clean up.
    #[command(subcommand)]
    Db(db::Db),
}

fn main() -> ExitCode {
    closed_pipe::ends_quietly();
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("waxwing: {}", sentence(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error with its causes, each once: many name their cause themselves.
pub(crate) fn sentence(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

fn run(mut cli: Cli) -> anyhow::Result<()> {
    match cli.command.take() {
        Some(Command::Plugin(Plugin::Make(make))) => return make.run(),
        Some(Command::Db(db)) => return db.run(|| wiring::settings(&cli.config, &cli.property)),
        command => cli.command = command,
    }
    let asks_a_server = matches!(cli.command, Some(Command::User(_) | Command::Vhost(_) | Command::Ctl(_)));
    let settings = match wiring::settings(&cli.config, &cli.property) {
        Err(why) if asks_a_server => admin::settings_of_running(&cli.config, &cli.property).ok_or(why)?,
        settings => settings?,
    };
    // Asked now, because the kernel has no name for the file any more once a new version has replaced it.
    let program = std::env::current_exe();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let then = runtime.block_on(async {
        let done = match cli.command.unwrap_or(Command::Serve) {
            Command::Serve => {
                let config = ConfigFile { path: cli.config, properties: cli.property };
                return serve::serve(settings, config).await;
            }
            Command::Check => check::check(settings).await,
            Command::Ctl(ctl) => ctl.run(settings).await,
            Command::User(user) => admin::run(settings, user.try_into()?).await,
            Command::Vhost(vhost) => admin::run(settings, vhost.into()).await,
            Command::Export(export) => export.run(settings).await,
            Command::Import(import) => import.run(settings).await,
            Command::Plugin(plugin) => plugin_command::run(settings, plugin).await,
            Command::Db(_) => anyhow::bail!("this runs outside"),
        };
        done.map(|()| AfterStop::Exit)
    })?;
    drop(runtime);
    match then {
        AfterStop::Exit => Ok(()),
        AfterStop::Restart => Err(stop_orders::start_again(&program?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn a_cause_is_named_once() {
        let error = || anyhow!("in use").context("the port cannot be opened: in use; choose another");
        assert_eq!(sentence(&error()), "the port cannot be opened: in use; choose another");
        let outer = error().context("not started");
        assert_eq!(sentence(&outer), "not started: the port cannot be opened: in use; choose another");
    }
}
