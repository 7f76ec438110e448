//! A digest of an organization, to compare two of them.

use std::fmt::{self, Write};

/// FNV-1a with 64 bits. It detects accidental differences; nobody attacks it.
#[derive(Debug)]
pub(crate) struct Digest(pub(crate) u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Write for Digest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}

impl Digest {
    /// Adds the form of a value for debugging, which names every field.
    pub(crate) fn add(&mut self, value: &impl fmt::Debug) {
        // Writing to a digest cannot fail.
        let _ = write!(self, "{value:?}");
    }
}
