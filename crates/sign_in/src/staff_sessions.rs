//! Sessions of staff at the console. They are rows of `sessions.db`, a file in the directory of the store. A session
//! that was ended by signing out or by disabling the account cannot be continued with a copied cookie, even after a
//! restart.
//!
//! The cookie contains a random key, and the row contains its SHA-256. A session ends 30 minutes after its last request
//! or 12 hours after sign-in, whichever comes first. The key changes after each proof: at sign-in, and again after the
//! second factor.
//!
//! Source address and browser are stored as plain text. Only the server can read the file, and it is not part of
//! backups. A sign-in deletes the rows of all sessions that have ended.

mod flows;
mod rows;
mod sealed;
#[cfg(test)]
mod tests;
mod throttles;

pub use flows::Flow;

use events::Timestamp;
use events::enrollment::SignInMethodName;
use events::staff::StaffId;
use platform::secrets::hash;
use projections::disposable::{self, Damage, SetAside};
use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;
use world::World;

/// A session ends this many seconds after its last request.
pub const IDLE_SECONDS: i64 = 30 * 60;
/// Maximum duration of a session in seconds, from sign-in.
pub const LONGEST_SECONDS: i64 = 12 * 60 * 60;
/// A request within this many seconds of the recorded last request does not update the row.
const TOUCH_SECONDS: i64 = 30;
/// Time limit in seconds for an action that needs two requests, such as adding a passkey.
pub const PENDING_SECONDS: i64 = 10 * 60;

/// Increased when a table changes. The old rows are deleted then, because the content of the file is disposable.
const SCHEMA_VERSION: i64 = 5;
const SCHEMA: &str = "
    CREATE TABLE sessions (
        key_hash TEXT PRIMARY KEY, id TEXT NOT NULL, staff TEXT NOT NULL, method TEXT NOT NULL, began INTEGER NOT NULL,
        last_seen INTEGER NOT NULL, source TEXT, browser TEXT NOT NULL, rests_on TEXT NOT NULL, entered INTEGER NOT NULL, second INTEGER NOT NULL,
        confirmed INTEGER NOT NULL, pending BLOB, pending_at INTEGER
    ) WITHOUT ROWID;
    CREATE INDEX sessions_by_staff ON sessions (staff);
    CREATE TABLE flows (
        key_hash TEXT PRIMARY KEY, request TEXT NOT NULL UNIQUE, provider TEXT NOT NULL, next TEXT NOT NULL,
        began INTEGER NOT NULL, account TEXT
    ) WITHOUT ROWID;
    CREATE TABLE throttles (
        throttle TEXT NOT NULL, counts TEXT NOT NULL, digest BLOB NOT NULL, until INTEGER NOT NULL,
        PRIMARY KEY (throttle, counts, digest)
    ) WITHOUT ROWID;";

/// Name of the file in the directory of the store.
pub const FILE: &str = "sessions.db";

/// Handle of `sessions.db`. Cheap to clone.
#[derive(Clone)]
pub struct StaffSessions {
    connection: Arc<Mutex<Connection>>,
    path: Arc<Path>,
    damage: Damage,
}

/// The file cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("sessions.db cannot be used: {0}. You may delete the file; then all staff must sign in again")]
pub struct SessionError(String);

impl From<rusqlite::Error> for SessionError {
    fn from(error: rusqlite::Error) -> SessionError {
        SessionError(error.to_string())
    }
}

/// A session at the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Correlation id of the events of the session. It is not derived from the key.
    pub id: Uuid,
    pub staff: StaffId,
    /// Sign-in method of the first proof.
    pub method: SignInMethodName,
    pub began: Timestamp,
    pub last_seen: Timestamp,
    /// Source address as text.
    pub source: Option<String>,
    /// Browser and system as text, such as “Safari on macOS”.
    pub browser: String,
    /// Fingerprint of the settings that the session depends on. If those settings change, the session ends.
    pub rests_on: String,
    /// The sign-in is complete: every required proof was given.
    pub entered: bool,
    /// A second factor was proven in this session.
    pub second: bool,
    /// Time of the last proof.
    pub confirmed: Timestamp,
}

/// The data of a new session.
#[derive(Debug, Clone)]
pub struct Beginning {
    pub id: Uuid,
    pub staff: StaffId,
    pub method: SignInMethodName,
    pub source: Option<String>,
    pub browser: String,
    pub rests_on: String,
    pub entered: bool,
    /// Key of an earlier session that the new one ends.
    pub replaced: Option<String>,
}

impl StaffSessions {
    /// Opens `sessions.db` in `directory`, or creates it. A damaged file is set aside and replaced with an empty one.
    ///
    /// # Errors
    /// Returns an error if the file cannot be opened or created.
    pub fn open(directory: &Path) -> Result<(StaffSessions, Option<SetAside>), SessionError> {
        let path = directory.join(FILE);
        let ((connection, ()), set_aside) = disposable::open(&path, prepare)?;
        let connection = Arc::new(Mutex::new(connection));
        let sessions = StaffSessions { connection, path: path.into(), damage: Damage::default() };
        Ok((sessions, set_aside))
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns a description of the damage, if damage was found in the file.
    pub fn damage(&self) -> Option<String> {
        self.damage.found()
    }

    /// Begins a session. Returns its key, which must be stored only in the cookie.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub async fn begin(&self, world: &World, beginning: Beginning) -> Result<String, SessionError> {
        let (key, now) = (world.secret(), world.now());
        let key_hash = hash(&key).0;
        self.with(move |connection| rows::begin(connection, &key_hash, &beginning, now)).await?;
        Ok(key)
    }

