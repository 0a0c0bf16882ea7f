//! Running the tools of a language.

use crate::Error;
use std::io;
use std::process::{Command, Stdio};

/// Run a program to its end with the terminal as its output.
pub fn run(command: &mut Command, step: &'static str, missing: Missing) -> Result<(), Error> {
    let status = command.status().map_err(|error| missing.or(error, command))?;
    if status.success() { Ok(()) } else { Err(Error::Failed { step, hint: None }) }
}

/// Run a program for what it prints; what it says on the error stream goes to the terminal.
pub fn output(command: &mut Command, step: &'static str, missing: Missing) -> Result<Vec<u8>, Error> {
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| missing.or(error, command))?;
    if output.status.success() { Ok(output.stdout) } else { Err(Error::Failed { step, hint: None }) }
}

/// What to say when a program is not there.
#[derive(Clone, Copy)]
pub struct Missing {
    pub tool: &'static str,
    pub install: &'static str,
}

impl Missing {
    fn or(self, error: io::Error, command: &Command) -> Error {
        match error.kind() {
            io::ErrorKind::NotFound => Error::MissingTool { tool: self.tool, install: self.install },
            _ => Error::File { action: "run", file: command.get_program().into(), error },
        }
    }
}
