//! Package of the fuzz targets. It is not a member of the workspace, so that libFuzzer is built only for fuzzing.
//! `tests/fuzz/run` builds and runs it.

pub mod laws;
pub mod mutate;

use mutate::{Dice, mutated};

/// Changes a message so that it stays well-formed. The message is in a buffer of `size` bytes, which has room for
/// `most`. The first `kept` bytes are unchanged. Returns the new size.
pub fn mutate_in_place(buffer: &mut [u8], size: usize, most: usize, kept: usize, seed: u32) -> usize {
    let message = mutated(&buffer[kept..size], &mut Dice::new(u64::from(seed)));
    let size = (kept + message.len()).min(most);
    buffer[kept..size].copy_from_slice(&message[..size - kept]);
    size
}
