//! `states.db`: folded states of streams on the disk, a row for each state. The file may be deleted or lost: then
//! states are folded from the log again. A row is sealed as a whole, with a key that is made of a secret of the
//! installation and of the keys of all personal fields in it. So a destroyed key makes the row unreadable, and a row
//! that the disk or another program changed is noticed: decisions depend on it.
//!
//! The file belongs to one log and one key store. If it is ahead of one of them, because an older copy was restored, it
//! is emptied.

use super::place::Place;
use events::personal::KeyName;
use events::personal::keys::{DataKey, Held, KeyStore};
use events::store::StreamHead;
use events::{EventId, Position, Revision};
use projections::disposable::{self, Damage, SetAside};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior, params};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// File name, in the directory of the store.
pub const FILE: &str = "states.db";

/// Maximum number of idle connections that read.
const IDLE_READERS: usize = 8;

// The table `states` of earlier versions held each personal field sealed on its own.
const SCHEMA: &str = "
    DROP TABLE IF EXISTS states;
    CREATE TABLE IF NOT EXISTS sealed_states (
        stream TEXT PRIMARY KEY, fold INTEGER NOT NULL, revision INTEGER NOT NULL, event BLOB NOT NULL,
        keys TEXT NOT NULL, sealed BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS about (log BLOB, position INTEGER NOT NULL, keys INTEGER NOT NULL);
    INSERT INTO about SELECT NULL, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM about);";

/// What the file was written for, or what it is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Id of the first event of the log. `None`: the log is empty.
    pub log: Option<EventId>,
    /// Position of the last event of the log; 0 if it is empty.
    pub position: u64,
    /// Sequence of the key store.
    pub keys: u64,
}

impl Origin {
    /// Returns the origin of states that are folded now. `position`: the last event of the log.
    pub fn now(log: Option<EventId>, position: Option<Position>, keys: &dyn KeyStore) -> Origin {
        Origin { log, position: position.map_or(0, |position| position.0), keys: keys.sequence() }
    }
}

/// A folded state as JSON, with personal fields in plain text.
pub(super) struct Folded {
    /// Version of the fold.
    pub fold: u32,
    pub head: StreamHead,
    pub json: Vec<u8>,
}

/// A stored state. The column `stream` is its [`Place`] as text.
pub(super) struct Row {
    fold: u32,
    head: StreamHead,
    /// Names of the keys of all personal fields.
    keys: Vec<KeyName>,
    sealed: Vec<u8>,
}

/// The file. It is not used any further once it is found damaged; the next start sets it aside.
pub struct StateFile {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    damage: Damage,
    /// Whether an error that is not damage was logged since the last success.
    is_told: AtomicBool,
    secret: [u8; 32],
}

impl StateFile {
    /// Opens the file in `directory`, or creates it. A damaged file is set aside. A file of another origin, or one that
    /// is ahead of its log or keys, is emptied. `secret` is part of the key of each row.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or written.
    pub fn open(directory: &Path, origin: Origin, secret: [u8; 32]) -> rusqlite::Result<(StateFile, Option<SetAside>)> {
        let path = directory.join(FILE);
        let prepare = |connection: &Connection| {
            // Without syncs, a power failure may damage the file or lose rows. Damage is noticed, and both cost time
            // only.
            connection.pragma_update(None, "synchronous", "OFF")?;
            connection.execute_batch(SCHEMA)?;
            let before = connection.query_row("SELECT log, position, keys FROM about", [], |row| {
                let log: Option<[u8; 16]> = row.get(0)?;
                let log = log.map(|id| EventId(Uuid::from_bytes(id)));
                Ok(Origin { log, position: row.get(1)?, keys: row.get(2)? })
            })?;
            let is_other = before.log.is_some() && before.log != origin.log;
            if is_other || before.position > origin.position || before.keys > origin.keys {
                connection.execute_batch(
                    "BEGIN; DELETE FROM sealed_states; UPDATE about SET log = NULL, position = 0, keys = 0; COMMIT;",
                )?;
            }
            Ok(())
        };
        let ((writer, ()), set_aside) = disposable::open(&path, prepare)?;
        let (writer, readers) = (Mutex::new(writer), Mutex::default());
        Ok((
            StateFile { path, writer, readers, damage: Damage::default(), is_told: AtomicBool::new(false), secret },
            set_aside,
        ))
    }

    /// Returns what is wrong with the file, if damage was found.
    pub fn damage(&self) -> Option<String> {
        self.damage.found()
    }

    /// Seals a state. `names`: the keys of its personal fields. `None`: one of them cannot be used.
    pub(super) fn seal(&self, place: &Place, state: &Folded, names: Vec<KeyName>, keys: &dyn KeyStore) -> Option<Row> {
        let Folded { fold, head, json } = state;
        let sealed = self.key_of(&names, keys)?.seal(&associated(&place.to_string(), *fold, *head), json);
        Some(Row { fold: *fold, head: *head, keys: names, sealed })
    }

