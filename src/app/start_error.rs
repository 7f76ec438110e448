//! Why a server does not start, and what to do about it.

use events::personal::keys::KeyError;
use events::store::sqlite::OpenError;
use events::store::{AppendError, ReadError};
use projections::disposable;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Reason why the server does not start. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// `setting` is the field of the configuration that contains the address.
    #[error("cannot listen on {address} (`{setting}`): {why}; {}", mend(.why))]
    Listen { setting: &'static str, address: SocketAddr, why: std::io::Error },
    #[error(
        "cannot use the TLS certificate {} with the key {}: {why}; `muster check-config` reports the details",
        .certificate.display(), .key.display()
    )]
    Tls { certificate: PathBuf, key: PathBuf, why: openssl::error::ErrorStack },
    #[error("cannot read the master key {}: {why}; restore it from its backup; a new key cannot replace it", .path.display())]
    MasterKey { path: PathBuf, why: String },
    #[error("cannot open the log in {}: {why}{}", .directory.display(), remedy_of(.why, .directory))]
    Store { directory: PathBuf, why: OpenError },
    #[error("cannot open the keys in {}: {why}", .directory.display())]
    Keys { directory: PathBuf, why: KeyError },
    #[error(
        "keys.db in {} is damaged: {why}. Restore the newest keys.db from its backup (or log and keys together: `muster restore`). If there \
         is no backup of it, move keys.db, keys.db-wal and keys.db-shm out of this directory, then start once with \
         `muster serve --accept-lost-keys`: it creates a new keys.db, and data sealed with the lost keys can never be read again",
        .directory.display()
    )]
    DamagedKeys { directory: PathBuf, why: String },
    #[error(
        "the disk of {} is full: {why}. Free space on it, or move the directory to a larger disk, and start again. Do not delete \
         anything in the directory",
        .directory.display()
    )]
    DiskFull { directory: PathBuf, why: String },
    #[error(
        "{} is older than the log: it has recorded {found} changes of keys, the log needs {needed}; {missing} keys that events are \
         sealed under are missing. Restore the newest keys.db (or log and keys together, from the newest backup: `muster restore`). If \
         there is none, `muster serve --accept-lost-keys` starts without them: data sealed with the lost keys can never be read again",
        .path.display()
    )]
    OlderKeys { path: PathBuf, found: u64, needed: u64, missing: usize },
    #[error(
        "events.db in {} is older than keys.db: it ends at position {last}, but keys.db has recorded position {seen}, so acknowledged \
         events are missing. Put the newest events.db back, or restore log and keys together from the newest backup (`muster restore`). If \
         there is no newer one, `muster serve --accept-older-log` starts without the missing events and records that: identities and \
         accounts that they revoked or disabled work again, and devices whose enrollment they recorded must enroll again",
        .directory.display()
    )]
    OlderLog { directory: PathBuf, last: u64, seen: u64 },
    #[error("cannot write to the log: {0}")]
    Append(AppendError),
    #[error("cannot load certificates and keys: {0}; `muster check-config` reports the details")]
    Pki(String),
    #[error("cannot use a directory: {0}; `muster check-config` reports the details")]
    Identity(String),
    #[error("cannot set up push notifications: {0}; `muster check-config` reports the details")]
    Push(String),
    #[error("cannot set up mail: {0}; `muster check-config` reports the details")]
    Mail(String),
    #[error("cannot open the sessions in {}: {why}; sessions.db may be deleted: staff then sign in again", .directory.display())]
    Sessions { directory: PathBuf, why: String },
    #[error("cannot open the projections in {}: {why}; the directory projections may be deleted: the server builds it again from the log", .directory.display())]
    Projections { directory: PathBuf, why: String },
    #[error("cannot read the log: {0}{remedy}", remedy = remedy_of_read(.0))]
    Read(ReadError),
    #[error(
        "the log in {} does not begin with LogCreated: it is not a Muster log, or its beginning is lost{}",
        .directory.display(), restore_into(.directory)
    )]
    NoLogCreated { directory: PathBuf },
    #[error(
        "{what} in {} is not the one this log was created with (fingerprint {found}, the log expects {expected}): check the \
         paths in the configuration, or restore the file from its backup",
        .path.display()
    )]
    WrongKey { what: &'static str, path: PathBuf, found: String, expected: String },
    #[error("cannot open the command socket {}: {why}", .path.display())]
    Socket { path: PathBuf, why: std::io::Error },
    #[error("cannot start the server: {0}")]
    Io(std::io::Error),
}

// The messages contain these errors. As sources they would be printed a second time.
impl From<AppendError> for StartError {
    fn from(why: AppendError) -> StartError {
        StartError::Append(why)
    }
}

impl From<ReadError> for StartError {
    fn from(why: ReadError) -> StartError {
        StartError::Read(why)
    }
}

impl From<std::io::Error> for StartError {
    fn from(why: std::io::Error) -> StartError {
        StartError::Io(why)
    }
}

