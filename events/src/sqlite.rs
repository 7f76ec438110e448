//! What the connections to every SQLite file of a server have in common.

use rusqlite::Connection;
use rusqlite::config::DbConfig;

/// Makes SQLite plan each statement once. Otherwise it plans a kept statement with `LIMIT ?` again whenever its
/// parameters change, which costs more than running it.
///
/// # Errors
/// Returns an error if the connection does not have this option.
pub fn plan_once(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}
