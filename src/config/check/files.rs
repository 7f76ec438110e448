//! Files: are they there, may we use them, may others read what they should not.

use crate::config::{Config, Store};
use events::personal::keys::MasterKey;
use findings::Finding;
use findings::files::{holds_private_key, missing, readable_by_others};
use std::path::Path;
use world::regular_file;

pub fn check(config: &Config) -> Vec<Finding> {
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

/// Every certificate that is named, by its key in the configuration.
pub fn certificates(config: &Config) -> Vec<(&'static str, &Path)> {
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

/// Every private key that is named, in the order of [`certificates`].
pub fn keys(config: &Config) -> Vec<(&'static str, &Path)> {
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

/// The key stands a second time where others read it: certificate files are open to everybody.
fn key_among_certificates(about: &str, path: &Path) -> Option<Finding> {
    let holds_key = holds_private_key(&regular_file::read(path).ok()?);
    let open = holds_key.then(|| readable_by_others(about, path)).flatten()?;
    let wrong = format!("{} holds a private key beside the certificate: {}", path.display(), open.wrong);
    let mend =
        "take the key out of this file; if others could read it, replace the key and have the certificate issued again";
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
        let mend = "correct the path, or make an installation with `muster init` or `muster restore`";
        return Some(Finding::error("directory-missing", about, format!("{shown} is no directory"), mend));
    }
    if !directory.join("events.db").is_file() {
        let wrong = format!("there is no events.db in {shown}");
        let mend = format!(
            "correct the path if it is another one. If the log is lost, move what is there of events.db and keys.db, with their -wal and \
             -shm files, out of {shown}, keep it, and bring the newest backup back there: `muster restore BACKUP`"
        );
        return Some(Finding::error("log-missing", about, wrong, &mend));
    }
    if !directory.join("keys.db").is_file() && !store.accept_lost_keys {
        let wrong = format!("there is no keys.db in {shown}, which opens the personal fields of events.db");
        let mend = "restore the newest keys.db; if there is none, `muster serve --accept-lost-keys` starts without it: \
                    what it sealed can never be read again";
        return Some(Finding::error("keys-missing", about, wrong, mend));
    }
    for file in ["events.db", "keys.db", "projections.db", "sessions.db"].map(|file| directory.join(file)) {
        // Opening changes nothing; the last two are made where they are missing.
        let opened = std::fs::OpenOptions::new().write(true).open(&file);
        if let Err(error) = opened
            && error.kind() != std::io::ErrorKind::NotFound
        {
            let wrong = format!("{} cannot be written: {error}", file.display());
            let mend = "give the user that runs the server the right to write it; projections.db and sessions.db may \
                        also be deleted";
            return Some(Finding::error("file-unwritable", about, wrong, mend));
        }
    }
    let probe = tempfile::Builder::new().prefix(".muster-check").tempfile_in(directory);
    probe.err().map(|error| {
        let mend = "give the user that runs the server the right to write there, or make room";
        Finding::error("directory-unwritable", about, format!("cannot write into {shown}: {error}"), mend)
    })
}
