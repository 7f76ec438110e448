//! The bytes of a row of the index: its positions and a checksum.

use super::{Key, Place};
use crc32c::{crc32c, crc32c_append};
use rusqlite::types::Type;

/// Bytes of a position in a row.
pub(super) const WIDTH: usize = 6;

/// Bytes of the checksum at the end of a row.
const CHECKSUM: usize = 4;

/// Returns the bytes of a row with its checksum.
pub(super) fn sealed(key: &Key, first: u64, mut positions: Vec<u8>) -> Vec<u8> {
    positions.extend(checksum(key, first, &positions).to_le_bytes());
    positions
}

/// Returns the positions of a row.
///
/// # Errors
/// Returns an error if the checksum does not match.
pub(super) fn checked<'a>(key: &Key, first: u64, row: &'a [u8]) -> rusqlite::Result<&'a [u8]> {
    match row.split_last_chunk::<CHECKSUM>() {
        Some((positions, sum)) if u32::from_le_bytes(*sum) == checksum(key, first, positions) => Ok(positions),
        _ => {
            let why = "the checksum of a row does not match";
            Err(rusqlite::Error::FromSqlConversionFailure(1, Type::Blob, why.into()))
        }
    }
}

fn checksum(key: &Key, first: u64, positions: &[u8]) -> u32 {
    crc32c_append(crc32c_append(crc32c(key), &first.to_le_bytes()), positions)
}

/// Returns the bytes of a position.
pub(super) fn pack(place: &Place) -> [u8; WIDTH] {
    let bytes = place.position.to_le_bytes();
    std::array::from_fn(|nth| bytes[nth])
}

/// Returns the last place of a row.
pub(super) fn last_of(first: u64, positions: &[u8]) -> Option<Place> {
    let before = (positions.len() / WIDTH).checked_sub(1)?;
    unpack(first + before as u64, &positions[before * WIDTH..]).next()
}

/// Returns the places of a row.
pub(super) fn unpack(first: u64, positions: &[u8]) -> impl Iterator<Item = Place> {
    let position = |bytes: &[u8]| {
        let mut all = [0; 8];
        all[..WIDTH].copy_from_slice(bytes);
        u64::from_le_bytes(all)
    };
    (first..)
        .zip(positions.chunks_exact(WIDTH))
        .map(move |(revision, bytes)| Place { revision, position: position(bytes) })
}
