//! The keys of personal data: one a person, visit, device or local account, wrapped by the server's master key.

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

/// A 256-bit data key. Not printable, wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct DataKey(pub(crate) [u8; 32]);

impl DataKey {
    pub fn from_bytes(bytes: [u8; 32]) -> DataKey {
        DataKey(bytes)
    }

    /// Ciphertext with its nonce in front.
    pub fn seal(&self, associated: &[u8], plain: &[u8]) -> Vec<u8> {
        cipher::seal(&self.0, associated, plain)
    }

    /// `None` if it was altered, or sealed with another key or other associated data.
    pub fn open(&self, associated: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        cipher::open(&self.0, associated, sealed)
    }
}

impl Drop for DataKey {
    fn drop(&mut self) {
        self.0.fill(0);
        // Keeps the compiler from leaving the wiping out as a write that nobody reads.
        std::hint::black_box(&self.0);
    }
}

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("key {} was destroyed: nothing can be sealed under it any more", .0.0)]
    Destroyed(KeyName),
    #[error("key {} is missing: keys.db is not the one of this log, or an older one; restore the newest", .0.0)]
    NotThere(KeyName),
    #[error("the key store cannot be used: {0}")]
    Unavailable(String),
    #[error("the key store is damaged: {0}; restore the newest keys.db from its backup")]
    Damaged(String),
    #[error("key {} cannot be unwrapped: it is damaged in keys.db; restore the newest keys.db from its backup", .0.0)]
    Altered(KeyName),
    #[error(
        "the master key is not the one that the key store {} was made with: put the right master key file into the configuration", .0.display()
    )]
    WrongMasterKey(PathBuf),
    #[error(
        "there is no key store at {}: restore the newest keys.db from its backup, or log and keys together (`muster restore`). If there is \
         none, `muster serve --accept-lost-keys` starts without: what the lost keys sealed can never be read again", .0.display()
    )]
    Missing(PathBuf),
    #[error("there is a key store at {} already", .0.display())]
    Exists(PathBuf),
    #[error(transparent)]
    LeftBehind(LeftBehind),
    #[error("master key file {}: {why}", .path.display())]
    MasterKeyFile { path: PathBuf, why: String },
}

/// What a store has of a key.
pub enum Held {
    Key(DataKey),
    /// It was destroyed: what it sealed is erased.
    Destroyed,
    /// It was lost, and an operator accepted that.
    Lost,
    /// The store never had it. In a log that uses it this means that the store is another one.
    Missing,
}

impl Held {
    /// Whether the key is there.
    pub fn is_there(&self) -> bool {
        matches!(self, Held::Key(_))
    }
}

/// Where data keys are kept. Calls block (they may write and sync): call from a blocking thread.
pub trait KeyStore: Send + Sync {
    /// Becomes `Some(why)` when the store has stopped for good, as [`StoreLifecycle::failed`](crate::store::StoreLifecycle::failed) does.
    fn failed(&self) -> watch::Receiver<Option<String>>;

    /// Makes the keys that never were. On return they are durable: they survive a crash of process and machine. In the
    /// place of a lost key its [successor](KeyName::successor) is made.
    ///
    /// # Errors
    /// `Destroyed` if one was destroyed: a destroyed key never comes back.
    fn ensure(&self, names: &[KeyName]) -> Result<(), KeyError>;

    /// What there is of a key.
    ///
    /// # Errors
    /// If the store cannot be read or the master key is a wrong one.
    fn key(&self, name: &KeyName) -> Result<Held, KeyError>;

    /// Number of changes so far: raised with each key that is made, destroyed or lost, in the same commit. A store with a
    /// lower number than a log has seen is an older one.
    fn sequence(&self) -> u64;

    /// The log has a durable event at this position. Kept with the next change and at the end; a log that ends before it was set back.
    fn log_reached(&self, _position: u64) {}

    /// Makes `owner` the owner of `name`: when `owner` is destroyed, `name` is too. How a visit's key comes to a person.
    ///
    /// # Errors
    /// If it cannot be written.
    fn hand_over(&self, name: &KeyName, owner: &KeyName) -> Result<(), KeyError>;

    /// Destroys the key and every key handed over to it, its successors too. On return it cannot be read from the store's file any more.
    ///
    /// # Errors
    /// If it cannot be written.
    fn destroy(&self, name: &KeyName) -> Result<(), KeyError>;
}
