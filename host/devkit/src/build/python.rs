//! Python: componentize-py puts the program and the interpreter into a component.

use crate::Error;
use crate::embedded::{BUILD_PYTHON, READ_PYPROJECT};
use crate::error::On;
use crate::tools::{Missing, output, run};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PYTHON: Missing = Missing {
    tool: "python3",
    install: "Python plugins need Python 3.11 or later with venv. On Debian and Ubuntu: apt-get install python3-venv",
};

/// What a project gets that does not say which componentize-py it wants.
const COMPONENTIZE: &str = "componentize-py==0.25.1";

/// The project's name and the component that componentize-py has made.
pub fn build(folder: &Path) -> Result<(String, PathBuf), Error> {
    let venv = folder.join(".venv");
    let python = venv.join("bin/python");
    if !python.exists() {
        let made = run(Command::new("python3").args(["-m", "venv"]).arg(&venv), "python3 -m venv", PYTHON);
        made.map_err(|error| {
            // Half an environment would be taken for a whole one next time.
            let _ = fs::remove_dir_all(&venv);
            match error {
                Error::Failed { step, .. } => Error::Failed { step, hint: Some(PYTHON.install) },
                error => error,
            }
        })?;
    }
    let (name, requirements) = described(folder, &python)?;
    install(&venv, &python, &requirements)?;
    let made = venv.join("waxwing.wasm");
    let mut command = Command::new(&python);
    command.args(["-c", BUILD_PYTHON]).arg(&made).current_dir(folder).env("VIRTUAL_ENV", &venv);
    run(&mut command, "componentize-py", PYTHON)?;
    Ok((name, made))
}

/// The name of the project and what it needs, a requirement a line.
fn described(folder: &Path, python: &Path) -> Result<(String, String), Error> {
    let (mut name, mut requirements) = (None, String::new());
    let pyproject = folder.join("pyproject.toml");
    if pyproject.exists() {
        let mut command = Command::new(python);
        let command = command.args(["-c", READ_PYPROJECT]).arg(&pyproject);
        let project: Value =
            serde_json::from_slice(&output(command, "reading pyproject.toml", PYTHON)?).unwrap_or_default();
        name = project["name"].as_str().map(str::to_owned);
        let needs = project["dependencies"].as_array().into_iter().flatten().filter_map(Value::as_str);
        needs.for_each(|line| requirements = format!("{requirements}{line}\n"));
    }
    let file = folder.join("requirements.txt");
    if file.exists() {
        requirements += &fs::read_to_string(&file).on("read", &file)?;
    }
    if !requirements.contains("componentize-py") {
        requirements = format!("{requirements}\n{COMPONENTIZE}\n");
    }
    let folder_name = || folder.file_name().map(|name| name.to_string_lossy().into_owned());
    Ok((name.or_else(folder_name).unwrap_or_else(|| "plugin".into()), requirements))
}

/// Install what is needed, unless it is what was installed last.
fn install(venv: &Path, python: &Path, requirements: &str) -> Result<(), Error> {
    let installed = venv.join("waxwing-requirements.txt");
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == requirements) {
        return Ok(());
    }
    let wanted = venv.join("waxwing-requirements.txt.new");
    fs::write(&wanted, requirements).on("write", &wanted)?;
    let mut command = Command::new(python);
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    run(command.arg(&wanted), "pip install", PYTHON)?;
    fs::rename(&wanted, &installed).on("write", installed)
}
