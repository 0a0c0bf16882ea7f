//! `waxwing plugin new`, `build` and what else authors of plugins need: what they say. What they do is in
//! `waxwing-devkit`.

use anyhow::Context as _;
use clap::Subcommand;
use std::path::{Path, PathBuf};
use waxwing_devkit::Language;
use waxwing_plugins::{RecordingReader, ReplayOptions, Replayed, Source};

/// What authors of plugins do.
#[derive(Subcommand)]
pub enum Make {
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
    /// Say what a component is, what it asks for and what it costs.
    Check(waxwing_devkit::check::Args),
    /// Call one hook, and show what it answers and would do.
    Run(waxwing_devkit::run::Args),
    /// Play a plugin's scripts, tests/*.xml in its folder.
    Test(waxwing_devkit::script::Args),
    #[command(hide = true)]
    Compile(crate::plugin_compile::Compile),
    /// Make the calls of a recording again, with this version or another, and show what differs.
    Replay {
        /// The component.
        component: PathBuf,
        /// What `waxwing plugin record` has written.
        recording: PathBuf,
    },
}

impl Make {
    /// Do it.
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Make::New { name, lang } => new(&name, lang),
            Make::Build { from, output } => build(&from, output.as_deref()),
            Make::Check(args) => waxwing_devkit::check::run(&args),
            Make::Run(args) => waxwing_devkit::run::run(&args),
            Make::Test(args) => waxwing_devkit::script::run(&args),
            Make::Compile(compile) => compile.run(),
            Make::Replay { component, recording } => replay(component, &recording),
        }
    }
}

/// Make a project in the current folder.
fn new(name: &str, language: Language) -> anyhow::Result<()> {
    waxwing_devkit::new_project(Path::new(""), name, language)?;
    println!("{name}/ is a plugin that works. {name}/README.md says more. Next:");
    println!("    cd {name}");
    println!("    waxwing plugin build");
    Ok(())
}

/// Make a component, and say what an operator must allow it.
fn build(from: &Path, output: Option<&Path>) -> anyhow::Result<()> {
    let built = waxwing_devkit::build(from, output)?;
    println!("{} ({} KiB)", built.file.display(), built.size.div_ceil(1024));
    let allow: Vec<String> = built.permissions().iter().map(|name| format!("'{name}'")).collect();
    let http = if built.http() { ", http = [ 'host.example' ]" } else { "" };
    println!("    grants {{ allow = [ {} ]{http} }}", allow.join(", "));
    Ok(())
}

/// Fails if anything differs.
fn replay(component: PathBuf, recording: &Path) -> anyhow::Result<()> {
    let file =
        std::fs::File::open(recording).with_context(|| format!("cannot read {}", recording.display()))?;
    let reader = RecordingReader::new(std::io::BufReader::new(file))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let all = runtime.block_on(waxwing_plugins::replay(
        Source::File(component),
        reader,
        ReplayOptions::default(),
    ))?;
    let mut differing = 0;
    for (number, replayed) in &all {
        if let Replayed::Differs(difference) = replayed {
            differing += 1;
            println!(
                "call {number}: {}\n  was: {}\n  is:  {}",
                difference.what, difference.expected, difference.got
            );
        }
    }
    println!("{} calls, {differing} differ", all.len());
    anyhow::ensure!(differing == 0, "this version does something else");
    Ok(())
}
