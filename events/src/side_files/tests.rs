//! Tests of a database's side files: they are removed with the database, and no database is created where another one
//! left its changes.

use super::{left_behind, remove_database, remove_empty};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Creates a directory with these files and contents. Returns it with the path of its database.
fn with(files: &[(&str, &str)]) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(directory.path().join(name), content).unwrap();
    }
    let database = directory.path().join("log.db");
    (directory, database)
}

fn there(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_database_is_removed_with_its_files_and_nothing_else_is() {
    let files =
        [("log.db", "x"), ("log.db-wal", "x"), ("log.db-shm", "x"), ("log.db-journal", "x"), ("log.db.new", "x")];
    let (directory, database) = with(&files);
    remove_database(&database).unwrap();
    assert_eq!(there(directory.path()), ["log.db.new"]);
    remove_database(&database).unwrap();
    assert!(remove_database(directory.path()).is_err(), "a directory is not a database");
}

#[test]
fn an_empty_write_ahead_log_goes_and_one_with_changes_stays_with_its_index() {
    let (directory, database) = with(&[("log.db-wal", ""), ("log.db-shm", "x")]);
    remove_empty(&database).unwrap();
    assert_eq!(there(directory.path()), [""; 0]);
    for changes in ["log.db-wal", "log.db-journal"] {
        let (directory, database) = with(&[("log.db-shm", "x"), (changes, "x")]);
        remove_empty(&database).unwrap();
        assert_eq!(there(directory.path()).len(), 2, "{changes}");
    }
}

#[test]
fn what_another_database_left_is_named_and_what_holds_nothing_is_removed() {
    for left in ["log.db-wal", "log.db-journal"] {
        let (_directory, database) = with(&[(left, "x")]);
        let found = left_behind(&database).unwrap().unwrap();
        assert!(found.0.ends_with(left) && found.to_string().contains(left), "{found}");
    }
    let (directory, database) = with(&[("log.db-wal", ""), ("log.db-shm", "")]);
    assert!(left_behind(&database).unwrap().is_none());
    assert_eq!(there(directory.path()), [""; 0]);
}
