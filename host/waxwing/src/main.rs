//! The `waxwing` command.

mod admin;
mod check;
mod command;
mod first_start;
mod plugin_make;
mod plugins;
mod serve;
mod wiring;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use waxwing_devkit::Language;

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
    /// Plugins.
    #[command(subcommand)]
    Plugin(Plugin),
}

#[derive(Subcommand)]
enum Plugin {
    /// What is loaded, or would be.
    List,
    /// Start a plugin: make a folder with one that works.
    New {
        /// What it is called: the folder, the component and its line in the config file.
        name: String,
        /// What it is written in: rust, javascript or python.
        #[arg(short, long)]
        lang: Language,
    },
    /// Make a component of a plugin's folder, or of a core WebAssembly module as `cargo build` writes it.
    Build {
        /// The folder, or the module (`target/wasm32-unknown-unknown/release/NAME.wasm`).
        #[arg(default_value = ".")]
        from: PathBuf,
        /// Where to write the component. The default is NAME.wasm in the folder.
        #[arg(short, long)]
        output: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("waxwing: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    match &cli.command {
        Some(Command::Plugin(Plugin::New { name, lang })) => return plugin_make::new(name, *lang),
        Some(Command::Plugin(Plugin::Build { from, output })) => {
            return plugin_make::build(from, output.as_deref());
        }
        _ => {}
    }
    let settings = wiring::settings(&cli.config, &cli.property)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match cli.command.unwrap_or(Command::Serve) {
            Command::Serve => serve::serve(settings).await,
            Command::Check => check::check(settings).await,
            Command::User(user) => admin::run(settings, user.try_into()?).await,
            Command::Vhost(vhost) => admin::run(settings, vhost.into()).await,
            Command::Plugin(_) => admin::run(settings, command::Request::PluginList).await,
        }
    })
}
