//! Reads a new password from standard input, or generates one. Never an argument, which every user of the machine can
//! see.

pub(crate) use identity::password::generate;

use anyhow::{Context, bail};
use std::io::{BufRead, IsTerminal};

/// Returns the first line of standard input. At a terminal it prompts and hides the input.
///
/// # Errors
/// Returns an error if there is no line.
pub(crate) fn read() -> anyhow::Result<String> {
    let stdin = std::io::stdin();
    let password = if stdin.is_terminal() { ask()? } else { first_line(stdin.lock())? };
    if password.is_empty() {
        bail!("no password: write it as one line to standard input, or use --generate-password");
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
