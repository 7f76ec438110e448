//! Collects the files of an installation: the configuration, the files that it names, and the files in the `pki`
//! directory next to it.

use crate::config::{Config, Store};
use findings::files::unreadable_secret;
use names::visible::visible_path;
use std::collections::BTreeSet;
use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use world::regular_file::{self, kind};

/// A file's content, under the path that a backup uses for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gathered {
    /// Relative to the directory of the configuration, or absolute if the file is elsewhere.
    pub path: PathBuf,
    pub content: Vec<u8>,
}

/// A file that the configuration names or that is in `pki`, but that is not in the backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// The file's path, or the configuration key that names it.
    what: String,
    why: String,
}

impl LeftOut {
    fn file(path: &Path, why: impl Into<String>) -> LeftOut {
        LeftOut { what: visible_path(path), why: why.into() }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.why)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("cannot read {}, which belongs to the installation: {why}", .path.display())]
pub(crate) struct GatherError {
    path: PathBuf,
    why: std::io::Error,
}

/// Maximum depth of the search in `pki`.
const DEEPEST: usize = 3;

/// Returns all files of the installation whose configuration is `config_file`, the configuration first. Excludes the
/// master key, also copies of it, and everything in the store directory. Also returns the files that cannot be
/// included: an incomplete backup is better than none.
///
/// # Errors
/// Returns an error if the configuration or the master key cannot be read.
pub(crate) fn gather(config_file: &Path, config: &Config) -> Result<(Vec<Gathered>, Vec<LeftOut>), GatherError> {
    let unreadable = |path: &Path, why| GatherError { path: path.to_owned(), why };
    let config_file = std::path::absolute(config_file).map_err(|why| unreadable(config_file, why))?;
    let own = regular_file::read(&config_file).map_err(|why| unreadable(&config_file, why))?;
    let master_key = &config.store.master_key;
    let master = regular_file::read(master_key).map_err(|why| unreadable(master_key, why))?;
    let directory = config_file.parent().unwrap_or(Path::new("/"));
    let named: BTreeSet<PathBuf> = config.files().into_iter().collect();
    let mut found = Found { named: &named, places: BTreeSet::new(), left_out: Vec::new() };
    found.folder(&directory.join("pki"), DEEPEST);
    let Found { mut places, mut left_out, .. } = found;
    places.extend(named.iter().cloned());
    places.retain(|place| *place != config_file && !is_of_store(place, &config.store));
    let name = |place: &Path| place.strip_prefix(directory).unwrap_or(place).to_owned();
    let mut files = vec![Gathered { path: name(&config_file), content: own }];
    for place in &places {
        let path = name(place);
        match regular_file::read(place) {
            Ok(content) => match why_not(&path, &content, master.trim_ascii()) {
                None => files.push(Gathered { path, content }),
                Some(why) => left_out.push(LeftOut::file(place, why)),
            },
            Err(why) if named.contains(place) => left_out.push(named_unreadable(place, &why, config)),
            Err(why) => left_out.push(LeftOut::file(place, format!("it cannot be read: {why}"))),
        }
    }
    Ok((files, left_out))
}

/// Returns the reason why a readable file is not included.
fn why_not(path: &Path, content: &[u8], master: &[u8]) -> Option<&'static str> {
    if path.to_str().is_none() {
        return Some("its name is not UTF-8: rename it");
    }
    let mut parts = content.windows(master.len().max(1));
    parts
        .any(|part| part.eq_ignore_ascii_case(master))
        .then_some("it contains the master key, which must never be in a backup: move it elsewhere")
}

fn named_unreadable(place: &Path, why: &std::io::Error, config: &Config) -> LeftOut {
    match secrets(config).find(|(_, path)| *path == place) {
        Some((what, path)) => LeftOut { what, why: unreadable_secret(path, why) },
        None => LeftOut::file(place, format!("muster.toml names it, and it cannot be read: {why}")),
    }
}

// Settings that name a secret's file. People sometimes put the secret itself there.
fn secrets(config: &Config) -> impl Iterator<Item = (String, &Path)> {
    let key = |section: &str, name: &str, key: &str| format!("[[identity.{section}]] {name:?}: {key}");
    let identity = &config.identity;
    let mail = config.mail.iter().filter_map(|mail| mail.password_file.as_deref());
    let mail = mail.map(|path| ("[mail]: password_file".to_owned(), path));
    let directories = identity.directory.iter();
    let directories = directories.map(move |one| (key("directory", &one.name, "bind_password"), &*one.bind_password));
    let providers = identity.openid_connect.iter();
    directories
        .chain(providers.map(move |one| (key("openid_connect", &one.name, "client_secret"), &*one.client_secret)))
        .chain(mail)
}

/// Returns the directory of the installation (`pki` or the store directory) that contains `destination`. A backup there
/// would become part of the next backup, or of the server's working data.
///
/// # Errors
/// Returns an error if the current directory cannot be determined.
pub(crate) fn own_place_of(
    destination: &Path,
    config_file: &Path,
    config: &Config,
) -> std::io::Result<Option<PathBuf>> {
    let destination = real(&std::path::absolute(destination)?);
    let pki = std::path::absolute(config_file)?.with_file_name("pki");
    Ok([pki, config.store.directory.clone()].into_iter().find(|own| destination.starts_with(real(own))))
}

// Resolves the symbolic links in the existing part of a path and appends the rest unchanged.
fn real(path: &Path) -> PathBuf {
    let there = path.ancestors().find_map(|there| Some((there, there.canonicalize().ok()?)));
    let Some((there, real)) = there else { return path.to_owned() };
    match path.strip_prefix(there) {
        Ok(rest) if !rest.as_os_str().is_empty() => real.join(rest),
        _ => real,
    }
}

/// Returns whether a path is the master key or is in the store directory, also by another name (a symbolic or hard
/// link).
fn is_of_store(place: &Path, store: &Store) -> bool {
    let same_file = |one: &Path, other: &Path| match (one.metadata(), other.metadata()) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => one == other,
    };
    same_file(place, &store.master_key) || real(place).starts_with(real(&store.directory))
}

struct Found<'a> {
    /// Files that the configuration names. They are reported separately if they cannot be included.
    named: &'a BTreeSet<PathBuf>,
    places: BTreeSet<PathBuf>,
    left_out: Vec<LeftOut>,
}

impl Found<'_> {
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
            // The link may form a cycle, or lead to a directory that is not part of Muster.
            Ok(found) if found.is_dir() && is_link => self.leave_out(path, "a symbolic link to a directory"),
            Ok(found) if found.is_dir() && levels > 1 => self.folder(path, levels - 1),
            Ok(found) if found.is_dir() => self.leave_out(path, format!("a folder deeper than {DEEPEST} levels")),
            Ok(found) => self.leave_out(path, format!("{}, not a regular file", kind(found))),
        }
    }

    fn leave_out(&mut self, path: &Path, why: impl Into<String>) {
        if !self.named.contains(path) {
            self.left_out.push(LeftOut::file(path, why));
        }
    }
}
