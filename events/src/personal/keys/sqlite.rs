//! The embedded key store: a SQLite file of its own beside the log, from which destroyed keys really vanish.

use super::log_seen::LogSeen;
use super::{DataKey, Held, KeyError, KeyName, KeyStore, MasterKey};
use crate::side_files;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior, params};
use std::collections::{BTreeSet, HashMap};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Name of the key store's file, beside the log.
pub const FILE: &str = "keys.db";

/// Fills bytes fit for secrets. Given by the caller, who owns all chance (`world.rs`).
pub type Randomness = fn(&mut [u8]);

/// How often the write-ahead log is copied into the file: a commit is a page or two.
const COMMITS_BETWEEN_CHECKPOINTS: u32 = 500;

/// How many keys are kept in memory, unwrapped.
const CACHED: usize = 4_096;

// A destroyed or lost key stays as a row without a key: so it never comes back.
const SCHEMA: &str = "
    CREATE TABLE key (
        name TEXT PRIMARY KEY, wrapped BLOB, owner TEXT, lost INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX key_owner ON key (owner) WHERE owner IS NOT NULL;
    CREATE TABLE about (master_key TEXT NOT NULL, sequence INTEGER NOT NULL DEFAULT 0) STRICT;";

// A store that was made before it counted: the number of its keys is what it would have counted.
const COUNT: &str = "
    BEGIN IMMEDIATE;
    ALTER TABLE about ADD COLUMN sequence INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE key ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
    UPDATE about SET sequence = (SELECT count(*) FROM key);
    COMMIT;";

/// Data keys in a SQLite file. Other processes may open it as well, but one that lives long keeps keys in memory: have
/// keys destroyed by the server itself where one runs.
pub struct SqliteKeyStore {
    connection: Mutex<Connection>,
    // Taken while holding the connection when it is changed, so that a destroyed key is not put back by a late reader.
    cache: Mutex<HashMap<KeyName, DataKey>>,
    // Why it stopped for good, as the log does: after a commit or a checkpoint that failed nobody knows what the disk
    // holds.
    failed: watch::Sender<Option<String>>,
    commits: AtomicU32,
    // As durable in the file, never ahead of it.
    sequence: AtomicU64,
    log_seen: LogSeen,
    // False for a store that is opened for reading and was made before it counted: no key in it was lost.
    counts: bool,
    path: PathBuf,
    master: MasterKey,
    randomness: Randomness,
}

impl SqliteKeyStore {
    /// Makes a new key store under this master key.
    ///
    /// # Errors
    /// If there is one already, or it cannot be written.
    pub fn create(path: &Path, master: MasterKey, randomness: Randomness) -> Result<SqliteKeyStore, KeyError> {
        if path.exists() {
            return Err(KeyError::Exists(path.to_owned()));
        }
        let left = side_files::left_behind(path).map_err(|error| KeyError::Unavailable(error.to_string()))?;
        left.map_or(Ok(()), |left| Err(KeyError::LeftBehind(left)))?;
        // Under another name first, so that a crash leaves no half of a key store.
        let unfinished = path.with_extension("new");
        let removed = || side_files::remove_database(&unfinished);
        removed().map_err(|error| KeyError::Unavailable(error.to_string()))?;
        make(&unfinished, &master).map_err(|error| {
            // The first error is the one to tell.
            let _ = removed();
            unavailable(error)
        })?;
        std::fs::rename(&unfinished, path)
            .and_then(|()| File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all())
            .map_err(|error| KeyError::Unavailable(error.to_string()))?;
        SqliteKeyStore::open(path, master, randomness)
    }

    /// Opens the key store.
    ///
    /// # Errors
    /// `Missing` if there is none, `WrongMasterKey` if another master key made it.
    pub fn open(path: &Path, master: MasterKey, randomness: Randomness) -> Result<SqliteKeyStore, KeyError> {
        SqliteKeyStore::open_with(path, master, randomness, connect)
    }

    /// Opens the key store for reading only: nothing is changed, made or destroyed in it.
    ///
    /// # Errors
    /// As [`SqliteKeyStore::open`].
    pub fn open_read_only(path: &Path, master: MasterKey, randomness: Randomness) -> Result<SqliteKeyStore, KeyError> {
        SqliteKeyStore::open_with(path, master, randomness, connect_reader)
    }

    fn open_with(
        path: &Path,
        master: MasterKey,
        randomness: Randomness,
        connect: fn(&Path) -> rusqlite::Result<Connection>,
    ) -> Result<SqliteKeyStore, KeyError> {
        if !path.exists() {
            return Err(KeyError::Missing(path.to_owned()));
        }
        let connection = connect(path).map_err(unavailable)?;
        // First, since a file without a table, or with an empty one, is no key store.
        let fingerprint: String =
            connection.query_row("SELECT master_key FROM about", [], |row| row.get(0)).map_err(hollow)?;
        let counts = learn_to_count(&connection).map_err(unavailable)?;
        let sequence = sequence_of(&connection).map_err(unavailable)?;
        let log_seen = LogSeen::of(&connection).map_err(unavailable)?;
        if fingerprint != master.fingerprint() {
            return Err(KeyError::WrongMasterKey(path.to_owned()));
        }
        let path = path.to_owned();
        let failed = watch::Sender::new(None);
        // What a crash left in the write-ahead log is copied after the first commit.
        let commits = AtomicU32::new(COMMITS_BETWEEN_CHECKPOINTS - 1);
        let (connection, sequence) = (Mutex::new(connection), AtomicU64::new(sequence));
        let cache = Mutex::default();
        Ok(SqliteKeyStore { connection, cache, failed, commits, sequence, log_seen, counts, path, master, randomness })
    }

    /// The file the keys are in.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Becomes `Some(why)` when the store has stopped for good, as [`crate::store::sqlite::SqliteStore::failed`] does.
    pub fn failed(&self) -> watch::Receiver<Option<String>> {
        self.failed.subscribe()
    }

    /// What the store's connection promises.
    #[cfg(any(test, feature = "contract"))]
    pub fn durability(&self) -> Result<crate::store::sqlite::durability::Durability, KeyError> {
        crate::store::sqlite::durability::Durability::of(&self.lock()).map_err(unavailable)
    }

    /// Lets every commit fail from now on.
    #[cfg(any(test, feature = "contract"))]
    pub fn fail_commits(&self) -> Result<(), KeyError> {
        self.lock().commit_hook(Some(|| true)).map_err(unavailable)
    }

    fn begin<'c>(&self, connection: &'c mut Connection) -> Result<Transaction<'c>, KeyError> {
        if let Some(why) = &*self.failed.borrow() {
            return Err(KeyError::Unavailable(why.clone()));
        }
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(unavailable)
    }

    // `work` says how many keys it changed. Checkpoints are ours to ask for, as in the log: SQLite swallows the errors of
    // its own.
    fn commit(
        &self,
        connection: &mut Connection,
        work: impl FnOnce(&Transaction<'_>) -> Result<u64, KeyError>,
    ) -> Result<(), KeyError> {
        let transaction = self.begin(connection)?;
        let changed = work(&transaction)?;
        if changed > 0 {
            transaction.execute("UPDATE about SET sequence = sequence + ?1", [changed]).map_err(unavailable)?;
        }
        self.log_seen.write(&transaction).map_err(unavailable)?;
        let sequence: u64 =
            transaction.query_row("SELECT sequence FROM about", [], |row| row.get(0)).map_err(unavailable)?;
        transaction.commit().map_err(|error| self.fail("a commit", &error))?;
        self.sequence.fetch_max(sequence, Ordering::Release);
        if self.commits.fetch_add(1, Ordering::Relaxed) % COMMITS_BETWEEN_CHECKPOINTS < COMMITS_BETWEEN_CHECKPOINTS - 1
        {
            return Ok(());
        }
        let passive = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        passive.map_err(|error| self.fail("a checkpoint", &error))
    }

    // secure_delete zeroes a key in its page; the page as it was stands in the write-ahead log until that is emptied.
    fn scrub(&self, connection: &Connection) -> Result<(), KeyError> {
        let busy: bool = connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
            .map_err(|error| self.fail("a checkpoint", &error))?;
        if busy {
            let why = "the key is destroyed, but a reader keeps its old page on the disk: destroy it again when no \
                       backup runs";
            return Err(KeyError::Unavailable(why.into()));
        }
        Ok(())
    }

    fn fail(&self, what: &str, error: &rusqlite::Error) -> KeyError {
        let why = format!("{what} of {} failed: {error}", self.path.display());
        self.failed.send_replace(Some(why.clone()));
        KeyError::Unavailable(why)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A thread that died with the connection left at most a transaction behind, which is rolled back on drop.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cache(&self) -> MutexGuard<'_, HashMap<KeyName, DataKey>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, name: &KeyName, key: &DataKey) {
        let mut cache = self.cache();
        if cache.len() >= CACHED {
            cache.clear();
        }
        cache.insert(name.clone(), key.clone());
    }

    // With whether it was made now.
    fn ensure_one(&self, transaction: &Transaction<'_>, name: &KeyName) -> Result<Ensured, KeyError> {
        match self.row(transaction, name)? {
            Row::Wrapped(wrapped) => Ok(Ensured { name: name.clone(), key: self.unwrap(name, &wrapped)?, made: 0 }),
            Row::Destroyed => Err(KeyError::Destroyed(name.clone())),
            Row::Absent => self.make_key(transaction, name, None),
            Row::Lost => {
                let successor = name.successor();
                match self.row(transaction, &successor)? {
                    // Owned by the lost one: destroyed with it, when the person is erased.
                    Row::Absent => self.make_key(transaction, &successor, Some(name)),
                    _ => self.ensure_one(transaction, &successor),
                }
            }
        }
    }

    fn make_key(
        &self,
        transaction: &Transaction<'_>,
        name: &KeyName,
        owner: Option<&KeyName>,
    ) -> Result<Ensured, KeyError> {
        let mut key = DataKey([0u8; 32]);
        (self.randomness)(&mut key.0);
        transaction
            .prepare_cached("INSERT INTO key (name, wrapped, owner) VALUES (?1, ?2, ?3)")
            .and_then(|mut insert| {
                insert.execute(params![name.0, self.master.wrap(name, &key), owner.map(|owner| &owner.0)])
            })
            .map_err(unavailable)?;
        Ok(Ensured { name: name.clone(), key, made: 1 })
    }

    /// Those of `names` that the store never had.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn missing<'n>(&self, names: impl IntoIterator<Item = &'n KeyName>) -> Result<Vec<KeyName>, KeyError> {
        let connection = self.lock();
        let mut missing = Vec::new();
        for name in names {
            if matches!(self.row(&connection, name)?, Row::Absent) {
                missing.push(name.clone());
            }
        }
        Ok(missing)
    }

    /// Notes keys as lost that the store never had, destroys those of erased people, and counts on from `sequence`, which a log has
    /// seen: all in one commit, so that no crash leaves the new sequence beside a key that was destroyed once. From then on the log's
    /// fields under these keys read so, and the keys are never made again.
    ///
    /// # Errors
    /// If it cannot be written; then nothing is noted. `Unavailable` also if a reader keeps an old page on the disk.
    pub fn give_up(&self, lost: &[KeyName], erased: &BTreeSet<KeyName>, sequence: u64) -> Result<(), KeyError> {
        let mut connection = self.lock();
        self.commit(&mut connection, |transaction| {
            let mut changed = 0;
            for name in erased {
                changed += destroy_in(transaction, name)?;
            }
            let mut insert = transaction
                .prepare_cached("INSERT INTO key (name, lost) VALUES (?1, 1) ON CONFLICT DO NOTHING")
                .map_err(unavailable)?;
            for name in lost {
                changed += insert.execute([&name.0]).map_err(unavailable)? as u64;
            }
            transaction.execute("UPDATE about SET sequence = max(sequence, ?1)", [sequence]).map_err(unavailable)?;
            Ok(changed)
        })?;
        self.cache().clear();
        if erased.is_empty() { Ok(()) } else { self.scrub(&connection) }
    }

    /// A position that the log had reached when the store was last written.
    pub fn log_seen(&self) -> u64 {
        self.log_seen.position()
    }

    /// Accepts that the log ends at `position`, though it was seen further.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn accept_log(&self, position: u64) -> Result<(), KeyError> {
        let connection = self.lock();
        self.log_seen.set_back(&connection, position).map_err(|error| self.fail("a commit", &error))
    }

    fn row(&self, connection: &Connection, name: &KeyName) -> Result<Row, KeyError> {
        let select = match self.counts {
            true => "SELECT wrapped, lost FROM key WHERE name = ?1",
            false => "SELECT wrapped, 0 FROM key WHERE name = ?1",
        };
        let found: Option<(Option<Vec<u8>>, bool)> = connection
            .prepare_cached(select)
            .and_then(|mut select| select.query_row([&name.0], |row| Ok((row.get(0)?, row.get(1)?))).optional())
            .map_err(unavailable)?;
        Ok(match found {
            None => Row::Absent,
            Some((Some(wrapped), _)) => Row::Wrapped(wrapped),
            Some((None, true)) => Row::Lost,
            Some((None, false)) => Row::Destroyed,
        })
    }

    fn unwrap(&self, name: &KeyName, wrapped: &[u8]) -> Result<DataKey, KeyError> {
        self.master.unwrap(name, wrapped).ok_or_else(|| KeyError::Altered(name.clone()))
    }
}

