//! The bytes of a file as text in an encoding that contains ASCII: UTF-16 is decoded to UTF-8 here, and UTF-8 and
//! Windows-1252 pass. Which of these two a row is in is decided per row (`text`), since a file is read once.

use encoding_rs::{CoderResult, Decoder, UTF_16BE, UTF_16LE, WINDOWS_1252};
use serde::Deserialize;
use std::borrow::Cow;
use std::io::{self, ErrorKind, Read};

/// Encoding of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Encoding {
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "utf-16le")]
    Utf16Le,
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// Assumed for rows that are not UTF-8, unless the mapping names an encoding.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

/// The encoding of a file, as its beginning shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Detected {
    pub(crate) encoding: Encoding,
    /// Whether the file begins with a byte order mark.
    pub(crate) is_marked: bool,
}

/// Number of bytes that are read at once.
const CHUNK: usize = 64 * 1024;

/// A file of which some bytes can be put back.
pub(crate) struct Input<R> {
    inner: R,
    decoder: Option<Decoder>,
    encoded: Encoded,
    /// Bytes that come before the rest of the file; `at` is the next one.
    ready: Vec<u8>,
    at: usize,
    is_at_end: bool,
    read: u64,
}

// Bytes that are not decoded yet.
struct Encoded {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl<R: Read> Input<R> {
    /// Reads the beginning of the file and finds its encoding. Without a declared one, a byte order mark decides, then
    /// the zeros of ASCII letters in UTF-16.
    pub(crate) fn open(inner: R, declared: Option<Encoding>) -> io::Result<(Input<R>, Detected)> {
        let encoded = Encoded { bytes: vec![0; CHUNK].into_boxed_slice(), start: 0, end: 0 };
        let mut input = Input { inner, decoder: None, encoded, ready: Vec::new(), at: 0, is_at_end: false, read: 0 };
        // A byte order mark may come in several reads.
        while input.encoded.end < 4096 && input.fill()? {}
        let start = &input.encoded.bytes[..input.encoded.end];
        let (mark, found) = marked(start).unwrap_or((0, evident(start)));
        input.encoded.start = mark;
        let encoding = if mark > 0 { found } else { declared.unwrap_or(found) };
        input.decoder = match encoding {
            Encoding::Utf16Le => Some(UTF_16LE.new_decoder_without_bom_handling()),
            Encoding::Utf16Be => Some(UTF_16BE.new_decoder_without_bom_handling()),
            Encoding::Utf8 | Encoding::Windows1252 => None,
        };
        Ok((input, Detected { encoding, is_marked: mark > 0 }))
    }

    /// Returns the next bytes; none at the end of the file. The same bytes are returned until they are consumed.
    pub(crate) fn chunk(&mut self) -> io::Result<&[u8]> {
        while self.at == self.ready.len() && !(self.is_at_end && self.encoded.start == self.encoded.end) {
            self.advance()?;
        }
        Ok(&self.ready[self.at..])
    }

    pub(crate) fn consume(&mut self, count: usize) {
        self.at += count;
    }

    /// Puts bytes back, so that they are the next ones.
    pub(crate) fn unread(&mut self, mut bytes: Vec<u8>) {
        bytes.extend_from_slice(&self.ready[self.at..]);
        (self.ready, self.at) = (bytes, 0);
    }

    /// Returns the number of bytes that were read from the file.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.read
    }

    // Makes the next bytes ready; none if the file has none left.
    fn advance(&mut self) -> io::Result<()> {
        if self.encoded.start == self.encoded.end && !self.is_at_end {
            (self.encoded.start, self.encoded.end) = (0, 0);
            self.fill()?;
        }
        let encoded = &self.encoded.bytes[self.encoded.start..self.encoded.end];
        self.at = 0;
        let Some(decoder) = &mut self.decoder else {
            self.ready.clear();
            self.ready.extend_from_slice(encoded);
            self.encoded.start = self.encoded.end;
            return Ok(());
        };
        // Room for the longest result, so that one call decodes everything. The decoder keeps half characters.
        self.ready.resize(decoder.max_utf8_buffer_length(encoded.len()).unwrap_or(CHUNK * 4), 0);
        let (result, read, written, _) = decoder.decode_to_utf8(encoded, &mut self.ready, self.is_at_end);
        debug_assert_eq!(result, CoderResult::InputEmpty);
        self.ready.truncate(written);
        self.encoded.start += read;
        Ok(())
    }

