//! The keys of personal data: one a person, visit, device or local account, wrapped by the server's master key.

mod cipher;
mod master;
mod sqlite;

pub use master::MasterKey;
pub use sqlite::{FILE, Randomness, SqliteKeyStore};

use super::KeyName;
use std::path::PathBuf;

/// A 256-bit data key. Not printable, wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct DataKey(pub(crate) [u8; 32]);

impl DataKey {
    pub fn from_bytes(bytes: [u8; 32]) -> DataKey {
        DataKey(bytes)
    }

    /// Ciphertext with its nonce in front.
    pub(crate) fn seal(&self, associated: &[u8], plain: &[u8]) -> Vec<u8> {
        cipher::seal(&self.0, associated, plain)
    }

    /// `None` if it was altered, or sealed with another key or other associated data.
    pub(crate) fn open(&self, associated: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
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
    #[error("the key store cannot be used: {0}")]
    Unavailable(String),
    #[error("key {} cannot be unwrapped: the key store was altered", .0.0)]
    Altered(KeyName),
    #[error(
        "the master key is not the one that the key store {} was made with: put the right master key file into the configuration", .0.display()
    )]
    WrongMasterKey(PathBuf),
    #[error("there is no key store at {}: `muster init` makes one, `muster restore` brings one back", .0.display())]
    Missing(PathBuf),
    #[error("there is a key store at {} already", .0.display())]
    Exists(PathBuf),
    #[error("master key file {}: {why}", .path.display())]
    MasterKeyFile { path: PathBuf, why: String },
}

/// Where data keys are kept. Calls block (they may write and sync): call from a blocking thread.
pub trait KeyStore: Send + Sync {
    /// Makes the key if there is none. On return it is durable: survives a crash of process and machine.
    ///
    /// # Errors
    /// `Destroyed` if it was destroyed: a destroyed key never comes back.
    fn ensure(&self, names: &[KeyName]) -> Result<(), KeyError>;

    /// The key, or `None` if it was destroyed or never made.
    ///
    /// # Errors
    /// If the store cannot be read or the master key is a wrong one.
    fn key(&self, name: &KeyName) -> Result<Option<DataKey>, KeyError>;

    /// Makes `owner` the owner of `name`: when `owner` is destroyed, `name` is too. How a visit's key comes to a person.
    ///
    /// # Errors
    /// If it cannot be written.
    fn hand_over(&self, name: &KeyName, owner: &KeyName) -> Result<(), KeyError>;

    /// Destroys the key and every key handed over to it. On return it cannot be read from the store's file any more.
    ///
    /// # Errors
    /// If it cannot be written.
    fn destroy(&self, name: &KeyName) -> Result<(), KeyError>;
}
