//! Files that a configuration names: are they there, may others read what they should not.

use crate::Finding;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use world::regular_file;

/// A file that cannot be read. `about`: the key of the configuration that names it.
pub fn missing(about: &str, path: &Path) -> Option<Finding> {
    let error = regular_file::read(path).err()?;
    let wrong = format!("{} cannot be read: {error}", path.display());
    let mend = "correct the path, restore the file, or give the user that runs the server the right to read it";
    Some(Finding::error("file-unreadable", about, wrong, mend))
}

/// A secret that every user of the machine can read. `about`: the key of the configuration that names it.
pub fn readable_by_others(about: &str, path: &Path) -> Option<Finding> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    // Group access is a deliberate way to share a TLS key; the world is not.
    (mode & 0o007 != 0).then(|| {
        let wrong = format!("{} is open to every user of this machine (mode {mode:03o})", path.display());
        Finding::warning("key-open-to-others", about, wrong, &format!("run: chmod 600 {}", path.display()))
    })
}

/// Whether a PEM file holds a private key of any kind, perhaps beside certificates.
pub fn holds_private_key(pem: &[u8]) -> bool {
    String::from_utf8_lossy(pem).contains("PRIVATE KEY-----")
}

/// Why the file with a secret cannot be read. Where there is none, its name is not told: people write the secret itself there.
pub fn unreadable_secret(path: &Path, error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            "it names a file, and there is none of that name (which is not shown: it may be the secret itself)".into()
        }
        _ => format!("{} cannot be read: {error}", path.display()),
    }
}
