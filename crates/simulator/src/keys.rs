//! Keys for simulated devices: a new key for each device, or a pool that many devices share, because generating an
//! RSA key takes longer than the rest of an enrollment. Certificates stay distinct.

use crate::chance;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use std::sync::Arc;

#[derive(Clone, Default)]
pub struct KeyPool {
    shared: Option<Arc<Vec<PKey<Private>>>>,
}

impl KeyPool {
    /// Every device generates its own key.
    pub fn fresh() -> KeyPool {
        KeyPool::default()
    }

    /// A pool of `count` RSA keys of 2048 bits that devices share.
    ///
    /// # Errors
    /// Returns an error if OpenSSL cannot generate a key.
    pub fn shared(count: usize) -> Result<KeyPool, ErrorStack> {
        let keys: Result<Vec<_>, _> = (0..count.max(1)).map(|_| rsa(2048)).collect();
        Ok(KeyPool { shared: Some(Arc::new(keys?)) })
    }

    /// Returns a key of `bits` bits, or one of the shared keys.
    ///
    /// # Errors
    /// Returns an error if OpenSSL cannot generate a key.
    pub async fn take(&self, bits: u32) -> Result<PKey<Private>, ErrorStack> {
        if let Some(keys) = &self.shared {
            return Ok(keys[chance::index(keys.len())].clone());
        }
        match tokio::task::spawn_blocking(move || rsa(bits)).await {
            Ok(key) => key,
            Err(_) => rsa(bits),
        }
    }
}

fn rsa(bits: u32) -> Result<PKey<Private>, ErrorStack> {
    PKey::from_rsa(Rsa::generate(bits)?)
}
