//! Sessions of people at the console: rows in a file of their own beside the keys, so that signing out, disabling an
//! account or a restart of the server leaves no session that a copied cookie could go on with.
//!
//! The cookie holds a random key, the row its SHA-256. A session ends thirty minutes after its last request and twelve
//! hours after sign-in, whichever comes first. The key is another one after each proof: at sign-in, and again after the
//! second factor.
//!
//! Source address and browser stand in the row as they are: the file is readable by the server alone, is in no backup,
//! and a row is gone half a day later at the latest.

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

/// A session without requests ends after so many seconds …
pub const IDLE_SECONDS: i64 = 30 * 60;
/// … and any session after so many.
pub const LONGEST_SECONDS: i64 = 12 * 60 * 60;
/// A request this soon after the last one does not move the row.
const TOUCH_SECONDS: i64 = 30;
/// What is begun on one page, such as adding a passkey, is ended within so many seconds.
pub const PENDING_SECONDS: i64 = 10 * 60;

/// Raised when a table changes: the file may be lost, so the old rows go.
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

/// Name of the file in the store's directory.
pub const FILE: &str = "sessions.db";

/// `sessions.db`. Cheap to clone.
#[derive(Clone)]
pub struct StaffSessions {
    connection: Arc<Mutex<Connection>>,
    path: Arc<Path>,
    damage: Damage,
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

/// A session as its row tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// What the events of the session carry as their correlation. Tells nothing of the key.
    pub id: Uuid,
    pub staff: StaffId,
    /// How the person proved who they are at first.
    pub method: SignInMethodName,
    pub began: Timestamp,
    pub last_seen: Timestamp,
    pub source: Option<String>,
    /// In words: “Safari on macOS”.
    pub browser: String,
    /// What the roles of the account were found by, where that can change under it.
    pub rests_on: String,
    /// Everything that was asked for at sign-in was given.
    pub entered: bool,
    /// A second factor was proven in this session.
    pub second: bool,
    /// When the person proved themselves last.
    pub confirmed: Timestamp,
}

/// A session that begins.
#[derive(Debug, Clone)]
pub struct Beginning {
    pub id: Uuid,
    pub staff: StaffId,
    pub method: SignInMethodName,
    pub source: Option<String>,
    pub browser: String,
    pub rests_on: String,
    pub entered: bool,
    /// The key of a session that ends by this.
    pub replaced: Option<String>,
}

impl StaffSessions {
    /// Opens `sessions.db` in `directory`; makes it where there is none. A damaged one is set aside and made anew.
    ///
    /// # Errors
    /// If the file cannot be used.
    pub fn open(directory: &Path) -> Result<(StaffSessions, Option<SetAside>), SessionError> {
        let path = directory.join(FILE);
        let ((connection, ()), set_aside) = disposable::open(&path, prepare)?;
        let connection = Arc::new(Mutex::new(connection));
        let sessions = StaffSessions { connection, path: path.into(), damage: Damage::default() };
        Ok((sessions, set_aside))
    }

    /// Where the file lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong with the file, once damage was found in it.
    pub fn damage(&self) -> Option<String> {
        self.damage.found()
    }

    /// Begins a session; what comes back is for the cookie alone.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn begin(&self, world: &World, beginning: Beginning) -> Result<String, SessionError> {
        let (key, now) = (world.secret(), world.now());
        let key_hash = hash(&key).0;
        self.with(move |connection| rows::begin(connection, &key_hash, &beginning, now)).await?;
        Ok(key)
    }

    /// The session that the key is of; `None` once it has ended. Counts as a request of it.
    ///
    /// # Errors
    /// If the file cannot be used.
    pub async fn resume(&self, now: Timestamp, key: &str) -> Result<Option<Session>, SessionError> {
        let key_hash = hash(key).0;
        self.with(move |connection| rows::resume(connection, &key_hash, now)).await
    }

    /// The person gave all that was asked for, a second factor among it if `second`: the session goes on under another
    /// key, which comes back. `None` if it has ended.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn enter(&self, world: &World, key: &str, second: bool) -> Result<Option<String>, SessionError> {
        let (new, now) = (world.secret(), world.now());
        let (old_hash, new_hash) = (hash(key).0, hash(&new).0);
        let entered = self.with(move |connection| rows::enter(connection, &old_hash, &new_hash, second, now)).await?;
        Ok(entered.then_some(new))
    }

    /// The person proved themselves again.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn confirm(&self, now: Timestamp, key: &str) -> Result<(), SessionError> {
        let key_hash = hash(key).0;
        self.with(move |connection| rows::confirm(connection, &key_hash, now)).await
    }

    /// Keeps what one page begins and the next one ends. It takes the place of what waited before.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn set_pending(&self, now: Timestamp, key: &str, what: String) -> Result<(), SessionError> {
        let key_hash = hash(key).0;
        let sealed = sealed::seal(key, &what).ok_or_else(|| SessionError("it cannot be sealed".into()))?;
        self.with(move |connection| rows::set_pending(connection, &key_hash, &sealed, now)).await
    }

    /// What waits, if it has not waited too long.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn pending(&self, now: Timestamp, key: &str) -> Result<Option<String>, SessionError> {
        let key_hash = hash(key).0;
        let found = self.with(move |connection| rows::pending(connection, &key_hash, now)).await?;
        Ok(found.and_then(|found| sealed::open(key, &found)))
    }

    /// Takes what waits: it serves once.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn take_pending(&self, now: Timestamp, key: &str) -> Result<Option<String>, SessionError> {
        let key_hash = hash(key).0;
        let found = self.with(move |connection| rows::take_pending(connection, &key_hash, now)).await?;
        Ok(found.and_then(|found| sealed::open(key, &found)))
    }

    /// The sessions that have not ended, of one person or of everybody: the hundred that were used last.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn list(&self, now: Timestamp, staff: Option<StaffId>) -> Result<Vec<Session>, SessionError> {
        self.with(move |connection| rows::list(connection, staff, now)).await
    }

    /// Ends the session of a key.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn end(&self, key: &str) -> Result<(), SessionError> {
        let key_hash = hash(key).0;
        self.with(move |connection| {
            connection.execute("DELETE FROM sessions WHERE key_hash = ?1", [key_hash]).map(drop)
        })
        .await
    }

    /// Ends one session of somebody; whether there was one.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn end_one(&self, staff: StaffId, id: Uuid) -> Result<bool, SessionError> {
        let of = [staff.to_string(), id.to_string()];
        self.with(
            move |connection| Ok(connection.execute("DELETE FROM sessions WHERE staff = ?1 AND id = ?2", of)? > 0),
        )
        .await
    }

    /// Ends every session of somebody, but for the one of the id `spared`; how many there were.
    ///
    /// # Errors
    /// If the file cannot be written.
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
    // So that a file whose tables are damaged is known at the start, not at the first sign-in.
    connection.query_row(
        "SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM flows) + (SELECT count(*) FROM throttles)",
        [],
        |_| Ok(()),
    )
}
