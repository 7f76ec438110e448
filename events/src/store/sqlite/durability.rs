//! Reads the durability settings of a connection back from SQLite, for tests of the real connections.

use rusqlite::Connection;

/// The pragmas that decide whether a commit survives a power failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durability {
    /// Name of the mode in lower case, such as `wal`.
    pub journal_mode: String,
    /// 2 is `FULL`: a commit returns when it is on the disk.
    pub synchronous: i64,
    /// 0: SQLite runs no automatic checkpoints, whose errors it would ignore.
    pub wal_autocheckpoint: i64,
    /// Page size in bytes.
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
