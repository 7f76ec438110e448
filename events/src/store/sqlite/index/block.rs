//! A block of the index: places of many streams in order of stream and revision, packed, with a checksum.
//!
//! A block is a series of entries. An entry has consecutive revisions of one stream: the key of the stream (16 bytes),
//! the first revision, the number of bytes that follow, the first position, and the distance of each further position
//! from the one before it. The numbers are in LEB128. The last four bytes are the CRC-32C of the run, of the first
//! place and of the entries.

use super::{Key, Place};
use crc32c::{crc32c, crc32c_append};
use rusqlite::ffi;

/// A place of a stream.
pub(super) type Item = (Key, Place);

/// The key and the first revision of a block, in the order of their bytes.
pub(super) type First = [u8; 24];

/// Maximum bytes of a block. SQLite keeps a row of up to 2,030 bytes in one page of 8 KiB.
const MOST: usize = 1_960;

/// Bytes of positions after which an entry ends.
const ENTRY: usize = 1_024;

/// Bytes of the checksum at the end of a block.
const CHECKSUM: usize = 4;

/// A packed block.
pub(super) struct Block {
    pub(super) first: First,
    pub(super) bytes: Vec<u8>,
}

/// Returns the bytes by which blocks are sorted.
pub(super) fn first_of(key: &Key, revision: u64) -> First {
    let mut first = [0; 24];
    first[..16].copy_from_slice(key);
    first[16..].copy_from_slice(&revision.to_be_bytes());
    first
}

/// Packs places, which come in order of stream and revision, into the blocks of a run.
pub(super) struct Packer {
    run: i64,
    block: Option<Block>,
    entry: Option<Open>,
}

/// The entry that grows.
struct Open {
    key: Key,
    first: u64,
    next: u64,
    last: u64,
    positions: Vec<u8>,
}

impl Packer {
    pub(super) fn of(run: i64) -> Packer {
        Packer { run, block: None, entry: None }
    }

    /// Adds a place. Returns the block before it if that is full.
    pub(super) fn push(&mut self, (key, place): &Item) -> Option<Block> {
        if let Some(entry) = &mut self.entry
            && entry.key == *key
            && entry.next == place.revision
            && entry.positions.len() < ENTRY
        {
            put(&mut entry.positions, place.position.wrapping_sub(entry.last));
            (entry.next, entry.last) = (entry.next.wrapping_add(1), place.position);
            return None;
        }
        let full = self.end_entry();
        let mut positions = Vec::new();
        put(&mut positions, place.position);
        let (first, next) = (place.revision, place.revision.wrapping_add(1));
        self.entry = Some(Open { key: *key, first, next, last: place.position, positions });
        full
    }

    /// Returns the last blocks.
    pub(super) fn end(mut self) -> impl Iterator<Item = Block> {
        let full = self.end_entry();
        let last = self.block.take().map(|block| self.sealed(block));
        full.into_iter().chain(last)
    }

    fn end_entry(&mut self) -> Option<Block> {
        let entry = self.entry.take()?;
        let mut bytes = entry.key.to_vec();
        put(&mut bytes, entry.first);
        put(&mut bytes, entry.positions.len() as u64);
        bytes.extend(entry.positions);
        match &mut self.block {
            Some(block) if block.bytes.len() + bytes.len() + CHECKSUM <= MOST => {
                block.bytes.extend(bytes);
                None
            }
            block => {
                let full = block.replace(Block { first: first_of(&entry.key, entry.first), bytes });
                full.map(|full| self.sealed(full))
            }
        }
    }

    fn sealed(&self, mut block: Block) -> Block {
        block.bytes.extend(checksum(self.run, &block.first, &block.bytes).to_le_bytes());
        block
    }
}

fn checksum(run: i64, first: &[u8], entries: &[u8]) -> u32 {
    crc32c_append(crc32c_append(crc32c(&run.to_le_bytes()), first), entries)
}

/// Consecutive revisions of a stream.
pub(super) struct Entry<'a> {
    pub(super) key: &'a Key,
    first: u64,
    positions: &'a [u8],
}

impl Entry<'_> {
    /// Returns the places of the entry, in order.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        let (mut rest, mut next, mut position) = (self.positions, self.first, 0_u64);
        std::iter::from_fn(move || {
            position = position.wrapping_add(take(&mut rest)?);
            let place = Place { revision: next, position };
            next = next.wrapping_add(1);
            Some(place)
        })
    }
}

