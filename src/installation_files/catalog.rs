//! The catalog of a backup: its files, their original paths, and which are sealed. It is authenticated under the master
//! key.

use super::Gathered;
use events::personal::keys::{DataKey, MasterKey, hmac, same};
use names::visible::visible_path;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};
use world::regular_file;

const FILE: &str = "installation.json";
const DIRECTORY: &str = "installation";
/// The databases of a backup, and its manifest.
const DATABASES: [&str; 3] = ["events.db", "keys.db", "backup.json"];
const SEAL: &str = "backup of files";
const TAG: &str = "backup catalog";

/// Files of a backup other than the log and the keys, listed in its `installation.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Catalog {
    /// The version of Muster that made the backup.
    pub muster: String,
    /// The files. The configuration is the first.
    pub files: Vec<Listed>,
    /// SHA-256 of the log, the keys and the manifest, as hex, by file name. Prevents mixing in files of another backup.
    databases: BTreeMap<String, String>,
    /// HMAC-SHA-256 of the rest, under a key derived from the master key, as hex.
    tag: String,
}

/// A file in the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    /// Original path: relative to the directory of the configuration, or absolute.
    pub path: PathBuf,
    /// Name of the file in the backup.
    stored: String,
    pub sealed: bool,
    /// SHA-256 of the stored bytes, as hex.
    sha256: String,
}

/// A file of a backup with its original content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opened {
    pub path: PathBuf,
    pub content: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum CatalogError {
    #[error("{}: {why}", visible_path(.path))]
    File { path: PathBuf, why: std::io::Error },
    #[error("{} is missing, but the files that it lists exist: the backup has been changed since it was made; use another backup", visible_path(.path))]
    Missing { path: PathBuf },
    #[error("{} cannot be parsed: {why}", visible_path(.path))]
    NotUnderstood { path: PathBuf, why: String },
    #[error(
        "{} was made with another master key, or has been changed since: use the master key of that installation, or another backup",
        visible_path(.path)
    )]
    Tag { path: PathBuf },
    #[error("{} (the copy of {}) has been changed since the backup was made", visible_path(.stored), visible_path(.path))]
    Changed { stored: PathBuf, path: PathBuf },
}

impl Catalog {
    /// Writes the files into the new backup `backup` with mode 0600, and the catalog last.
    ///
    /// # Errors
    /// Returns an error if a file cannot be written.
    pub(crate) fn write(backup: &Path, gathered: &[Gathered], master: &MasterKey) -> Result<Catalog, CatalogError> {
        let directory = backup.join(DIRECTORY);
        DirBuilder::new().mode(0o700).create(&directory).map_err(file_error(&directory))?;
        let mut files = Vec::new();
        for (nth, Gathered { path, content }) in gathered.iter().enumerate() {
            // The configuration names the files of secrets and contains no secret itself. Any other file may contain
            // one.
            let sealed = nth > 0;
            let bytes = if sealed { key(master).seal(&associated(path), content) } else { content.clone() };
            let stored = format!("{nth:03}");
            write_new(&directory.join(&stored), &bytes)?;
            files.push(Listed { path: path.clone(), stored, sealed, sha256: digest(&bytes) });
        }
        let databases = DATABASES.iter().map(|name| Ok(((*name).to_owned(), digest_of_file(&backup.join(name))?)));
        let databases = databases.collect::<Result<BTreeMap<_, _>, CatalogError>>()?;
        let mut catalog = Catalog { muster: env!("CARGO_PKG_VERSION").into(), files, databases, tag: String::new() };
        let path = backup.join(FILE);
        let unwritable = |error: serde_json::Error| CatalogError::File { path: path.clone(), why: error.into() };
        catalog.tag = catalog.reckon(master).map_err(unwritable)?;
        let text = serde_json::to_string_pretty(&catalog).map_err(unwritable)?;
        write_new(&path, text.as_bytes())?;
        Ok(catalog)
    }

