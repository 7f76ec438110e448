//! The embedded key store: a separate SQLite file next to the log. Destroyed keys are physically removed from it.

mod counting;
mod opening;
#[cfg(test)]
mod tests;
mod waiting;

pub(crate) use counting::sequence_of;

use super::log_seen::LogSeen;
use super::{DataKey, Held, KeyError, KeyName, KeyStore, MasterKey};
use crate::background;
use quick_cache::sync::Cache;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Transaction, TransactionBehavior, params};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use waiting::{Request, Waiting};

/// File name of the key store, next to the log.
pub const FILE: &str = "keys.db";

/// Fills a buffer with bytes that are fit for secrets. Passed by the caller, since only `world.rs` may use randomness.
pub type Randomness = fn(&mut [u8]);

/// Number of commits after which the write-ahead log is checkpointed. Most commits are a page or two.
const COMMITS_BETWEEN_CHECKPOINTS: u32 = 500;

/// Number of changed rows after which the write-ahead log is checkpointed, whatever the number of commits. A commit of
/// an import changes thousands, and nearly each of them is on another page.
const ROWS_BETWEEN_CHECKPOINTS: u64 = 10_000;

/// Maximum number of unwrapped keys in memory. A device in use needs three: its own, that of its enrollment and that of
/// its person. A key with its name takes about 150 bytes.
const CACHED: usize = 65_536;

/// Data keys in a SQLite file. Other processes may open it too. But a long-running process caches keys in memory, so if
/// a server runs, let the server itself destroy keys.
pub struct SqliteKeyStore {
    connection: Mutex<Connection>,
    // Of the threads of low priority, opened when one of them first reads. Such a thread may be preempted while it
    // holds a lock, and requests must not wait for it.
    behind: Mutex<Option<Connection>>,
    // Changed only while the connection is locked, so that a late reader does not put a destroyed key back.
    cache: Cache<KeyName, DataKey>,
    waiting: Waiting,
    destructions: AtomicU64,
    // Why the store stopped for good, as the log does. After a failed commit or checkpoint the content of the disk is
    // unknown.
    failed: watch::Sender<Option<String>>,
    // Since the last checkpoint.
    commits: AtomicU32,
    // Changed rows of the connection until the last checkpoint.
    rows: AtomicU64,
    // The sequence that is durable in the file, never a higher one.
    sequence: AtomicU64,
    log_seen: LogSeen,
    // False for a read-only store whose file has no `sequence` and `lost` columns yet: no key in it is marked as lost.
    counts: bool,
    path: PathBuf,
    master: MasterKey,
    randomness: Randomness,
}

impl SqliteKeyStore {
    /// Returns the path of the key store's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the durability settings of the store's connection.
    #[cfg(any(test, feature = "contract"))]
    pub fn durability(&self) -> Result<crate::store::sqlite::durability::Durability, KeyError> {
        crate::store::sqlite::durability::Durability::of(&self.lock()).map_err(unavailable)
    }

    /// Makes every commit fail from now on.
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

