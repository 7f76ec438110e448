//! Encrypts the pending data of a session with the session's key, which exists only in the cookie. A copy of the file
//! or of its write-ahead log therefore does not reveal the seed of an authenticator app that is being set up.

use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};
use world::World;

const NONCE: usize = 12;
const TAG: usize = 16;

// The session key has 256 random bits, so one hash is enough to derive a cipher key. The prefix makes the result differ
// from the hash in the row.
fn cipher_key(key: &str) -> [u8; 32] {
    openssl::sha::sha256(format!("pending in session\n{key}").as_bytes())
}

/// Encrypts `text` with AES-256-GCM. Returns nonce, tag and ciphertext.
pub(super) fn seal(key: &str, text: &str) -> Option<Vec<u8>> {
    let (mut nonce, mut tag) = ([0; NONCE], [0; TAG]);
    World::fill(&mut nonce);
    let sealed =
        encrypt_aead(Cipher::aes_256_gcm(), &cipher_key(key), Some(&nonce), &[], text.as_bytes(), &mut tag).ok()?;
    Some([&nonce[..], &tag, &sealed].concat())
}

/// Decrypts the result of [`seal`]. `None` if it was encrypted with another key or is damaged.
pub(super) fn open(key: &str, sealed: &[u8]) -> Option<String> {
    let (nonce, rest) = sealed.split_at_checked(NONCE)?;
    let (tag, text) = rest.split_at_checked(TAG)?;
    let opened = decrypt_aead(Cipher::aes_256_gcm(), &cipher_key(key), Some(nonce), &[], text, tag).ok()?;
    String::from_utf8(opened).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_of_the_session_opens_what_waits_in_it() {
        let sealed = seal("key", "a seed").unwrap();
        assert_eq!(open("key", &sealed).as_deref(), Some("a seed"));
        assert_eq!(open("another", &sealed), None);
        assert_eq!(open("key", &sealed[1..]), None);
        assert_eq!(open("key", &[]), None);
        assert!(!sealed.windows(6).any(|window| window == b"a seed"));
    }
}
