//! The files of an installation beside log and keys (configuration, certificates, private keys, secrets of directories and
//! identity providers), as a backup holds them: everything that a bare machine needs except the master key.
//!
//! All but the configuration is sealed under a key that is derived from the master key. A catalog names the files, and a tag under the
//! same master key authenticates it: a backup that was changed brings nothing back, and writes no file that it should not.

mod catalog;
mod gather;

pub use catalog::{Catalog, CatalogError, Opened};
pub use gather::{GatherError, Gathered, LeftOut, gather, own_place_of};

use names::visible::visible_path;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use world::regular_file;

/// What became of the files of a backup.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PutBack {
    /// They were not there.
    pub written: Vec<PathBuf>,
    /// They were there, with another content, and were left as they are.
    pub kept: Vec<PathBuf>,
}

/// Writes the files that are not there to where the configuration in `directory` looks for them, mode 0600. A file that is there
/// is never replaced.
///
/// # Errors
/// If one cannot be written; then none that was written stays.
pub fn put_back(files: &[Opened], directory: &Path) -> io::Result<PutBack> {
    let mut done = PutBack::default();
    // The configuration, which is listed first, comes last: where it is, the others are.
    for Opened { path, content } in files.iter().rev() {
        let place = directory.join(path);
        if let Err(error) = put_back_one(&place, content, &mut done) {
            take_away(&done.written);
            return Err(io::Error::new(error.kind(), format!("{}: {error}", visible_path(&place))));
        }
    }
    Ok(done)
}

fn put_back_one(place: &Path, content: &[u8], done: &mut PutBack) -> io::Result<()> {
    match regular_file::read(place) {
        Ok(there) if there == content => {}
        Ok(_) => done.kept.push(place.to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            write_new(place, content)?;
            done.written.push(place.to_owned());
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Removes what [`put_back`] wrote. The error that made it necessary is the one to tell.
pub fn take_away(written: &[PathBuf]) {
    for path in written {
        let _ = std::fs::remove_file(path);
    }
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".restoring");
    let unfinished = PathBuf::from(unfinished);
    // Left by a restore that was killed. What is there is removed and never written through.
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    // A link is made whole or not at all, and replaces nothing.
    let linked = written.and_then(|()| std::fs::hard_link(&unfinished, path));
    std::fs::remove_file(&unfinished)?;
    linked?;
    path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}