    /// Returns the session with this key and records a request of it. `None` if the session has ended.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or written.
    pub async fn resume(&self, now: Timestamp, key: &str) -> Result<Option<Session>, SessionError> {
        let key_hash = hash(key).0;
        self.with(move |connection| rows::resume(connection, &key_hash, now)).await
    }

    /// Completes the sign-in of a session. `second` says whether a second factor was proven. Returns the new key of the
    /// session, or `None` if there is no session with this key.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub async fn enter(&self, world: &World, key: &str, second: bool) -> Result<Option<String>, SessionError> {
        let (new, now) = (world.secret(), world.now());
        let (old_hash, new_hash) = (hash(key).0, hash(&new).0);
        let entered = self.with(move |connection| rows::enter(connection, &old_hash, &new_hash, second, now)).await?;
        Ok(entered.then_some(new))
    }

    /// Records that the person gave a proof again.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub async fn confirm(&self, now: Timestamp, key: &str) -> Result<(), SessionError> {
        let key_hash = hash(key).0;
        self.with(move |connection| rows::confirm(connection, &key_hash, now)).await
    }

    /// Stores the pending data of an action that one request begins and another completes. Replaces earlier pending
    /// data.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub async fn set_pending(&self, now: Timestamp, key: &str, what: String) -> Result<(), SessionError> {
        let key_hash = hash(key).0;
        let sealed =
            sealed::seal(key, &what).ok_or_else(|| SessionError("the pending data cannot be encrypted".into()))?;
        self.with(move |connection| rows::set_pending(connection, &key_hash, &sealed, now)).await
    }

    /// Returns the pending data, if it is not older than [`PENDING_SECONDS`].
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    pub async fn pending(&self, now: Timestamp, key: &str) -> Result<Option<String>, SessionError> {
        let key_hash = hash(key).0;
        let found = self.with(move |connection| rows::pending(connection, &key_hash, now)).await?;
        Ok(found.and_then(|found| sealed::open(key, &found)))
    }

    /// Returns the pending data and removes it, so that it is used only once.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub async fn take_pending(&self, now: Timestamp, key: &str) -> Result<Option<String>, SessionError> {
        let key_hash = hash(key).0;
        let found = self.with(move |connection| rows::take_pending(connection, &key_hash, now)).await?;
        Ok(found.and_then(|found| sealed::open(key, &found)))
    }

    /// Returns the sessions that have not ended, of one member of the staff or of all. The list contains at most 100
    /// sessions, the most recently used first.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    pub async fn list(&self, now: Timestamp, staff: Option<StaffId>) -> Result<Vec<Session>, SessionError> {
        self.with(move |connection| rows::list(connection, staff, now)).await
    }

    /// Ends the session with this key.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub async fn end(&self, key: &str) -> Result<(), SessionError> {
        let key_hash = hash(key).0;
        self.with(move |connection| {
            connection.execute("DELETE FROM sessions WHERE key_hash = ?1", [key_hash]).map(drop)
        })
        .await
    }

    /// Ends one session of this member of the staff. Returns `false` if there is no such session.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub async fn end_one(&self, staff: StaffId, id: Uuid) -> Result<bool, SessionError> {
        let of = [staff.to_string(), id.to_string()];
        self.with(
            move |connection| Ok(connection.execute("DELETE FROM sessions WHERE staff = ?1 AND id = ?2", of)? > 0),
        )
        .await
    }

    /// Ends all sessions of this member of the staff except the session `spared`. Returns the number of ended sessions.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub async fn end_all(&self, staff: StaffId, spared: Option<Uuid>) -> Result<usize, SessionError> {
        let of = [staff.to_string(), spared.map(|id| id.to_string()).unwrap_or_default()];
        self.with(move |connection| connection.execute("DELETE FROM sessions WHERE staff = ?1 AND id <> ?2", of)).await
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, SessionError> {
        let connection = Arc::clone(&self.connection);
        let done = tokio::task::spawn_blocking(move || {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&connection)
        })
        .await
        .map_err(|error| SessionError(error.to_string()))?;
        if let Err(error) = &done
            && disposable::is_damage(error)
        {
            self.damage.note(&self.path, &error.to_string());
        }
        done.map_err(SessionError::from)
    }
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version != SCHEMA_VERSION {
        connection.execute_batch(
            "DROP TABLE IF EXISTS sessions; DROP TABLE IF EXISTS flows; DROP TABLE IF EXISTS throttles;",
        )?;
        connection.execute_batch(SCHEMA)?;
        connection.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    }
    // Finds damaged tables when the file is opened, not at the first sign-in.
    connection.query_row(
        "SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM flows) + (SELECT count(*) FROM throttles)",
        [],
        |_| Ok(()),
    )
}
