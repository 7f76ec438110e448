//! Formats log lines: one line per event. A value cannot end the line, move the cursor or change the reading direction.
//!
//! Values come from untrusted sources (a directory's message, a device's error text). A raw newline would let them
//! forge a line. ESC sequences and bidirectional overrides would change what a terminal shows.

use std::borrow::Cow;
use std::fmt::{self, Debug};
use std::io::{self, Write};
use tracing_subscriber::field::{MakeExt as _, RecordFields};
use tracing_subscriber::fmt::format::{FormatFields, Writer, debug_fn};

/// Returns whether a character must be escaped: control characters (C0, DEL, C1), line and paragraph separators, and
/// invisible format characters, which include the bidirectional ones (Unicode TR36 section 2.5).
fn escapes(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Returns the text with such characters escaped, as in `\n` or `\u{202e}`.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(escapes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if escapes(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// Formats the fields of an event or span for text lines: the message as it is, other fields as `name=value`, all
/// escaped.
#[derive(Clone, Copy, Default)]
pub(crate) struct EscapedFields;

impl<'w> FormatFields<'w> for EscapedFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        debug_fn(|writer, field, value: &dyn Debug| {
            let value = format!("{value:?}");
            match field.name() {
                "message" => write!(writer, "{}", escaped(&value)),
                name => write!(writer, "{name}={}", escaped(&value)),
            }
        })
        .delimited(" ")
        .format_fields(writer, fields)
    }
}

/// Writer for whole JSON lines. Writes such characters as `\u202e`. JSON permits them raw, but only inside strings; the
/// only one outside a string is the line end.
pub(crate) struct JsonLines<W>(pub W);

impl<W: Write> Write for JsonLines<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        match text.contains(|c| c != '\n' && escapes(c)) {
            true => self.0.write_all(json_escaped(&text).as_bytes())?,
            false => self.0.write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

pub(crate) fn json_escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if c == '\n' || !escapes(c) {
            out.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::Layer as _;
    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::layer::SubscriberExt as _;

    const FORGED: &str =
        "wrong\n2026-01-01T00:00:00Z ERROR muster: forged\r\x1b[2J\u{9b}31m\u{202e}txt\u{2028}\u{7f}\0end";

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Kept {
        type Writer = Kept;

        fn make_writer(&'a self) -> Kept {
            self.clone()
        }
    }

    /// Returns the output for an event whose message, fields and span contain forged text.
    fn written(json: bool) -> String {
        let kept = Kept::default();
        let to = kept.clone();
        let layer = match json {
            true => super::super::json(move || JsonLines(to.clone())).boxed(),
            false => super::super::text(to, false).boxed(),
        };
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let _in = tracing::error_span!("request", route = FORGED).entered();
            tracing::warn!(why = FORGED, error = %FORGED, other = ?Some(FORGED), "refused: {FORGED}");
        });
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_value_neither_ends_a_line_nor_moves_the_cursor_nor_turns_the_text() {
        for json in [false, true] {
            let text = written(json);
            let line = text.strip_suffix('\n').expect("a line ends");
            assert!(!line.contains(escapes), "{line:?}");
            assert!(line.contains("forged") && line.contains("end"), "{line}");
        }
    }

    #[test]
    fn a_line_of_json_reads_back_as_what_was_said() {
        let line: serde_json::Value = serde_json::from_str(&written(true)).unwrap();
        assert_eq!(line["message"], format!("refused: {FORGED}"));
        assert_eq!((&line["why"], &line["error"]), (&FORGED.into(), &FORGED.into()));
    }

    #[test]
    fn what_harms_nobody_stays_as_it_is() {
        for plain in ["Zoë's iPhone 📱", "東京", "שלום", "a\\b \"c\""] {
            assert_eq!(escaped(plain), plain);
        }
        assert_eq!(escaped("a\nb\u{202e}"), "a\\nb\\u{202e}");
    }
}
