//! Where passwords come from: the command line, a person at a terminal, or standard input.

use anyhow::Context as _;
use std::io::{BufRead as _, IsTerminal as _, Read as _};

/// Bytes that are read of a line.
const LINE: u64 = 4096;

/// The password that was given. Without one a person is asked twice, who does not see what is typed; where nobody
/// sits at a terminal, it is the next line of standard input.
pub fn given_or_asked_for(given: Option<String>, account: &str) -> anyhow::Result<String> {
    if let Some(password) = given {
        return Ok(password);
    }
    let password = match std::io::stdin().is_terminal() {
        true => asked_for(account)?,
        false => next_line()?,
    };
    anyhow::ensure!(!password.is_empty(), "no password: give --password, or one line on standard input");
    Ok(password)
}

fn asked_for(account: &str) -> anyhow::Result<String> {
    let ask = |prompt: String| rpassword::prompt_password(prompt).context("the password cannot be read");
    let password = ask(format!("Password of {account}: "))?;
    let again = ask("The same once more: ".to_owned())?;
    anyhow::ensure!(password == again, "the two passwords are not the same: nothing was done");
    Ok(password)
}

fn next_line() -> anyhow::Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().take(LINE).read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
