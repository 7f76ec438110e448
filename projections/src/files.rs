//! Names of the files of the projections, and their removal.
//!
//! Files are in the directory `projections`, named `<name>.<version>.<build>.db`. A rebuild makes a file with the next
//! build number beside the current one. SQLite finds the write-ahead log of a database by name, so a name is never used
//! again while a connection may have the earlier file of this name open.

use crate::{ALL, Projection, ProjectionError};
use events::side_files::remove_database;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// Name of the directory of the files in the store's directory.
pub const DIRECTORY: &str = "projections";

/// File name in the directory of the projections.
pub(crate) const COMMON: &str = "common.db";

/// File in which releases before version 0.2 kept all projections and these tables.
pub(crate) const ONE_FILE: &str = "projections.db";

/// Ending of the name of a file that is not complete.
pub(crate) const BUILDING: &str = "building";

/// Creates the directory of the projections, readable by nobody else.
///
/// # Errors
/// Returns an error if it cannot be created.
pub(crate) fn create_directory(directory: &Path) -> Result<(), ProjectionError> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(crate::unusable)
}

/// Removes the projections in the directory `store`, which no process has open.
///
/// # Errors
/// Returns an error if a file cannot be removed.
pub fn remove(store: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(store.join(DIRECTORY)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => remove_database(&store.join(ONE_FILE)),
    }
}

/// Removes files of other versions, which cannot be read and may contain text of people who were erased since, and what
/// an interrupted rebuild left.
///
/// # Errors
/// Returns an error if one cannot be removed.
pub(crate) fn remove_useless(directory: &Path) -> Result<(), ProjectionError> {
    for file in std::fs::read_dir(directory).map_err(crate::unusable)? {
        let path = file.map_err(crate::unusable)?.path();
        let is_of_another_version = parse(&path).is_some_and(|(name, version, _)| {
            !ALL.iter().any(|projection| projection.name() == name && projection.version() == version)
        });
        if is_of_another_version || path.extension().is_some_and(|ending| ending == BUILDING) {
            remove_database(&path).map_err(crate::unusable)?;
        }
    }
    Ok(())
}

/// Returns the path of the complete file with this build number.
pub(crate) fn path_of(projection: &dyn Projection, directory: &Path, build: u32) -> PathBuf {
    directory.join(format!("{}.{}.{build}.db", projection.name(), projection.version()))
}

/// Returns the complete files of this projection's version by build number, the newest last.
pub(crate) fn builds_of(projection: &dyn Projection, directory: &Path) -> Result<Vec<(u32, PathBuf)>, ProjectionError> {
    let mut builds = Vec::new();
    for file in std::fs::read_dir(directory).map_err(crate::unusable)? {
        let path = file.map_err(crate::unusable)?.path();
        if let Some((name, version, build)) = parse(&path)
            && name == projection.name()
            && version == projection.version()
        {
            builds.push((build, path));
        }
    }
    builds.sort();
    Ok(builds)
}

/// Returns name, version and build number of a complete file; `None` for any other file.
pub(crate) fn parse(path: &Path) -> Option<(&str, u32, u32)> {
    let mut parts = path.file_name()?.to_str()?.strip_suffix(".db")?.split('.');
    let (name, version, build) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    Some((name, version.parse().ok()?, build.parse().ok()?))
}