impl KeyStore for SqliteKeyStore {
    fn ensure(&self, names: &[KeyName]) -> Result<(), KeyError> {
        {
            let cache = self.cache();
            if names.iter().all(|name| cache.contains_key(name)) {
                return Ok(());
            }
        }
        let mut connection = self.lock();
        let mut keys = Vec::with_capacity(names.len());
        self.commit(&mut connection, |transaction| {
            for name in names {
                keys.push(self.ensure_one(transaction, name)?);
            }
            Ok(keys.iter().map(|ensured| ensured.made).sum())
        })?;
        keys.iter().for_each(|ensured| self.remember(&ensured.name, &ensured.key));
        Ok(())
    }

    fn key(&self, name: &KeyName) -> Result<Held, KeyError> {
        if let Some(key) = self.cache().get(name) {
            return Ok(Held::Key(key.clone()));
        }
        let connection = self.lock();
        let wrapped = match self.row(&connection, name)? {
            Row::Wrapped(wrapped) => wrapped,
            Row::Destroyed => return Ok(Held::Destroyed),
            Row::Lost => return Ok(Held::Lost),
            Row::Absent => return Ok(Held::Missing),
        };
        let key = self.unwrap(name, &wrapped)?;
        self.remember(name, &key);
        Ok(Held::Key(key))
    }

    fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Acquire)
    }

    fn log_reached(&self, position: u64) {
        self.log_seen.reach(position);
    }

    fn hand_over(&self, name: &KeyName, owner: &KeyName) -> Result<(), KeyError> {
        let mut connection = self.lock();
        let mut owner_destroyed = false;
        self.commit(&mut connection, |transaction| {
            owner_destroyed = matches!(self.row(transaction, owner)?, Row::Destroyed);
            if owner_destroyed {
                return Ok(0);
            }
            let made = match self.ensure_one(transaction, name) {
                Err(KeyError::Destroyed(_)) => return Ok(0),
                ensured => ensured?.made,
            };
            transaction
                .execute("UPDATE key SET owner = ?2 WHERE name = ?1", params![name.0, owner.0])
                .map(|_| made)
                .map_err(unavailable)
        })?;
        drop(connection);
        if owner_destroyed { self.destroy(name) } else { Ok(()) }
    }

    fn destroy(&self, name: &KeyName) -> Result<(), KeyError> {
        let mut connection = self.lock();
        self.commit(&mut connection, |transaction| destroy_in(transaction, name))?;
        self.cache().clear();
        self.scrub(&connection)
    }
}

impl Drop for SqliteKeyStore {
    // So that the file is whole without one beside it. After a failure nothing is synced again: the second sync would
    // succeed without having written anything.
    fn drop(&mut self) {
        let connection = self.connection.get_mut().unwrap_or_else(PoisonError::into_inner);
        if self.failed.borrow().is_none() && !connection.is_readonly("main").unwrap_or(true) {
            // Lost, it only says less of the log than it could.
            let _ = self.log_seen.write(connection);
            // What is not copied now is found in the write-ahead log at the next start.
            let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        }
    }
}

