//! Findings about files that a configuration names: whether they exist, and whether others can read their secrets.

use crate::Finding;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use world::regular_file;

/// Returns a finding if the file cannot be read. `about` is the configuration key that names it.
pub fn missing(about: &str, path: &Path) -> Option<Finding> {
    let error = regular_file::read(path).err()?;
    let wrong = format!("{} cannot be read: {error}", path.display());
    let mend = "correct the path, restore the file, or give the user that runs the server the right to read it";
    Some(Finding::error("file-unreadable", about, wrong, mend))
}

/// Returns a finding if every user of the machine has access to the file. `about` is the configuration key that names
/// it.
pub fn readable_by_others(about: &str, path: &Path) -> Option<Finding> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    // Group access is a deliberate way to share a TLS key; access for everyone is not.
    (mode & 0o007 != 0).then(|| {
        let wrong = format!("{} is accessible to every user of this machine (mode {mode:03o})", path.display());
        Finding::warning("key-open-to-others", about, wrong, &format!("run: chmod 600 {}", path.display()))
    })
}

/// Returns whether a PEM file contains a private key of any kind, with or without certificates.
pub fn holds_private_key(pem: &[u8]) -> bool {
    String::from_utf8_lossy(pem).contains("PRIVATE KEY-----")
}

/// Says why a file with a secret cannot be read. If the file does not exist, its name is not shown, because people
/// sometimes write the secret itself in place of the name.
pub fn unreadable_secret(path: &Path, error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            "it must name a file, but no file has that name (not shown, because it may be the secret itself)".into()
        }
        _ => format!("{} cannot be read: {error}", path.display()),
    }
}
