//! AES-256-GCM with a nonce made of what is sealed.
//!
//! The nonce is `HMAC-SHA-256(key', associated data, plaintext)`, cut to 96 bits, where `key'` is derived from the key.
//! So a repeated append seals to the same bytes and needs no randomness; and since the plaintext goes into the nonce, the
//! same event id used for two different values (a decision taken anew after a conflict) never uses a nonce twice, which
//! GCM does not forgive (NIST SP 800-38D section 8). What it gives away, that the same value was sealed twice, it gives
//! away for the same field of the same event only.

use openssl::hash::MessageDigest;
use openssl::memcmp;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};

const NONCE: usize = 12;
const TAG: usize = 16;

/// HMAC-SHA-256 of `parts` under a key that is derived from the master key.
pub fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let key = PKey::hmac(key).expect("bytes are a key");
    let mut signer = Signer::new(MessageDigest::sha256(), &key).expect("HMAC-SHA-256 is there");
    for part in parts {
        // The length in front, so that two lists of parts never make the same input.
        signer.update(&(part.len() as u64).to_be_bytes()).expect("HMAC takes any bytes");
        signer.update(part).expect("HMAC takes any bytes");
    }
    let mut digest = [0u8; 32];
    signer.sign(&mut digest).expect("HMAC-SHA-256 has 32 bytes");
    digest
}

/// Compares tags and digests in constant time (of equal lengths).
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && memcmp::eq(a, b)
}

/// Nonce, ciphertext, tag.
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
