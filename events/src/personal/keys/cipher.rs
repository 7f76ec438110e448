//! AES-256-GCM with a synthetic nonce, derived from the sealed data.
//!
//! The nonce is `HMAC-SHA-256(key', associated data, plaintext)`, cut to 96 bits, where `key'` is derived from the key.
//! So a repeated append seals to the same bytes and needs no randomness. Since the nonce depends on the plaintext, one
//! event id with two different values (a decision repeated after a conflict) never reuses a nonce. GCM is broken if a
//! nonce is reused (NIST SP 800-38D section 8). The scheme reveals that the same value was sealed twice, but only for
//! the same field of the same event.

use openssl::memcmp;
use openssl::sha::{Sha256, sha256};
use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};

const NONCE: usize = 12;
const TAG: usize = 16;
/// Block size of SHA-256 in bytes.
const BLOCK: usize = 64;

/// Returns the HMAC-SHA-256 of `parts` under `key` (RFC 2104), from two hashes: the setup of OpenSSL's own HMAC takes
/// longer than the hashes of short parts.
pub fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut block = [0; BLOCK];
    match key.len() {
        0..=BLOCK => block[..key.len()].copy_from_slice(key),
        _ => block[..32].copy_from_slice(&sha256(key)),
    }
    let mut inner = Sha256::new();
    inner.update(&block.map(|byte| byte ^ 0x36));
    for part in parts {
        // The length prefix ensures that two different lists of parts never give the same input.
        inner.update(&(part.len() as u64).to_be_bytes());
        inner.update(part);
    }
    let mut outer = Sha256::new();
    outer.update(&block.map(|byte| byte ^ 0x5c));
    outer.update(&inner.finish());
    outer.finish()
}

/// Compares two byte strings, such as tags or digests, in constant time. Strings of different length are unequal.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && memcmp::eq(a, b)
}

/// Returns nonce, ciphertext and tag, in this order.
pub(super) fn seal(key: &[u8; 32], associated: &[u8], plain: &[u8]) -> Vec<u8> {
    let nonce = &hmac(&hmac(key, &[b"nonce"]), &[associated, plain])[..NONCE];
    let mut tag = [0u8; TAG];
    let ciphertext = encrypt_aead(Cipher::aes_256_gcm(), key, Some(nonce), associated, plain, &mut tag)
        .expect("AES-256-GCM takes any plaintext");
    [nonce, &ciphertext, &tag].concat()
}

pub(super) fn open(key: &[u8; 32], associated: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, rest) = sealed.split_at_checked(NONCE)?;
    let (ciphertext, tag) = rest.split_at_checked(rest.len().checked_sub(TAG)?)?;
    decrypt_aead(Cipher::aes_256_gcm(), key, Some(nonce), associated, ciphertext, tag).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::hash::MessageDigest;
    use openssl::pkey::PKey;
    use openssl::sign::Signer;

    #[test]
    fn the_hmac_is_that_of_openssl() {
        for length in [1, 31, 32, 63, 64, 65, 200] {
            let key = vec![7; length];
            let mut signer = Signer::new(MessageDigest::sha256(), &PKey::hmac(&key).unwrap()).unwrap();
            for part in [&b"one"[..], b"", &[9; 300]] {
                signer.update(&(part.len() as u64).to_be_bytes()).unwrap();
                signer.update(part).unwrap();
            }
            assert_eq!(hmac(&key, &[b"one", b"", &[9; 300]]).to_vec(), signer.sign_to_vec().unwrap(), "{length}");
        }
    }
}
