//! Tests which backup failures mean that the source is damaged.

use super::{BackupError, as_promised};
use crate::personal::keys;
use crate::store::sqlite::backup::Manifest;
use crate::store::sqlite::verify::VerifyError;
use crate::store::{Corruption, Damaged, ReadError};
use rusqlite::ffi;
use std::path::PathBuf;

fn sqlite(code: i32) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some("on demand".into()))
}

fn of(file: &str, code: i32) -> Option<Damaged> {
    let error = BackupError::Sqlite { path: PathBuf::from("/data").join(file), error: sqlite(code) };
    error.corruption().map(|found| found.damaged)
}

#[test]
fn a_backup_that_meets_damage_says_in_which_file() {
    for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB] {
        assert_eq!(of(keys::FILE, code), Some(Damaged::KeyStore));
        assert_eq!(of(super::FILE, code), Some(Damaged::Page));
    }
    assert_eq!((of(super::FILE, ffi::SQLITE_BUSY), of(super::FILE, ffi::SQLITE_FULL)), (None, None));
}

#[test]
fn a_copy_that_does_not_verify_says_what_is_corrupt_and_one_that_cannot_be_written_says_nothing_of_the_log() {
    let (stream, why) = ("device-1".to_owned(), "it is missing".to_owned());
    let read = ReadError::Corrupt { stream, revision: 3, position: 7, damaged: Damaged::Event, why };
    let expected = read.corruption();
    assert_eq!(BackupError::Verify(VerifyError::Read(read)).corruption(), expected);
    let structure = BackupError::Verify(VerifyError::Structure("row 3 missing from index".into())).corruption();
    let Some(Corruption { damaged, position, why, .. }) = structure else { panic!("{structure:?}") };
    assert_eq!((damaged, position, why.as_str()), (Damaged::Page, 0, "row 3 missing from index"));
    let write = BackupError::Write { path: "/backup".into(), error: sqlite(ffi::SQLITE_CORRUPT) };
    assert_eq!(write.corruption(), None);
    assert_eq!(BackupError::OlderKeys { needed: 2, found: 1 }.corruption(), None);
}

#[test]
fn errors_of_reading_are_told_from_errors_of_writing() {
    for (code, reading) in [
        (ffi::SQLITE_IOERR_READ, true),
        (ffi::SQLITE_IOERR_SHORT_READ, true),
        (ffi::SQLITE_CORRUPT, true),
        (ffi::SQLITE_IOERR_WRITE, false),
        (ffi::SQLITE_FULL, false),
    ] {
        assert_eq!(super::is_of_reading(&sqlite(code)), reading, "{code}");
    }
}

#[test]
fn a_backup_holds_what_its_manifest_promises_in_every_number() {
    let manifest = |events| Manifest { position: None, events, streams: 1, keys: 0, missing_keys: vec![] };
    assert!(as_promised(manifest(5), &manifest(5)).is_ok());
    let altered = as_promised(manifest(4), &manifest(5));
    assert!(matches!(altered, Err(BackupError::Altered { found, .. }) if found.events == 4));
}