// Returns what to do about a log that is missing or damaged.
fn remedy_of(why: &OpenError, directory: &Path) -> String {
    match why {
        OpenError::Missing(_) | OpenError::NotALog(_) => restore_into(directory),
        OpenError::Sqlite { error, .. } if disposable::is_damage(error) => restore_into(directory),
        OpenError::Sqlite { .. } | OpenError::Exists(_) | OpenError::Locked(_) | OpenError::TooNew { .. } => {
            String::new()
        }
        OpenError::NetworkFileSystem { .. } | OpenError::LeftBehind(_) | OpenError::OldLibrary(_) => String::new(),
        OpenError::File { .. } => String::new(),
    }
}

fn remedy_of_read(why: &ReadError) -> &'static str {
    match why {
        ReadError::Corrupt { .. } => {
            ". Keep a copy of the directory, move events.db and keys.db with their -wal and -shm files out of it, and restore the \
             newest backup: `muster restore BACKUP`"
        }
        ReadError::Unavailable(_) => "",
    }
}

fn restore_into(directory: &Path) -> String {
    format!(
        ". If store.directory in the configuration is right, the log is lost or damaged: move the remaining files of events.db and keys.db, \
         with their -wal and -shm files, out of {}, keep them, and restore the newest backup there: `muster restore BACKUP`",
        directory.display()
    )
}

/// Free bytes below which a disk counts as full. SQLite needs a few pages to open a database.
const FULL_BELOW: u64 = 256 * 1_024;

/// Replaces an error that a full disk explains with [`StartError::DiskFull`]. The files are then intact, and advice to
/// delete or restore them would be wrong.
pub(super) fn told_of_full_disk(directory: &Path, error: StartError) -> StartError {
    let why = match &error {
        StartError::Store { why: why @ (OpenError::File { .. } | OpenError::Sqlite { .. }), .. } => why.to_string(),
        StartError::Keys { why: KeyError::Unavailable(why), .. } => why.clone(),
        StartError::Sessions { why, .. } | StartError::Projections { why, .. } => why.clone(),
        StartError::Append(why) => why.to_string(),
        StartError::Socket { why, .. } | StartError::Io(why) => why.to_string(),
        _ => return error,
    };
    let is_said = why.contains("database or disk is full") || why.contains("No space left on device");
    match is_said || free(directory).is_some_and(|free| free < FULL_BELOW) {
        true => StartError::DiskFull { directory: directory.to_owned(), why },
        false => error,
    }
}

fn free(directory: &Path) -> Option<u64> {
    rustix::fs::statvfs(directory).ok().map(|told| told.f_bavail.saturating_mul(told.f_frsize))
}

fn mend(why: &std::io::Error) -> &'static str {
    match why.kind() {
        ErrorKind::AddrInUse => {
            "another server, or another listener of this server, uses the port: stop it, or set a free port"
        }
        ErrorKind::PermissionDenied => {
            "ports below 1024 need the capability CAP_NET_BIND_SERVICE: grant it, or set a higher port"
        }
        ErrorKind::AddrNotAvailable => {
            "this machine does not have the address: set one of its addresses, or 0.0.0.0 for all"
        }
        _ => "set an address that this machine can listen on",
    }
}

/// Converts an error of the key store in `directory`. The message for a damaged store includes the remedy.
pub(super) fn unusable_keys(directory: &Path, why: KeyError) -> StartError {
    let directory = directory.to_owned();
    match why {
        KeyError::Damaged(why) => StartError::DamagedKeys { directory, why },
        why => StartError::Keys { directory, why },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_said_once() {
        for error in [
            StartError::from(ReadError::Unavailable("too slow".into())),
            StartError::from(AppendError::Unavailable("too slow".into())),
            StartError::from(std::io::Error::other("too slow")),
        ] {
            let told = format!("{:#}", anyhow::Error::from(error));
            assert_eq!(told.matches("too slow").count(), 1, "{told}");
        }
    }

    #[test]
    fn a_full_disk_is_told_as_such_and_nothing_is_said_to_be_deleted() {
        let directory = Path::new("/");
        let full = || "database or disk is full".to_owned();
        for error in [
            StartError::Sessions { directory: directory.to_owned(), why: full() },
            StartError::Projections { directory: directory.to_owned(), why: full() },
            StartError::Keys { directory: directory.to_owned(), why: KeyError::Unavailable(full()) },
            StartError::Io(std::io::Error::from_raw_os_error(28)),
        ] {
            let told = told_of_full_disk(directory, error).to_string();
            assert!(told.starts_with("the disk of / is full: ") && !told.contains("may be deleted"), "{told}");
        }
        let other = StartError::Sessions { directory: directory.to_owned(), why: "permission denied".into() };
        assert!(told_of_full_disk(directory, other).to_string().contains("sessions.db may be deleted"));
    }
}
