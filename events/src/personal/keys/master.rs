//! The server's master key and its file.

use super::{DataKey, KeyError, KeyName, cipher};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use world::regular_file;

/// The server's master key. It wraps the data keys, and other keys are derived from it. Cannot be printed; overwritten
/// with zeros when dropped.
#[derive(Clone)]
pub struct MasterKey(DataKey);

impl MasterKey {
    pub fn from_bytes(bytes: [u8; 32]) -> MasterKey {
        MasterKey(DataKey(bytes))
    }

    /// Reads the key from a file of 64 hex digits that only its owner may access.
    ///
    /// # Errors
    /// Returns an error that says what is wrong with the file.
    pub fn read_file(path: &Path) -> Result<MasterKey, KeyError> {
        let bad = |why: String| KeyError::MasterKeyFile { path: path.to_owned(), why };
        let unreadable = |error: std::io::Error| bad(error.to_string());
        let file = regular_file::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.mode() & 0o077 != 0 {
            return Err(bad(format!("others can access it (mode {:o}): run chmod 600", metadata.mode() & 0o777)));
        }
        let text = regular_file::content(file).map_err(unreadable)?;
        let mut bytes = [0u8; 32];
        hex::decode_to_slice(text.trim_ascii(), &mut bytes)
            .map_err(|_| bad("it must hold 64 hex digits and nothing else".into()))?;
        Ok(MasterKey::from_bytes(bytes))
    }

    /// Writes a new file with mode 0600 and syncs it. Never replaces a file.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written or exists already.
    pub fn write_file(&self, path: &Path) -> Result<(), KeyError> {
        let bad = |error: std::io::Error| KeyError::MasterKeyFile { path: path.to_owned(), why: error.to_string() };
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(bad)?;
        file.write_all(format!("{}\n", hex::encode(self.0.0)).as_bytes()).map_err(bad)?;
        file.sync_all().map_err(bad)
    }

    /// Encrypts a data key for storage. It can only be unwrapped under the same name.
    pub fn wrap(&self, name: &KeyName, key: &DataKey) -> Vec<u8> {
        self.0.seal(name.0.as_bytes(), &key.0)
    }

    /// Decrypts a data key. `None` if it was altered, or wrapped with another master key or under another name.
    pub fn unwrap(&self, name: &KeyName, wrapped: &[u8]) -> Option<DataKey> {
        let bytes = self.0.open(name.0.as_bytes(), wrapped)?;
        Some(DataKey(bytes.try_into().ok()?))
    }

    /// Derives a key for another purpose: HMAC-SHA-256 of the purpose's name.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        cipher::hmac(&self.0.0, &[b"purpose", purpose.as_bytes()])
    }

    /// Returns the value that identifies the master key in `LogCreated` without revealing it: lower-case hex.
    pub fn fingerprint(&self) -> String {
        hex::encode(self.derive("fingerprint"))
    }
}