    fn key_of(&self, names: &[KeyName], keys: &dyn KeyStore) -> Option<DataKey> {
        let key = |name| match keys.key(name) {
            Ok(Held::Key(key)) => Some(key),
            _ => None,
        };
        Some(DataKey::of_all(&self.secret, &names.iter().map(key).collect::<Option<Vec<_>>>()?))
    }

    /// Reads a state that was folded in version `fold`. A state with a destroyed key reads as none, and so does an
    /// error, which is logged, once until a read succeeds.
    pub(super) fn read(&self, place: &Place, fold: u32, keys: &dyn KeyStore) -> Option<Folded> {
        let place = place.to_string();
        let row = self.row(&place).filter(|row| row.fold == fold)?;
        let Row { head, keys: names, sealed, .. } = row;
        let json = self.key_of(&names, keys)?.open(&associated(&place, fold, head), &sealed);
        if json.is_none() {
            tracing::warn!(stream = place, file = %self.path.display(), "a stored state was changed: it is folded from the log");
        }
        Some(Folded { fold, head, json: json? })
    }

    fn row(&self, place: &str) -> Option<Row> {
        if self.damage.found().is_some() {
            return None;
        }
        let read = || -> rusqlite::Result<Option<Row>> {
            let connection = self.take_reader()?;
            let select = "SELECT fold, revision, event, keys, sealed FROM sealed_states WHERE stream = ?1";
            let found = connection.prepare_cached(select)?.query_row([place], |row| {
                let (revision, event): (u64, [u8; 16]) = (row.get(1)?, row.get(2)?);
                let head = StreamHead { revision: Revision(revision), id: EventId(Uuid::from_bytes(event)) };
                // Names that cannot be read do not open the row.
                let keys = serde_json::from_str(row.get_ref(3)?.as_str()?).unwrap_or_default();
                Ok(Row { fold: row.get(0)?, head, keys, sealed: row.get(4)? })
            });
            let found = found.optional()?;
            self.put_back(connection);
            self.is_told.store(false, Ordering::Relaxed);
            Ok(found)
        };
        read().unwrap_or_else(|error| {
            self.note(&error);
            None
        })
    }

    /// Stores states. `origin` is that of the log and keys after the newest of them.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub(super) fn write(&self, rows: &[(Place, Row)], origin: Origin) -> rusqlite::Result<()> {
        if self.damage.found().is_some() {
            return Ok(());
        }
        let mut writer = lock(&self.writer);
        let write = |writer: &mut Connection| {
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            {
                let mut keep = transaction.prepare_cached(
                    "INSERT INTO sealed_states (stream, fold, revision, event, keys, sealed)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                    ON CONFLICT (stream) DO UPDATE SET fold = excluded.fold, revision = excluded.revision,
                        event = excluded.event, keys = excluded.keys, sealed = excluded.sealed",
                )?;
                for (place, row) in rows {
                    let Row { fold, head: StreamHead { revision, id }, keys, sealed } = row;
                    let (place, keys) = (place.to_string(), serde_json::to_string(keys).expect("names are JSON"));
                    keep.execute(params![place, fold, revision.0, id.0.as_bytes(), keys, sealed])?;
                }
            }
            let log = origin.log.map(|id| *id.0.as_bytes());
            let update = "UPDATE about SET log = ?1, position = max(position, ?2), keys = max(keys, ?3)";
            transaction.execute(update, params![log, origin.position, origin.keys])?;
            transaction.commit()
        };
        write(&mut writer).inspect_err(|error| self.note(error))
    }

    fn take_reader(&self) -> rusqlite::Result<Connection> {
        if let Some(connection) = lock(&self.readers).pop() {
            return Ok(connection);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(Duration::from_secs(1))?;
        Ok(connection)
    }

    fn put_back(&self, connection: Connection) {
        let mut readers = lock(&self.readers);
        if readers.len() < IDLE_READERS {
            readers.push(connection);
        }
    }

    fn note(&self, error: &rusqlite::Error) {
        if disposable::is_damage(error) {
            self.damage.note(&self.path, &error.to_string());
        } else if !self.is_told.swap(true, Ordering::Relaxed) {
            tracing::warn!(file = %self.path.display(), %error, "a stored state cannot be read or written: it is folded from the log");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// What a sealed state is bound to.
fn associated(place: &str, fold: u32, head: StreamHead) -> Vec<u8> {
    let StreamHead { revision, id } = head;
    let place_length = (place.len() as u64).to_be_bytes();
    let parts = [&place_length[..], place.as_bytes(), &fold.to_be_bytes(), &revision.0.to_be_bytes(), id.0.as_bytes()];
    parts.concat()
}
