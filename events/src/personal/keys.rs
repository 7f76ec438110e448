//! The keys of personal data: one for each person, enrollment, device and local account, wrapped with the server's
//! master key.

mod cipher;
mod log_seen;
mod master;
mod sqlite;

pub use cipher::{hmac, same};
pub(crate) use log_seen::know_at_most;
pub use master::MasterKey;
pub(crate) use sqlite::sequence_of;
pub use sqlite::{FILE, Randomness, SqliteKeyStore};

use super::KeyName;
use crate::side_files::LeftBehind;
use std::path::PathBuf;
use tokio::sync::watch;

/// A 256-bit data key. Cannot be printed; overwritten with zeros when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct DataKey(pub(crate) [u8; 32]);

impl DataKey {
    pub fn from_bytes(bytes: [u8; 32]) -> DataKey {
        DataKey(bytes)
    }

    /// Returns the key for data that becomes unreadable with any one of `keys`, and that nobody makes without `secret`:
    /// HMAC-SHA-256.
    pub fn of_all(secret: &[u8; 32], keys: &[DataKey]) -> DataKey {
        let keys: Vec<&[u8]> = keys.iter().map(|key| &key.0[..]).collect();
        DataKey(cipher::hmac(secret, &keys))
    }

    /// Encrypts `plain`. Returns nonce, ciphertext and tag, in this order. `associated` is authenticated only.
    pub fn seal(&self, associated: &[u8], plain: &[u8]) -> Vec<u8> {
        cipher::seal(&self.0, associated, plain)
    }

    /// Decrypts a value. `None` if it was altered, or sealed with another key or other associated data.
    pub fn open(&self, associated: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        cipher::open(&self.0, associated, sealed)
    }
}

impl Drop for DataKey {
    fn drop(&mut self) {
        self.0.fill(0);
        // Prevents the compiler from removing the overwrite as a dead write.
        std::hint::black_box(&self.0);
    }
}

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("key {} was destroyed: it can no longer be used", .0.0)]
    Destroyed(KeyName),
    #[error("key {} is missing: keys.db belongs to another log or is outdated; restore the newest keys.db", .0.0)]
    NotThere(KeyName),
    #[error("the key store cannot be used: {0}")]
    Unavailable(String),
    #[error("the key store is damaged: {0}; restore the newest keys.db from its backup")]
    Damaged(String),
    #[error("key {} cannot be unwrapped: it is damaged in keys.db; restore the newest keys.db from its backup", .0.0)]
    Altered(KeyName),
    #[error(
        "the key store {} was made with another master key: set the right master key file in the configuration", .0.display()
    )]
    WrongMasterKey(PathBuf),
    #[error(
        "there is no key store at {}: restore the newest keys.db from its backup, or log and keys together (`muster restore`). If there is \
         none, `muster serve --accept-lost-keys` starts without it: data sealed with the lost keys can never be read again", .0.display()
    )]
    Missing(PathBuf),
    #[error("a key store already exists at {}", .0.display())]
    Exists(PathBuf),
    #[error(transparent)]
    LeftBehind(LeftBehind),
    #[error("master key file {}: {why}", .path.display())]
    MasterKeyFile { path: PathBuf, why: String },
}

/// The state of a key in a store.
pub enum Held {
    Key(DataKey),
    /// The key was destroyed: the data sealed with it is erased.
    Destroyed,
    /// The key was lost, and an operator accepted the loss.
    Lost,
    /// The store never had the key. If the log uses the key, the store belongs to another log or is outdated.
    Missing,
}

impl Held {
    /// Returns whether the store has the key itself.
    pub fn is_there(&self) -> bool {
        matches!(self, Held::Key(_))
    }
}

/// A store of data keys. Calls block (they may write and sync): call them from a blocking thread.
pub trait KeyStore: Send + Sync {
    /// Becomes `Some(why)` when the store has stopped for good, as
    /// [`StoreLifecycle::failed`](crate::store::StoreLifecycle::failed) does.
    fn failed(&self) -> watch::Receiver<Option<String>>;

    /// Makes the keys that do not exist yet. When it returns they are durable: they survive a crash of the process and
    /// of the machine. In place of a lost key it makes the [successor](KeyName::successor).
    ///
    /// # Errors
    /// Returns `Destroyed` if one of the keys was destroyed, since a destroyed key is never made again, and another
    /// error if the store cannot be written.
    fn ensure(&self, names: &[KeyName]) -> Result<(), KeyError>;

    /// Returns whether the key is in memory, so that [`KeyStore::ensure`] and [`KeyStore::key`] return it without a
    /// read of the file. May be false for a key in memory.
    fn is_ready(&self, _name: &KeyName) -> bool {
        false
    }

    /// Returns the state of a key.
    ///
    /// # Errors
    /// Returns an error if the store cannot be read or the key cannot be unwrapped.
    fn key(&self, name: &KeyName) -> Result<Held, KeyError>;

    /// Returns how often this store made keys unreadable since it was opened. A caller that keeps opened values reads
    /// this number before it opens them, and drops them once it has changed.
    fn destructions(&self) -> u64;

    /// Returns the number of changes so far. It increases with each key that is made, destroyed or marked as lost, in
    /// the same commit. A store with a lower number than its log has recorded is outdated.
    fn sequence(&self) -> u64;

    /// Notes that the log has a durable event at this position. The position is stored with the next change of a key
    /// and when the store is closed. If the log ends before this position, it was restored from an older copy.
    fn log_reached(&self, _position: u64) {}

    /// Makes `owner` the owner of `name`: destroying `owner` also destroys `name`. Used to hand the key of an
    /// enrollment or of a previous record to a person.
    ///
    /// # Errors
    /// Returns an error if the store cannot be written.
    fn set_owner(&self, name: &KeyName, owner: &KeyName) -> Result<(), KeyError>;

    /// Does the same as [`KeyStore::set_owner`] for many keys: pairs of a key and its owner. A key that is its own
    /// owner belongs to nobody else any more.
    ///
    /// # Errors
    /// Returns an error if the store cannot be written.
    fn set_owners(&self, owners: &[(KeyName, KeyName)]) -> Result<(), KeyError> {
        owners.iter().try_for_each(|(name, owner)| self.set_owner(name, owner))
    }

    /// Destroys the key, its successors and every key handed over to it. When it returns, none of them can be read from
    /// the store's file.
    ///
    /// # Errors
    /// Returns an error if the store cannot be written.
    fn destroy(&self, name: &KeyName) -> Result<(), KeyError>;
}