    // Reads more encoded bytes after those that are there. Returns whether there were any.
    fn fill(&mut self) -> io::Result<bool> {
        loop {
            match self.inner.read(&mut self.encoded.bytes[self.encoded.end..]) {
                Ok(count) => {
                    self.encoded.end += count;
                    self.read += count as u64;
                    self.is_at_end = count == 0;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

// Returns the length of a byte order mark and its encoding.
fn marked(start: &[u8]) -> Option<(usize, Encoding)> {
    match start {
        [0xEF, 0xBB, 0xBF, ..] => Some((3, Encoding::Utf8)),
        [0xFF, 0xFE, ..] => Some((2, Encoding::Utf16Le)),
        [0xFE, 0xFF, ..] => Some((2, Encoding::Utf16Be)),
        _ => None,
    }
}

// In UTF-16, one byte of each ASCII letter is zero. A header has mostly such letters.
fn evident(start: &[u8]) -> Encoding {
    let pairs = &start[..start.len().min(256) / 2 * 2];
    let zeros = |offset: usize| pairs.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let (high, low) = (zeros(0), zeros(1));
    match pairs.len() / 2 {
        count if count >= 2 && low * 2 >= count && high == 0 => Encoding::Utf16Le,
        count if count >= 2 && high * 2 >= count && low == 0 => Encoding::Utf16Be,
        _ => Encoding::Utf8,
    }
}

/// Decides for each row whether it is UTF-8 or Windows-1252.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowEncoding {
    is_windows_1252: bool,
    is_evidently_utf8: bool,
    /// Whether Windows-1252 was assumed for a row.
    pub(crate) is_assumed: bool,
}

/// The encoding of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OneRow {
    Utf8,
    Windows1252,
    /// The bytes are not in the encoding of the file.
    Neither,
}

impl RowEncoding {
    /// A byte order mark decides before the declaration. UTF-16 is already decoded.
    pub(crate) fn new(declared: Option<Encoding>, detected: Detected) -> RowEncoding {
        let is_decoded = matches!(detected.encoding, Encoding::Utf16Le | Encoding::Utf16Be);
        let is_windows_1252 = detected.encoding == Encoding::Windows1252;
        let is_evidently_utf8 = is_decoded || detected.is_marked || declared == Some(Encoding::Utf8);
        RowEncoding { is_windows_1252, is_evidently_utf8, is_assumed: false }
    }

    /// Returns the encoding of a row. Text in Windows-1252 with letters outside of ASCII is practically never valid
    /// UTF-8, so that each row can be decided alone. Once a file has such letters in UTF-8, a row that is not UTF-8 is
    /// damaged.
    pub(crate) fn of(&mut self, row: &[u8]) -> OneRow {
        if self.is_windows_1252 {
            return OneRow::Windows1252;
        }
        if std::str::from_utf8(row).is_ok() {
            self.is_evidently_utf8 |= !row.is_ascii();
            return OneRow::Utf8;
        }
        if self.is_evidently_utf8 {
            return OneRow::Neither;
        }
        self.is_assumed = true;
        OneRow::Windows1252
    }
}

impl OneRow {
    /// Returns the text of a part of the row.
    pub(crate) fn text(self, bytes: &[u8]) -> Cow<'_, str> {
        match self {
            OneRow::Utf8 | OneRow::Neither => String::from_utf8_lossy(bytes),
            OneRow::Windows1252 => WINDOWS_1252.decode_without_bom_handling(bytes).0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Yields a few bytes at a time, with interruptions.
    struct Slow<'a>(&'a [u8], bool);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(ErrorKind::Interrupted.into());
            }
            let count = self.0.len().min(3).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn read(bytes: &[u8]) -> (String, Encoding) {
        let (mut input, detected) = Input::open(Slow(bytes, false), None).unwrap();
        let mut text = Vec::new();
        loop {
            let chunk = input.chunk().unwrap().to_vec();
            if chunk.is_empty() {
                assert_eq!(input.bytes_read(), bytes.len() as u64);
                return (String::from_utf8(text).unwrap(), detected.encoding);
            }
            text.extend_from_slice(&chunk);
            input.consume(chunk.len());
        }
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn every_encoding_is_found_and_decoded() {
        let text = "Name;Größe\r\n👩‍👧;12\r\n";
        let with_mark = |mark: &[u8], rest: Vec<u8>| [mark, &rest].concat();
        for (bytes, encoding) in [
            (text.as_bytes().to_vec(), Encoding::Utf8),
            (with_mark(&[0xEF, 0xBB, 0xBF], text.into()), Encoding::Utf8),
            (with_mark(&[0xFF, 0xFE], utf16(text, u16::to_le_bytes)), Encoding::Utf16Le),
            (with_mark(&[0xFE, 0xFF], utf16(text, u16::to_be_bytes)), Encoding::Utf16Be),
            (utf16(text, u16::to_le_bytes), Encoding::Utf16Le),
            (utf16(text, u16::to_be_bytes), Encoding::Utf16Be),
        ] {
            assert_eq!(read(&bytes), (text.to_owned(), encoding));
        }
    }

    #[test]
    fn an_empty_file_and_a_lone_mark_have_no_text() {
        for bytes in [&b""[..], &[0xEF, 0xBB, 0xBF], &[0xFF, 0xFE]] {
            assert_eq!(read(bytes).0, "");
        }
        assert_eq!(read(&[0xFF, 0xFE, 0x41]).0, "\u{fffd}", "half a character");
    }

    #[test]
    fn text_longer_than_a_chunk_is_read_in_full() {
        let text = "größer,\n".repeat(30_000);
        assert_eq!(read(text.as_bytes()).0, text);
        assert_eq!(read(&utf16(&format!("\u{feff}{text}"), u16::to_le_bytes)).0, text);
    }

    #[test]
    fn bytes_that_are_put_back_come_first() {
        let (mut input, _) = Input::open(&b"abcdef"[..], None).unwrap();
        assert_eq!(input.chunk().unwrap(), b"abcdef");
        input.consume(4);
        input.unread(b"cd".to_vec());
        assert_eq!(input.chunk().unwrap(), b"cdef");
    }

    #[test]
    fn a_row_that_is_not_utf_8_is_windows_1252_unless_the_file_is_evidently_utf_8() {
        let latin = b"Gr\xF6\xDFe \x80";
        let detected = |encoding, is_marked| Detected { encoding, is_marked };
        let unknown = detected(Encoding::Utf8, false);
        let mut encoding = RowEncoding::new(None, unknown);
        assert_eq!(encoding.of(b"ASCII"), OneRow::Utf8);
        assert_eq!(encoding.of(latin).text(latin), "Größe €");
        assert!(encoding.is_assumed);

        let mut encoding = RowEncoding::new(None, unknown);
        assert_eq!(encoding.of("ö".as_bytes()), OneRow::Utf8);
        assert_eq!(encoding.of(latin), OneRow::Neither);
        assert_eq!(RowEncoding::new(Some(Encoding::Utf8), unknown).of(latin), OneRow::Neither);
        assert_eq!(RowEncoding::new(None, detected(Encoding::Utf8, true)).of(latin), OneRow::Neither);
        let mut declared = RowEncoding::new(Some(Encoding::Windows1252), detected(Encoding::Windows1252, false));
        assert_eq!(declared.of("ö".as_bytes()).text("ö".as_bytes()), "Ã¶", "the declaration decides");
        assert!(!declared.is_assumed);
    }
}
