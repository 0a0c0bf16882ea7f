//! `waxwing plugin test`: scripted stanzas in, expected stanzas out.
//!
//! Each script is played against a server of its own with nothing but the plugin, so that routing, presence and
//! offline handling are those of the product. The clock is the script's; nothing waits.

pub(crate) mod lines;
mod log;
mod matching;
mod play;
mod portable;
mod read;

pub use read::Problem;

use crate::build;
use crate::component::{Component, cached};
use anyhow::Context as _;
use std::path::{Path, PathBuf};
use waxwing_plugins::EngineOptions;

/// What `waxwing plugin test` is told.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The plugin's folder, with its scripts in `tests/`.
    #[arg(default_value = ".")]
    pub folder: PathBuf,
    /// The component to test. Without it, the folder's project is built first.
    #[arg(long, value_name = "FILE.wasm")]
    pub plugin: Option<PathBuf>,
}

/// How the tests of a plugin went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Those that did.
    pub passed: usize,
    /// Those that did not.
    pub failed: usize,
}

/// Build the plugin if need be, play its scripts, and print a line for each. An error if one fails.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let file = match &args.plugin {
        Some(file) => file.clone(),
        None => build(&args.folder, None)?.file,
    };
    // One thread, so that what happens does so in the same order each time.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tally = runtime.block_on(play_all(&args.folder, &file, &cached(), &mut |text| println!("{text}")))?;
    println!("\n{} passed, {} failed", tally.passed, tally.failed);
    anyhow::ensure!(tally.failed == 0, "not every test passed");
    Ok(())
}

/// Play all scripts of a folder's `tests/`, in order of their names. What is to be read goes to `print`.
///
/// # Errors
/// A component that cannot be loaded, or no scripts. Within a tokio runtime of one thread.
pub async fn play_all(
    folder: &Path,
    component: &Path,
    options: &EngineOptions,
    print: &mut dyn FnMut(&str),
) -> anyhow::Result<Tally> {
    let scripts = scripts(&folder.join("tests"))?;
    let component = Component::read(component, options).await?;
    let mut tally = Tally::default();
    for file in &scripts {
        let shown = file.strip_prefix(folder).unwrap_or(file).display();
        let script = match read::read(file) {
            Ok(script) => script,
            Err(problem) => {
                print(&format!("FAILED  {shown}\n    {problem}"));
                tally.failed += 1;
                continue;
            }
        };
        let log = log::Log::default();
        let played = {
            let _guard = log.collect();
            play::play(&script, &component, options).await
        };
        match played {
            Ok(()) => {
                tally.passed += 1;
                print(&format!("ok      {} ({shown})", script.name));
            }
            Err(play::Failed { line, why }) => {
                tally.failed += 1;
                let place = line.map_or(shown.to_string(), |line| format!("{shown}:{line}"));
                let log = log.text();
                let log = if log.is_empty() { log } else { format!("\n    the log says:\n{log}") };
                print(&format!("FAILED  {} ({place})\n{why}{log}", script.name));
            }
        }
    }
    Ok(tally)
}

/// The scripts of a folder, in order.
fn scripts(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let none = || format!("there are no tests: {} has no script, NAME.xml", folder.display());
    let entries = std::fs::read_dir(folder).with_context(none)?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "xml") {
            files.push(path);
        }
    }
    anyhow::ensure!(!files.is_empty(), none());
    files.sort();
    Ok(files)
}
