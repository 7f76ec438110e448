//! Describes what is missing or damaged in a backup or a restored installation, one line per fault.

use crate::installation_files::LeftOut;
use events::KeyName;
use names::visible::visible_path;
use plural::counted;
use std::path::PathBuf;

/// Maximum number of names in one line.
const NAMED: usize = 5;

/// Describes keys that the master key does not open.
pub(crate) fn damaged_keys(damaged: &[KeyName]) -> Vec<String> {
    let line = || {
        format!(
            "{} in keys.db: {}. Data sealed under a damaged key cannot be read. Restore the newest undamaged keys.db, and keep \
             the older backups until then (docs/operating.md, \"A damaged key\")",
            counted(damaged.len(), "damaged key"),
            named(damaged)
        )
    };
    if damaged.is_empty() { vec![] } else { vec![line()] }
}

/// Describes keys of events that are not in the key store.
pub(crate) fn missing_keys(missing: &[KeyName]) -> Vec<String> {
    let line = || {
        format!(
            "{} in keys.db: {}. Data sealed under a missing key cannot be read. Restore the newest keys.db that contains it, and keep the \
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

/// Describes files of the installation that are not in the backup.
pub(crate) fn left_out(left_out: &[LeftOut]) -> Vec<String> {
    left_out.iter().map(|one| format!("left out: {one}")).collect()
}

/// Describes existing files that differ from those in the backup.
pub(crate) fn kept(kept: &[PathBuf]) -> Vec<String> {
    let line = |path: &PathBuf| format!("not replaced, although it differs from the backup: {}", visible_path(path));
    kept.iter().map(line).collect()
}
