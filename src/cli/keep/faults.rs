//! What a backup or a restored installation lacks, in lines for the operator.

use crate::installation_files::LeftOut;
use events::KeyName;
use names::visible::visible_path;
use plural::counted;
use std::path::PathBuf;

/// Names in one line: enough to recognize what is damaged.
const NAMED: usize = 5;

/// Keys that the master key does not open.
pub fn damaged_keys(damaged: &[KeyName]) -> Vec<String> {
    let line = || {
        format!(
            "{} in keys.db: {}. What is sealed under a damaged key cannot be read. Restore the newest keys.db that is whole, and keep \
             the older backups until then (docs/operating.md, \"A damaged key\")",
            counted(damaged.len(), "damaged key"),
            named(damaged)
        )
    };
    if damaged.is_empty() { vec![] } else { vec![line()] }
}

/// Keys of events that the key store does not know.
pub fn missing_keys(missing: &[KeyName]) -> Vec<String> {
    let line = || {
        format!(
            "{} in keys.db: {}. What is sealed under a missing key cannot be read. Restore the newest keys.db that has it, and keep the \
             older backups until then (docs/operating.md, \"An older or lost keys.db\")",
            counted(missing.len(), "missing key"),
            named(missing)
        )
    };
    if missing.is_empty() { vec![] } else { vec![line()] }
}

fn named(keys: &[KeyName]) -> String {
    let named: Vec<&str> = keys.iter().take(NAMED).map(|name| name.0.as_str()).collect();
    match keys.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// What belongs to the installation and is not in the backup.
pub fn left_out(left_out: &[LeftOut]) -> Vec<String> {
    left_out.iter().map(|one| format!("left out: {one}")).collect()
}

/// Files that were there and differ from those of the backup.
pub fn kept(kept: &[PathBuf]) -> Vec<String> {
    let line = |path: &PathBuf| format!("left as it is, which differs from the backup: {}", visible_path(path));
    kept.iter().map(line).collect()
}
