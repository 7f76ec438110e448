//! Reads a password from standard input, or generates a new one. A new password is never an argument, which every user
//! of the machine can see.

pub(crate) use identity::password::generate;

use anyhow::{Context, bail};
use std::io::{BufRead, IsTerminal};

/// Returns a new password: the first line of standard input. At a terminal it prompts twice and hides the input.
///
/// # Errors
/// Returns an error if there is no line, or the two inputs differ.
pub(crate) fn read() -> anyhow::Result<String> {
    read_with(ask, "or use --generate-password")
}

/// Returns an existing password: the first line of standard input. At a terminal it prompts and hides the input.
/// `otherwise` is what else the command accepts, for the error message.
///
/// # Errors
/// Returns an error if there is no line.
#[cfg(feature = "demo")]
pub(crate) fn read_existing(otherwise: &str) -> anyhow::Result<String> {
    read_with(|| Ok(rpassword::prompt_password("Password: ")?), otherwise)
}

fn read_with(prompt: impl Fn() -> anyhow::Result<String>, otherwise: &str) -> anyhow::Result<String> {
    let stdin = std::io::stdin();
    let password = if stdin.is_terminal() { prompt()? } else { first_line(stdin.lock())? };
    if password.is_empty() {
        bail!("no password: write it as one line to standard input, {otherwise}");
    }
    Ok(password)
}

fn first_line(mut input: impl BufRead) -> anyhow::Result<String> {
    let mut line = String::new();
    input.read_line(&mut line).context("cannot read the password from standard input")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn ask() -> anyhow::Result<String> {
    let password = rpassword::prompt_password("Password: ")?;
    if rpassword::prompt_password("Again:    ")? != password {
        bail!("the two passwords differ");
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_the_first_line_without_its_end() {
        assert_eq!(first_line(&b"correct horse\r\nignored\n"[..]).unwrap(), "correct horse");
        assert_eq!(first_line(&b" spaces stay "[..]).unwrap(), " spaces stay ");
    }
}