    // `work` returns the number of changed keys. The store runs the checkpoints itself, as the log does, since SQLite
    // ignores errors of its automatic checkpoints.
    fn commit(
        &self,
        connection: &mut Connection,
        work: impl FnOnce(&Transaction<'_>) -> Result<u64, KeyError>,
    ) -> Result<(), KeyError> {
        let transaction = self.begin(connection)?;
        let changed = work(&transaction)?;
        if changed > 0 {
            transaction
                .prepare_cached("UPDATE about SET sequence = sequence + ?1")
                .and_then(|mut update| update.execute([changed]))
                .map_err(unavailable)?;
        }
        self.log_seen.write(&transaction).map_err(unavailable)?;
        let (sequence, rows): (u64, u64) = transaction
            .prepare_cached("SELECT sequence, total_changes() FROM about")
            .and_then(|mut select| select.query_row([], |row| Ok((row.get(0)?, row.get(1)?))))
            .map_err(unavailable)?;
        transaction.commit().map_err(|error| self.fail("a commit", &error))?;
        self.sequence.fetch_max(sequence, Ordering::Release);
        let commits = self.commits.fetch_add(1, Ordering::Relaxed) + 1;
        let changed = rows.saturating_sub(self.rows.load(Ordering::Relaxed));
        if commits < COMMITS_BETWEEN_CHECKPOINTS && changed < ROWS_BETWEEN_CHECKPOINTS {
            return Ok(());
        }
        self.commits.store(0, Ordering::Relaxed);
        self.rows.store(rows, Ordering::Relaxed);
        let passive = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        passive.map_err(|error| self.fail("a checkpoint", &error))
    }

    // `secure_delete` overwrites the key in its page, but the write-ahead log still holds the old page until it is
    // truncated.
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
        // A thread that panicked with the connection left at most an open transaction, which is rolled back on drop.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // The key is not kept in memory: without the lock of the other connection, a key that is being destroyed could be
    // put back.
    fn key_in_background(&self, name: &KeyName) -> Result<Held, KeyError> {
        let mut behind = self.behind.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match behind.take() {
            Some(connection) => connection,
            None => opening::connect_reader(&self.path).map_err(unavailable)?,
        };
        let row = self.row(behind.insert(connection), name)?;
        drop(behind);
        self.held(name, row)
    }

    fn held(&self, name: &KeyName, row: Row) -> Result<Held, KeyError> {
        Ok(match row {
            Row::Wrapped(wrapped) => Held::Key(self.unwrap(name, &wrapped)?),
            Row::Destroyed => Held::Destroyed,
            Row::Lost => Held::Lost,
            Row::Absent => Held::Missing,
        })
    }

    // Makes the keys of all requests that wait, in one commit: each commit is synced. Stores the outcomes of the
    // others.
    fn ensure_with_others(&self, connection: &mut Connection, request: &Arc<Request>) -> Result<(), KeyError> {
        let mut others = self.waiting.take();
        others.retain(|other| !Arc::ptr_eq(other, request));
        let names: Vec<KeyName> = others.iter().chain([request]).flat_map(|request| &request.names).cloned().collect();
        if !others.is_empty() && self.ensure_now(connection, &names).is_ok() {
            others.iter().for_each(|other| other.set(Ok(())));
            return Ok(());
        }
        // An error belongs to one of them.
        others.iter().for_each(|other| other.set(self.ensure_now(connection, &other.names)));
        self.ensure_now(connection, &request.names)
    }

    fn ensure_now(&self, connection: &mut Connection, names: &[KeyName]) -> Result<(), KeyError> {
        let missing: Vec<&KeyName> = names.iter().filter(|name| self.cache.get(*name).is_none()).collect();
        // A key that exists needs no transaction: an event about a known person or device writes nothing here. A store
        // that failed refuses this too.
        if self.failed.borrow().is_none()
            && let Some(keys) = self.existing(connection, &missing)?
        {
            missing.into_iter().zip(keys).for_each(|(name, key)| self.cache.insert(name.clone(), key));
            return Ok(());
        }
        let mut keys = Vec::with_capacity(names.len());
        self.commit(connection, |transaction| {
            for name in names {
                keys.push(self.ensure_one(transaction, name)?);
            }
            Ok(keys.iter().map(|ensured| ensured.made).sum())
        })?;
        keys.into_iter().for_each(|ensured| self.cache.insert(ensured.name, ensured.key));
        Ok(())
    }

    // Returns the keys that are not in memory if all of them exist, and `None` if one has to be made or cannot be used.
    fn existing(&self, connection: &Connection, names: &[&KeyName]) -> Result<Option<Vec<DataKey>>, KeyError> {
        let mut keys = Vec::with_capacity(names.len());
        for name in names {
            match self.row(connection, name)? {
                Row::Wrapped(wrapped) => keys.push(self.unwrap(name, &wrapped)?),
                Row::Absent | Row::Destroyed | Row::Lost => return Ok(None),
            }
        }
        Ok(Some(keys))
    }

    // Returns the key, and how many keys were made.
    fn ensure_one(&self, transaction: &Transaction<'_>, name: &KeyName) -> Result<Ensured, KeyError> {
        match self.row(transaction, name)? {
            Row::Wrapped(wrapped) => Ok(Ensured { name: name.clone(), key: self.unwrap(name, &wrapped)?, made: 0 }),
            Row::Destroyed => Err(KeyError::Destroyed(name.clone())),
            Row::Absent => self.make_key(transaction, name, None),
            Row::Lost => {
                let successor = name.successor();
                match self.row(transaction, &successor)? {
                    // Owned by the lost key, so that erasing the person destroys it too.
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

    // Returns whether both keys exist and `owner` owns `name`; for the same key, whether no other owns it.
    fn is_owned(&self, connection: &Connection, name: &KeyName, owner: &KeyName) -> Result<bool, KeyError> {
        if name == owner {
            let select =
                "SELECT NOT EXISTS (SELECT 1 FROM key WHERE name = ?1 AND owner IS NOT NULL AND owner <> name)";
            let select = connection.prepare_cached(select);
            return select.and_then(|mut select| select.query_row([&name.0], |row| row.get(0))).map_err(unavailable);
        }
        let select = "SELECT EXISTS (SELECT 1 FROM key JOIN key AS owner ON owner.name = key.owner
            WHERE key.name = ?1 AND key.owner = ?2 AND key.wrapped IS NOT NULL AND owner.wrapped IS NOT NULL)";
        connection
            .prepare_cached(select)
            .and_then(|mut select| select.query_row([&name.0, &owner.0], |row| row.get(0)))
            .map_err(unavailable)
    }

    fn hand_over(&self, transaction: &Transaction<'_>, name: &KeyName, owner: &KeyName) -> Result<Handed, KeyError> {
        if name != owner && matches!(self.row(transaction, owner)?, Row::Destroyed) {
            return Ok(Handed::ToDestroyed);
        }
        let ensured = match self.ensure_one(transaction, name) {
            Err(KeyError::Destroyed(_)) => return Ok(Handed::Destroyed),
            ensured => ensured?,
        };
        transaction
            .prepare_cached("UPDATE key SET owner = ?2 WHERE name = ?1")
            .and_then(|mut update| update.execute(params![name.0, owner.0]))
            .map_err(unavailable)?;
        Ok(Handed::Over(ensured))
    }

    fn unwrap(&self, name: &KeyName, wrapped: &[u8]) -> Result<DataKey, KeyError> {
        self.master.unwrap(name, wrapped).ok_or_else(|| KeyError::Altered(name.clone()))
    }
}

impl KeyStore for SqliteKeyStore {
    fn failed(&self) -> watch::Receiver<Option<String>> {
        self.failed.subscribe()
    }

    fn ensure(&self, names: &[KeyName]) -> Result<(), KeyError> {
        if names.iter().all(|name| self.cache.get(name).is_some()) {
            return Ok(());
        }
        let request = self.waiting.add(names);
        let mut connection = self.lock();
        // Whoever had the connection before may have made these keys too.
        request.outcome().unwrap_or_else(|| self.ensure_with_others(&mut connection, &request))
    }

    fn is_ready(&self, name: &KeyName) -> bool {
        self.cache.contains_key(name)
    }

    fn key(&self, name: &KeyName) -> Result<Held, KeyError> {
        if let Some(key) = self.cache.get(name) {
            return Ok(Held::Key(key));
        }
        if background::is_here() {
            return self.key_in_background(name);
        }
        let connection = self.lock();
        let held = self.held(name, self.row(&connection, name)?)?;
        if let Held::Key(key) = &held {
            self.cache.insert(name.clone(), key.clone());
        }
        Ok(held)
    }

    fn destructions(&self) -> u64 {
        self.destructions.load(Ordering::Acquire)
    }

    fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Acquire)
    }

    fn log_reached(&self, position: u64) {
        self.log_seen.reach(position);
    }

    fn set_owner(&self, name: &KeyName, owner: &KeyName) -> Result<(), KeyError> {
        self.set_owners(&[(name.clone(), owner.clone())])
    }

    fn set_owners(&self, owners: &[(KeyName, KeyName)]) -> Result<(), KeyError> {
        let mut connection = self.lock();
        // An effect that is repeated writes and syncs nothing. A store that failed refuses this too.
        let mut due = Vec::new();
        for (name, owner) in owners {
            if self.failed.borrow().is_some() || !self.is_owned(&connection, name, owner)? {
                due.push((name, owner));
            }
        }
        if due.is_empty() {
            return Ok(());
        }
        let (mut handed, mut doomed) = (Vec::new(), Vec::new());
        self.commit(&mut connection, |transaction| {
            let mut made = 0;
            for (name, owner) in &due {
                match self.hand_over(transaction, name, owner)? {
                    Handed::Over(ensured) => {
                        made += ensured.made;
                        handed.push(ensured);
                    }
                    Handed::ToDestroyed => doomed.push(name),
                    Handed::Destroyed => {}
                }
            }
            Ok(made)
        })?;
        for Ensured { name, key, .. } in handed {
            self.cache.insert(name, key);
        }
        drop(connection);
        doomed.into_iter().try_for_each(|name| self.destroy(name))
    }

    fn destroy(&self, name: &KeyName) -> Result<(), KeyError> {
        let mut connection = self.lock();
        let mut destroyed = Vec::new();
        self.commit(&mut connection, |transaction| {
            let changed;
            (changed, destroyed) = destroy_in(transaction, name)?;
            Ok(changed)
        })?;
        for name in &destroyed {
            self.cache.remove(name);
        }
        // After the keys left the cache: who reads the new count finds none of them. A repeated destruction makes
        // nothing unreadable.
        if !destroyed.is_empty() {
            self.destructions.fetch_add(1, Ordering::Release);
        }
        self.scrub(&connection)
    }
}

impl Drop for SqliteKeyStore {
    // Leaves a complete file, with an empty write-ahead log. After a failure nothing is synced again: a second sync
    // would succeed without writing anything.
    fn drop(&mut self) {
        let connection = self.connection.get_mut().unwrap_or_else(PoisonError::into_inner);
        if self.failed.borrow().is_none() && !connection.is_readonly("main").unwrap_or(true) {
            // A failure only leaves an older position of the log in the file.
            let _ = self.log_seen.write(connection);
            // A failure leaves the pages in the write-ahead log, where the next start finds them.
            let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        }
    }
}

// Returns the number of changed keys, and the names of those that existed or were lost.
fn destroy_in(transaction: &Transaction<'_>, name: &KeyName) -> Result<(u64, Vec<KeyName>), KeyError> {
    let named = transaction
        .execute("INSERT INTO key (name) VALUES (?1) ON CONFLICT DO NOTHING", [&name.0])
        .map_err(unavailable)?;
    // UNION, not UNION ALL, so that the query ends even if the ownership of keys is circular.
    let update = "WITH RECURSIVE doomed (name) AS (
             VALUES (?1) UNION SELECT key.name FROM key JOIN doomed ON key.owner = doomed.name)
         UPDATE key SET wrapped = NULL, lost = 0
         WHERE name IN doomed AND (wrapped IS NOT NULL OR lost <> 0) RETURNING name";
    let destroyed = transaction
        .prepare(update)
        .and_then(|mut update| update.query_map([&name.0], |row| row.get(0).map(KeyName))?.collect())
        .map_err(unavailable)?;
    let destroyed: Vec<KeyName> = destroyed;
    Ok(((named + destroyed.len()) as u64, destroyed))
}

/// The state of a key's row.
enum Row {
    Absent,
    /// The key, encrypted with the master key.
    Wrapped(Vec<u8>),
    Destroyed,
    Lost,
}

/// What became of a key that gets an owner.
enum Handed {
    Over(Ensured),
    /// The owner was destroyed: the key has to be destroyed too.
    ToDestroyed,
    /// The key was destroyed before.
    Destroyed,
}

/// An existing key, under the name that is used for it.
struct Ensured {
    name: KeyName,
    key: DataKey,
    /// Number of keys made for it.
    made: u64,
}

fn unavailable(error: rusqlite::Error) -> KeyError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => KeyError::Damaged(error.to_string()),
        _ => KeyError::Unavailable(error.to_string()),
    }
}