    /// Reads the catalog of a backup. Returns `None` for a backup of the log and keys only, as earlier versions made
    /// them.
    ///
    /// # Errors
    /// Returns an error if the catalog exists but cannot be read, or if it is missing although its files exist.
    pub(crate) fn read(backup: &Path) -> Result<Option<Catalog>, CatalogError> {
        let path = backup.join(FILE);
        let text = match regular_file::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && backup.join(DIRECTORY).exists() => {
                return Err(CatalogError::Missing { path });
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(file_error(&path))?,
        };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| CatalogError::NotUnderstood { path, why: error.to_string() })
    }

    /// Reads the stored files and compares them with the catalog, without opening the seals.
    ///
    /// # Errors
    /// Returns an error if a file is missing or was changed.
    pub(crate) fn stored(&self, backup: &Path) -> Result<Vec<Vec<u8>>, CatalogError> {
        for (name, sha256) in &self.databases {
            let stored = backup.join(name);
            if digest_of_file(&stored)? != *sha256 {
                return Err(CatalogError::Changed { path: PathBuf::from(name), stored });
            }
        }
        self.files.iter().map(|listed| listed.stored(backup)).collect()
    }

    /// Opens the seal of every file.
    ///
    /// # Errors
    /// Returns an error if the backup was made with a different master key or was changed.
    pub(crate) fn open(&self, backup: &Path, master: &MasterKey) -> Result<Vec<Opened>, CatalogError> {
        let path = backup.join(FILE);
        let tag = self
            .reckon(master)
            .map_err(|error| CatalogError::NotUnderstood { path: path.clone(), why: error.to_string() })?;
        if !same(self.tag.as_bytes(), tag.as_bytes()) {
            return Err(CatalogError::Tag { path });
        }
        let open = |(listed, bytes): (&Listed, Vec<u8>)| {
            let changed = || listed.changed(backup);
            let content = match listed.sealed {
                true => key(master).open(&associated(&listed.path), &bytes).ok_or_else(changed)?,
                false => bytes,
            };
            Ok(Opened { path: listed.path.clone(), content })
        };
        self.files.iter().zip(self.stored(backup)?).map(open).collect()
    }

    /// Returns the original configuration. Its tag is not verified yet, because the configuration names the path of the
    /// master key.
    ///
    /// # Errors
    /// Returns an error if the configuration is missing or was changed.
    pub(crate) fn configuration(&self, backup: &Path) -> Result<Vec<u8>, CatalogError> {
        let none = || CatalogError::NotUnderstood { path: backup.join(FILE), why: "it lists no file".into() };
        self.files.first().ok_or_else(none)?.stored(backup)
    }

    // JSON cannot represent a path that is not UTF-8; `gather` leaves such files out.
    fn reckon(&self, master: &MasterKey) -> serde_json::Result<String> {
        let untagged = Catalog { tag: String::new(), ..self.clone() };
        let text = serde_json::to_vec(&untagged)?;
        Ok(hex::encode(hmac(&master.derive(TAG), &[&text])))
    }
}

impl Listed {
    fn stored(&self, backup: &Path) -> Result<Vec<u8>, CatalogError> {
        // The name is untrusted: anyone may have changed the catalog.
        if !matches!(Path::new(&self.stored).components().collect::<Vec<_>>()[..], [Component::Normal(_)]) {
            return Err(self.changed(backup));
        }
        let path = backup.join(DIRECTORY).join(&self.stored);
        // No size limit: a sealed file is longer than the original.
        let mut bytes = Vec::new();
        let read = regular_file::open(&path).and_then(|mut file| file.read_to_end(&mut bytes));
        read.map_err(file_error(&path))?;
        if digest(&bytes) == self.sha256 { Ok(bytes) } else { Err(self.changed(backup)) }
    }

    fn changed(&self, backup: &Path) -> CatalogError {
        CatalogError::Changed { stored: backup.join(DIRECTORY).join(&self.stored), path: self.path.clone() }
    }
}

fn key(master: &MasterKey) -> DataKey {
    DataKey::from_bytes(master.derive(SEAL))
}

fn associated(path: &Path) -> Vec<u8> {
    path.as_os_str().as_encoded_bytes().to_vec()
}

// Reads in blocks, because a log may be larger than the memory.
fn digest_of_file(path: &Path) -> Result<String, CatalogError> {
    let mut file = File::open(path).map_err(file_error(path))?;
    let mut hasher = openssl::sha::Sha256::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        match file.read(&mut piece).map_err(file_error(path))? {
            0 => return Ok(hex::encode(hasher.finish())),
            length => hasher.update(&piece[..length]),
        }
    }
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(openssl::sha::sha256(bytes))
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), CatalogError> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = opened.map_err(file_error(path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(file_error(path))
}

fn file_error(path: &Path) -> impl Fn(std::io::Error) -> CatalogError {
    move |why| CatalogError::File { path: path.to_owned(), why }
}