// With how many keys that changed.
fn destroy_in(transaction: &Transaction<'_>, name: &KeyName) -> Result<u64, KeyError> {
    let named = transaction
        .execute("INSERT INTO key (name) VALUES (?1) ON CONFLICT DO NOTHING", [&name.0])
        .map_err(unavailable)?;
    // UNION, not UNION ALL: ends even where keys were handed over in a circle.
    let destroyed = transaction
        .execute(
            "WITH RECURSIVE doomed (name) AS (
                 VALUES (?1) UNION SELECT key.name FROM key JOIN doomed ON key.owner = doomed.name)
             UPDATE key SET wrapped = NULL, lost = 0
             WHERE name IN doomed AND (wrapped IS NOT NULL OR lost <> 0)",
            [&name.0],
        )
        .map_err(unavailable)?;
    Ok((named + destroyed) as u64)
}

fn make(path: &Path, master: &MasterKey) -> rusqlite::Result<()> {
    // Made here for its mode, which SQLite gives to the files beside it as well.
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let connection = connect(path)?;
    connection.execute_batch(&format!("BEGIN IMMEDIATE; {SCHEMA}"))?;
    connection.execute("INSERT INTO about (master_key) VALUES (?1)", [master.fingerprint()])?;
    // All of it into the one file, which is about to be renamed.
    connection.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE);")?;
    // Closing removes the files beside it, whose names end with the one that is given up.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    connection.close().map_err(|(_, error)| error)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.execute_batch(
        "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
         PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF;",
    )?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection)
}

