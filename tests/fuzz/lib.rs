//! The fuzz targets' own package: it is no member of the workspace, since libFuzzer is built only where somebody fuzzes.
//! `tests/fuzz/run` builds and runs it.

pub mod laws;
pub mod mutate;

use mutate::{Dice, mutated};

/// A change that keeps a message well formed, for what follows on `kept` bytes of a buffer that holds `size` bytes and has room
/// for `most`. Gives the new size.
pub fn mutate_in_place(buffer: &mut [u8], size: usize, most: usize, kept: usize, seed: u32) -> usize {
    let message = mutated(&buffer[kept..size], &mut Dice::new(u64::from(seed)));
    let size = (kept + message.len()).min(most);
    buffer[kept..size].copy_from_slice(&message[..size - kept]);
    size
}
