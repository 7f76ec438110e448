//! The keys of personal data: one a person, visit, device or local account, wrapped by the server's master key.

use super::KeyName;

/// A 256-bit data key. Not printable, wiped when dropped.
pub struct DataKey(pub(crate) [u8; 32]);

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("key {} was destroyed: nothing can be sealed under it any more", .0.0)]
    Destroyed(KeyName),
    #[error("the key store cannot be used: {0}")]
    Unavailable(String),
    #[error("key {} cannot be unwrapped: the master key is not the one it was wrapped with, or the key store was altered", .0.0)]
    WrongMasterKey(KeyName),
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

/// The server's master key: wraps data keys, and other keys are derived from it. Not printable.
pub struct MasterKey([u8; 32]);

impl MasterKey {
    pub fn from_bytes(bytes: [u8; 32]) -> MasterKey {
        MasterKey(bytes)
    }

    /// A key for another purpose: HMAC-SHA-256 of the purpose's name.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        use openssl::{hash::MessageDigest, pkey::PKey, sign::Signer};
        let key = PKey::hmac(&self.0).expect("a key of 32 bytes is a key");
        let mut signer = Signer::new(MessageDigest::sha256(), &key).expect("HMAC-SHA-256 is there");
        signer.update(purpose.as_bytes()).expect("HMAC takes any bytes");
        let mut derived = [0u8; 32];
        signer.sign(&mut derived).expect("HMAC-SHA-256 has 32 bytes");
        derived
    }

    /// What names the key in `LogCreated` without telling it: lower-case hex.
    pub fn fingerprint(&self) -> String {
        hex::encode(self.derive("fingerprint"))
    }
}
