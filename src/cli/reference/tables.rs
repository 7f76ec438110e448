//! Exit codes, environment variables and files: one table for `--help`, the man pages and `docs/command-line.md`.

/// An exit code and its meaning.
pub(crate) struct Exit {
    /// The subcommand words after `muster`; empty for every command.
    pub command: &'static str,
    pub code: u8,
    pub when: &'static str,
}

const fn exit(command: &'static str, code: u8, when: &'static str) -> Exit {
    Exit { command, code, when }
}

/// The exit codes of every command, then those with a special meaning for one command.
pub(crate) const EXITS: [Exit; 13] = [
    exit("", 0, "The command succeeded."),
    exit("", 1, "The command failed or found a problem. It prints the reason."),
    exit("", 2, "The arguments are wrong. Nothing was done."),
    exit("access explain", 1, "The question cannot be answered. An answer of “may not enroll” is 0."),
    exit(
        "check-config",
        1,
        "There is an error, or --live found a problem with an address, directory, provider, group or the mail server, even if it is \
         only a warning. Other warnings are 0.",
    ),
    exit("demo", 1, "A simulated device could not enroll."),
    exit("discovery check", 1, "A device would stop before the sign-in page."),
    exit("health", 1, "No server answers."),
    exit(
        "import records",
        3,
        "Rows were set aside, because they cannot be read. All others were imported (with --dry-run: would be).",
    ),
    exit("log doctor", 1, "The log or its index has a fault, or cannot be read."),
    exit(
        "serve",
        70,
        "The event store failed and the server stopped. All acknowledged events are in the log. Start it again.",
    ),
    exit("simulate", 1, "At least one device could not enroll."),
    exit(
        "status",
        1,
        "The server does not answer or is not ready, a certificate has expired or cannot be read, or a directory does not answer.",
    ),
];

/// Returns the exit codes with a special meaning for this command.
pub(crate) fn exits_of(command: &str) -> impl Iterator<Item = &'static Exit> {
    EXITS.iter().filter(move |exit| !command.is_empty() && exit.command == command)
}

/// Environment variables, in alphabetical order.
pub(crate) const VARIABLES: [(&str, &str); 3] = [
    ("MUSTER_CONFIG", "The configuration file, if `--config` is omitted."),
    (
        "MUSTER_SIMULATE_PASSWORD",
        "The password of the account with which `simulate` enrolls devices, if `--password` is omitted.",
    ),
    ("NO_COLOR", "If set, `--help` and messages about arguments have no colours."),
];

/// Files, as `muster init` names them. The configuration can use other names.
pub(crate) const FILES: [(&str, &str); 10] = [
    (
        "muster.toml",
        "The configuration. Every field has a comment. It is read from the current directory if no other file is named.",
    ),
    (
        "master.key",
        "Wraps all other keys. The server does not start without it, and no backup contains it: keep a copy elsewhere.",
    ),
    ("data/events.db", "The log: all events. The projections are built from it."),
    ("data/keys.db", "The keys that seal personal data in the log."),
    (
        "data/projections/",
        "The projections: inventory, audit trail and data of the pages, built from the log, with a file for each. It may be deleted; the server builds it again.",
    ),
    (
        "data/sessions.db",
        "Sessions of staff and counts of failed sign-ins. If it is deleted, staff must sign in again.",
    ),
    ("data/index.db", "The index of the log by stream. It is rebuilt from the log if it is missing or damaged."),
    ("data/states.db", "States of devices and people, computed from the log to answer faster. It may be deleted."),
    (
        "data/uploads/",
        "Files of previous records that staff uploaded, for at most an hour. They hold personal data in plain text; a start of the server removes them.",
    ),
    ("pki/", "Certificates and private keys."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_about_the_command_line_has_the_same_tables() {
        let document = include_str!("../../../docs/command-line.md");
        let exits = EXITS.iter().map(|Exit { command, code, when }| {
            let command = if command.is_empty() { "every command".to_owned() } else { format!("`{command}`") };
            format!("| {command} | {code} | {when} |")
        });
        let named = VARIABLES.iter().chain(&FILES).map(|(name, what)| format!("| `{name}` | {what} |"));
        let missing: Vec<String> = exits.chain(named).filter(|row| !document.contains(row)).collect();
        assert!(missing.is_empty(), "docs/command-line.md lacks:\n{}", missing.join("\n"));
    }
}
