//! Line numbers and line ends: LF, CRLF and CR.

/// Counts the lines of a text that comes in parts.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LineCounter {
    ended: u64,
    is_after_cr: bool,
}

impl LineCounter {
    /// Number of the line on which the next byte is; the first line is 1.
    pub(crate) fn current(self) -> u64 {
        self.ended + 1
    }

    pub(crate) fn pass(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                // The second half of CRLF.
                b'\n' if self.is_after_cr => {}
                b'\n' | b'\r' => self.ended += 1,
                _ => {}
            }
            self.is_after_cr = *byte == b'\r';
        }
    }
}

/// Returns the index of the first byte that ends a line.
pub(super) fn line_end(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| is_line_end(*byte))
}

pub(super) fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// Shortens text to at most `limit` bytes. UTF-8 is not cut within a character, since it would look like another
/// encoding.
pub(super) fn cut(text: &mut Vec<u8>, limit: usize) {
    text.truncate(limit);
    if let Err(error) = std::str::from_utf8(text)
        && error.error_len().is_none()
    {
        text.truncate(error.valid_up_to());
    }
}

#[cfg(test)]
mod tests {
    use super::{LineCounter, cut};

    #[test]
    fn a_text_is_not_cut_within_a_character() {
        for (text, limit, expected) in [("aé", 2, "a"), ("aé", 3, "aé"), ("aé", 1, "a")] {
            let mut text = text.as_bytes().to_vec();
            cut(&mut text, limit);
            assert_eq!(text, expected.as_bytes());
        }
    }

    #[test]
    fn lines_are_counted_with_every_line_end_also_across_parts() {
        for parts in [&["a\nb\nc"][..], &["a\r\nb\r\nc"], &["a\rb\rc"], &["a\r", "\nb", "\r", "\n", "c"]] {
            let mut lines = LineCounter::default();
            parts.iter().for_each(|part| lines.pass(part.as_bytes()));
            assert_eq!(lines.current(), 3, "{parts:?}");
        }
    }
}
