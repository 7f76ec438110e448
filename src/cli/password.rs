//! Where a new password comes from: standard input, or made here. Never an argument, which every user of the machine sees.

use crate::world::World;
use anyhow::{Context, bail};
use std::io::{BufRead, IsTerminal};

/// The first line of standard input. Somebody at a terminal is asked, and what they type is not shown.
///
/// # Errors
/// If there is none.
pub fn read() -> anyhow::Result<String> {
    let stdin = std::io::stdin();
    let password = if stdin.is_terminal() { ask()? } else { first_line(stdin.lock())? };
    if password.is_empty() {
        bail!("no password: give one line on standard input, or --generate-password");
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
        bail!("the two are not the same");
    }
    Ok(password)
}

/// Letters and digits that nobody confuses, 20 of them: 98 bits.
pub fn generate(world: &World) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let letters = world.random::<20>().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    letters.chunks(5).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_the_first_line_without_its_end() {
        assert_eq!(first_line(&b"correct horse\r\nignored\n"[..]).unwrap(), "correct horse");
        assert_eq!(first_line(&b" spaces stay "[..]).unwrap(), " spaces stay ");
    }

    #[test]
    fn generated_passwords_are_long_and_different() {
        let (one, other) = (generate(&World::system()), generate(&World::system()));
        assert_eq!(one.len(), 23);
        assert_ne!(one, other);
    }
}