/// Returns the entries of a block.
///
/// # Errors
/// Returns an error if the checksum does not match.
pub(super) fn entries<'a>(
    run: i64,
    first: &[u8],
    block: &'a [u8],
) -> rusqlite::Result<impl Iterator<Item = Entry<'a>>> {
    let mut rest = match block.split_last_chunk::<CHECKSUM>() {
        Some((entries, sum)) if u32::from_le_bytes(*sum) == checksum(run, first, entries) => entries,
        _ => return Err(flaw("the checksum of a block does not match")),
    };
    Ok(std::iter::from_fn(move || {
        let (key, after) = rest.split_first_chunk()?;
        rest = after;
        let first = take(&mut rest)?;
        let bytes = usize::try_from(take(&mut rest)?).ok()?;
        let (positions, after) = rest.split_at_checked(bytes)?;
        rest = after;
        Some(Entry { key, first, positions })
    }))
}

/// Returns an error that says that the index is damaged.
pub(super) fn flaw(why: impl Into<String>) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some(why.into()))
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

// `None`: the bytes end within a number, or have none.
fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for nth in 0..10 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << (7 * nth);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::file::is_flaw;
    use super::*;

    fn packed(items: &[Item]) -> Vec<Block> {
        let mut packer = Packer::of(7);
        let mut blocks: Vec<Block> = items.iter().filter_map(|item| packer.push(item)).collect();
        blocks.extend(packer.end());
        blocks
    }

    fn unpacked(blocks: &[Block]) -> Vec<Item> {
        let items = |block: &Block| {
            let entries = entries(7, &block.first, &block.bytes).unwrap();
            entries.flat_map(|entry| entry.places().map(|place| (*entry.key, place)).collect::<Vec<_>>()).collect()
        };
        blocks.iter().flat_map(|block| -> Vec<Item> { items(block) }).collect()
    }

    #[test]
    fn places_of_any_size_are_unpacked_as_they_were_packed() {
        let mut items: Vec<Item> = Vec::new();
        for (stream, count) in [(1, 1), (2, 5_000), (3, 2), (4, 1), (5, 300)] {
            for revision in 0..count {
                let position = u64::MAX / 2 + revision * (1 << (revision % 40));
                items.push(([stream; 16], Place { revision, position }));
            }
        }
        // A gap, the largest numbers, and a position that is lower than the one before it.
        for (revision, position) in [(9, 5), (u64::MAX - 1, u64::MAX), (u64::MAX, 1)] {
            items.push(([9; 16], Place { revision, position }));
        }
        let blocks = packed(&items);
        assert!(blocks.len() > 3 && blocks.iter().all(|block| block.bytes.len() <= MOST));
        assert!(blocks.is_sorted_by(|a, b| a.first < b.first));
        assert_eq!(unpacked(&blocks), items);
        assert_eq!(unpacked(&packed(&[])), []);
    }

    #[test]
    fn a_single_event_takes_twenty_bytes() {
        let items: Vec<Item> =
            (0..=255).map(|stream| ([stream; 16], Place { revision: 0, position: 100 + u64::from(stream) })).collect();
        let bytes: usize = packed(&items).iter().map(|block| block.bytes.len()).sum();
        assert!(bytes < 21 * 256, "{bytes}");
    }

    #[test]
    fn a_block_that_differs_in_any_bit_or_belongs_elsewhere_is_a_flaw() {
        let items: Vec<Item> =
            (0..10).map(|revision| ([1; 16], Place { revision, position: revision * 1_000 })).collect();
        let [block] = &packed(&items)[..] else { panic!("one block") };
        let is_flawed =
            |run, first: &[u8], bytes: &[u8]| entries(run, first, bytes).is_err_and(|error| is_flaw(&error));
        for bit in 0..block.bytes.len() * 8 {
            let mut other = block.bytes.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(is_flawed(7, &block.first, &other), "{bit}");
        }
        assert!(is_flawed(8, &block.first, &block.bytes));
        assert!(is_flawed(7, &first_of(&[1; 16], 1), &block.bytes));
        assert!(is_flawed(7, &block.first, &[]));
        assert!(!is_flawed(7, &block.first, &block.bytes));
    }
}
