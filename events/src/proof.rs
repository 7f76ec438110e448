//! Leaf hashes of the log's Merkle tree (RFC 6962 section 2.1). The tree itself is not implemented yet; the leaves are
//! stored from the first event on.

use openssl::sha::Sha256;

/// Returns `SHA-256(0x00 || canonical bytes)`.
pub fn leaf_hash(canonical: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(&[0]);
    hash.update(canonical);
    hash.finish()
}
