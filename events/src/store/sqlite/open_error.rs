//! Why a log cannot be created or opened.

use super::FORMAT;
use crate::side_files::LeftBehind;
use std::path::{Path, PathBuf};

/// Why the log cannot be created or opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("there is no log in {}: check the path; `muster init` creates a new log", .0.display())]
    Missing(PathBuf),
    #[error("there is a log in {} already: `muster serve` opens it", .0.display())]
    Exists(PathBuf),
    #[error("another process writes to the log in {}: stop it first, or let it do the work", .0.display())]
    Locked(PathBuf),
    #[error(
        "{} is on {filesystem}, a network file system: locks and syncs are not reliable there, use a local disk", .path.display()
    )]
    NetworkFileSystem { path: PathBuf, filesystem: String },
    #[error("{} is not a Muster log", .0.display())]
    NotALog(PathBuf),
    #[error(
        "the log in {} has format {format}, this program knows up to {FORMAT}: run the newer Muster that wrote it", .path.display()
    )]
    TooNew { path: PathBuf, format: i64 },
    #[error(transparent)]
    LeftBehind(LeftBehind),
    /// Version of SQLite, such as `3.45.1`.
    #[error("SQLite {0} may lose commits while a checkpoint runs; 3.51.3 or later is needed")]
    OldLibrary(&'static str),
    #[error("{}: {error}; the server must be able to write there", .path.display())]
    File { path: PathBuf, error: std::io::Error },
    #[error("{}: {error}", .path.display())]
    Sqlite { path: PathBuf, error: rusqlite::Error },
}

pub(super) fn file_error(path: &Path, error: std::io::Error) -> OpenError {
    OpenError::File { path: path.to_owned(), error }
}
