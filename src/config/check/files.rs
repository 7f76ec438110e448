//! Checks that files exist and are usable, and that other users cannot read secret ones.

use crate::config::{Config, Store};
use events::personal::keys::MasterKey;
use findings::Finding;
use findings::files::{holds_private_key, missing, readable_by_others};
use std::path::Path;
use world::regular_file;

pub(crate) fn check(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (about, path) in certificates(config) {
        findings.extend(missing(about, path).or_else(|| key_among_certificates(about, path)));
    }
    for (about, path) in keys(config) {
        findings.extend(missing(about, path).or_else(|| readable_by_others(about, path)));
    }
    findings.extend(check_master_key(&config.store.master_key));
    findings.extend(check_directory(&config.store));
    findings
}

/// Returns every configured certificate, with its key in the configuration.
pub(crate) fn certificates(config: &Config) -> Vec<(&'static str, &Path)> {
    let pki = &config.pki;
    let mut files: Vec<(&'static str, &Path)> = vec![
        ("pki.identity_ca_certificate", &pki.identity_ca_certificate),
        ("pki.registration_authority_certificate", &pki.registration_authority_certificate),
        ("pki.profile_signer_certificate", &pki.profile_signer_certificate),
        ("pki.tls_certificate", &pki.tls_certificate),
    ];
    files.extend(pki.tls_root.as_deref().map(|path| ("pki.tls_root", path)));
    files.extend(config.push.certificate.as_deref().map(|path| ("push.certificate", path)));
    files.extend(config.push.root.as_deref().map(|path| ("push.root", path)));
    files
}

/// Returns every configured private key, in the order of [`certificates`].
pub(crate) fn keys(config: &Config) -> Vec<(&'static str, &Path)> {
    let pki = &config.pki;
    let mut files: Vec<(&'static str, &Path)> = vec![
        ("pki.identity_ca_key", &pki.identity_ca_key),
        ("pki.registration_authority_key", &pki.registration_authority_key),
        ("pki.profile_signer_key", &pki.profile_signer_key),
        ("pki.tls_key", &pki.tls_key),
    ];
    files.extend(config.push.key.as_deref().map(|path| ("push.key", path)));
    files
}

/// Finds a private key in a certificate file that other users can read. Certificate files usually are readable by
/// everyone.
fn key_among_certificates(about: &str, path: &Path) -> Option<Finding> {
    let holds_key = holds_private_key(&regular_file::read(path).ok()?);
    let open = holds_key.then(|| readable_by_others(about, path)).flatten()?;
    let wrong = format!("{} contains a private key in addition to the certificate: {}", path.display(), open.wrong);
    let mend =
        "remove the key from this file; if others could read it, replace the key and have the certificate reissued";
    Some(Finding::warning("key-among-certificates", about, wrong, mend))
}

fn check_master_key(path: &Path) -> Option<Finding> {
    let about = "store.master_key";
    if let Some(finding) = missing(about, path) {
        let mend = "correct the path, or restore the file from its backup; a new key cannot replace it".into();
        return Some(Finding { mend, ..finding });
    }
    if let Err(error) = MasterKey::read_file(path) {
        let mend = "restore the file from its backup; a new key cannot replace it";
        return Some(Finding::error("master-key-unusable", about, error.to_string(), mend));
    }
    readable_by_others(about, path)
}

fn check_directory(store: &Store) -> Option<Finding> {
    let directory = &store.directory;
    let about = "store.directory";
    let shown = directory.display();
    if !directory.is_dir() {
        let mend = "correct the path, or create an installation with `muster init` or `muster restore`";
        return Some(Finding::error("directory-missing", about, format!("{shown} is not a directory"), mend));
    }
    if !directory.join("events.db").is_file() {
        let wrong = format!("there is no events.db in {shown}");
        let mend = format!(
            "correct the path if it is wrong. If the log is lost, move any existing events.db and keys.db, with their -wal and \
             -shm files, out of {shown}, keep them, and restore the newest backup: `muster restore BACKUP`"
        );
        return Some(Finding::error("log-missing", about, wrong, &mend));
    }
    if !directory.join("keys.db").is_file() && !store.accept_lost_keys {
        let wrong = format!("there is no keys.db in {shown}; without it the personal data in events.db cannot be read");
        let mend = "restore the newest keys.db; if there is none, `muster serve --accept-lost-keys` starts without it: \
                    the data that it sealed can never be read again";
        return Some(Finding::error("keys-missing", about, wrong, mend));
    }
    for file in ["events.db", "index.db", "keys.db", "projections/common.db", "sessions.db", "states.db"]
        .map(|file| directory.join(file))
    {
        // Opening for writing changes nothing. All but the log and the keys are created if they are missing.
        let opened = std::fs::OpenOptions::new().write(true).open(&file);
        if let Err(error) = opened
            && error.kind() != std::io::ErrorKind::NotFound
        {
            let wrong = format!("{} cannot be written: {error}", file.display());
            let mend = "give the server's user write permission; index.db, the directory projections, sessions.db and \
                        states.db may also be deleted";
            return Some(Finding::error("file-unwritable", about, wrong, mend));
        }
    }
    let probe = tempfile::Builder::new().prefix(".muster-check").tempfile_in(directory);
    probe.err().map(|error| {
        let mend = "give the server's user write permission for the directory, or free disk space";
        Finding::error("directory-unwritable", about, format!("cannot write into {shown}: {error}"), mend)
    })
}
