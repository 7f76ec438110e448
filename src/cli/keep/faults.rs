//! What a backup or a restored installation lacks, in lines for the operator.

use crate::installation_files::LeftOut;
use events::KeyName;
use plural::counted;
use std::path::PathBuf;

/// Names in one line: enough to recognize what is damaged.
const NAMED: usize = 5;

/// Keys that the master key does not open.
pub fn damaged_keys(damaged: &[KeyName]) -> Vec<String> {
    let named: Vec<&str> = damaged.iter().take(NAMED).map(|name| name.0.as_str()).collect();
    let more = match damaged.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let line = || {
        format!(
            "{} in keys.db: {}{more}. What is sealed under a damaged key cannot be read. Restore the newest keys.db that is whole, and keep \
             the older backups until then (docs/operating.md, \"A damaged key\")",
            counted(damaged.len(), "damaged key"),
            named.join(", ")
        )
    };
    if damaged.is_empty() { vec![] } else { vec![line()] }
}

/// What lies in `pki` and is not in the backup.
pub fn left_out(left_out: &[LeftOut]) -> Vec<String> {
    left_out.iter().map(|one| format!("left out: {one}")).collect()
}

/// Files that were there and differ from those of the backup.
pub fn kept(kept: &[PathBuf]) -> Vec<String> {
    let line = |path: &PathBuf| format!("left as it is, which differs from the backup: {}", path.display());
    kept.iter().map(line).collect()
}
