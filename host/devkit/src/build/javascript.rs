//! JavaScript: npm fetches componentize-js, which puts the program into an engine and that into a component.

use crate::Error;
use crate::embedded::BUILD_JAVASCRIPT;
use crate::error::On;
use crate::tools::{Missing, run};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const NODE: Missing = Missing {
    tool: "node",
    install: "JavaScript plugins need Node.js 20 or later, and npm. On Debian and Ubuntu: apt-get install nodejs npm",
};
const NPM: Missing = Missing { tool: "npm", ..NODE };

/// Where the component is made, in a folder that is no part of the project.
const MADE: &str = "node_modules/.waxwing.wasm";

/// The project's name and the component that componentize-js has made.
pub fn build(folder: &Path) -> Result<(String, PathBuf), Error> {
    let package = read(folder)?;
    if !folder.join("node_modules").exists() {
        let install = if folder.join("package-lock.json").exists() { "ci" } else { "install" };
        npm(folder, &[install, "--no-audit", "--no-fund"], "npm install")?;
    }
    if package["scripts"]["bundle"].is_string() {
        npm(folder, &["run", "bundle"], "npm run bundle")?;
    }
    let main = package["main"].as_str().unwrap_or("app.js");
    // Componentize-js says that there is a syntax error, node says where.
    run(Command::new("node").args(["--check", main]).current_dir(folder), "reading the program", NODE)?;
    let made = folder.join(MADE);
    let given = serde_json::json!({
        "source": folder.join(main),
        "wit": folder.join("wit"),
        "world": package["waxwing"]["world"],
        "features": package["waxwing"]["features"],
        "output": made,
    });
    let mut command = Command::new("node");
    let command = command.args(["--input-type=module", "--eval", BUILD_JAVASCRIPT, &given.to_string()]);
    run(command.current_dir(folder), "componentize-js", NODE)?;
    let name = package["name"].as_str().unwrap_or("plugin");
    // `@someone/name` is somebody's package `name`.
    Ok((name.rsplit('/').next().unwrap_or(name).to_owned(), made))
}

fn npm(folder: &Path, args: &[&str], step: &'static str) -> Result<(), Error> {
    run(Command::new("npm").args(args).current_dir(folder), step, NPM)
}

fn read(folder: &Path) -> Result<Value, Error> {
    let file = folder.join("package.json");
    let text = fs::read(&file).on("read", &file)?;
    serde_json::from_slice(&text).map_err(|error| Error::Manifest { file, problem: error.to_string() })
}
