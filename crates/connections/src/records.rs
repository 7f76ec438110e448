//! Finds the boundaries of TLS records on a connection. Nothing of a record can be read before it is complete, so only
//! this shows how much of a record has arrived.

/// Length in bytes of a record header: type, version, and number of following bytes (RFC 8446 section 5.1; RFC 5246
/// section 6.2.1).
const HEADER: usize = 5;

/// Counts bytes from the beginning of the current record.
#[derive(Debug, Default)]
pub(crate) struct Records {
    /// Header bytes received so far.
    header: [u8; HEADER],
    header_bytes: usize,
    /// Received and missing bytes after the header.
    came: u64,
    missing: u64,
}

impl Records {
    /// Processes received bytes.
    pub(crate) fn take(&mut self, mut bytes: &[u8]) {
        while let Some((first, rest)) = bytes.split_first() {
            if self.header_bytes < HEADER {
                self.header[self.header_bytes] = *first;
                self.header_bytes += 1;
                bytes = rest;
                if self.header_bytes == HEADER {
                    self.missing = u16::from_be_bytes([self.header[3], self.header[4]]).into();
                    self.end_if_whole();
                }
            } else {
                let taken = usize::try_from(self.missing).map_or(bytes.len(), |missing| bytes.len().min(missing));
                self.came += taken as u64;
                self.missing -= taken as u64;
                bytes = &bytes[taken..];
                self.end_if_whole();
            }
        }
    }

    fn end_if_whole(&mut self) {
        if self.missing == 0 {
            (self.header_bytes, self.came) = (0, 0);
        }
    }

    /// Returns the number of received bytes of an incomplete record.
    pub(crate) fn unfinished(&self) -> u64 {
        self.header_bytes as u64 + self.came
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_of_a_record_is_known_however_the_bytes_come() {
        let record = |length: u16| [&[23, 3, 3][..], &length.to_be_bytes(), &vec![0; length.into()]].concat();
        let stream = [record(1), record(0), record(700), record(16_640)].concat();
        let ends = [0, 6, 11, 716, stream.len()];
        for step in [1, 3, 5, 6, 64, 1_000, stream.len()] {
            let (mut records, mut come) = (Records::default(), 0);
            for piece in stream.chunks(step) {
                records.take(piece);
                come += piece.len();
                let begun = ends.iter().rev().find(|end| **end <= come).unwrap();
                assert_eq!(records.unfinished(), (come - begun) as u64, "{come} bytes in steps of {step}");
            }
        }
    }
}