fn connect_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;")?;
    Ok(connection)
}

/// The sequence of a key store's file. One that was made before it counted has the number of its keys.
pub(crate) fn sequence_of(connection: &Connection) -> rusqlite::Result<u64> {
    let select = if counts(connection)? { "SELECT sequence FROM about" } else { "SELECT count(*) FROM key" };
    connection.query_row(select, [], |row| row.get(0))
}

fn counts(connection: &Connection) -> rusqlite::Result<bool> {
    let column = "SELECT count(*) > 0 FROM pragma_table_info('about') WHERE name = 'sequence'";
    connection.query_row(column, [], |row| row.get(0))
}

/// Whether the file counts its keys. One that does not is taught to, unless it is opened for reading.
fn learn_to_count(connection: &Connection) -> rusqlite::Result<bool> {
    if counts(connection)? {
        return Ok(true);
    }
    if connection.is_readonly("main")? {
        return Ok(false);
    }
    connection.execute_batch(COUNT)?;
    Ok(true)
}

/// A key as its row has it.
enum Row {
    Absent,
    Wrapped(Vec<u8>),
    Destroyed,
    Lost,
}

/// A key that is there, under the name it is used by.
struct Ensured {
    name: KeyName,
    key: DataKey,
    /// Keys that were made for it.
    made: u64,
}

// A file that was emptied or is another database: nothing that can be waited for.
fn hollow(error: rusqlite::Error) -> KeyError {
    let no_table = |text: &String| text.starts_with("no such table") || text.starts_with("no such column");
    match &error {
        rusqlite::Error::QueryReturnedNoRows => KeyError::Damaged("it says nothing of itself".to_owned()),
        rusqlite::Error::SqliteFailure(_, Some(text)) if no_table(text) => KeyError::Damaged(text.clone()),
        rusqlite::Error::SqlInputError { msg, .. } if no_table(msg) => KeyError::Damaged(msg.clone()),
        _ => unavailable(error),
    }
}

fn unavailable(error: rusqlite::Error) -> KeyError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => KeyError::Damaged(error.to_string()),
        _ => KeyError::Unavailable(error.to_string()),
    }
}
