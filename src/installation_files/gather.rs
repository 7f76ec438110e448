//! Which files belong to an installation: the configuration, what it names, and what lies in `pki` beside it.

use crate::config::{Config, Store};
use std::collections::BTreeSet;
use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use world::regular_file::{self, kind};

/// A file as it is, under the name that a backup knows it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gathered {
    /// From the directory of the configuration, or absolute where it lies elsewhere.
    pub path: PathBuf,
    pub content: Vec<u8>,
}

/// Something in `pki` that is not in the backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    pub path: PathBuf,
    pub why: String,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.why)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("cannot read {}, which belongs to the installation: {why}", .path.display())]
pub struct GatherError {
    path: PathBuf,
    why: std::io::Error,
}

/// Levels of folders in `pki` that are looked through.
const DEEPEST: usize = 3;

/// All files of the installation whose configuration is `config_file`, the configuration itself first. Neither the master key nor what is
/// in the directory of the store. Names what lies in `pki` and cannot be taken: folders are for certificates and keys, which are small.
///
/// # Errors
/// If a file that the configuration names cannot be read.
pub fn gather(config_file: &Path, config: &Config) -> Result<(Vec<Gathered>, Vec<LeftOut>), GatherError> {
    let unreadable = |path: &Path, why| GatherError { path: path.to_owned(), why };
    let config_file = std::path::absolute(config_file).map_err(|why| unreadable(config_file, why))?;
    let directory = config_file.parent().unwrap_or(Path::new("/"));
    let named: BTreeSet<PathBuf> = config.files().into_iter().collect();
    let mut found = Found::default();
    found.folder(&directory.join("pki"), DEEPEST);
    let Found { mut places, mut left_out } = found;
    places.extend(named.iter().cloned());
    places.retain(|place| *place != config_file && !is_of_store(place, &config.store));
    let gathered =
        |place: &Path, content| Gathered { path: place.strip_prefix(directory).unwrap_or(place).to_owned(), content };
    let own = regular_file::read(&config_file).map_err(|why| unreadable(&config_file, why))?;
    let mut files = vec![gathered(&config_file, own)];
    for place in &places {
        match regular_file::read(place) {
            Ok(content) => files.push(gathered(place, content)),
            Err(why) if named.contains(place) => return Err(unreadable(place, why)),
            Err(why) => left_out.push(LeftOut { path: place.clone(), why: format!("it cannot be read: {why}") }),
        }
    }
    Ok((files, left_out))
}

/// Whether a place is the master key or in the directory of the store, also under another name (a symbolic or hard link).
fn is_of_store(place: &Path, store: &Store) -> bool {
    let same_file = |one: &Path, other: &Path| match (one.metadata(), other.metadata()) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => one == other,
    };
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    same_file(place, &store.master_key) || real(place).starts_with(real(&store.directory))
}

#[derive(Default)]
struct Found {
    places: BTreeSet<PathBuf>,
    left_out: Vec<LeftOut>,
}

impl Found {
    fn folder(&mut self, directory: &Path, levels: usize) {
        let entries = match std::fs::read_dir(directory) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => return self.leave_out(directory, format!("the folder cannot be read: {error}")),
            Ok(entries) => entries,
        };
        for entry in entries {
            match entry {
                Ok(entry) => self.entry(&entry.path(), levels),
                Err(error) => self.leave_out(directory, format!("the folder cannot be read to its end: {error}")),
            }
        }
    }

    fn entry(&mut self, path: &Path, levels: usize) {
        let is_link = path.is_symlink();
        match path.metadata().map(|metadata| metadata.file_type()) {
            Err(error) if is_link => {
                self.leave_out(path, format!("a symbolic link whose target cannot be read: {error}"))
            }
            Err(error) => self.leave_out(path, format!("it cannot be read: {error}")),
            Ok(found) if found.is_file() => {
                self.places.insert(path.to_owned());
            }
            // It may lead in a circle, or to a folder that has nothing to do with Muster.
            Ok(found) if found.is_dir() && is_link => self.leave_out(path, "a symbolic link to a directory"),
            Ok(found) if found.is_dir() && levels > 1 => self.folder(path, levels - 1),
            Ok(found) if found.is_dir() => self.leave_out(path, format!("a folder deeper than {DEEPEST} levels")),
            Ok(found) => self.leave_out(path, format!("{}, not a regular file", kind(found))),
        }
    }

    fn leave_out(&mut self, path: &Path, why: impl Into<String>) {
        self.left_out.push(LeftOut { path: path.to_owned(), why: why.into() });
    }
}
