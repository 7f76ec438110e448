//! Which files belong to an installation: the configuration, what it names, and what lies in `pki` beside it.

use crate::config::Config;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A file as it is, under the name that a backup knows it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gathered {
    /// From the directory of the configuration, or absolute where it lies elsewhere.
    pub path: PathBuf,
    pub content: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
#[error("cannot read {}, which belongs to the installation: {why}", .path.display())]
pub struct GatherError {
    path: PathBuf,
    why: std::io::Error,
}

/// Files in `pki` that the configuration does not name (a request for a push certificate and its key) are few and small.
const LARGEST: u64 = 1 << 20;
const DEEPEST: usize = 3;

/// All files of the installation whose configuration is `config_file`, the configuration itself first. Neither the master key nor what is
/// in the directory of the store.
///
/// # Errors
/// If a file that the configuration names cannot be read.
pub fn gather(config_file: &Path, config: &Config) -> Result<Vec<Gathered>, GatherError> {
    let unreadable = |path: &Path, why| GatherError { path: path.to_owned(), why };
    let config_file = std::path::absolute(config_file).map_err(|why| unreadable(config_file, why))?;
    let directory = config_file.parent().unwrap_or(Path::new("/"));
    let mut places: BTreeSet<PathBuf> = config.files().into_iter().collect();
    below(&directory.join("pki"), DEEPEST, &mut places);
    places.remove(&config.store.master_key);
    places.retain(|place| !place.starts_with(&config.store.directory));
    places.remove(&config_file);
    let read = |place: &PathBuf| {
        let content = std::fs::read(place).map_err(|why| unreadable(place, why))?;
        Ok(Gathered { path: place.strip_prefix(directory).unwrap_or(place).to_owned(), content })
    };
    std::iter::once(&config_file).chain(&places).map(read).collect()
}

fn below(directory: &Path, levels: usize, places: &mut BTreeSet<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_file() && metadata.len() <= LARGEST {
            places.insert(entry.path());
        } else if metadata.is_dir() && levels > 1 {
            below(&entry.path(), levels - 1, places);
        }
    }
}
