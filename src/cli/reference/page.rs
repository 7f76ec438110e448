//! Generates man pages: clap's content, plus sections about exit status, environment and files.

use super::tables::{EXITS, FILES, VARIABLES, exits_of};
use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use std::io::{Result, Write};
use std::path::Path;

const SECTION: &str = "1";

/// Writes a page for the command and for each of its subcommands.
///
/// # Errors
/// Returns an error if a file cannot be written.
pub(crate) fn write_all(command: Command, directory: &Path) -> Result<()> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    write(&command, "", directory)
}

// `path`: the words after `muster`.
fn write(command: &Command, path: &str, directory: &Path) -> Result<()> {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        write(below, format!("{path} {}", below.get_name()).trim_start(), directory)?;
    }
    let name = page_name(path);
    let mut file = std::fs::File::create(directory.join(format!("{name}.{SECTION}")))?;
    render(command, &name, path, &mut file)?;
    file.flush()
}

fn render(command: &Command, name: &str, path: &str, to: &mut dyn Write) -> Result<()> {
    let man = Man::new(command.clone())
        .title(name.to_uppercase())
        .source(concat!("Muster ", env!("CARGO_PKG_VERSION")))
        .manual("Muster manual");
    man.render_title(to)?;
    man.render_name_section(to)?;
    man.render_synopsis_section(to)?;
    man.render_description_section(to)?;
    man.render_options_section(to)?;
    if command.has_subcommands() {
        man.render_subcommands_section(to)?;
    }
    let mut roff = Roff::default();
    exit_status(&mut roff, path);
    named(&mut roff, "ENVIRONMENT", &VARIABLES);
    named(&mut roff, "FILES", &FILES);
    see_also(&mut roff, command, path);
    roff.to_writer(to)
}

fn exit_status(roff: &mut Roff, path: &str) {
    roff.control("SH", ["EXIT STATUS"]);
    let of_all = EXITS.iter().filter(|exit| exit.command.is_empty());
    // A command's own meaning of a code replaces the general one.
    let own: Vec<_> = exits_of(path).collect();
    let mut exits: Vec<_> =
        of_all.filter(|exit| !own.iter().any(|own| own.code == exit.code)).chain(own.iter().copied()).collect();
    exits.sort_by_key(|exit| exit.code);
    for exit in exits {
        entry(roff, &exit.code.to_string(), exit.when);
    }
}

fn named(roff: &mut Roff, heading: &str, entries: &[(&str, &str)]) {
    roff.control("SH", [heading]);
    entries.iter().for_each(|(name, what)| entry(roff, name, what));
}

fn entry(roff: &mut Roff, name: &str, what: &str) {
    roff.control("TP", []);
    roff.text([bold(name)]);
    roff.text([roman(what.replace('`', ""))]);
}

fn page_name(path: &str) -> String {
    if path.is_empty() { "muster".into() } else { format!("muster-{}", path.replace(' ', "-")) }
}

// Lists the page of the parent command and those of the subcommands.
fn see_also(roff: &mut Roff, command: &Command, path: &str) {
    let above = (!path.is_empty()).then(|| path.rsplit_once(' ').map_or("", |(above, _)| above).to_owned());
    let below = command.get_subcommands().map(|below| format!("{path} {}", below.get_name()).trim_start().to_owned());
    let pages: Vec<String> =
        above.into_iter().chain(below).map(|path| format!("{}({SECTION})", page_name(&path))).collect();
    roff.control("SH", ["SEE ALSO"]);
    roff.text([roman(pages.join(", "))]);
}
