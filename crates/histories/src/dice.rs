//! Random values that depend on what they are for alone: the same parts give the same values, in any order of use.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uuid::{Builder, Uuid};

/// A stream of random values.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

/// Mixes two numbers into one.
pub(crate) fn mix(one: u64, other: u64) -> u64 {
    finish(one.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ finish(other))
}

// The finalizer of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
fn finish(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

impl Dice {
    /// The stream of these parts, such as a seed, a purpose and a number.
    pub(crate) fn of(parts: &[u64]) -> Dice {
        Dice(parts.iter().fold(0x005d_eece_66d5, |state, part| mix(state, *part)))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        finish(self.0)
    }

    /// True with a probability in thousandths.
    pub(crate) fn chance(&mut self, of_a_thousand: u64) -> bool {
        self.below(1_000) < of_a_thousand
    }

    /// A number from 0 to below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A number from `from` to below `end`; `from` if the range is empty.
    pub(crate) fn between(&mut self, from: i64, end: i64) -> i64 {
        let span = u64::try_from(end - from).unwrap_or(0).max(1);
        from + self.below(span) as i64
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for eight in bytes.chunks_mut(8) {
            eight.copy_from_slice(&self.next().to_le_bytes()[..eight.len()]);
        }
        bytes
    }

    /// A UUID of version 4.
    pub(crate) fn uuid(&mut self) -> Uuid {
        Builder::from_random_bytes(self.bytes()).into_uuid()
    }

    /// A UUID of version 7 for an instant in microseconds since 1970.
    pub(crate) fn uuid_at(&mut self, at: i64) -> Uuid {
        let milliseconds = u64::try_from(at / 1_000).unwrap_or(0);
        Builder::from_unix_timestamp_millis(milliseconds, &self.bytes()).into_uuid()
    }

    /// A UUID of version 8, as ids that are derived from a value.
    pub(crate) fn uuid_derived(&mut self) -> Uuid {
        Builder::from_custom_bytes(self.bytes()).into_uuid()
    }

    /// A SHA-256, in lower-case hex.
    pub(crate) fn hash(&mut self) -> String {
        hex::encode(self.bytes::<32>())
    }

    /// Base64 of so many random bytes.
    pub(crate) fn base64<const N: usize>(&mut self) -> String {
        STANDARD.encode(self.bytes::<N>())
    }
}
