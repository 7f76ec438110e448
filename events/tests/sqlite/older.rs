//! Makes a log of format 1, as releases before format 2 wrote it, from a closed log of this release.

use events::store::sqlite::FILE;
use std::path::Path;

/// The statements with which format 1 was created, and then the move of all events into its tables.
const AS_FORMAT_1: &str = "
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, version INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS events (
        position INTEGER PRIMARY KEY,
        stream   INTEGER NOT NULL REFERENCES streams (id),
        revision INTEGER NOT NULL,
        event_id BLOB NOT NULL,
        leaf     BLOB NOT NULL,
        crc      INTEGER NOT NULL,
        envelope TEXT NOT NULL,
        UNIQUE (stream, revision)
    ) STRICT;
    INSERT INTO streams (name, version) SELECT stream, max(revision) FROM log WHERE true GROUP BY stream
        ON CONFLICT (name) DO UPDATE SET version = excluded.version;
    INSERT INTO events SELECT position, id, revision, event_id, leaf, crc, envelope
        FROM log JOIN streams ON streams.name = log.stream ORDER BY position;
    DROP TABLE log;
    PRAGMA user_version = 1;
    COMMIT;
    VACUUM;";

/// Turns the closed log in `directory` into one of format 1.
pub(crate) fn as_format_1(directory: &Path) {
    let file = rusqlite::Connection::open(directory.join(FILE)).unwrap();
    file.execute_batch(AS_FORMAT_1).unwrap();
    drop(file);
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(directory.join(format!("index.db{ending}")));
    }
}
