//! Sessions of people at the console: rows in a file of their own beside the keys, so that signing out, disabling an
//! account or a restart of the server leaves no session that a copied cookie could go on with.
//!
//! The cookie holds a random key, the row its SHA-256. A session ends thirty minutes after its last request and twelve
//! hours after sign-in, whichever comes first.

use crate::app::secrets::hash;
use crate::world::World;
use events::Timestamp;
use events::staff::StaffId;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// A session without requests ends after so many seconds …
pub const IDLE_SECONDS: i64 = 30 * 60;
/// … and any session after so many.
pub const LONGEST_SECONDS: i64 = 12 * 60 * 60;
/// A request this soon after the last one does not move the row.
const TOUCH_SECONDS: i64 = 30;

/// `sessions.db`. Cheap to clone.
#[derive(Clone)]
pub struct StaffSessions {
    connection: Arc<Mutex<Connection>>,
}

/// Sessions cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("sessions.db cannot be used: {0}; it may be deleted, then everybody at the console signs in again")]
pub struct SessionError(String);

impl From<rusqlite::Error> for SessionError {
    fn from(error: rusqlite::Error) -> SessionError {
        SessionError(error.to_string())
    }
}

impl StaffSessions {
    /// Opens `sessions.db` in `directory`; makes it where there is none.
    ///
    /// # Errors
    /// If the file cannot be used.
    pub fn open(directory: &Path) -> Result<StaffSessions, SessionError> {
        let path = directory.join("sessions.db");
        // Made here for its mode, which SQLite gives to the files beside it as well.
        OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| SessionError(error.to_string()))?;
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS sessions (
                key_hash TEXT PRIMARY KEY, staff TEXT NOT NULL, began INTEGER NOT NULL, last_seen INTEGER NOT NULL
            ) WITHOUT ROWID;",
        )?;
        Ok(StaffSessions { connection: Arc::new(Mutex::new(connection)) })
    }

    /// Begins a session; what comes back is for the cookie alone. `replaced` is the key of a session that ends by this.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn begin(&self, world: &World, staff: StaffId, replaced: Option<String>) -> Result<String, SessionError> {
        let (key, now) = (world.secret(), world.now());
        let key_hash = hash(&key).0;
        self.with(move |rows| {
            rows.execute(
                "DELETE FROM sessions WHERE last_seen < ?1 OR began < ?2 OR key_hash = ?3",
                params![
                    now.plus_seconds(-IDLE_SECONDS).0,
                    now.plus_seconds(-LONGEST_SECONDS).0,
                    replaced.map(|key| hash(&key).0)
                ],
            )?;
            rows.execute(
                "INSERT INTO sessions (key_hash, staff, began, last_seen) VALUES (?1, ?2, ?3, ?3)",
                params![key_hash, staff.to_string(), now.0],
            )?;
            Ok(())
        })
        .await?;
        Ok(key)
    }

    /// Whose session the key is of; `None` once it has ended. Counts as a request of it.
    ///
    /// # Errors
    /// If the file cannot be used.
    pub async fn resume(&self, now: Timestamp, key: &str) -> Result<Option<StaffId>, SessionError> {
        let key_hash = hash(key).0;
        self.with(move |rows| {
            let found: Option<(String, i64)> = rows
                .query_row(
                    "SELECT staff, last_seen FROM sessions WHERE key_hash = ?1 AND last_seen >= ?2 AND began >= ?3",
                    params![key_hash, now.plus_seconds(-IDLE_SECONDS).0, now.plus_seconds(-LONGEST_SECONDS).0],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            let Some((staff, last_seen)) = found else { return Ok(None) };
            if now.seconds_since(Timestamp(last_seen)) >= TOUCH_SECONDS {
                rows.execute("UPDATE sessions SET last_seen = ?2 WHERE key_hash = ?1", params![key_hash, now.0])?;
            }
            Ok(Uuid::parse_str(&staff).ok().map(StaffId))
        })
        .await
    }

    /// Ends one session.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn end(&self, key: &str) -> Result<(), SessionError> {
        let key_hash = hash(key).0;
        self.with(move |rows| rows.execute("DELETE FROM sessions WHERE key_hash = ?1", [key_hash]).map(drop)).await
    }

    /// Ends every session of somebody.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn end_all(&self, staff: StaffId) -> Result<(), SessionError> {
        self.with(move |rows| rows.execute("DELETE FROM sessions WHERE staff = ?1", [staff.to_string()]).map(drop))
            .await
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, SessionError> {
        let connection = Arc::clone(&self.connection);
        tokio::task::spawn_blocking(move || {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&connection)
        })
        .await
        .map_err(|error| SessionError(error.to_string()))?
        .map_err(SessionError::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::ManualClock;

    struct Desk {
        clock: Arc<ManualClock>,
        world: World,
        sessions: StaffSessions,
        directory: tempfile::TempDir,
    }

    const ADA: StaffId = StaffId(Uuid::from_u128(1));

    fn desk() -> Desk {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp(1_700_000_000_000_000)));
        let world = World { clock: clock.clone() };
        Desk { clock, world, sessions: StaffSessions::open(directory.path()).unwrap(), directory }
    }

    impl Desk {
        async fn who(&self, key: &str) -> Option<StaffId> {
            self.sessions.resume(self.world.now(), key).await.unwrap()
        }
    }

    #[tokio::test]
    async fn a_session_ends_half_an_hour_after_its_last_request() {
        let desk = desk();
        let key = desk.sessions.begin(&desk.world, ADA, None).await.unwrap();
        desk.clock.advance_seconds(IDLE_SECONDS - 1);
        assert_eq!(desk.who(&key).await, Some(ADA));
        desk.clock.advance_seconds(IDLE_SECONDS - 1);
        assert_eq!(desk.who(&key).await, Some(ADA));
        desk.clock.advance_seconds(IDLE_SECONDS + 1);
        assert_eq!(desk.who(&key).await, None);
    }

    #[tokio::test]
    async fn a_session_in_use_ends_twelve_hours_after_sign_in() {
        let desk = desk();
        let key = desk.sessions.begin(&desk.world, ADA, None).await.unwrap();
        for _ in 0..LONGEST_SECONDS / 1_000 {
            desk.clock.advance_seconds(1_000);
            assert_eq!(desk.who(&key).await, Some(ADA));
        }
        desk.clock.advance_seconds(1_000);
        assert_eq!(desk.who(&key).await, None);
    }

    #[tokio::test]
    async fn signing_in_again_ends_the_session_before_and_signing_out_this_one() {
        let desk = desk();
        let first = desk.sessions.begin(&desk.world, ADA, None).await.unwrap();
        let second = desk.sessions.begin(&desk.world, ADA, Some(first.clone())).await.unwrap();
        assert_ne!(first, second);
        assert_eq!(desk.who(&first).await, None);
        assert_eq!(desk.who(&second).await, Some(ADA));
        desk.sessions.end(&second).await.unwrap();
        assert_eq!(desk.who(&second).await, None);
    }

    #[tokio::test]
    async fn all_sessions_of_somebody_can_be_ended_at_once() {
        let desk = desk();
        let phone = desk.sessions.begin(&desk.world, ADA, None).await.unwrap();
        let desktop = desk.sessions.begin(&desk.world, ADA, None).await.unwrap();
        let other = desk.sessions.begin(&desk.world, StaffId(Uuid::from_u128(2)), None).await.unwrap();
        desk.sessions.end_all(ADA).await.unwrap();
        assert_eq!((desk.who(&phone).await, desk.who(&desktop).await), (None, None));
        assert!(desk.who(&other).await.is_some());
    }

    #[tokio::test]
    async fn the_file_does_not_hold_the_key() {
        let desk = desk();
        let key = desk.sessions.begin(&desk.world, ADA, None).await.unwrap();
        for file in std::fs::read_dir(desk.directory.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(!bytes.windows(key.len()).any(|window| window == key.as_bytes()));
        }
    }
}
