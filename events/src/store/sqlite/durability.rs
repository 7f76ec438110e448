//! What a connection promises about what it wrote, read back from SQLite itself: for tests of the real connections.

use rusqlite::Connection;

/// The pragmas that decide whether a commit outlives a power cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durability {
    pub journal_mode: String,
    /// 2 is `FULL`: a commit returns when it is on the disk.
    pub synchronous: i64,
    /// 0: SQLite begins no checkpoint itself, whose errors it would swallow.
    pub wal_autocheckpoint: i64,
    pub page_size: i64,
}

impl Durability {
    pub(crate) fn of(connection: &Connection) -> rusqlite::Result<Durability> {
        let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get(0));
        Ok(Durability {
            journal_mode: connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?,
            synchronous: number("synchronous")?,
            wal_autocheckpoint: number("wal_autocheckpoint")?,
            page_size: number("page_size")?,
        })
    }
}
