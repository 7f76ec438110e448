//! Backup and restore of an installation's files other than the log and the keys: configuration, certificates, private
//! keys, secrets of directories, identity providers and the mail server. A backup contains everything that a new
//! machine needs except the master key.
//!
//! All files but the configuration are sealed under a key that is derived from the master key. A catalog lists the
//! files, and a tag under the same master key authenticates it. A backup that was modified is not restored, so it
//! cannot write a file that it should not.

mod catalog;
mod gather;

pub(crate) use catalog::{Catalog, Opened};
pub(crate) use gather::{Gathered, LeftOut, gather, own_place_of};

use names::visible::visible_path;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use world::regular_file;

/// Result of restoring the files of a backup.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct PutBack {
    /// Files that did not exist and were written.
    pub written: Vec<PathBuf>,
    /// Existing files with different content. They were left unchanged.
    pub kept: Vec<PathBuf>,
}

/// Writes the missing files to the places where the configuration in `directory` looks for them, with mode 0600. An
/// existing file is never replaced.
///
/// # Errors
/// Returns an error if a file cannot be written. In that case all files written before are removed.
pub(crate) fn put_back(files: &[Opened], directory: &Path) -> io::Result<PutBack> {
    let mut done = PutBack::default();
    // Reverse order: the configuration is listed first and written last, so if it exists, all others do.
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

/// Removes the files that [`put_back`] wrote. Errors are ignored: the caller reports the error that made the removal
/// necessary.
pub(crate) fn take_away(written: &[PathBuf]) {
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
    // A leftover of a restore that was killed. It is removed first and never written through, because it may be a link.
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    // A hard link is created atomically and never replaces a file.
    let linked = written.and_then(|()| std::fs::hard_link(&unfinished, path));
    std::fs::remove_file(&unfinished)?;
    linked?;
    path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}
