//! The files of the projections in the data directory of an installation whose server does not run.

use std::path::{Path, PathBuf};

/// Returns the current file of a projection.
///
/// # Panics
/// Panics if there is none.
pub fn file_of(data: &Path, projection: &str) -> PathBuf {
    let begin = format!("{projection}.");
    let is_of = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(&begin) && Path::new(name).extension().is_some_and(|ending| ending == "db")
    };
    files(data).into_iter().find(is_of).unwrap_or_else(|| panic!("{projection} has no file"))
}

/// Removes the rows of all projections. Where the reactions are in the log remains known.
///
/// # Panics
/// Panics if a file cannot be removed.
pub fn forget_rows(data: &Path) {
    for file in files(data).into_iter().filter(|file| file.file_name().is_some_and(|name| name != "common.db")) {
        std::fs::remove_file(file).expect("the file is removed");
    }
}

fn files(data: &Path) -> Vec<PathBuf> {
    let directory = data.join("projections");
    let files = std::fs::read_dir(&directory).expect("there are projections");
    files.map(|file| file.expect("the directory is readable").path()).collect()
}
